"""genai-prices (extra `prices`): what a call's tokens cost by its price list. `unimeter.prices.genai_price` is this one's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any

from unimeter.details import of_modality, written_for
from unimeter.extras import needs
from unimeter.reading import Reading
from unimeter.registry import registry

with needs("prices"):
    from genai_prices import calc_price
    from genai_prices.data_snapshot import get_snapshot
    from genai_prices.types import Usage


def genai_price(reading: Reading, *, at: datetime | None = None) -> Decimal | None:
    """The price of a call's tokens; None for a model that it does not know.

    It gets what its price list tells apart: cached tokens and how long they are kept, audio, images, the service tier.
    The size of the prompt decides on long-context prices there. What is not billed by tokens (searches, seconds of
    audio, tools) is not in it.

    Args:
        reading: the call.
        at: when it was made; by default now.
    """
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
    """The price list's id of a provider: one of the names that `provider=` takes."""
    ids = {provider.id.replace("-", ""): provider.id for provider in get_snapshot().providers}
    names = (name.replace("-", "") for name in registry().names_of(label))
    return next((ids[name] for name in names if name in ids), None)


def _counts(reading: Reading) -> Iterator[tuple[str, int]]:
    """The counts that the provider reported, under the price list's names."""
    metrics = reading.metrics
    for name in ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens"):
        yield name, getattr(metrics, name)
    for name, ours in (("input_audio_tokens", "audio_input_tokens"), ("output_audio_tokens", "audio_output_tokens")):
        if ours in reading.reported:
            yield name, getattr(metrics, ours)
    for kept in ("5m", "1h"):
        if written := written_for(metrics, kept):
            yield f"cache_write_{kept}_tokens", written
    for side in ("input", "output"):
        for modality in ("image", "video"):
            if tokens := of_modality(metrics, side, modality):
                yield f"{side}_{modality}_tokens", tokens


def _context(own: Mapping[str, Any]) -> dict[str, str]:
    """What a price may depend on besides counts: the tier that served the call, its speed, whether it was a batch's."""
    told = {name: str(own[name]).lower() for name in ("service_tier", "speed") if isinstance(own.get(name), str)}
    if told.get("service_tier") == "batch":
        told["processing"] = told.pop("service_tier")
    return told
