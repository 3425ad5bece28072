"""xAI."""

from __future__ import annotations

from unimeter.adapters.openai_chat import OpenAIChat
from unimeter.adapters.openai_endpoints import OpenAIMedia
from unimeter.adapters.openai_responses import OpenAIResponses
from unimeter.adapters.realtime import OpenAIRealtime
from unimeter.fields import beside, count, label, money, number, tree

_COST = money("cost_in_usd_ticks", per_dollar=10**10)
_SEARCH = {
    "num_sources_used": count("num_sources_used"),
    "num_server_side_tools_used": count("num_server_side_tools_used"),
    "server_side_tool_usage_details": tree("server_side_tool_usage_details"),
    "service_tier": beside(label("service_tier")),
}


class XAI(OpenAIChat):
    """xAI chat. Reasoning stands outside the completion, as the total shows; the cost comes in ticks of 1e-10 dollars.

    https://docs.x.ai/docs/api-reference#chat-completions
    """

    provider = "xAI"
    aliases = ("grok", "x-ai")
    hosts = ("api.x.ai", "*.api.x.ai")
    marks = ("usage.num_sources_used", "usage.cost_in_usd_ticks")
    sdk_types = ()

    cost = _COST
    provider_metrics = {
        **_SEARCH,
        "accepted_prediction_tokens": count("completion_tokens_details.accepted_prediction_tokens"),
        "rejected_prediction_tokens": count("completion_tokens_details.rejected_prediction_tokens"),
    }


class XAIResponses(OpenAIResponses):
    """xAI Responses: reasoning stands inside the output here."""

    provider = "xAI"
    hosts = ()
    marks = ("usage.num_sources_used", "usage.cost_in_usd_ticks")
    sdk_types = ()

    cost = _COST
    provider_metrics = {**_SEARCH, "context_details": tree("context_details")}


class XAIMedia(OpenAIMedia):
    """xAI images: a cost and no tokens."""

    provider = "xAI"
    hosts = ()
    shape = ("usage.cost_in_usd_ticks",)
    marks = ("usage.cost_in_usd_ticks",)
    sdk_types = ()

    cost = _COST


class XAIRealtime(OpenAIRealtime):
    """xAI's voice sessions: the usage stands beside the response, which has an empty one.

    https://docs.x.ai/docs/guides/voice
    """

    provider = "xAI"
    hosts = ()
    marks = ("usage.billable_audio_seconds", "usage.output_audio_seconds")
    id = ("id", "response_id", "response.id")
    sdk_types = ()

    provider_metrics = {
        "output_audio_seconds": number("output_audio_seconds"),
        "context_tokens": OpenAIRealtime.provider_metrics["context_tokens"],
    }
    ignored = {
        **OpenAIRealtime.ignored,
        "input_token_details.grok_tokens": "not documented; 0 so far",
        "output_token_details.grok_tokens": "not documented; 0 so far",
        "billable_audio_seconds": "of all the session so far, so that it would be added to itself",
    }
