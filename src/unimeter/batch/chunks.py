"""Files of responses as chunks that can be read apart: by a process each, and again after a kill."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from unimeter.batch.logs import LOGS, Call
from unimeter.batch.normalize import holds_words, payloads_in, words_in
from unimeter.batch.texts import Texts
from unimeter.extras import needs
from unimeter.structs import UNREADABLE, attribute, decoder
from unimeter.wire.json import NotJSON, loads

with needs("batch"):
    import pyarrow as pa
    import pyarrow.parquet as pq

BYTES = 16 * 1024 * 1024
"""About how much of a file is one chunk."""

_LONGEST = 64 * 1024
"""How far most last lines go beyond their chunk, at most."""
_SPACE = ord(" ")

_CODECS = {".gz": "gzip", ".zst": "zstd", ".bz2": "bz2"}
COMPRESSED = tuple(_CODECS)
LINES = (".jsonl", ".ndjson", ".json")


class Chunk(NamedTuple):
    """A piece of a file. Where it begins and ends decides on its rows alone, so that they are the same each time."""

    number: int
    path: str
    start: int
    end: int
    """Bytes of a file of lines, as it is when it is undone; rows of a Parquet file."""
    lines: bytes | None = None
    """The lines themselves, of a file that is compressed, or of a pipe."""
    streamed: bool = False
    """Whether it is of a pipe, which is read once: another job may find something else in it."""


class NoInput(ValueError):
    """There is nothing to read where it was said to be."""


def files(inputs: Iterable[str], out: Path | None = None) -> list[Path]:
    """The files among some files and folders, in order; of folders none that is hidden, nor the output of an earlier job.

    A file that is given twice is there once, under the name that comes first: by another path, in a folder that is given as
    well, by a symbolic or a hard link.

    Args:
        inputs: files and folders.
        out: the file that will be written.

    Raises:
        NoInput: one does not exist, or holds nothing that could be read, or is the file that will be written.
    """
    found: dict[Any, Path] = {}
    for given in inputs:
        path = Path(given)
        with _naming(path):
            if not path.exists():
                raise NoInput(f"{given}: no such file")
            if out is not None and path.resolve() == out.resolve():
                raise NoInput(f"{given}: this is the file that will be written")
            inside = _files_in(path) if path.is_dir() else [path]
            inside = [one for one in inside if out is None or one.resolve() != out.resolve()]
            if not inside:
                raise NoInput(f"{given}: no files of lines or Parquet in it")
            for one in inside:
                found.setdefault(_identity(one), one)
    return list(found.values())


def _files_in(folder: Path) -> list[Path]:
    """The files in a folder that can be read, in order. A folder in it that may not be looked into is an error, as all else
    that would leave out responses."""
    inside: list[Path] = []
    for place, folders, names in os.walk(folder, onerror=_fail):
        folders[:] = [name for name in folders if not name.startswith(".")]
        inside += (one for name in names if _is_input(one := Path(place, name)))
    return sorted(inside)


def _fail(error: OSError) -> None:
    raise error


def _identity(path: Path) -> Any:
    about = path.stat()
    return (about.st_dev, about.st_ino) if about.st_ino else path.resolve()  # some file systems number no files


def version_of(path: Path) -> list[str | int | None]:
    """What a file is known by, as long as nobody writes to it. Of a pipe, nothing tells what is in it."""
    with _naming(path):
        about = path.stat()
    return [str(path), about.st_size, about.st_mtime_ns] if path.is_file() else [str(path), None, None]


def check_columns(paths: Iterable[Path], column: str, words: Iterable[str]) -> None:
    """See that the columns that are asked for are there in the Parquet files.

    Args:
        paths: the files.
        column: the column where the responses stand.
        words: columns that hold texts.

    Raises:
        NoInput: one is not, or holds no texts, or a file cannot be read.
    """
    for path in paths:
        if path.name.endswith(".parquet"):
            with _naming(path):
                if not path.is_file():
                    raise NoInput(f"{path}: Parquet is read from files only")
                there = pq.read_schema(path)
            if (missing := next((name for name in (column, *words) if name not in there.names), None)) is not None:
                raise NoInput(f"{path}: there is no column {missing!r}, only {', '.join(there.names)}")
            if (other := next((name for name in words if not holds_words(there.field(name).type)), None)) is not None:
                raise NoInput(f"{path}: the column {other!r} holds {there.field(other).type}, not texts")


@contextmanager
def _naming(path: Path | str) -> Iterator[None]:
    """Say of which file it is that it cannot be read."""
    try:
        yield
    except (pa.ArrowInvalid, OSError) as error:
        raise NoInput(f"{path}: it cannot be read: {error}") from None


def _is_input(path: Path) -> bool:
    name = path.name.removesuffix(_compression(path))
    return not path.name.startswith(".") and name.endswith((*LINES, ".parquet")) and path.is_file()


def _compression(path: Path) -> str:
    return path.suffix if path.suffix in COMPRESSED else ""


def chunks(paths: Iterable[Path]) -> Iterator[Chunk]:
    """The chunks of some files, in order; of a large file never more than one is in memory."""
    number = 0
    for path in paths:
        with _naming(path):
            streamed = not path.is_file()
            for start, end, lines in _pieces(path):
                yield Chunk(number, str(path), start, end, lines, streamed)
                number += 1


def _pieces(path: Path) -> Iterator[tuple[int, int, bytes | None]]:
    if path.name.endswith(".parquet"):
        rows = 0
        with pq.ParquetFile(path) as file:
            for group in range(file.num_row_groups):
                count = file.metadata.row_group(group).num_rows
                yield rows, rows + count, None
                rows += count
    elif _compression(path) or not path.is_file():
        yield from _undone(path)
    else:
        size = path.stat().st_size
        for start in range(0, size, BYTES):
            yield start, min(start + BYTES, size), None


def _undone(path: Path) -> Iterator[tuple[int, int, bytes]]:
    at, rest = 0, b""
    # A pipe is opened here: while Arrow waited for one, Ctrl-C would be an error of its own.
    with path.open("rb") as file, pa.input_stream(file, compression=_CODECS.get(path.suffix)) as stream:
        while block := stream.read(BYTES):
            lines, newline, tail = (rest + block).rpartition(b"\n")
            if newline:
                yield at, at + len(lines) + 1, lines
                at += len(lines) + 1
            rest = tail
    if rest:
        yield at, at + len(rest), rest


class Rows(NamedTuple):
    """Rows of a chunk: where each stands, and what stands there."""

    positions: list[int]
    """Where a line begins in its file, in bytes; of a Parquet file, the row."""
    payloads: list[Texts | list[Any]]
    providers: list[Any] | None
    urls: list[Any] | None


def rows_of(chunk: Chunk, column: str, provider: str | None, url: str | None, log: str | None = None) -> Iterator[Rows]:
    """The rows of a chunk; nothing of one that is empty.

    Args:
        chunk: the chunk.
        column: the column of a Parquet file where the responses stand.
        provider: the column that names the provider of each; in lines, where in each the name stands.
        url: the same for the url of each call.
        log: whose log it is, by the names of `LOGS`.
    """
    if chunk.path.endswith(".parquet"):
        yield from _of_parquet(chunk, column, provider, url)
        return
    with _naming(chunk.path):
        positions, texts = _lines(chunk)
    if not positions:
        return
    if log is not None:
        yield _calls(positions, texts, LOGS[log])
        return
    told = (None if path is None else _words(chunk, texts, path) for path in (provider, url))
    yield Rows(positions, [texts], *told)


def _calls(positions: list[int], texts: Texts, calls_of: Callable[[Any], Iterator[Call]]) -> Rows:
    """The calls in lines of a log: none, one or many in each. A line that is none of the log's is a row, for its error."""
    held_at: list[int] = []
    payloads: list[Any] = []
    providers: list[Any] = []
    for at, line in zip(positions, texts.bodies(), strict=True):
        try:
            held = loads(line)
        except NotJSON:
            held = None
        for payload, provider in calls_of(held) if isinstance(held, dict) else [(line, None)]:
            held_at.append(at)
            payloads.append(payload)
            providers.append(provider)
    return Rows(held_at, [payloads], providers, None)


