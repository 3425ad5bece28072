"""A job: files in, one file out. Each chunk is a part that is written aside; the parts then become the file.

A part is whole or not there. After a kill the parts that are there are taken as they are, and the rest is read.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from itertools import chain, islice
from multiprocessing import get_context
from pathlib import Path

from unimeter.batch.chunks import Chunk, NoInput, check_columns, chunks, files, rows_of, version_of
from unimeter.batch.columns import SCHEMA, table_of
from unimeter.batch.lock import locked
from unimeter.batch.normalize import bodies_within
from unimeter.batch.output import OutputError, checked, writing
from unimeter.batch.parts import FAILED_REQUEST
from unimeter.batch.resume import OtherJob, begin, clear, opened, part_path, stamped
from unimeter.batch.summary import Summary
from unimeter.batch.workers import begin_worker, interrupts_held
from unimeter.batch.writers import Write, check_suffix, writer_for
from unimeter.extras import needs

with needs("batch"):
    import pyarrow as pa
    import pyarrow.compute as pc

__all__ = ["OUT", "BadRow", "Options", "OtherJob", "read_chunk", "run"]


@dataclass(frozen=True)
class Options:
    """What is read, and how."""

    column: str = "response"
    provider: str | None = None
    provider_column: str | None = None
    url_column: str | None = None
    response: str | None = None
    strict: bool = False
    log: str | None = None
    """Whose log the files are, by the names of `logs.LOGS`."""


class BadRow(Exception):
    """A row that could not be read, in a strict job."""


OUT = pa.schema([pa.field("row", pa.int64()), pa.field("source", pa.string()), pa.field("position", pa.int64()), *SCHEMA])
"""The columns that are written: where a row stands, and its reading."""
_PART = pa.schema(list(OUT)[1:])
"""The columns of a part: which row of the whole one is, is not known yet."""


def run(
    inputs: list[str],
    out: Path,
    options: Options,
    *,
    resume: bool = False,
    workers: int | None = None,
    told: Callable[[Chunk, int], None] | None = None,
) -> Summary:
    """Read all responses in some files, and write their readings to one.

    Args:
        inputs: files of lines (plain, gzip'd, zstd) or Parquet, or folders of such.
        out: the file to write: .parquet, .jsonl or .csv. It is there whole, or not at all. One job writes it at a time.
        options: what is read, and how.
        resume: take the parts that an earlier job with the same inputs and options has left.
        workers: processes; by default one for each core.
        told: is called with each chunk that is read, and its rows.

    Raises:
        NoInput: there is nothing to read, or a file cannot be read.
        BadRow: in a strict job, the first row that cannot be read. A request that failed is not one.
        OtherJob: the parts that are to be taken are of another job, or another version of unimeter wrote them.
        OutputError: the output cannot be written; `OutputInUse`, because another job is writing it.
        ValueError: no file is written with such a suffix.
    """
    check_suffix(out)
    real = checked(out)
    paths = files(inputs, real)
    check_columns(paths, options.column, [name for name in (options.provider_column, options.url_column) if name])
    parts = real.parent / f".{real.name}.parts"
    if parts.is_symlink():  # what it points to is not ours to delete
        raise OutputError(f"{out}: it cannot be written: {parts} is a symbolic link")
    job = {"inputs": [version_of(path) for path in paths], **asdict(replace(options, strict=False))}
    with locked(parts, out):
        with writing(out):
            begin(parts, job, resume)
        done = _in_order(_read(chunks(paths), parts, options, workers or os.cpu_count() or 1, out))
        summary = _write(done, parts, real, out, told)
        if summary is None:
            with writing(out):
                clear(parts, whole=True)
            raise NoInput(f"{paths[0]}: it is empty" if len(paths) == 1 else f"all {len(paths)} files are empty")
    return summary


def _write(
    done: Iterator[tuple[Chunk, int]], parts: Path, real: Path, out: Path, told: Callable[[Chunk, int], None] | None
) -> Summary | None:
    """Write the file from its parts as they are done, and delete them; None if nothing was in any of them."""
    summary = Summary()
    new = real.with_name(f".{real.name}.new")
    is_empty = True
    try:
        with _guarded(writer_for(real.suffix, new, OUT), out) as write:
            for chunk, rows in done:
                is_empty = not _join(part_path(parts, chunk.number), summary, write) and is_empty
                if told is not None:
                    told(chunk, rows)
        if is_empty:
            return None
        with writing(out):
            new.replace(real)
            clear(parts, whole=True)
    finally:
        with suppress(OSError):
            new.unlink(missing_ok=True)
    return summary


@contextmanager
def _guarded(writer: AbstractContextManager[Write], out: Path) -> Iterator[Write]:
    """A writer whose own failures are `OutputError`s. What fails in the block but is not its doing passes as it is."""
    with writing(out):
        write = writer.__enter__()

    def guarded(table: pa.Table) -> None:
        with writing(out):
            write(table)

    try:
        yield guarded
    except BaseException:
        with suppress(Exception):  # closing a file that could not be written fails again, and says less
            writer.__exit__(*sys.exc_info())
        raise
    with writing(out):
        writer.__exit__(None, None, None)


def _in_order(done: Iterator[tuple[Chunk, int]]) -> Iterator[tuple[Chunk, int]]:
    """Chunks by their numbers, each as soon as all before it are done."""
    waiting: dict[int, tuple[Chunk, int]] = {}
    following = 0
    for chunk, rows in done:
        waiting[chunk.number] = chunk, rows
        while following in waiting:
            yield waiting.pop(following)
            following += 1


def _read(waiting: Iterator[Chunk], parts: Path, options: Options, workers: int, out: Path) -> Iterator[tuple[Chunk, int]]:
    """Read chunks, some at a time; each with its rows when it is done."""
    first = [*islice(waiting, 2)]
    if len(first) == 1:  # no process starts as fast as this is read
        chunk, part = first[0], part_path(parts, first[0].number)
        is_done = part.exists() and not chunk.streamed
        yield chunk._replace(lines=None), 0 if is_done else read_chunk(chunk, part, options, out)
        return
    streamed = False
    """Whether a pipe was read: what it held in the earlier job is not known, so no part after it is taken from there."""
    running: dict[Future[int], Chunk] = {}
    with ProcessPoolExecutor(workers, get_context("spawn"), begin_worker) as pool:
        try:
            for chunk in chain(first, waiting):
                part = part_path(parts, chunk.number)
                streamed = streamed or chunk.streamed
                if part.exists() and not streamed:
                    yield chunk._replace(lines=None), 0
                    continue
                with interrupts_held():
                    future = pool.submit(read_chunk, chunk, part, options, out)
                running[future] = chunk._replace(lines=None)
                while len(running) >= 2 * workers:
                    yield from _done(running)
            while running:
                yield from _done(running)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _done(running: dict[Future[int], Chunk]) -> Iterator[tuple[Chunk, int]]:
    done, _ = wait(running, return_when=FIRST_COMPLETED)
    for future in done:
        yield running.pop(future), future.result()


def read_chunk(chunk: Chunk, part: Path, options: Options, out: Path) -> int:
    """Read a chunk into its part; how many rows it has. `out` is the output, for the message if the part cannot be written."""
    new = part.with_suffix(".new")
    try:
        with writing(out):  # an input that fails is a NoInput already
            count = _read_into(new, chunk, options)
            new.replace(part)
    except BaseException:
        with suppress(OSError):  # on a full disk it would be in the way
            new.unlink(missing_ok=True)
        raise
    return count


def _read_into(new: Path, chunk: Chunk, options: Options) -> int:
    count = 0
    schema = stamped(_PART)
    bodies = bodies_within(options.response)
    with pa.OSFile(str(new), "wb") as file, pa.ipc.new_file(file, schema) as sink:
        for rows in rows_of(chunk, options.column, options.provider_column, options.url_column, options.log):
            read = table_of(bodies.parts(rows.payloads, options.provider, rows.providers, rows.urls))
            if options.strict and (bad := pc.index(_is_unread(read["error"]), True).as_py()) >= 0:
                raise BadRow(f"{chunk.path}, position {rows.positions[bad]}: {read['error'][bad]}")
            source = pa.repeat(pa.scalar(_as_text(chunk.path)), len(read))
            sink.write_batch(pa.record_batch([source, pa.array(rows.positions, pa.int64()), *read.columns], schema=schema))
            count += len(read)
    return count


def _is_unread(errors: pa.Array) -> pa.Array:
    """Which rows could not be read. Of a request that failed it was read that it did."""
    return pc.and_(pc.is_valid(errors), pc.invert(pc.starts_with(errors, FAILED_REQUEST)))


def _as_text(path: str) -> str:
    """A path as text, what is no text in it in figures."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _join(part: Path, summary: Summary, write: Write) -> bool:
    """Write a part to the file that they make. False if the chunk was empty: one of a log may have lines, and no row."""
    reader = opened(part, _PART)
    table = reader.read_all().replace_schema_metadata()
    ids = pa.array(range(summary.rows, summary.rows + len(table)), pa.int64())
    whole = table.add_column(0, "row", ids)
    write(whole)
    summary.add(whole)
    return bool(reader.num_record_batches)
