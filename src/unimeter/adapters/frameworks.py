"""Agent frameworks' own usage types: what is left of a response where the provider's payload cannot be had.

Each has a convention of its own on what its input holds. A zero in a type whose zero is the default may mean that
nothing was told, so it is not taken for a report.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from unimeter.adapter import Adapter
from unimeter.adapters.anthropic import Anthropic
from unimeter.adapters.litellm import LiteLLM
from unimeter.adapters.openai_chat import OpenAIChat
from unimeter.adapters.openai_responses import OpenAIResponses
from unimeter.fields import absent, beside, count, first, if_outside, money, number, tree
from unimeter.objects import fields_of
from unimeter.values import as_count


class _ZeroIsUnknown:
    """A type that cannot tell zero from missing."""

    @classmethod
    def ready(cls: Any, usage: Mapping[str, Any]) -> tuple[Mapping[str, Any], tuple[tuple[str, Any, str | None], ...]]:
        """The figures that are not zero; of the two that every call has, zeros too if one figure is told."""
        told = {name: value for name, value in usage.items() if not _is_empty(value)}
        if not told.keys().isdisjoint(cls.usage_names):
            steps = [cls.table[metric].leaves()[0].steps[0] for metric in ("input_tokens", "output_tokens")]
            told = dict.fromkeys([step.camel if cls.camel_case else step.name for step in steps], 0) | told
        return told, ()


def _is_empty(value: Any) -> bool:
    """Whether nothing but zeros stands in a value."""
    if (fields := fields_of(value)) is not None:
        return all(map(_is_empty, fields.values()))
    return value is None or (value == 0 and not isinstance(value, bool))


class PydanticAI(_ZeroIsUnknown, Adapter):
    """Pydantic AI's `ModelResponse`, `RequestUsage` and `RunUsage`. Counts come inclusive, for every provider.

    Its cost is computed, except through its gateway, which the type does not tell apart: it is not read.

    https://ai.pydantic.dev/api/usage/
    """

    provider = "Pydantic AI"
    packages = ("pydantic_ai",)
    shape = ("kind=response&parts",)
    model = ("model_name",)
    id = ("provider_response_id",)
    ready_if = "input_tokens"
    sdk_types = ("pydantic_ai.usage:RequestUsage", "pydantic_ai.usage:RunUsage")

    cache_read_tokens = count("cache_read_tokens")
    cache_write_tokens = count("cache_write_tokens")
    audio_input_tokens = count("input_audio_tokens")
    audio_output_tokens = count("output_audio_tokens")
    reasoning_tokens = first(count("output_reasoning_tokens"), count("details.reasoning_tokens"))
    input_tokens = count("input_tokens")
    output_tokens = count("output_tokens")
    provider_metrics = {
        "cache_write_1h_tokens": count("cache_write_1h_tokens"),
        "cache_audio_read_tokens": count("cache_audio_read_tokens"),
        "audio_seconds": number("audio_seconds"),
        "details": tree("details"),
    }
    ignored = {
        "cost": "mostly computed",
        "requests": "how many calls were added",
        "tool_calls": "no usage",
        "unmeasured_requests": "how many of them told nothing",
    }


class OpenAIAgents(_ZeroIsUnknown, OpenAIResponses):
    """OpenAI Agents' `Usage`. Counts come inclusive; a run's are its calls' sum.

    https://openai.github.io/openai-agents-python/usage/
    """

    provider = "OpenAI Agents"
    hosts = ()
    packages = ("agents",)
    id = ("response_id",)
    ready_if = "input_tokens"
    sdk_types = ("agents.usage:Usage",)

    audio_input_tokens = audio_output_tokens = cost = absent
    provider_metrics = {"cache_write_tokens_details": OpenAIResponses.provider_metrics["cache_write_tokens_details"]}
    ignored = {
        "requests": "how many calls were added",
        "request_usage_entries": "the same, call by call",
    }

    @classmethod
    def ready(cls, usage: Mapping[str, Any]) -> tuple[Mapping[str, Any], tuple[tuple[str, Any, str | None], ...]]:
        """The same for the details, whose zeros stand for null as well."""
        details = {name: fields for name, value in usage.items() if (fields := fields_of(value)) is not None}
        told = {
            name: {inner: value for inner, value in fields.items() if not _is_empty(value)} for name, fields in details.items()
        }
        return super().ready({**usage, **told})


class CrewAI(_ZeroIsUnknown, Adapter):
    """CrewAI's `UsageMetrics`. Counts come inclusive, for every provider.

    https://docs.crewai.com/en/concepts/crews#crew-output-attributes
    """

    provider = "CrewAI"
    packages = ("crewai",)
    places = ("usage_metrics", "token_usage")
    shape = ("usage_metrics.prompt_tokens", "token_usage.successful_requests")
    id = ("response_id",)
    ready_if = "prompt_tokens"
    sdk_types = ("crewai.types.usage_metrics:UsageMetrics",)

    cache_read_tokens = count("cached_prompt_tokens")
    cache_write_tokens = count("cache_creation_tokens")
    reasoning_tokens = count("reasoning_tokens")
    input_tokens = count("prompt_tokens")
    output_tokens = count("completion_tokens")
    total_tokens = count("total_tokens")
    ignored = {"successful_requests": "how many calls were added"}


class Strands(_ZeroIsUnknown, Adapter):
    """Strands' metrics. The input comes without the cache from Bedrock and Anthropic, with it from others: the total tells.

    https://strandsagents.com/latest/documentation/docs/api-reference/telemetry/
    """

    provider = "Strands"
    packages = ("strands",)
    shape = ("accumulated_usage",)
    places = ("accumulated_usage",)
    model = id = ()
    camel_case = True
    ready_if = "inputTokens"
    sdk_types = ("strands.types.event_loop:Usage",)

    cache_read_tokens = count("cache_read_input_tokens")
    cache_write_tokens = count("cache_write_input_tokens")
    input_tokens = count("input_tokens") + if_outside(cache_read_tokens + cache_write_tokens)
    output_tokens = count("output_tokens")
    total_tokens = count("total_tokens")
    provider_metrics = {"latencyMs": beside(number("accumulated_metrics.latency_ms"))}


class AgentFramework(Adapter):
    """Microsoft Agent Framework's `UsageDetails`. Anthropic's come without the cache and without a total; others' total tells.

    https://learn.microsoft.com/python/api/agent-framework-core/agent_framework.usagedetails
    """

    provider = "Agent Framework"
    packages = ("agent_framework",)
    shape = ("usage_details.input_token_count", "usage_details.output_token_count")
    places = ("usage_details",)
    model = ("model", "model_id")
    id = ("response_id",)
    ready_if = "input_token_count"
    sdk_types = ("agent_framework:UsageDetails",)

    cache_read_tokens = count("cache_read_input_token_count")
    cache_write_tokens = count("cache_creation_input_token_count")
    audio_input_tokens = count("prompt/audio_tokens")
    audio_output_tokens = count("completion/audio_tokens")
    reasoning_tokens = count("reasoning_output_token_count")
    input_tokens = count("input_token_count") + if_outside(cache_read_tokens + cache_write_tokens)
    output_tokens = count("output_token_count")
    total_tokens = count("total_token_count")
    provider_metrics = {
        "accepted_prediction_tokens": count("completion/accepted_prediction_tokens"),
        "rejected_prediction_tokens": count("completion/rejected_prediction_tokens"),
    }
    ignored = dict.fromkeys(
        (*("anthropic", "openai"), "prompt/cached_tokens", "prompt/cache_write_tokens", "completion/reasoning_tokens"),
        "the same under the provider's own name",
    )

    @classmethod
    def ready(cls, usage: Mapping[str, Any]) -> tuple[Mapping[str, Any], tuple[tuple[str, Any, str | None], ...]]:
        """With the cache, where no total tells: that is Anthropic's."""
        if usage.get("total_token_count") is not None:
            return usage, ()
        names = ("input_token_count", "cache_read_input_token_count", "cache_creation_input_token_count")
        counts = (as_count(usage[name], name) or 0 for name in names if usage.get(name) is not None)
        return {**usage, "input_token_count": sum(counts)}, ()


