"""What `unimeter batch` does: reads files of responses into a table, with a bar and a summary."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from pathlib import Path
from time import monotonic

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from unimeter.batch.chunks import Chunk, NoInput, files
from unimeter.batch.figures import FIGURES, SHORT, figure, with_calls
from unimeter.batch.job import BadRow, Options, OtherJob, run
from unimeter.batch.output import OutputError, checked, writing
from unimeter.batch.summary import Summary
from unimeter.batch.writers import SUFFIXES
from unimeter.reading import FailedRequest
from unimeter.summary import printable


def read_files(
    inputs: list[str], out: Path, options: Options, *, resume: bool, workers: int | None, report: Path | None = None
) -> int:
    """Run a job; its exit code.

    0: every row was read. 1: one could not be read. 2: there is nothing to read, or an output cannot be written.
    130: the job was stopped.
    """
    before = _state_of(out)
    try:
        return _read_files(inputs, out, options, resume=resume, workers=workers, report=report)
    except BadRow as error:
        problem, code = str(error), 1
    except (NoInput, OtherJob, OutputError) as error:
        problem, code = str(error), 2
    except BrokenProcessPool:
        problem, code = f"a process that was reading ended; nothing is written to {out}, and --resume goes on", 1
    except KeyboardInterrupt:
        is_written = _state_of(out) != before
        problem = f"stopped; {out} is written" if is_written else f"stopped; nothing is written to {out}, and --resume goes on"
        code = 130
    sys.stderr.write(f"{printable(problem)}\n")
    return code


def _read_files(inputs: list[str], out: Path, options: Options, *, resume: bool, workers: int | None, report: Path | None) -> int:
    if out.suffix not in SUFFIXES:
        raise OutputError(f"{out}: a file is written as {', '.join(SUFFIXES)}")
    if report is not None:
        _check_report(report, out, inputs)
    summary = _with_bar(inputs, out, options, Console(stderr=True), resume=resume, workers=workers)
    _print(table_of(summary))
    if report is not None:
        from unimeter.batch.report import write_report

        write_report(summary, report, out.name)
    return int(bool(summary.unread))


def _state_of(path: Path) -> tuple[int, int] | None:
    """What changes when a file is replaced."""
    try:
        about = path.stat()
    except OSError:
        return None
    return about.st_ino, about.st_mtime_ns


def _print(table: Table) -> None:
    """Print what was read.

    Raises:
        OutputError: standard output cannot be written.
    """
    try:
        with writing("standard output"):
            Console().print(table)
            sys.stdout.flush()
    except OutputError as error:
        if isinstance(error.__cause__, BrokenPipeError):  # the reader has seen enough
            raise error.__cause__ from None
        with suppress(OSError, ValueError):  # what is still buffered would fail again when Python ends
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise


def _check_report(report: Path, out: Path, inputs: list[str]) -> None:
    """See that a report can be written, as far as that is seen before anything is read.

    Raises:
        OutputError: it cannot.
    """
    try:
        import unimeter.batch.report  # noqa: F401
    except ImportError as error:
        raise OutputError(str(error)) from None
    if report.is_dir() or report.resolve() in (out.resolve(), *(path.resolve() for path in files(inputs, out))):
        raise OutputError(f"{report}: the report is a file of its own")
    if not report.parent.is_dir():
        raise OutputError(f"{report}: there is no folder {report.parent}")
    checked(report)


def _with_bar(inputs: list[str], out: Path, options: Options, console: Console, *, resume: bool, workers: int | None) -> Summary:
    columns = (
        *(TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[rate]:,.0f} rows/s")),
        *(TimeElapsedColumn(), TimeRemainingColumn()),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        sizes = {str(path): path.stat().st_size for path in files(inputs, out)}
        task = progress.add_task("reading", total=sum(sizes.values()), rate=0.0)
        began, rows = monotonic(), 0
        done: dict[str, int] = {}

        def told(chunk: Chunk, read: int) -> None:
            nonlocal rows
            rows += read
            done[chunk.path] = max(done.get(chunk.path, 0), chunk.end)
            progress.update(task, completed=_bytes(done, sizes), rate=rows / max(monotonic() - began, 1e-9))

        return run(inputs, out, options, resume=resume, workers=workers, told=told)


def _bytes(done: dict[str, int], sizes: dict[str, int]) -> int:
    """How much is read: of a file whose chunks are no bytes of its own, all or nothing of what it has is not known before."""
    return sum(min(end, sizes.get(path, 0)) for path, end in done.items())


def table_of(summary: Summary) -> Table:
    """What was read, by provider and model, and what was not."""
    table = Table(title=f"{summary.rows:,} rows", caption=SHORT)
    for name in ("provider", "model"):
        table.add_column(name, overflow="fold")
    for name in ("calls", "input", "cached", "output", "cost"):
        table.add_column(name, justify="right")
    for (provider, model), told in sorted(summary.models.items()):
        sums = (with_calls(figure(told, name), told, name) for name in FIGURES)
        table.add_row(escape(provider), escape(model), f"{told['calls']:,}", *sums)
    for error, count in _most(summary.errors.items()):
        what = "[yellow]failed" if error == FailedRequest.__name__ else "[red]not read"
        table.add_row(what, error, f"{count:,}")
    return table


def _most(counts: Iterable[tuple[str, int]]) -> list[tuple[str, int]]:
    return sorted(counts, key=lambda one: -one[1])
