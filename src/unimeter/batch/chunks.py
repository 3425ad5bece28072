"""Files of responses as chunks that can be read apart: by a process each, and again after a kill."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from unimeter.extras import needs

with needs("batch"):
    import pyarrow as pa
    import pyarrow.parquet as pq

BYTES = 8 * 1024 * 1024
"""About how much of a file is one chunk."""

COMPRESSED = (".gz", ".zst", ".bz2")
LINES = (".jsonl", ".ndjson", ".json")
POSITION = {"source": pa.string(), "position": pa.int64()}


class Chunk(NamedTuple):
    """A piece of a file. Where it begins and ends decides on its rows alone, so that they are the same each time."""

    number: int
    path: str
    start: int
    end: int
    """Bytes of a file of lines, as it is when it is undone; rows of a Parquet file."""
    lines: bytes | None = None
    """The lines themselves, of a file that is compressed."""


class NoInput(ValueError):
    """There is nothing to read where it was said to be."""


def files(inputs: Iterable[str]) -> list[Path]:
    """The files among some files and folders, in order.

    Raises:
        NoInput: one does not exist, or holds nothing that could be read.
    """
    found: list[Path] = []
    for given in inputs:
        path = Path(given)
        inside = sorted(one for one in path.rglob("*") if one.is_file() and _is_input(one)) if path.is_dir() else [path]
        if not inside or not path.exists():
            raise NoInput(f"{given}: {'no files of lines or Parquet in it' if path.is_dir() else 'no such file'}")
        found += inside
    return found


def check_columns(paths: Iterable[Path], column: str, others: tuple[str, ...]) -> None:
    """See that the columns that are asked for are there: one that is not would be passed over.

    Raises:
        NoInput: a Parquet file has no such column, or a file of lines no columns at all.
    """
    for path in paths:
        if not path.name.endswith(".parquet"):
            if others:
                raise NoInput(f"{path}: lines have no column {others[0]!r}")
            continue
        names = pq.read_schema(path).names
        if (missing := next((name for name in (column, *others) if name not in names), None)) is not None:
            raise NoInput(f"{path}: there is no column {missing!r}, only {', '.join(names)}")


def _is_input(path: Path) -> bool:
    return path.name.removesuffix(_compression(path)).endswith((*LINES, ".parquet"))


def _compression(path: Path) -> str:
    return path.suffix if path.suffix in COMPRESSED else ""


def chunks(paths: Iterable[Path]) -> Iterator[Chunk]:
    """The chunks of some files, in order; of a large file never more than one is in memory."""
    number = 0
    for path in paths:
        for start, end, lines in _pieces(path):
            yield Chunk(number, str(path), start, end, lines)
            number += 1


def _pieces(path: Path) -> Iterator[tuple[int, int, bytes | None]]:
    if path.name.endswith(".parquet"):
        rows = 0
        with pq.ParquetFile(path) as file:
            for group in range(file.num_row_groups):
                count = file.metadata.row_group(group).num_rows
                yield rows, rows + count, None
                rows += count
    elif _compression(path):
        yield from _undone(path)
    else:
        size = path.stat().st_size
        for start in range(0, size, BYTES):
            yield start, min(start + BYTES, size), None


def _undone(path: Path) -> Iterator[tuple[int, int, bytes]]:
    at, rest = 0, b""
    with pa.input_stream(str(path), compression="detect") as stream:
        while block := stream.read(BYTES):
            lines, newline, tail = (rest + block).rpartition(b"\n")
            if newline:
                yield at, at + len(lines) + 1, lines
                at += len(lines) + 1
            rest = tail
    if rest:
        yield at, at + len(rest), rest


def rows_of(chunk: Chunk, column: str, others: tuple[str, ...]) -> Iterator[pa.RecordBatch]:
    """The rows of a chunk: where each stands, what stands there, and the columns that tell of it."""
    if chunk.path.endswith(".parquet"):
        yield from _of_parquet(chunk, column, others)
        return
    positions, lines = [], []
    for position, line in _lines(chunk):
        if line.strip():
            positions.append(position)
            lines.append(line)
    yield pa.record_batch({"source": [chunk.path] * len(lines), "position": positions, column: pa.array(lines, pa.binary())})


def _lines(chunk: Chunk) -> Iterator[tuple[int, bytes]]:
    """The lines that begin in a chunk."""
    if chunk.lines is not None:
        at = chunk.start
        for line in chunk.lines.split(b"\n"):
            yield at, line
            at += len(line) + 1
        return
    with Path(chunk.path).open("rb") as file:
        if chunk.start:
            file.seek(chunk.start - 1)
            file.readline()  # the line that began before
        while (at := file.tell()) < chunk.end and (line := file.readline()):
            yield at, line.rstrip(b"\r\n")


def _of_parquet(chunk: Chunk, column: str, others: tuple[str, ...]) -> Iterator[pa.RecordBatch]:
    with pq.ParquetFile(chunk.path) as file:
        row = 0
        for group in range(file.num_row_groups):
            if row == chunk.start:
                for batch in file.read_row_group(group, [column, *others]).to_batches():
                    where = {"source": pa.array([chunk.path] * len(batch)), "position": pa.array(range(row, row + len(batch)))}
                    yield pa.record_batch({**where, **{name: batch.column(name) for name in batch.schema.names}})
                    row += len(batch)
                return
            row += file.metadata.row_group(group).num_rows
