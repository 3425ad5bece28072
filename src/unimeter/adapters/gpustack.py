"""GPUStack."""

from __future__ import annotations

from unimeter.adapters.openai_chat import OpenAIChat
from unimeter.fields import count, number

_RATES = ("time_to_first_token_ms", "time_per_output_token_ms", "prompt_tokens_per_second", "tokens_per_second")


class GPUStack(OpenAIChat):
    """GPUStack: OpenAI's usage, with its server's times, in milliseconds, rates, and what was drafted.

    https://docs.gpustack.ai
    """

    provider = "GPUStack"
    aliases = ()
    hosts = ()
    marks = ("usage.time_per_output_token_ms",)
    sdk_types = ()

    provider_metrics = {
        **{name: number(name) for name in _RATES},
        "draft_tokens": count("draft_tokens"),
        "draft_tokens_acceptance": number("draft_tokens_acceptance"),
        "accepted_prediction_tokens": OpenAIChat.provider_metrics["accepted_prediction_tokens"],
        "rejected_prediction_tokens": OpenAIChat.provider_metrics["rejected_prediction_tokens"],
    }
