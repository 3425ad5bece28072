"""The table that responses are read into: one row a response. What was not reported is null, never zero."""

from __future__ import annotations

from typing import Any, get_args

import msgspec

from unimeter.extras import needs
from unimeter.metrics import TokenField
from unimeter.reading import Reading

with needs("batch"):
    import pyarrow as pa

TOKENS: tuple[str, ...] = get_args(TokenField)

SCHEMA = pa.schema(
    [
        pa.field("provider", pa.string()),
        pa.field("model", pa.string()),
        pa.field("id", pa.string()),
        *(pa.field(name, pa.int64()) for name in TOKENS),
        pa.field("cost", pa.float64()),
        pa.field("reported", pa.list_(pa.string())),
        pa.field("unaccounted", pa.int64()),
        pa.field("complete", pa.bool_()),
        pa.field("provider_metrics", pa.string()),
        pa.field("error", pa.string()),
    ]
)
"""The columns of a reading; `error` is null where there is one, and all else is where there is none."""

_SUMS = {"total_tokens": ("input_tokens", "output_tokens"), "audio_total_tokens": ("audio_input_tokens", "audio_output_tokens")}
"""Sums of ours, which are told where one of their parts is."""


class Rows:
    """Readings and errors, row by row, as columns."""

    def __init__(self) -> None:
        self._columns: dict[str, list[Any]] = {name: [] for name in SCHEMA.names}

    def add(self, reading: Reading) -> None:
        """A row with a reading."""
        metrics, reported = reading.metrics, reading.reported
        row = {name: getattr(metrics, name) if name in reported else None for name in (*TOKENS, "cost")}
        for name, parts in _SUMS.items():
            row[name] = None if reported.isdisjoint(parts) else getattr(metrics, name)
        own = metrics.provider_metrics
        self._append(
            **row,
            provider=reading.provider,
            model=reading.model,
            id=reading.id,
            reported=sorted(reported),
            unaccounted=reading.unaccounted,
            complete=reading.complete,
            provider_metrics=None if own is None else msgspec.json.encode(own).decode(),
        )

    def add_error(self, error: str) -> None:
        """A row that could not be read."""
        self._append(error=error)

    def _append(self, **row: Any) -> None:
        for name, column in self._columns.items():
            column.append(row.get(name))

    def batch(self) -> pa.RecordBatch:
        """All of it."""
        columns = [pa.array(column, SCHEMA.field(name).type) for name, column in self._columns.items()]
        return pa.record_batch(columns, schema=SCHEMA)
