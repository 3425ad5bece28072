"""A run or a session in words and figures: its messages, its models, its tools, the total. What is zero is left out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from unimeter.metrics import BaseMetrics, Details, RunMetrics, SessionMetrics

COLUMNS = {
    "input_tokens": "input",
    "output_tokens": "output",
    "total_tokens": "total",
    "cache_read_tokens": "cache\nread",
    "cache_write_tokens": "cache\nwrite",
    "reasoning_tokens": "reason-\ning",
    "audio_input_tokens": "audio\nin",
    "audio_output_tokens": "audio\nout",
    "cost": "cost $",
    "duration": "seconds",
    "time_to_first_token": "first\ntoken s",
}
"""The metrics that have a column, and what stands above it."""


class Section(NamedTuple):
    """A table: what it shows, the names of its columns, and its rows."""

    title: str
    columns: list[str]
    rows: list[list[str]]
    labels: int
    """How many of the columns, from the left, are words; the rest are figures."""


def figure(value: float | None) -> str:
    """A figure that is not zero, with every digit of it."""
    return "" if not value else f"{value:,}" if isinstance(value, int) else f"{value:.12g}"


def printable(text: str) -> str:
    """A text in one line that a terminal shows and does not obey."""
    shown = (char if char.isprintable() else "\ufffd" for char in text)
    return "".join(shown).encode("utf-8", "replace").decode()


def section(title: str, labels: Sequence[str], rows: Iterable[tuple[Sequence[str], Any]]) -> Section:
    """A section of labelled metrics, with the columns in which some row has a figure."""
    every = list(rows)
    names = [name for name in COLUMNS if any(getattr(metrics, name, None) for _, metrics in every)]
    cells = [[*map(printable, words), *(_cell(name, getattr(metrics, name, None)) for name in names)] for words, metrics in every]
    return Section(title, [*labels, *(COLUMNS[name] for name in names)], cells, len(labels))


def without_usage(calls: Mapping[tuple[str, str, str], int]) -> Section:
    """How many calls told no usage, by provider, model and how to ask for it."""
    rows = [[*map(printable, who), f"{count:,}"] for who, count in calls.items()]
    hinted = any(hint for _, _, hint in calls)
    if not hinted:
        rows = [[provider, model, count] for provider, model, _, count in rows]
    columns = ["provider", "model", *(("how to ask for it",) * hinted), "calls"]
    return Section("calls without usage", columns, rows, len(columns) - 1)


def sections_of(metrics: RunMetrics | SessionMetrics, *before: Section) -> list[Section]:
    """The sections of a run or a session: those given, then each model, then the total."""
    total = section("total", (), [((), metrics)])
    return [one for one in (*before, _models(metrics.details), total, _counts(metrics)) if one.rows and one.columns]


def text_of(sections: Iterable[Section]) -> str:
    """Sections as plain text."""
    return "\n\n".join("\n".join(_lines(one)) for one in sections) or "nothing recorded"


def tables_of(sections: Iterable[Section]) -> Any:
    """Sections as tables of rich's."""
    from rich.console import Group
    from rich.markup import escape
    from rich.table import Table

    tables: list[Any] = []
    for one in sections:
        table = Table(title=one.title, title_justify="left", box=None, pad_edge=False, header_style="bold")
        for at, name in enumerate(one.columns):
            if at < one.labels:
                table.add_column(escape(name), overflow="fold", min_width=6)
            else:
                table.add_column(escape(name), justify="right", no_wrap=True)  # a figure is never cut short
        for row in one.rows:
            table.add_row(*map(escape, row))
        tables += [table, ""]
    return Group(*tables[:-1])


def _models(details: Details | None) -> Section:
    rows: list[tuple[Sequence[str], BaseMetrics]] = [
        ((model_type, entry.provider, entry.id), entry) for model_type, models in (details or {}).items() for entry in models
    ]
    return section("models", ("for", "provider", "model"), rows)


def _counts(metrics: RunMetrics | SessionMetrics) -> Section:
    counts = {name: value for name, value in (metrics.additional_metrics or {}).items() if isinstance(value, (int, float))}
    if counts.get("calls") == counts.get("calls_without_cost"):
        counts.pop("calls_without_cost", None)  # where none is known, nobody takes a part for the whole
    shown = {printable(name).replace("_", " "): _cell(name, value) for name, value in counts.items() if value}
    return Section("counts", [*shown], [[*shown.values()]] if shown else [], 0)


def _cell(name: str, value: float | None) -> str:
    return f"{value:.3f}" if value is not None and name.endswith(("duration", "first_token")) else figure(value)


def _lines(one: Section) -> Iterable[str]:
    yield one.title
    rows = [[name.replace("-\n", "").replace("\n", " ") for name in one.columns], *one.rows]
    widths = [max(len(row[at]) for row in rows) for at in range(len(one.columns))]
    for row in rows:
        cells = [
            cell.ljust(width) if at < one.labels else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield f"  {'  '.join(cells)}".rstrip()