def _words(chunk: Chunk, texts: Texts, path: str) -> list[str | None]:
    """The word at a path in each line: in the first lines of a file there must be one, or the path is wrong."""
    words = list(map(word_at(path), texts.bodies()))
    if words and not chunk.start and not any(words):
        raise NoInput(f"{chunk.path}: no line has a text at {path!r}")
    return words


@lru_cache(maxsize=8)
def word_at(path: str) -> Callable[[bytes], str | None]:
    """A function that tells the word at a path in a line; None where there is none. What is wrong with it, its reading says."""
    names = tuple(path.split("."))
    decode, attributes = decoder(names), [attribute(name) for name in names]

    def word(line: bytes) -> str | None:
        try:
            found = decode(line)
        except UNREADABLE:
            return None
        for name in attributes:
            found = getattr(found, name, None)
        return found if isinstance(found, str) else None

    return word


def _lines(chunk: Chunk) -> tuple[list[int], Texts]:
    """The lines that begin in a chunk, and where each does in its file."""
    first, text, size = _text(chunk)
    starts, ends = [], []
    start = 0
    while start < size:
        end = text.find(b"\n", start)
        if end < 0:
            end = len(text)
        if end > start and (text[start] > _SPACE or text[start:end].strip()):
            starts.append(start)
            ends.append(end)
        start = end + 1
    return [first + start for start in starts], Texts(text, starts, ends)


def _text(chunk: Chunk) -> tuple[int, bytes, int]:
    """Where the first line that begins in a chunk does; a text with all that do; and how much of it is the chunk's."""
    if chunk.lines is not None:
        return chunk.start, chunk.lines, len(chunk.lines)
    with Path(chunk.path).open("rb") as file:
        if chunk.start:
            file.seek(chunk.start - 1)
            file.readline()  # the line that began before
        at = file.tell()
        if at >= chunk.end:
            return at, b"", 0
        size = chunk.end - at
        text = file.read(size + _LONGEST)
        if text.find(b"\n", size - 1) < 0:  # the last line is longer still
            text += file.readline()
        return at, text, size


def _of_parquet(chunk: Chunk, column: str, provider: str | None, url: str | None) -> Iterator[Rows]:
    others = [name for name in dict.fromkeys((provider, url)) if name]
    with _naming(chunk.path), pq.ParquetFile(chunk.path) as file:
        row = 0
        for group in range(file.num_row_groups):
            if row == chunk.start:
                for batch in file.read_row_group(group, [column, *others]).to_batches():
                    if not len(batch):
                        continue
                    told = (None if name is None else words_in(batch.column(name), name) for name in (provider, url))
                    yield Rows([*range(row, row + len(batch))], list(payloads_in(batch.column(column))), *told)
                    row += len(batch)
                return
            row += file.metadata.row_group(group).num_rows
