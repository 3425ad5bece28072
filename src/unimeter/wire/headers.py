"""Usage that stands in the response's headers only: Bedrock InvokeModel."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

_PREFIX = "x-amzn-bedrock-"
_METRICS = {
    "input-token-count": "inputTokenCount",
    "output-token-count": "outputTokenCount",
    "cache-read-input-token-count": "cacheReadInputTokenCount",
    "cache-write-input-token-count": "cacheWriteInputTokenCount",
    "invocation-latency": "invocationLatency",
}

TELLING = frozenset(_PREFIX + name for name in _METRICS)
"""Headers that tell usage, in lower case."""


def invocation_metrics(headers: Mapping[str, Any] | Iterable[tuple[str, Any]]) -> dict[str, Any] | None:
    """The event that a stream of the same call would end with; None where the headers tell no counts.

    Headers are a mapping, or whatever a library makes of them: with `items()`, or pairs.

    A header that is no number stays the text it is, for the adapter to refuse.
    """
    pairs: Any = getattr(headers, "items", lambda: headers)()
    lower = {str(name).lower(): value for name, value in pairs}
    found = {
        metric: int(value) if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20 else value
        for name, metric in _METRICS.items()
        if (value := lower.get(_PREFIX + name)) is not None
    }
    return {"amazon-bedrock-invocationMetrics": found} if any("Token" in metric for metric in found) else None
