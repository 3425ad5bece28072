"""Tables as files: Parquet, JSON lines, CSV."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from unimeter.batch.formulas import harmless_column
from unimeter.extras import needs

with needs("batch"):
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.csv
    import pyarrow.parquet as pq

SUFFIXES = (".parquet", ".jsonl", ".csv")

_GROUP = 2**15
"""How many rows make a row group of Parquet, and what comes with the last of them: they are held until it is written."""

Write = Callable[["pa.Table"], None]


def check_suffix(out: Path) -> None:
    """See that a file can be written in the form that its suffix names.

    Raises:
        ValueError: no form has it.
    """
    if out.suffix not in SUFFIXES:
        raise ValueError(f"{out}: a file is written as {', '.join(SUFFIXES)}, not as {out.suffix or 'one without a suffix'}")


@contextmanager
def writer_for(suffix: str, path: Path, schema: pa.Schema) -> Iterator[Write]:
    """What writes tables to a file, in the form that a suffix names: one of `SUFFIXES`."""
    if suffix == ".parquet":
        with pq.ParquetWriter(path, schema, compression="zstd") as parquet:
            groups = _Groups(parquet.write_table)
            yield groups.add
            groups.write()
    elif suffix == ".jsonl":
        encoder = msgspec.json.Encoder()
        with path.open("wb") as lines:
            yield lambda table: lines.writelines(encoder.encode(row) + b"\n" for row in table.to_pylist())
    else:
        flat = pa.schema([field.with_type(pa.string()) if pa.types.is_list(field.type) else field for field in schema])
        with pa.csv.CSVWriter(path, flat) as csv:
            yield lambda table: csv.write_table(_flat(table, flat))


class _Groups:
    """Tables, gathered until they are a row group."""

    def __init__(self, write: Write) -> None:
        self._write = write
        self._held: list[pa.Table] = []

    def add(self, table: pa.Table) -> None:
        self._held.append(table)
        if sum(map(len, self._held)) >= _GROUP:
            self.write()

    def write(self) -> None:
        if self._held:
            self._write(pa.concat_tables(self._held))
            self._held.clear()


def _flat(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """With lists as words between spaces, and no text that a spreadsheet would run."""
    columns = [pc.binary_join(column, " ") if pa.types.is_list(column.type) else column for column in table.columns]
    columns = [harmless_column(column) if pa.types.is_string(column.type) else column for column in columns]
    return pa.table(columns, schema=schema)
