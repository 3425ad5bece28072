"""Groq."""

from __future__ import annotations

from unimeter.adapters.openai_chat import OpenAIChat
from unimeter.fields import absent, beside, label, number, tree


class Groq(OpenAIChat):
    """Groq. OpenAI's usage with four times in seconds, and in a stream's last event once more under `x_groq`.

    https://console.groq.com/docs/api-reference#chat-create
    """

    provider = "Groq"
    aliases = ()
    hosts = ("api.groq.com",)
    packages = ("groq",)
    marks = ("x_groq", "usage_breakdown", "usage.queue_time")
    places = ("usage", "x_groq.usage")
    sdk_types = ("groq.types:CompletionUsage",)

    cache_write_tokens = audio_input_tokens = audio_output_tokens = cost = absent
    provider_metrics = {
        "completion_time": number("completion_time"),
        "prompt_time": number("prompt_time"),
        "queue_time": number("queue_time"),
        "total_time": number("total_time"),
        "service_tier": beside(label("service_tier")),
        "usage_breakdown": beside(tree("usage_breakdown", "model")),  # of a compound system's models, all in the usage
    }
