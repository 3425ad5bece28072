"""Fireworks."""

from __future__ import annotations

from unimeter.adapters.openai_chat import OpenAIChat
from unimeter.fields import beside, tree


class Fireworks(OpenAIChat):
    """Fireworks: OpenAI's usage; its server's times come beside it if the request asks (`perf_metrics_in_response`).

    https://docs.fireworks.ai/api-reference/post-chatcompletions
    """

    provider = "Fireworks"
    aliases = ("fireworks-ai",)
    hosts = ("api.fireworks.ai",)
    marks = ("perf_metrics",)
    sdk_types = ()

    provider_metrics = {
        "perf_metrics": beside(tree("perf_metrics")),
        "service_tier": OpenAIChat.provider_metrics["service_tier"],
    }
