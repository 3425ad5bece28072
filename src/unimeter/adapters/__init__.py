"""One module a provider, and `rows` for those that speak another's dialect to the letter.

None imports an SDK, so all are imported here. A new provider is one more line.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

from unimeter.adapter import Adapter

MODULES = (
    "openai_chat",
    "cerebras",
    "llama",
    "ollama",
    "anthropic",
    "token_counts",
    "realtime",  # before gemini and openai_responses, in whose words it speaks
    "openai_responses",
    "cohere",
    "langchain",  # these two before gemini, which takes any `usage_metadata`
    "google_adk",
    "gemini",
    "bedrock",
    "replicate",
    "dashscope",
    "frameworks",  # before watsonx, which takes any `model_id`
    "telemetry",
    "watsonx",
    "groq",
    "mistral",
    "litellm",
    "perplexity",
    "azure_foundry",
    "huggingface",
    "openai_endpoints",
    "xai",
    "vercel",  # before openrouter, some of whose names it has
    "openrouter",
    "copilot",
    "deepseek",
    "venice",
    "pydantic_gateway",
    "moonshot",
    "sambanova",
    "fireworks",
    "lm_studio",
    "llamacpp",
    "gpustack",
    "cloudflare",
    "voyage",
    "aleph_alpha",
)
"""Of two dialects that both recognise a body, the one whose module is named first has it."""


def _adapters_in(name: str) -> Iterator[type[Adapter]]:
    module = import_module(f"unimeter.adapters.{name}")
    for value in vars(module).values():
        if isinstance(value, type) and issubclass(value, Adapter) and value.__module__ == module.__name__:
            yield value


ADAPTERS: tuple[type[Adapter], ...] = tuple(adapter for name in MODULES for adapter in _adapters_in(name))
