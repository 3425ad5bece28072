"""The table that responses are read into: one row a response. What was not reported is null, never zero."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import get_args

import msgspec

from unimeter.batch.parts import NAMES, Part, Row, failed, part_of, rows_of
from unimeter.compiler import TOLD
from unimeter.extras import needs
from unimeter.metrics import TokenField

with needs("batch"):
    import pyarrow as pa
    import pyarrow.compute as pc

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
        pa.field("parts", pa.string()),
        pa.field("error", pa.string()),
    ]
)
"""The columns of a reading; `error` is null where there is one, and all else is where there is none.

The `error` of a request that failed begins with `FailedRequest: `: no call was made, so it is no call without usage.

`provider_metrics` and `parts` are JSON. As in a `Reading`, no other column includes what is in `parts`.
"""

_REPORTED = (*TOLD, "total_tokens")
_encode_lines = msgspec.json.Encoder(order="deterministic").encode_lines  # the same however a row was read


def table_of(parts: Sequence[Part]) -> pa.RecordBatch:
    """The rows in some parts as a table, in their order. A row that no table can hold is one with an error."""
    try:
        return _table_of(parts)
    except _UNWRITABLE:
        return _table_of([part_of(part.at, [_writable(row) for row in rows_of(part)]) for part in parts])


_UNWRITABLE = (OverflowError, UnicodeError, pa.ArrowInvalid)
"""What is raised for figures beyond 2**63 - 1 (each may be less, and their sum more), and for text that is no text."""


def _writable(row: Row) -> Row:
    try:
        _table_of([part_of([0], [row])])
    except _UNWRITABLE:
        return failed("MalformedUsage: a sum of its figures is beyond 2**63 - 1, or a name in it is no text")
    return row


def _table_of(parts: Sequence[Part]) -> pa.RecordBatch:
    columns = {name: _column(name, parts) for name in NAMES if name != "provider_metrics"}
    columns["provider_metrics"] = _as_json(parts)
    order = [at for part in parts for at in part.at]
    if order != [*range(len(order))]:
        there = pc.inverse_permutation(pa.array(order, pa.int64()))
        columns = {name: column.take(there) for name, column in columns.items()}
    columns["total_tokens"] = _sum(columns["input_tokens"], columns["output_tokens"])
    columns["audio_total_tokens"] = _sum(columns["audio_input_tokens"], columns["audio_output_tokens"])
    is_read = pc.is_null(columns["error"])
    none = pa.scalar(None, pa.int64())
    ours = pc.fill_null(columns["total_tokens"], 0)
    columns["unaccounted"] = pc.if_else(is_read, pc.fill_null(pc.subtract_checked(columns["total"], ours), 0), none)
    columns["reported"] = _reported([*(columns[name] for name in TOLD), columns["total"]], is_read)
    return pa.record_batch([columns[name] for name in SCHEMA.names], schema=SCHEMA)


def _column(name: str, parts: Sequence[Part]) -> pa.Array:
    kind = pa.int64() if name == "total" else SCHEMA.field(name).type
    held = []
    for part in parts:
        if name in part.columns:
            held.append(pa.array(part.columns[name], kind))
        else:
            held.append(pa.repeat(pa.scalar(part.same(name), kind), len(part.at)))
    return pa.concat_arrays(held) if held else pa.array([], kind)


def _sum(one: pa.Array, two: pa.Array) -> pa.Array:
    """The sum of two columns: null where both are."""
    both = pc.add_checked(pc.fill_null(one, 0), pc.fill_null(two, 0))
    return pc.if_else(pc.or_(pc.is_valid(one), pc.is_valid(two)), both, pa.scalar(None, pa.int64()))


def _as_json(parts: Sequence[Part]) -> pa.Array:
    """The providers' own metrics as JSON, encoded and split all at once."""
    encoded = b"".join(
        _encode_lines(part.columns["provider_metrics"]) if "provider_metrics" in part.columns else b"null\n" * len(part.at)
        for part in parts
    )
    if not encoded:
        return pa.array([], pa.string())
    lines = pa.LargeStringArray.from_buffers(1, _bounds(encoded), pa.py_buffer(encoded))
    texts = pc.split_pattern(lines, "\n").values.cast(pa.string())
    return pc.if_else(pc.equal(texts, "null"), pa.scalar(None, pa.string()), texts)


def _bounds(text: bytes) -> pa.Buffer:
    """Where a text begins and ends but for its last newline, as Arrow has it."""
    return pa.py_buffer(struct.pack("=qq", 0, len(text) - 1))


def _reported(columns: list[pa.Array], is_read: pa.Array) -> pa.Array:
    """For each row the names of the columns in which it has something; none where it was not read."""
    held = is_read.cast(pa.int16())
    for at, column in enumerate(columns, 1):
        if column.null_count < len(column):
            held = pc.bit_wise_or(held, pc.shift_left(pc.is_valid(column).cast(pa.int16()), pa.scalar(at, pa.int16())))
    held = held.dictionary_encode()
    names = [_names_of(bits) for bits in held.dictionary.to_pylist()]
    return pa.array(names, SCHEMA.field("reported").type).take(held.indices)


def _names_of(bits: int) -> list[str] | None:
    return sorted(name for at, name in enumerate(_REPORTED, 1) if bits & (1 << at)) if bits & 1 else None
