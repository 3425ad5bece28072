"""The charts of a report, as HTML that wants the library's script beside it.

A label is taken for markup where it looks like it, so the names in one are escaped as HTML is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from html import escape
from typing import Any

from unimeter.batch.figures import NONE
from unimeter.extras import needs

with needs("report"):
    import plotly.graph_objects as go
    from plotly.offline import get_plotlyjs

__all__ = ["NOTHING", "Row", "cache", "get_plotlyjs", "tokens"]

Row = tuple[str, str, Counter[str]]
"""A provider, a model, and its sums."""

_TOP = {"yref": "container", "y": 1, "yanchor": "top"}
NOTHING = "<p>None.</p>"

_MOST = 30
"""How many models have bars of their own."""
_LONGEST = 26
"""How much of a name stands beside a bar; it is whole where the bar is pointed at."""
_COLORS = {"input, not cached": "#4c78a8", "input, cached": "#72b7b2", "input, cache not told": "#bab0ac", "output": "#f58518"}


def tokens(rows: Sequence[Row]) -> str:
    """Input and output, a bar for each row."""
    return _chart("tokens", rows, _tokens, {"exponentformat": "B"})


def cache(rows: Sequence[Row]) -> str:
    """How much of the input came from the cache, for each row in which a call told it."""
    return _chart("cache", [row for row in rows if row[2]["cacheable_tokens"]], _cached, {"tickformat": ".0%", "range": [0, 1]})


def _tokens(told: Counter[str]) -> dict[str, float]:
    return {
        "input, not cached": told["cacheable_tokens"] - told["cached_tokens"],
        "input, cached": told["cached_tokens"],
        "input, cache not told": told["input_tokens"] - told["cacheable_tokens"],
        "output": told["output_tokens"],
    }


def _cached(told: Counter[str]) -> dict[str, float]:
    return {"input, cached": told["cached_tokens"] / told["cacheable_tokens"]}


def _chart(name: str, rows: Sequence[Row], parts_of: Callable[[Counter[str]], dict[str, float]], axis: dict[str, Any]) -> str:
    """A chart of the first rows, with all others as one."""
    if not rows:
        return NOTHING
    shown, others = list(rows[:_MOST]), rows[_MOST:]
    if others:
        shown.append((f"{len(others):,} models", "others", sum((told for _, _, told in others), Counter())))
    places = list(range(len(shown)))
    bars = [parts_of(told) for _, _, told in shown]
    chart = go.Figure()
    for part in bars[0]:
        chart.add_bar(
            x=[one[part] for one in bars],
            y=places,
            orientation="h",
            name=part,
            marker_color=_COLORS[part],
            hovertext=[_label(provider, model) for provider, model, _ in shown],
            hovertemplate=f"%{{hovertext}}<br>{part}: %{{x:{axis.get('tickformat', ',')}}}<extra></extra>",
        )
    labels = [_label(_short(provider), _short(model)) for provider, model, _ in shown]
    chart.update_xaxes(fixedrange=True, side="top", **axis)
    chart.update_yaxes(fixedrange=True, tickvals=places, ticktext=labels, range=[len(shown) - 0.5, -0.5], ticklabelstandoff=6)
    chart.update_layout(
        template="plotly_white",
        barmode="stack",
        dragmode=False,
        showlegend=len(bars[0]) > 1,
        legend={"orientation": "h", "traceorder": "normal", "xref": "container", "x": 0, **_TOP},
        height=100 + 40 * len(shown),
        margin={"l": 10, "r": 20, "t": 80 if len(bars[0]) > 1 else 40, "b": 10},
    )
    settings = {"displayModeBar": False, "responsive": True}
    drawn = chart.to_html(full_html=False, include_plotlyjs=False, div_id=name, config=settings)
    return f"{drawn}<p>The {_MOST} models with the most tokens; the {len(others):,} others are summed.</p>" if others else drawn


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"


def _label(provider: str, model: str) -> str:
    """What stands beside a bar; quotes as they are, for a label knows only some of HTML's entities."""
    return f"{escape(model or NONE, quote=False)}<br>{escape(provider, quote=False)}"
