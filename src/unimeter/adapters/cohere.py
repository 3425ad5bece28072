"""Cohere."""

from __future__ import annotations

from unimeter.adapter import Adapter
from unimeter.fields import beside, count, first, tree


class Cohere(Adapter):
    """Cohere. `tokens` is what the model saw and said; `billed_units` is what is paid for. Image tokens stand apart.

    https://docs.cohere.com/reference/chat
    """

    provider = "Cohere"
    hosts = ("api.cohere.com", "api.cohere.ai")
    url_paths = ("/v2/chat", "/v2/rerank", "/v2/embed", "/v1/generate", "/v1/embed")
    packages = ("cohere",)
    shape = (
        "id&finish_reason&message",
        "usage.billed_units",
        "usage.tokens",
        "meta.billed_units",
        "meta.tokens",
        "generation_id",
        "generations",
        "response_type=embeddings_*",
        "event_type=text-generation",
        "event_type=stream-*",
        "event_type=search-*",
        "event_type=citation-generation",
        "event_type=tool-calls-*",
        "type=message-start",
        "type=message-end",
        "type=content-*",
    )
    places = ("usage", "delta.usage", "meta", "response.meta")
    id = ("id", "response_id", "generation_id")
    model = ()
    whole = ("id&finish_reason&message",)
    content = (
        *(f"delta.message.{name}" for name in ("content.text", "content.thinking", "tool_plan", "tool_calls")),
        *("text", "tool_call_delta"),
    )
    final = stop = ("type=message-end", "event_type=stream-end", "is_finished=true")
    sdk_types = ("cohere.types:Usage",)
    ignored = {"api_version": "no usage", "warnings": "no usage"}

    input_tokens = first(
        count("tokens.input_tokens") + count("tokens.image_tokens"),
        beside(count("token_count.prompt_tokens")),
        count("billed_units.input_tokens"),
    )
    output_tokens = first(
        count("tokens.output_tokens"),
        beside(count("token_count.response_tokens")),
        count("billed_units.output_tokens"),
    )
    total_tokens = beside(count("token_count.total_tokens"))
    cache_read_tokens = count("cached_tokens")
    provider_metrics = {"billed_units": tree("billed_units")}
