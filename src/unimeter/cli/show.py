"""What `unimeter read` shows: a table on a terminal, JSON lines elsewhere, a line on standard error for what failed."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.measure import Measurement
from rich.table import Table

from unimeter.cli.sources import Source
from unimeter.errors import UnimeterError
from unimeter.meter import read
from unimeter.reading import Reading
from unimeter.summary import COLUMNS, figure, printable


@dataclass(frozen=True, slots=True)
class Shown:
    """One response, read; or why it could not be."""

    name: str
    reading: Reading | None = None
    problem: str = ""
    expected: bool = False
    """Whether the problem is what the fixture says must come."""

    @classmethod
    def of(cls, source: Source, provider: str | None, url: str | None) -> Shown:
        """Read one source."""
        if source.problem:
            return cls(source.name, problem=source.problem)
        fixture, headers = source.fixture, None
        if fixture is not None:
            provider, url = provider or fixture.wire.provider, url or fixture.url
            headers = fixture.wire.headers or None
        try:
            return cls(source.name, read(source.body, provider, url=url, headers=headers))
        except UnimeterError as error:
            expected = fixture is not None and fixture.expected.error == type(error).__name__
            return cls(source.name, problem=f"{type(error).__name__}: {error}", expected=expected)


def show_json(shown: Iterable[Shown]) -> int:
    """Print JSON lines; the number of responses that could not be read."""
    failed = 0
    for one in shown:
        if one.reading is not None:
            sys.stdout.write(json.dumps({"source": one.name, **one.reading.to_dict()}) + "\n")
        elif one.expected:
            sys.stdout.write(json.dumps({"source": one.name, "error": one.problem}) + "\n")
        else:
            failed += _complain(one)
    return failed


def show_table(shown: Iterable[Shown]) -> int:
    """Print a table; the number of responses that could not be read."""
    console = Console()
    every = list(shown)
    read_ones = [one.reading for one in every if one.reading is not None]
    columns = [metric for metric in COLUMNS if any(getattr(reading.metrics, metric) for reading in read_ones)]
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("source", "provider", "model"):
        table.add_column(name, overflow="fold")
    for metric in columns:
        widest = max(len(figure(getattr(reading.metrics, metric))) for reading in read_ones)
        table.add_column(COLUMNS[metric], justify="right", min_width=max(widest, 5))  # a figure is never cut short
    table.add_column("its own", style="dim", overflow="fold", min_width=16)
    failed = 0
    for one in every:
        if one.reading is not None:
            table.add_row(*map(escape, _cells(one.name, one.reading, columns)), style="" if one.reading.complete else "yellow")
        elif one.expected:
            table.add_row(escape(one.name), f"[dim]{escape(one.problem.partition(';')[0])}")
        else:
            failed += _complain(one)
    if table.row_count:
        least = Measurement.get(console, console.options.update_width(10_000), table).minimum
        console.width = max(console.width, least)  # a terminal that is too narrow must not hide columns
        console.print(table)
    totals = sum(reading.metrics.total_tokens for reading in read_ones)
    missing = sum(one.expected for one in every)
    console.print(
        f"[bold]{len(read_ones)} responses, {totals:,} tokens"
        + (f"; {missing} that rightly have none" if missing else "")
        + (f"; [red]{failed} could not be read[/red]" if failed else "")
    )
    return failed


def _cells(name: str, reading: Reading, columns: list[str]) -> list[str]:
    metrics = reading.metrics
    shown = [figure(getattr(metrics, metric)) for metric in columns]
    notes = [f"{key}={value}" for key, value in _flat("", metrics.provider_metrics or {})]
    notes += [f"{part.model or 'another model'} {part.metrics.total_tokens:,}" for part in reading.parts]
    notes += [*reading.odd, *([] if reading.complete else ["cut off"])]
    texts = (name, reading.provider, reading.model or "", *shown, "\n".join(notes))
    return ["\n".join(map(printable, text.split("\n"))) for text in texts]


def _flat(prefix: str, own: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """A provider's own metrics in one line: what is not zero, and of lists only how long they are."""
    for name, value in own.items():
        if isinstance(value, dict):
            yield from _flat(f"{prefix}{name}.", value)
        elif isinstance(value, list):
            yield f"{prefix}{name}", f"[{len(value)}]"
        elif value:
            yield f"{prefix}{name}", f"{value:.6g}" if isinstance(value, float) else str(value)


def _complain(one: Shown) -> int:
    sys.stderr.write(f"{one.name}: {one.problem}\n")
    return 1
