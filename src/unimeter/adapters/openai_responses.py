"""OpenAI Responses."""

from __future__ import annotations

from unimeter.adapter import Adapter
from unimeter.fields import beside, count, first, label, money, tree


class OpenAIResponses(Adapter):
    """OpenAI Responses. Counts come inclusive; what a tool's own model used stands apart, in `tool_usage`.

    https://platform.openai.com/docs/api-reference/responses/object#responses/object-usage
    """

    provider = "OpenAI Responses"
    hosts = ("api.openai.com",)
    url_paths = ("/responses",)
    shape = (
        "object=response*",
        "type=response.*",
        "object=batch",
        "usage.input_tokens_details",
        "usage.input_tokens&usage.total_tokens",
    )
    places = ("usage", "response.usage")
    whole = ("object=response",)
    content = ("delta", "item.name", "text", "part.text", "arguments")
    final = ("type=response.completed", "type=response.incomplete", "type=response.failed", "type=response.done")
    sdk_types = ("openai.types.responses:ResponseUsage",)

    input_tokens = count("input_tokens")
    output_tokens = count("output_tokens")
    total_tokens = count("total_tokens")
    cache_read_tokens = first(
        count("input_tokens_details.cached_tokens"),
        count("input_tokens_details.cache_read_input_tokens"),
    )
    cache_write_tokens = first(
        count("input_tokens_details.cache_write_tokens"), count("input_tokens_details.cache_creation_input_tokens")
    )
    reasoning_tokens = count("output_tokens_details.reasoning_tokens")
    cost = money("cost")
    provider_metrics = {
        "cache_write_tokens_details": tree("input_tokens_details.cache_write_tokens_details"),
        "service_tier": beside(label("service_tier")),
        "tool_usage": beside(tree("tool_usage")),
    }
    ignored = {
        "output_tokens_details.tool_output_tokens": "a share of the output; always 0 so far, and not documented",
    }
