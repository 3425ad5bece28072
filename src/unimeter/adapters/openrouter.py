"""OpenRouter."""

from __future__ import annotations

from unimeter.adapters.openai_chat import OpenAIChat
from unimeter.adapters.openai_responses import OpenAIResponses
from unimeter.fields import count, tree

_GATEWAY = {
    "cost_details": tree("cost_details"),
    "is_byok": tree("is_byok"),
    "server_tool_use_details": tree("server_tool_use_details"),
}


class OpenRouter(OpenAIChat):
    """OpenRouter: OpenAI's usage, and what it charged. Its cost holds that of the provider behind it and of server tools.

    With a key of the caller's own (`is_byok`) that provider's bill comes on top: `cost_details.upstream_inference_cost`,
    which is the same dollars again where the key is OpenRouter's, and never added.

    https://openrouter.ai/docs/use-cases/usage-accounting
    """

    provider = "OpenRouter"
    aliases = ()
    hosts = ("openrouter.ai",)
    marks = ("provider&id=gen-*", "usage.cost_details", "usage.is_byok")
    sdk_types = ()

    provider_metrics = {
        **_GATEWAY,
        "service_tier": OpenAIChat.provider_metrics["service_tier"],
        "image_tokens": count("completion_tokens_details.image_tokens"),
        "video_tokens": count("prompt_tokens_details.video_tokens"),
    }


class OpenRouterResponses(OpenAIResponses):
    """OpenRouter's Responses.

    https://openrouter.ai/docs/api-reference/responses/overview
    """

    provider = "OpenRouter"
    hosts = ()
    marks = ("usage.cost_details", "usage.is_byok")
    sdk_types = ()

    provider_metrics = {**OpenAIResponses.provider_metrics, **_GATEWAY}
