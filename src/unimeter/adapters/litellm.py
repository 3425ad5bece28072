"""LiteLLM."""

from __future__ import annotations

from unimeter.adapters.openai_chat import OpenAIChat
from unimeter.fields import beside, count, first, label, money, tree


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
    provider_metrics = {
        "service_tier": beside(label("service_tier")),
        "custom_llm_provider": beside(label("_hidden_params.custom_llm_provider")),
        "cache_creation_token_details": tree("prompt_tokens_details.cache_creation_token_details"),
        "server_tool_use": tree("server_tool_use"),
    }
