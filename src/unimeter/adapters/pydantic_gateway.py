"""Pydantic AI Gateway: whatever dialect is asked for, with an estimate of the price in the usage."""

from __future__ import annotations

from unimeter.adapters.anthropic import Anthropic
from unimeter.adapters.gemini import Gemini
from unimeter.adapters.openai_chat import OpenAIChat
from unimeter.adapters.openai_responses import OpenAIResponses
from unimeter.fields import money

_MARKS = ("usage.pydantic_ai_gateway",)
# An estimate by a price list is no cost that a provider reported.
_ESTIMATE = {"cost_estimate": money("pydantic_ai_gateway.cost_estimate")}


class PydanticGateway(OpenAIChat):
    """OpenAI Chat through Pydantic's gateway.

    https://ai.pydantic.dev/gateway/
    """

    provider = "Pydantic AI Gateway"
    aliases = ()
    hosts = ("gateway.pydantic.dev",)
    marks = _MARKS
    sdk_types = ()

    provider_metrics = {**OpenAIChat.provider_metrics, **_ESTIMATE}


class PydanticGatewayResponses(OpenAIResponses):
    """OpenAI Responses through Pydantic's gateway.

    https://ai.pydantic.dev/gateway/
    """

    provider = "Pydantic AI Gateway"
    hosts = ()
    marks = _MARKS
    sdk_types = ()

    provider_metrics = {**OpenAIResponses.provider_metrics, **_ESTIMATE}


class PydanticGatewayAnthropic(Anthropic):
    """Anthropic through Pydantic's gateway.

    https://ai.pydantic.dev/gateway/
    """

    provider = "Pydantic AI Gateway"
    aliases = ()
    hosts = ()
    marks = _MARKS
    sdk_types = ()

    provider_metrics = {**Anthropic.provider_metrics, **_ESTIMATE}


class PydanticGatewayGemini(Gemini):
    """Gemini through Pydantic's gateway.

    https://ai.pydantic.dev/gateway/
    """

    provider = "Pydantic AI Gateway"
    aliases = ()
    hosts = ()
    marks = _MARKS
    packages = ()
    sdk_types = ()

    provider_metrics = {**Gemini.provider_metrics, **_ESTIMATE}
