"""A job: files in, one file out. Each chunk is a part that is written aside; the parts then become the file.

A part is whole or not there. After a kill the parts that are there are taken as they are, and the rest is read.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import asdict, dataclass, replace
from itertools import chain, islice
from multiprocessing import get_context, parent_process
from pathlib import Path
from threading import Thread
from typing import Any

from unimeter.batch.chunks import Chunk, check_columns, chunks, files, rows_of
from unimeter.batch.columns import SCHEMA, table_of
from unimeter.batch.normalize import bodies_within
from unimeter.batch.summary import Summary
from unimeter.batch.writers import Write, writer_for
from unimeter.extras import needs

with needs("batch"):
    import pyarrow as pa
    import pyarrow.compute as pc


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


class OtherJob(Exception):
    """The parts that are there are of another job."""


OUT = pa.schema([pa.field("row", pa.int64()), pa.field("source", pa.string()), pa.field("position", pa.int64()), *SCHEMA])
"""The columns that are written: where a row stands, and its reading."""


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
        out: the file to write: .parquet, .jsonl or .csv. It is there whole, or not at all.
        options: what is read, and how.
        resume: take the parts that an earlier job with the same inputs and options has left.
        workers: processes; by default one for each core.
        told: is called with each chunk that is read, and its rows.

    Raises:
        NoInput: there is nothing to read, or a file cannot be read.
        BadRow: in a strict job, the first row that cannot be read.
        OtherJob: the parts that are to be taken are of another job.
    """
    paths = files(inputs, out)
    check_columns(paths, options.column, [name for name in (options.provider_column, options.url_column) if name])
    parts = out.parent / f".{out.name}.parts"
    _begin(parts, {"inputs": [_version(path) for path in paths], **asdict(replace(options, strict=False))}, resume)
    summary = Summary()
    new = out.with_name(f".{out.name}.new")
    try:
        with writer_for(out.suffix, new, OUT) as write:
            for chunk, rows in _in_order(_read(chunks(paths), parts, options, workers or os.cpu_count() or 1)):
                _join(_part(parts, chunk.number), summary, write)
                if told is not None:
                    told(chunk, rows)
        new.replace(out)
    finally:
        new.unlink(missing_ok=True)
    shutil.rmtree(parts)
    return summary


def _in_order(done: Iterator[tuple[Chunk, int]]) -> Iterator[tuple[Chunk, int]]:
    """Chunks by their numbers, each as soon as all before it are done."""
    waiting: dict[int, tuple[Chunk, int]] = {}
    following = 0
    for chunk, rows in done:
        waiting[chunk.number] = chunk, rows
        while following in waiting:
            yield waiting.pop(following)
            following += 1


def _version(path: Path) -> list[str | int]:
    """What a file is known by, as long as nobody writes to it."""
    about = path.stat()
    return [str(path), about.st_size, about.st_mtime_ns]


def _begin(parts: Path, job: dict[str, Any], resume: bool) -> None:
    about = parts / "job.json"
    if resume and about.exists():
        if json.loads(about.read_text("utf-8")) != json.loads(json.dumps(job)):
            raise OtherJob(f"{parts} holds parts of a job with other inputs or options; without --resume they are deleted")
        return
    if parts.exists():
        shutil.rmtree(parts)
    parts.mkdir(parents=True)
    _write_aside(about, json.dumps(job).encode())


def _write_aside(path: Path, content: bytes) -> None:
    new = path.with_name(f"{path.name}.new")
    new.write_bytes(content)
    new.replace(path)


def _part(parts: Path, number: int) -> Path:
    return parts / f"{number:08}.arrow"


def _read(waiting: Iterator[Chunk], parts: Path, options: Options, workers: int) -> Iterator[tuple[Chunk, int]]:
    """Read chunks, some at a time; each with its rows when it is done."""
    first = [*islice(waiting, 2)]
    if len(first) == 1:  # no process starts as fast as this is read
        part = _part(parts, first[0].number)
        yield first[0]._replace(lines=None), 0 if part.exists() else read_chunk(first[0], part, options)
        return
    running: dict[Future[int], Chunk] = {}
    with ProcessPoolExecutor(workers, get_context("spawn"), _begin_worker) as pool:
        try:
            for chunk in chain(first, waiting):
                part = _part(parts, chunk.number)
                if part.exists():
                    yield chunk, 0
                    continue
                running[pool.submit(read_chunk, chunk, part, options)] = chunk._replace(lines=None)
                while len(running) >= 2 * workers:
                    yield from _done(running)
            while running:
                yield from _done(running)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _begin_worker() -> None:
    """Leave Ctrl-C to the process that began the job, and end with it, however it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    if (parent := parent_process()) is not None:
        parent.join()
        os._exit(1)


def _done(running: dict[Future[int], Chunk]) -> Iterator[tuple[Chunk, int]]:
    done, _ = wait(running, return_when=FIRST_COMPLETED)
    for future in done:
        yield running.pop(future), future.result()


def read_chunk(chunk: Chunk, part: Path, options: Options) -> int:
    """Read a chunk into its part; how many rows it has."""
    count = 0
    new = part.with_suffix(".new")
    schema = pa.schema([*list(OUT)[1:]])
    bodies = bodies_within(options.response)
    with pa.OSFile(str(new), "wb") as file, pa.ipc.new_file(file, schema) as sink:
        for rows in rows_of(chunk, options.column, options.provider_column, options.url_column, options.log):
            read = table_of(bodies.parts(rows.payloads, options.provider, rows.providers, rows.urls))
            if options.strict and (bad := pc.index(pc.is_valid(read["error"]), True).as_py()) >= 0:
                raise BadRow(f"{chunk.path}, position {rows.positions[bad]}: {read['error'][bad]}")
            source = pa.repeat(pa.scalar(_as_text(chunk.path)), len(read))
            sink.write_batch(pa.record_batch([source, pa.array(rows.positions, pa.int64()), *read.columns], schema=schema))
            count += len(read)
    new.replace(part)
    return count


def _as_text(path: str) -> str:
    """A path as text, what is no text in it in figures."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _join(part: Path, summary: Summary, write: Write) -> None:
    """Write a part to the file that they make."""
    table = pa.ipc.open_file(pa.memory_map(str(part))).read_all()
    ids = pa.array(range(summary.rows, summary.rows + len(table)), pa.int64())
    whole = table.add_column(0, "row", ids)
    write(whole)
    summary.add(whole)
