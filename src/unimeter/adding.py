"""How dollars are added, and what a provider reports beyond the common fields."""

from __future__ import annotations

from copy import deepcopy
from decimal import Context, Decimal
from math import isfinite
from typing import Any

from unimeter.errors import MalformedUsage


def add_dollars(one: float | None, two: float | None) -> float | None:
    """A sum of dollars as people write them: ten times 0.1 is 1.0. None where nothing was reported.

    >>> add_dollars(0.1, 0.2), add_dollars(None, 0.2), add_dollars(None, None)
    (0.3, 0.2, None)
    """
    if one is None or two is None:
        return two if one is None else one
    return float(EXACT.add(decimal_of(one), decimal_of(two)))


EXACT = Context(prec=60, traps=[])
"""How dollars are added, whatever the decimal context of the program is."""


def decimal_of(dollars: float) -> Decimal:
    """An amount as it is written.

    Raises:
        MalformedUsage: it is no finite number.
    """
    if type(dollars) is float and isfinite(dollars):
        return Decimal(repr(dollars))
    if isinstance(dollars, (int, float, Decimal)) and not isinstance(dollars, bool) and isfinite(dollars):
        return Decimal(repr(float(dollars)) if isinstance(dollars, float) else dollars)
    raise MalformedUsage("metrics", "cost", "a finite number of dollars", repr(dollars))


def folded(one: dict[str, Any] | None, two: dict[str, Any] | None) -> dict[str, Any] | None:
    """The sum of two `provider_metrics` or `additional_metrics`; neither is changed. See `fold`."""
    return one if two is None else fold(fold(None, one), two)


def fold(target: dict[str, Any] | None, new: dict[str, Any] | None) -> dict[str, Any] | None:
    """Add `provider_metrics` or `additional_metrics` to others: numbers add, objects fold, else the latest stands.

    The target is changed and returned, or made where there was none; nothing of `new` is shared with it.

    >>> fold({"total_time": 1.5, "tier": "flex"}, {"total_time": 2, "tier": "default"})
    {'total_time': 3.5, 'tier': 'default'}
    """
    if new is None:
        return target
    if target is None:
        target = {}
    for name, value in new.items():
        kind = type(value)
        if kind is int or kind is float:
            old = target.get(name)
            target[name] = old + value if type(old) is int or type(old) is float else value
        elif kind is dict or isinstance(value, dict):
            old = target.get(name)
            target[name] = fold(old if type(old) is dict else None, value) or {}
        elif value is not None or name not in target:
            target[name] = value if kind is str or kind is bool or value is None else deepcopy(value)
    return target


def taken_out(target: dict[str, Any] | None, old: dict[str, Any] | None) -> dict[str, Any] | None:
    """What `fold` added, taken out of the target again: numbers and the objects that hold them; labels stay.

    >>> taken_out({"searches": 3, "tier": "flex"}, {"searches": 2, "tier": "flex"})
    {'searches': 1, 'tier': 'flex'}
    """
    if target is None or old is None:
        return target
    for name, value in old.items():
        held, kind = target.get(name), type(value)
        if (kind is int or kind is float) and (type(held) is int or type(held) is float):
            target[name] = held - value
        elif isinstance(value, dict) and type(held) is dict:
            taken_out(held, value)
    return target
