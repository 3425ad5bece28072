"""SambaNova."""

from __future__ import annotations

from unimeter.adapters.openai_chat import OpenAIChat
from unimeter.fields import number

_TIMES = ("time_to_first_token", "total_latency", "acceptance_rate")
_RATES = ("completion_tokens_per_sec", "completion_tokens_after_first_per_sec", "total_tokens_per_sec")


class SambaNova(OpenAIChat):
    """SambaNova: OpenAI's usage, with its server's times, in seconds, and rates.

    https://docs.sambanova.ai/docs/en/api-reference/chat/create-chat-based-completion
    """

    provider = "SambaNova"
    aliases = ()
    hosts = ("api.sambanova.ai",)
    marks = ("usage.total_latency", "usage.completion_tokens_per_sec")
    sdk_types = ()

    provider_metrics = {name: number(name) for name in (*_TIMES, *_RATES)}
    ignored = {
        **OpenAIChat.ignored,
        "start_time": "a date, no time that something took",
        "end_time": "a date, no time that something took",
        "total_latency_per_token": "the latency by the tokens",
        "is_last_response": "says that the usage is whole",
        "completion_tokens_after_first_per_sec_first_ten": "a rate of ten tokens",
        "completion_tokens_after_first_per_sec_graph": "a rate, drawn",
        "stop_reason": "why it ended",
    }
