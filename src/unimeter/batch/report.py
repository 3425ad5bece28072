"""What a job has read as a page: one HTML file that asks for nothing outside itself.

Whatever stands in it may be anything that somebody sent, so all of it is escaped.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from uuid import uuid4

from unimeter import __version__
from unimeter.batch import charts
from unimeter.batch.figures import FIGURES, NONE, SHORT, figure, of_calls, share, with_calls
from unimeter.batch.formulas import harmless
from unimeter.batch.output import checked, writing
from unimeter.batch.summary import Summary

_MOST_KINDS = 50
"""How many kinds of errors are listed."""
_LABELS = ("input tokens", "cached input tokens", "output tokens", "cost in US dollars")

_ONLY_INSIDE = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"
"""Whatever the scripts would do, the browser fetches nothing."""
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #222; background: #fff; max-width: 1100px; margin: auto; padding: 1.5rem }
h1 { font-size: 1.5rem; margin: 0; overflow-wrap: anywhere }
h2 { font-size: 1.1rem; margin: 2rem 0 .5rem }
p, dd small { color: #666; margin: 0 }
dl { display: flex; flex-wrap: wrap; gap: .75rem; margin: 1.25rem 0 }
dl div { border: 1px solid #ddd; border-radius: 6px; padding: .5rem .9rem; flex: 1 0 auto }
dt { color: #666; font-size: .85rem }
dd { margin: 0; font-size: 1.3rem }
dd small { display: block; font-size: .8rem }
.wide { overflow-x: auto }
table { border-collapse: collapse; width: 100%; font-size: .9rem }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem; border-bottom: 1px solid #e5e5e5 }
th { border-color: #999; white-space: nowrap }
td { min-width: 9em; overflow-wrap: anywhere }
td.number { min-width: 0 }
th.number, td.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums }
"""


def write_report(summary: Summary, path: Path, of: str) -> None:
    """Write the page.

    Args:
        summary: what was read.
        path: the file. It is there whole, or not at all.
        of: the name of what was written.

    Raises:
        OutputError: the file cannot be written.
    """
    text = page(summary, of)
    real = checked(path)
    with writing(path):
        new = real.with_name(f".{real.name}.{uuid4().hex}.new")  # another job may be writing its own
        try:
            new.write_text(text, "utf-8")
            new.replace(real)
        finally:
            new.unlink(missing_ok=True)


def page(summary: Summary, of: str) -> str:
    """The page."""
    rows = [(*who, told) for who, told in sorted(summary.models.items())]
    rows.sort(key=lambda row: row[2]["input_tokens"] + row[2]["output_tokens"], reverse=True)
    parts = [
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{escape(of)} – unimeter</title>",
        f'<meta http-equiv=Content-Security-Policy content="{_ONLY_INSIDE}"><meta name=viewport content="width=device-width">',
        f"<style>{_STYLE}</style><script>{charts.get_plotlyjs()}</script>",
        f"<h1>{escape(of)}</h1><p>{datetime.now(UTC):%Y-%m-%d %H:%M} UTC · unimeter {escape(__version__)}</p>",
        _totals(summary),
        f"<h2>Tokens by model</h2>{charts.tokens(rows)}",
        f"<h2>How much of the input came from the cache</h2><p>Of the calls that told it.</p>{charts.cache(rows)}",
        f"<h2>All models</h2><p>{SHORT}</p>{_models(rows)}",
        f"<h2>What could not be read, and requests that failed</h2>{_errors(summary)}{_without_usage(summary)}</html>",
    ]
    return "\n".join(parts)


def _totals(summary: Summary) -> str:
    total = summary.total
    counts = {"rows": summary.rows, "read": total["calls"], "errors": summary.errors.total()}
    cells = [(label, f"{count:,}", "") for label, count in counts.items()]
    cells += [(label, figure(total, name), of_calls(total, name)) for label, name in zip(_LABELS, FIGURES, strict=True)]
    return f"<dl>{''.join(f'<div><dt>{label}<dd>{text}<small>{calls}</small></div>' for label, text, calls in cells)}</dl>"


def _models(rows: Sequence[charts.Row]) -> str:
    shown = []
    for provider, model, told in rows:
        sent, cached, output, cost = (with_calls(figure(told, name), told, name) for name in FIGURES)
        hits = with_calls(share(told), told, "cacheable_tokens")
        shown.append((provider, model or NONE, f"{told['calls']:,}", sent, cached, hits, output, cost))
    return _table(("provider", "model", "*calls", "*input", "*cached", "*cache share", "*output", "*cost in $"), shown)


def _errors(summary: Summary) -> str:
    kinds = summary.errors.most_common(_MOST_KINDS)
    shown = [(kind, f"{count:,}", *map(str, summary.examples[kind])) for kind, count in kinds]
    rest = f"<p>And {len(summary.errors) - len(kinds):,} more kinds.</p>" if len(summary.errors) > len(kinds) else ""
    return _table(("kind", "*rows", "the first in", "*position", "what it says"), shown) + rest


def _without_usage(summary: Summary) -> str:
    """The responses without usage by provider; nothing if there are none."""
    if not summary.without_usage:
        return ""
    shown = [(provider or NONE, f"{count:,}") for provider, count in summary.without_usage.most_common()]
    return f"<h2>Responses without usage</h2>{_table(('provider', '*responses'), shown)}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table, all of it escaped, and no text that a spreadsheet would run; a star marks a column of numbers."""
    kinds = [" class=number" if name.startswith("*") else "" for name in head]
    lines = [
        "".join(f"<{tag}{kind}>{escape(text if kind else harmless(text))}</{tag}>" for kind, text in zip(kinds, row, strict=True))
        for tag, row in (("th", [name.lstrip("*") for name in head]), *(("td", row) for row in rows))
    ]
    return (
        f"<div class=wide><table>{''.join(f'<tr>{line}</tr>' for line in lines)}</table></div>" if lines[1:] else "<p>None.</p>"
    )