class AutoGen(_ZeroIsUnknown, OpenAIChat):
    """AutoGen's `CreateResult`, `RequestUsage`, and a message's `models_usage`: two figures.

    https://microsoft.github.io/autogen/stable/reference/python/autogen_core.models.html
    """

    provider = "AutoGen"
    aliases = hosts = url_paths = final = whole = ()
    packages = ("autogen_core", "autogen_agentchat", "autogen_ext")
    shape = ("models_usage", "finish_reason&cached")
    places = ("usage", "models_usage")
    model = ()
    ready_if = "prompt_tokens"
    sdk_types = ("autogen_core.models._types:RequestUsage",)

    input_tokens = count("prompt_tokens")
    output_tokens = count("completion_tokens")
    total_tokens = cache_read_tokens = cache_write_tokens = absent
    reasoning_tokens = audio_input_tokens = audio_output_tokens = cost = absent
    provider_metrics = {}
    ignored = {}


class Smolagents(_ZeroIsUnknown, Adapter):
    """smolagents' `TokenUsage`: two figures.

    https://huggingface.co/docs/smolagents/reference/agents#smolagents.TokenUsage
    """

    provider = "smolagents"
    packages = ("smolagents",)
    shape = ("token_usage.input_tokens",)
    places = ("token_usage",)
    model = id = ()
    ready_if = "input_tokens"
    sdk_types = ("smolagents.monitoring:TokenUsage",)

    input_tokens = count("input_tokens")
    output_tokens = count("output_tokens")
    total_tokens = count("total_tokens")


