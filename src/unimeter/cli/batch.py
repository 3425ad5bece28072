"""What `unimeter batch` does: reads files of responses into a table, with a bar and a summary."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from time import monotonic

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from unimeter.batch.chunks import Chunk, NoInput, files
from unimeter.batch.figures import FIGURES, SHORT, figure, with_calls
from unimeter.batch.job import BadRow, Options, OtherJob, run
from unimeter.batch.summary import Summary
from unimeter.batch.writers import SUFFIXES


def read_files(
    inputs: list[str], out: Path, options: Options, *, resume: bool, workers: int | None, report: Path | None = None
) -> int:
    """Run a job; its exit code: 0, 1 where a row could not be read, 2 where there is nothing to do, 130 when it is stopped."""
    if out.suffix not in SUFFIXES:
        sys.stderr.write(f"{out}: a file is written as {', '.join(SUFFIXES)}\n")
        return 2
    if report is not None and (problem := _problem(report, out)):
        sys.stderr.write(f"{problem}\n")
        return 2
    console = Console(stderr=True)
    try:
        summary = _with_bar(inputs, out, options, console, resume=resume, workers=workers)
    except (NoInput, OtherJob, BadRow) as error:
        sys.stderr.write(f"{error}\n")
        return 1 if isinstance(error, BadRow) else 2
    except KeyboardInterrupt:
        sys.stderr.write(f"stopped; nothing is written to {out}, and --resume goes on\n")
        return 130
    Console().print(table_of(summary))
    if report is not None:
        from unimeter.batch.report import write_report

        write_report(summary, report, out.name)
    return int(bool(summary.errors))


def _problem(report: Path, out: Path) -> str | None:
    """Why a report could not be written, as far as that is seen before anything is read."""
    try:
        import unimeter.batch.report  # noqa: F401
    except ImportError as error:
        return str(error)
    if report.is_dir() or report.resolve() == out.resolve():
        return f"{report}: the report is a file of its own"
    return None if report.parent.is_dir() else f"{report}: there is no folder {report.parent}"


def _with_bar(inputs: list[str], out: Path, options: Options, console: Console, *, resume: bool, workers: int | None) -> Summary:
    columns = (
        *(TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[rate]:,.0f} rows/s")),
        *(TimeElapsedColumn(), TimeRemainingColumn()),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("reading", total=sum(path.stat().st_size for path in files(inputs, out)), rate=0.0)
        began, rows = monotonic(), 0
        done: dict[str, int] = {}

        def told(chunk: Chunk, read: int) -> None:
            nonlocal rows
            rows += read
            done[chunk.path] = max(done.get(chunk.path, 0), chunk.end)
            progress.update(task, completed=_bytes(done), rate=rows / max(monotonic() - began, 1e-9))

        return run(inputs, out, options, resume=resume, workers=workers, told=told)


def _bytes(done: dict[str, int]) -> int:
    """How much is read: of a file whose chunks are no bytes of its own, all or nothing of what it has is not known before."""
    return sum(min(end, Path(path).stat().st_size) for path, end in done.items())


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
        table.add_row("[red]not read", error, f"{count:,}")
    return table


def _most(counts: Iterable[tuple[str, int]]) -> list[tuple[str, int]]:
    return sorted(counts, key=lambda one: -one[1])
