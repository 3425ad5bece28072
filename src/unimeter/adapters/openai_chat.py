"""OpenAI Chat Completions, and the endpoints of OpenAI's that answer in much the same way."""

from __future__ import annotations

from unimeter.adapter import Adapter
from unimeter.fields import beside, count, first, if_outside, label, money


class OpenAIChat(Adapter):
    """OpenAI Chat Completions: the dialect that half the field speaks. Counts come inclusive, as we keep them.

    The spellings after the first are those of compatible servers; none of them is ever added to another.
    Where a server counts reasoning, audio or the cache apart from what it belongs to, its own total says so.

    https://platform.openai.com/docs/api-reference/chat/object#chat-object-usage
    """

    provider = "OpenAI Chat"
    aliases = ("openai",)
    hosts = ("api.openai.com",)
    url_paths = ("/chat/completions", "/completions")
    own_paths = ("/chat/completions",)
    shape = ("choices", "object=chat.completion*", "object=text_completion", "usage.prompt_tokens")
    final = ("choices[].finish_reason",)
    whole = ("object=chat.completion", "object=text_completion&choices[].finish_reason")
    partial = ("choices[].delta.content",)  # Perplexity's chunks
    content = (
        *(f"choices[].delta.{name}" for name in ("content", "reasoning_content", "reasoning", "refusal", "audio")),
        *(f"choices[].delta.{name}" for name in ("tool_calls", "function_call")),
        "choices[].text",
    )
    hint = "a stream carries usage only if the request asks: stream_options={'include_usage': True}"
    stream_option = True
    sdk_types = ("openai.types:CompletionUsage",)

    total_tokens = count("total_tokens")
    cache_read_tokens = first(
        count("prompt_tokens_details.cached_tokens"),
        count("prompt_cache_hit_tokens"),
        count("cached_tokens"),
        count("num_cached_tokens"),
        count("cache_read_input_tokens"),
        count("prompt_token_details.cached_tokens"),
    )
    cache_write_tokens = first(
        count("prompt_tokens_details.cache_write_tokens"),
        count("prompt_tokens_details.cache_creation_input_tokens"),
        count("cache_creation_input_tokens"),
    )
    audio_input_tokens = count("prompt_tokens_details.audio_tokens")
    audio_output_tokens = count("completion_tokens_details.audio_tokens")
    reasoning_tokens = first(
        count("completion_tokens_details.reasoning_tokens"),
        count("reasoning_tokens"),
        count("thoughts_tokens"),
    )
    input_tokens = (
        count("prompt_tokens")
        + if_outside(audio_input_tokens)
        + if_outside(count("cache_read_input_tokens") + count("cache_creation_input_tokens"))  # Anthropic's, through gateways
    )
    output_tokens = count("completion_tokens") + if_outside(reasoning_tokens)
    cost = money("cost")
    provider_metrics = {
        "accepted_prediction_tokens": count("completion_tokens_details.accepted_prediction_tokens"),
        "rejected_prediction_tokens": count("completion_tokens_details.rejected_prediction_tokens"),
        "service_tier": beside(label("service_tier")),
    }
    ignored = {
        "prompt_tokens_details.text_tokens": "the input less its audio and images",
        "prompt_tokens_details.image_tokens": "a share of the input that is priced like text",
        "completion_tokens_details.text_tokens": "the output less its audio and reasoning",
    }
