"""What calls cost whose providers do not say it: computed call by call, never instead of what was reported.

    with unimeter.capture(price=unimeter.prices.genai_price) as run:
        agent.run("…")

A price is any function of a `Reading` that gives US dollars, or None for what it cannot price:

    >>> def of_my_own(reading: Reading) -> float | None:
    ...     return reading.metrics.total_tokens * 2e-6 if reading.model == "mine" else None
    >>> from unimeter import read
    >>> reading = read({"choices": [], "model": "mine", "usage": {"prompt_tokens": 100, "completion_tokens": 50}})
    >>> of_mine = priced(reading, of_my_own)
    >>> of_mine.metrics.cost, "cost" in of_mine.reported, reading.metrics.cost
    (0.0003, False, None)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from math import isfinite
from typing import TYPE_CHECKING, Any

import msgspec

from unimeter.adding import add_dollars
from unimeter.reading import Reading, has_usage

if TYPE_CHECKING:
    from unimeter.genai import genai_price as genai_price

Price = Callable[[Reading], "Decimal | float | None"]
"""US dollars for a call; None where they cannot be told."""


def priced(reading: Reading, price: Price) -> Reading:
    """A reading with its cost, and that of its parts and calls, computed where the provider reported none.

    What is computed is in `metrics.cost` and not in `reported`. The reading that is given is not changed.

    Raises:
        ValueError: the price is no amount of dollars.
    """
    calls = tuple(priced(call, price) if has_usage(call) else call for call in reading.calls)
    parts = tuple(priced(part, price) for part in reading.parts)
    cost = reading.metrics.cost
    if calls:
        cost = None
        for call in calls:
            cost = add_dollars(cost, call.metrics.cost)
    elif cost is None:
        cost = _dollars(price(reading))
    if cost is reading.metrics.cost and not parts:
        return reading
    return msgspec.structs.replace(reading, metrics=replace(reading.metrics, cost=cost), parts=parts, calls=calls)


def _dollars(amount: Any) -> float | None:
    if amount is None:
        return None
    if isinstance(amount, bool) or not isinstance(amount, (int, float, Decimal)) or not isfinite(amount) or amount < 0:
        raise ValueError(f"a price is an amount of dollars, or None, not {amount!r}")
    return float(amount)


def __getattr__(name: str) -> Any:
    if name != "genai_price":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from unimeter.genai import genai_price

    return genai_price
