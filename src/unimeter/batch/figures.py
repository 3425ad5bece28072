"""Sums as text: one that is of some calls only says of how many, and one that nobody told is not zero."""

from __future__ import annotations

from collections import Counter

FIGURES = ("input_tokens", "cache_read_tokens", "output_tokens", "cost")
"""What is shown of each model, in this order."""
NONE = "–"
SHORT = "(2 of 3): the figure is of two calls of three; the third did not tell it."
"""What stands under a table."""

_LEAST = 0.000001


def figure(told: Counter[str], name: str) -> str:
    """A sum alone.

    >>> figure(Counter(calls=3, cost_calls=1, cost=0.5), "cost"), figure(Counter(calls=3), "cost") == NONE
    ('0.500000', True)
    """
    if not told[f"{name}_calls"]:
        return NONE
    if name != "cost":
        return f"{told[name]:,}"
    return f"<{_LEAST:f}" if 0 < told[name] < _LEAST else f"{told[name]:,.6f}"


def share(told: Counter[str]) -> str:
    """How much of the input came from the cache, in the calls that told both.

    >>> share(Counter(cacheable_tokens=200, cached_tokens=50)), share(Counter()) == NONE
    ('25.0%', True)
    """
    return f"{told['cached_tokens'] / told['cacheable_tokens']:.1%}" if told["cacheable_tokens"] else NONE


def of_calls(told: Counter[str], name: str) -> str:
    """Of how many calls a sum is, where it is not of all.

    >>> of_calls(Counter(calls=3, cost_calls=1), "cost"), of_calls(Counter(calls=3, cost_calls=3), "cost")
    ('told by 1 of 3 calls', '')
    """
    calls = told[f"{name}_calls"]
    return "" if calls == told["calls"] else f"told by {calls:,} of {told['calls']:,} calls"


def with_calls(shown: str, told: Counter[str], name: str) -> str:
    """A sum, and shortly of how many calls it is.

    >>> with_calls("7", Counter(calls=3, cost_calls=1), "cost"), with_calls(NONE, Counter(calls=3), "cost") == NONE
    ('7 (1 of 3)', True)
    """
    calls = told[f"{name}_calls"]
    return shown if shown == NONE or calls == told["calls"] else f"{shown} ({calls:,} of {told['calls']:,})"
