"""What providers tell in `provider_metrics` that prices and exports have a name for."""

from __future__ import annotations

from typing import Any

from unimeter.metrics import MessageMetrics

_MODALITIES = {"input": "prompt_tokens_details", "output": "candidates_tokens_details"}


def of_modality(metrics: MessageMetrics, side: str, modality: str) -> int | None:
    """The tokens of a modality, where a provider tells them apart; `side` is "input" or "output".

    >>> of_modality(MessageMetrics(provider_metrics={"prompt_tokens_details": {"TEXT": 85, "IMAGE": 258}}), "input", "image")
    258
    """
    if modality == "audio":
        return (metrics.audio_input_tokens if side == "input" else metrics.audio_output_tokens) or None
    return _held(metrics, _MODALITIES[side], modality.upper())


def written_for(metrics: MessageMetrics, kept: str) -> int | None:
    """The tokens that were written to a cache that keeps them so long, "5m" or "1h"."""
    own = metrics.provider_metrics or {}
    told = (
        _held(metrics, "cache_creation", f"ephemeral_{kept}_input_tokens"),
        _held(metrics, "cacheDetails", kept),
        *(own.get(name) for name in (f"ephemeral_{kept}_input_tokens", f"cache_write_{kept}_tokens")),  # as frameworks keep it
    )
    return next((count for count in told if count is not None), None)


def _held(metrics: MessageMetrics, name: str, inner: str) -> int | None:
    held = (metrics.provider_metrics or {}).get(name)
    count: Any = held.get(inner) if isinstance(held, dict) else None
    return count if isinstance(count, int) else None
