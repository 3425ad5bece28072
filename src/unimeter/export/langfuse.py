"""Langfuse: usage and cost of a generation. Its buckets are exclusive, and it adds them up: each token stands in one.

    for message in run.messages:
        if message.reading is not None:
            generation.update(usage_details=usage_details(message.reading), cost_details=cost_details(message.reading))

https://langfuse.com/docs/observability/features/token-and-cost-tracking
"""

from __future__ import annotations

from unimeter.reading import Reading

_INPUT = {
    "input_cache_read": "cache_read_tokens",
    "input_cache_creation": "cache_write_tokens",
    "input_audio": "audio_input_tokens",
}
_OUTPUT = {"output_reasoning": "reasoning_tokens", "output_audio": "audio_output_tokens"}


def usage_details(reading: Reading) -> dict[str, int]:
    """The tokens of a call by bucket, with their total; only what was reported.

    Where parts are more than the count that they belong to, since they overlap or since the provider contradicts
    itself, they cannot be told apart: the whole count stands in one bucket.

    >>> from unimeter import read
    >>> usage = {"prompt_tokens": 100, "completion_tokens": 40, "prompt_tokens_details": {"cached_tokens": 64}}
    >>> usage_details(read({"choices": [], "usage": usage}))
    {'input': 36, 'input_cache_read': 64, 'output': 40, 'total': 140}
    """
    told = {**_buckets(reading, "input", _INPUT), **_buckets(reading, "output", _OUTPUT)}
    return {**told, "total": reading.metrics.total_tokens} if told else {}


def cost_details(reading: Reading) -> dict[str, float]:
    """What a call cost, where that is known; else Langfuse computes it."""
    return {} if reading.metrics.cost is None else {"total": reading.metrics.cost}


def _buckets(reading: Reading, side: str, parts: dict[str, str]) -> dict[str, int]:
    if f"{side}_tokens" not in reading.reported:
        return {}
    whole = getattr(reading.metrics, f"{side}_tokens")
    split = {key: tokens for key, name in parts.items() if (tokens := getattr(reading.metrics, name))}
    rest = whole - sum(split.values())
    return {side: rest, **split} if rest >= 0 else {side: whole}
