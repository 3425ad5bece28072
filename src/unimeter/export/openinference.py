"""OpenInference: the attribute names that Phoenix and others read. Its totals are inclusive, as ours are.

https://github.com/Arize-ai/openinference/blob/main/spec/semantic_conventions.md
"""

from __future__ import annotations

from typing import Any

from unimeter.reading import Reading
from unimeter.registry import registry, slug

_PROVIDERS = (
    *("openai", "anthropic", "cohere", "mistralai", "google", "azure", "aws", "xai", "deepseek", "groq", "fireworks"),
    *("moonshot", "cerebras", "perplexity", "together", "ollama", "meta", "zai", "minimax"),
)

_COUNTS = {
    "input_tokens": "prompt",
    "output_tokens": "completion",
    "cache_read_tokens": "prompt_details.cache_read",
    "cache_write_tokens": "prompt_details.cache_write",
    "audio_input_tokens": "prompt_details.audio",
    "reasoning_tokens": "completion_details.reasoning",
    "audio_output_tokens": "completion_details.audio",
}


def attributes(reading: Reading) -> dict[str, Any]:
    """The attributes of a call's span: who answered, and what was reported; what was not is left out.

    >>> from unimeter import read
    >>> usage = {"prompt_tokens": 9, "completion_tokens": 2}
    >>> attributes(read({"choices": [], "model": "gpt-x", "usage": usage}))  # doctest: +NORMALIZE_WHITESPACE
    {'openinference.span.kind': 'LLM', 'llm.provider': 'openai', 'llm.model_name': 'gpt-x',
     'llm.token_count.prompt': 9, 'llm.token_count.completion': 2, 'llm.token_count.total': 11}
    """
    names = registry().names_of(reading.provider)
    told: dict[str, Any] = {
        "openinference.span.kind": "LLM",
        "llm.provider": next((name for name in _PROVIDERS if name in names), slug(reading.provider)),
    }
    told |= {"llm.model_name": reading.model} if reading.model else {}
    told |= {
        f"llm.token_count.{key}": getattr(reading.metrics, name) for name, key in _COUNTS.items() if name in reading.reported
    }
    if {"input_tokens", "output_tokens"} <= reading.reported:
        told["llm.token_count.total"] = reading.metrics.total_tokens
    if reading.metrics.cost is not None:
        told["llm.cost.total"] = reading.metrics.cost
    return told
