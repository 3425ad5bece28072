"""Vercel AI Gateway."""

from __future__ import annotations

from unimeter.adapters.openai_chat import OpenAIChat
from unimeter.fields import money, tree


class VercelGateway(OpenAIChat):
    """Vercel AI Gateway: OpenAI's usage, what it charged, and what the market's price would be. The two are never added.

    https://vercel.com/docs/ai-gateway
    """

    provider = "Vercel AI Gateway"
    aliases = ()
    hosts = ("ai-gateway.vercel.sh",)
    marks = ("usage.market_cost",)
    sdk_types = ()

    provider_metrics = {
        "market_cost": money("market_cost"),
        "cost_details": tree("cost_details"),
        "is_byok": tree("is_byok"),
        "service_tier": OpenAIChat.provider_metrics["service_tier"],
    }
    ignored = {
        **OpenAIChat.ignored,
        "prompt_tokens_details.video_tokens": "a share of the input that is priced like text",
        "completion_tokens_details.image_tokens": "a share of the output",
    }
