"""LiteLLM."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from unimeter.adapters.openai_chat import OpenAIChat
from unimeter.fields import beside, count, first, label, money, tree
from unimeter.objects import fields_of


class LiteLLM(OpenAIChat):
    """LiteLLM's `ModelResponse`: every provider's usage, already inclusive, and LiteLLM's own cost.

    https://docs.litellm.ai/docs/completion/usage
    """

    provider = "LiteLLM"
    aliases = ()
    hosts = ()
    packages = ("litellm",)
    marks = ("_hidden_params",)
    sdk_types = ("litellm.types.utils:Usage",)

    cache_write_tokens = first(
        count("prompt_tokens_details.cache_write_tokens"),
        count("prompt_tokens_details.cache_creation_tokens"),
        count("cache_creation_input_tokens"),
    )
    cost = first(money("cost"), beside(money("_hidden_params.response_cost")))
    ready_if = "cost"
    provider_metrics = {
        "service_tier": beside(label("service_tier")),
        "custom_llm_provider": beside(label("_hidden_params.custom_llm_provider")),
        "cache_creation_token_details": tree("prompt_tokens_details.cache_creation_token_details"),
        "server_tool_use": tree("server_tool_use"),
    }

    @classmethod
    def ready(cls, usage: Mapping[str, Any]) -> tuple[Mapping[str, Any], tuple[tuple[str, Any, str | None], ...]]:
        """Of a cost that comes itemised (Perplexity's), the total."""
        items = fields_of(usage["cost"])
        return ({**usage, "cost": items.get("total_cost")}, ()) if items else (usage, ())