class DSPy(OpenAIChat):
    """An entry of DSPy's `lm.history`: the provider's usage in OpenAI's dialect. Its own cost is an estimate, and not read.

    https://dspy.ai/api/models/LM/
    """

    provider = "DSPy"
    aliases = hosts = url_paths = shape = ()
    marks = ("response_model",)
    model = ("response_model", "model")
    id = ("response.id", "uuid")
    sdk_types = ()

    cache_write_tokens = LiteLLM.cache_write_tokens
    cost = absent
    provider_metrics = {}


class Haystack(OpenAIChat):
    """Haystack's `ChatMessage`: the provider's usage in OpenAI's dialect, inclusive for every provider.

    https://docs.haystack.deepset.ai/docs/chatmessage
    """

    provider = "Haystack"
    aliases = hosts = url_paths = ()
    packages = ("haystack",)
    shape = ("_meta.usage", "meta.usage")
    places = ("_meta.usage", "meta.usage")
    final = ()
    content = ("content", "tool_calls", "reasoning")
    sdk_types = ()

    reasoning_tokens = first(OpenAIChat.reasoning_tokens, Anthropic.reasoning_tokens)
    output_tokens = count("completion_tokens") + if_outside(reasoning_tokens)
    provider_metrics = {
        **{name: field for name, field in OpenAIChat.provider_metrics.items() if name != "service_tier"},
        **{name: Anthropic.provider_metrics[name] for name in ("server_tool_use", "service_tier", "cache_creation")},
    }
    ignored = {**OpenAIChat.ignored, "speed": "what the request asked for", "inference_geo": "where it ran"}


_AGNO_LABELS = ("service_tier", "traffic_type", "inference_geo", "speed")
"""Labels among what Agno keeps of a provider's own."""


class Agno(_ZeroIsUnknown, Adapter):
    """A request's usage as Agno keeps it: OpenAI's inclusive; that of Claude, Bedrock and Gemini is read by the tables below.

    https://docs.agno.com/concepts/agents/metrics
    """

    provider = "Agno"
    shape = ("response_usage",)
    places = ("response_usage",)
    id = ()
    ready_if = "input_tokens"

    cache_read_tokens = count("cache_read_tokens")
    cache_write_tokens = count("cache_write_tokens")
    audio_input_tokens = count("audio_input_tokens")
    audio_output_tokens = count("audio_output_tokens")
    reasoning_tokens = count("reasoning_tokens")
    input_tokens = count("input_tokens")
    output_tokens = count("output_tokens")
    cost = money("cost")
    provider_metrics = {"provider_metrics": tree("provider_metrics", *_AGNO_LABELS)}
    ignored = {
        **dict.fromkeys(("total_tokens", "audio_total_tokens"), "Agno's own sum, in which a part may be missing"),
        **dict.fromkeys(("timer", "duration", "time_to_first_token"), "Agno's own clock"),
    }


class AgnoAnthropic(Agno):
    """Claude's through Agno: the input comes without the cache.

    https://docs.agno.com/concepts/agents/metrics
    """

    provider = "Anthropic"
    shape = ()
    input_tokens = count("input_tokens") + Agno.cache_read_tokens + Agno.cache_write_tokens
    reasoning_tokens = audio_input_tokens = audio_output_tokens = cost = absent
    ignored = {
        **Agno.ignored,
        **dict.fromkeys(("reasoning_tokens", "audio_input_tokens", "audio_output_tokens", "cost"), "never filled"),
    }


class AgnoBedrock(AgnoAnthropic):
    """Bedrock's through Agno: as Claude's.

    https://docs.agno.com/concepts/agents/metrics
    """

    provider = "AWS Bedrock"
    provider_metrics = {}
    ignored = {**AgnoAnthropic.ignored, "provider_metrics": "never filled"}


class AgnoGemini(Agno):
    """Gemini's through Agno: the output comes without the thoughts.

    https://docs.agno.com/concepts/agents/metrics
    """

    provider = "Google Gemini"
    shape = ()
    output_tokens = count("output_tokens") + Agno.reasoning_tokens
    cache_write_tokens = audio_input_tokens = audio_output_tokens = cost = absent
    ignored = {
        **Agno.ignored,
        **dict.fromkeys(("cache_write_tokens", "audio_input_tokens", "audio_output_tokens", "cost"), "never filled"),
    }
