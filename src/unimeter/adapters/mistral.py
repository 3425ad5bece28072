"""Mistral."""

from __future__ import annotations

from unimeter.adapter import Adapter
from unimeter.adapters.openai_chat import OpenAIChat
from unimeter.fields import absent, count, first, if_outside, label, number, tree


class Mistral(OpenAIChat):
    """Mistral. Cached tokens come in three spellings. Audio and what connectors add stand outside the prompt, as the total shows.

    https://docs.mistral.ai/api/#tag/chat
    """

    provider = "Mistral"
    aliases = ("mistralai",)
    hosts = ("api.mistral.ai", "codestral.mistral.ai")
    packages = ("mistralai",)
    marks = ("usage.prompt_audio_seconds", "usage.connector_tokens")
    places = ("usage", "data.usage")
    content = (*OpenAIChat.content, *(f"data.{path}" for path in OpenAIChat.content), "content")
    final = ("choices[].finish_reason", "data.choices[].finish_reason", "type=conversation.response.done")
    model = ("model",)
    hint = ""
    stream_option = False
    sdk_types = ("mistralai.client.models:UsageInfo",)

    cache_read_tokens = first(
        count("prompt_tokens_details.cached_tokens"),
        count("num_cached_tokens"),
        count("prompt_token_details.cached_tokens"),
    )
    audio_input_tokens = first(count("prompt_tokens_details.audio_tokens"), count("prompt_token_details.audio_tokens"))
    input_tokens = count("prompt_tokens") + if_outside(audio_input_tokens) + if_outside(count("connector_tokens"))
    cache_write_tokens = audio_output_tokens = cost = absent
    provider_metrics = {
        "prompt_audio_seconds": number("prompt_audio_seconds"),
        "service_tier": label("service_tier"),
        "connector_tokens": count("connector_tokens"),
        "connectors": tree("connectors"),
    }


class MistralOCR(Adapter):
    """Mistral's OCR counts pages, not tokens.

    https://docs.mistral.ai/api/#tag/ocr
    """

    provider = "Mistral"
    url_paths = ("/ocr",)
    shape = ("usage_info",)
    places = ("usage_info",)

    provider_metrics = {
        "pages_processed": count("pages_processed"),
        "pages_processed_annotation": count("pages_processed_annotation"),
        "doc_size_bytes": count("doc_size_bytes"),
    }
