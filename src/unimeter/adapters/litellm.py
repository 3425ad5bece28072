"""LiteLLM."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from unimeter.adapters.openai_chat import OpenAIChat
from unimeter.fields import beside, count, first, label, money, number, tree
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
        "cached_tokens_details": tree("prompt_tokens_details.cached_tokens_details"),
        "web_search_requests": count("prompt_tokens_details.web_search_requests"),
        "google_maps_grounding_requests": count("prompt_tokens_details.google_maps_grounding_requests"),
        "tool_use_tokens": count("prompt_tokens_details.tool_use_tokens"),
        "initial_prompt_tokens": count("prompt_tokens_details.initial_prompt_tokens"),  # the first of Gemini's hops
        "cache_type": label("prompt_tokens_details.cache_type"),
        "character_count": count("prompt_tokens_details.character_count"),
        "image_count": count("prompt_tokens_details.image_count"),
        "query_count": count("prompt_tokens_details.query_count"),
        "video_length_seconds": number("prompt_tokens_details.video_length_seconds"),
        "audio_length_seconds": number("prompt_tokens_details.audio_length_seconds"),
        "image_tokens": count("completion_tokens_details.image_tokens"),
        "video_tokens": count("completion_tokens_details.video_tokens"),
        "accepted_prediction_tokens": count("completion_tokens_details.accepted_prediction_tokens"),
        "rejected_prediction_tokens": count("completion_tokens_details.rejected_prediction_tokens"),
    }
    ignored = {
        **OpenAIChat.ignored,
        "prompt_tokens_details.video_tokens": "a share of the input that is priced like text",
    }

    @classmethod
    def ready(cls, usage: Mapping[str, Any]) -> tuple[Mapping[str, Any], tuple[tuple[str, Any, str | None], ...]]:
        """Of a cost that comes itemised (Perplexity's), the total."""
        items = fields_of(usage["cost"])
        return ({**usage, "cost": items.get("total_cost")}, ()) if items else (usage, ())
