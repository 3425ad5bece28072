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

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from functools import cache
from math import isfinite
from typing import Any

import msgspec

from unimeter.adding import add_dollars
from unimeter.extras import needs
from unimeter.reading import Reading
from unimeter.registry import registry

Price = Callable[[Reading], "Decimal | float | None"]
"""US dollars for a call; None where they cannot be told."""


def priced(reading: Reading, price: Price) -> Reading:
    """A reading with its cost, and that of its parts and calls, computed where the provider reported none.

    What is computed is in `metrics.cost` and not in `reported`. The reading that is given is not changed.

    Raises:
        ValueError: the price is no amount of dollars.
    """
    calls = tuple(priced(call, price) for call in reading.calls)
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


def genai_price(reading: Reading, *, at: datetime | None = None) -> Decimal | None:
    """The price of a call's tokens by genai-prices (extra `prices`); None for a model that it does not know.

    It gets what its price list tells apart: cached tokens and how long they are kept, audio, images, the service tier.
    The size of the prompt decides on long-context prices there. What is not billed by tokens (searches, seconds of
    audio, tools) is not in it.

    Args:
        reading: the call.
        at: when it was made; by default now.

    Raises:
        ImportError: genai-prices is not installed.
    """
    with needs("prices"):
        from genai_prices import calc_price
        from genai_prices.types import Usage

    provider = _provider_id(reading.provider)
    if provider is None or not reading.model:
        return None
    counts = dict(_counts(reading))
    try:
        found = calc_price(
            Usage(**counts),
            reading.model,
            provider_id=provider,
            genai_request_timestamp=at,
            price_context=_context(reading.metrics.provider_metrics or {}),
        )
    except (LookupError, ValueError):  # an unknown model; or figures that its list cannot tell apart
        return None
    unpriced = any(
        counts.get(f"{side}_tokens") and getattr(found.model_price, f"{side}_mtok", None) is None for side in ("input", "output")
    )
    return None if unpriced else found.total_price


@cache
def _provider_id(label: str) -> str | None:
    """The price list's id of a provider: by a name that `provider=` takes, or else by a host."""
    from genai_prices.data_snapshot import get_snapshot

    snapshot, known = get_snapshot(), registry()
    ids = {provider.id.replace("-", ""): provider.id for provider in snapshot.providers}
    for name in known.names_of(label):
        if (found := ids.get(name.replace("-", ""))) is not None:
            return found
    for host in known.hosts_of(label):
        with suppress(LookupError):
            return snapshot.find_provider(None, None, f"https://{host}").id
    return None


def _counts(reading: Reading) -> Iterator[tuple[str, int]]:
    """The counts that the provider reported, under the price list's names."""
    metrics = reading.metrics
    for name in ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens"):
        yield name, getattr(metrics, name)
    for name, ours in (("input_audio_tokens", "audio_input_tokens"), ("output_audio_tokens", "audio_output_tokens")):
        if ours in reading.reported:
            yield name, getattr(metrics, ours)
    own = metrics.provider_metrics or {}
    for kept in ("5m", "1h"):
        written = _held(own, "cache_creation", f"ephemeral_{kept}_input_tokens") or _held(own, "cacheDetails", kept)
        if written:
            yield f"cache_write_{kept}_tokens", written
    for side, details in (("input", "prompt_tokens_details"), ("output", "candidates_tokens_details")):
        for modality in ("IMAGE", "VIDEO"):
            if tokens := _held(own, details, modality):
                yield f"{side}_{modality.lower()}_tokens", tokens


def _held(own: Mapping[str, Any], name: str, inner: str) -> Any:
    held = own.get(name)
    return held.get(inner) if isinstance(held, dict) else None


def _context(own: Mapping[str, Any]) -> dict[str, str]:
    """What a price may depend on besides counts: the tier that served the call, its speed, whether it was a batch's."""
    told = {name: str(own[name]).lower() for name in ("service_tier", "speed") if isinstance(own.get(name), str)}
    if told.get("service_tier") == "batch":
        told["processing"] = told.pop("service_tier")
    return told
