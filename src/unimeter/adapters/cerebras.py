"""Cerebras."""

from __future__ import annotations

from unimeter.adapters.openai_chat import OpenAIChat
from unimeter.fields import absent, beside, count, first, label, number


class Cerebras(OpenAIChat):
    """Cerebras. OpenAI's usage, with times in seconds beside it.

    `time_prompt` is `time_info.prompt_time`; `time_system` has no counterpart of that name in today's responses
    and is filled where a response has one.

    https://inference-docs.cerebras.ai/api-reference/chat-completions
    """

    provider = "Cerebras"
    aliases = ()
    hosts = ("api.cerebras.ai",)
    packages = ("cerebras",)
    marks = ("time_info",)
    sdk_types = ("cerebras.cloud.sdk.types.chat.chat_completion:ChatCompletionResponseUsage",)

    cache_write_tokens = audio_input_tokens = audio_output_tokens = cost = absent
    provider_metrics = {
        "time_system": first(beside(number("time_info.time_system")), beside(number("time_info.system_time"))),
        "time_prompt": first(beside(number("time_info.time_prompt")), beside(number("time_info.prompt_time"))),
        "queue_time": beside(number("time_info.queue_time")),
        "prompt_time": beside(number("time_info.prompt_time")),
        "completion_time": beside(number("time_info.completion_time")),
        "total_time": beside(number("time_info.total_time")),
        "service_tier": beside(label("service_tier")),
        "image_tokens": count("image_tokens"),
        "accepted_prediction_tokens": count("completion_tokens_details.accepted_prediction_tokens"),
        "rejected_prediction_tokens": count("completion_tokens_details.rejected_prediction_tokens"),
    }
