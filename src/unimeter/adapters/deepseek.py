"""DeepSeek."""

from __future__ import annotations

from unimeter.adapters.openai_chat import OpenAIChat
from unimeter.fields import absent, count


class DeepSeek(OpenAIChat):
    """DeepSeek: OpenAI's usage. The prompt is what its cache hit and what it missed; the hits stand there twice.

    https://api-docs.deepseek.com/api/create-chat-completion
    """

    provider = "DeepSeek"
    aliases = ("deepseek-ai",)
    hosts = ("api.deepseek.com",)
    marks = ("usage.prompt_cache_hit_tokens", "usage.prompt_cache_miss_tokens")
    sdk_types = ()

    audio_input_tokens = audio_output_tokens = cache_write_tokens = cost = absent
    input_tokens = count("prompt_tokens")
    provider_metrics = {"prompt_cache_miss_tokens": count("prompt_cache_miss_tokens")}
