"""What tracing backends keep of a call: Langfuse's observations, OpenTelemetry's span attributes."""

from __future__ import annotations

from unimeter.adapter import Adapter
from unimeter.fields import count, first, if_outside, money


class Langfuse(Adapter):
    """A generation in Langfuse, as its API and exports give it. Its buckets do not overlap: their total proves it.

    https://langfuse.com/docs/observability/features/token-and-cost-tracking
    """

    provider = "Langfuse"
    shape = ("usage_details", "usageDetails")
    places = ("",)
    model = ("model", "provided_model_name")
    camel_case = True

    cache_read_tokens = first(
        count("usage_details.input_cache_read"),
        count("usage_details.input_cached_tokens"),
        count("usage_details.cache_read_input_tokens"),
        count("usage_details.input_cached"),
    )
    cache_write_tokens = first(
        count("usage_details.input_cache_creation"),
        count("usage_details.cache_creation_input_tokens"),
        count("usage_details.input_cache_write"),
    )
    audio_input_tokens = first(count("usage_details.input_audio"), count("usage_details.input_audio_tokens"))
    audio_output_tokens = first(count("usage_details.output_audio"), count("usage_details.output_audio_tokens"))
    reasoning_tokens = first(count("usage_details.output_reasoning"), count("usage_details.output_reasoning_tokens"))
    input_tokens = (
        first(count("usage_details.input"), count("usage_details.input_tokens"), count("usage_details.prompt_tokens"))
        + if_outside(cache_read_tokens)
        + if_outside(cache_write_tokens)
        + if_outside(audio_input_tokens)
    )
    output_tokens = (
        first(count("usage_details.output"), count("usage_details.output_tokens"), count("usage_details.completion_tokens"))
        + if_outside(reasoning_tokens)
        + if_outside(audio_output_tokens)
    )
    total_tokens = first(count("usage_details.total"), count("usage_details.total_tokens"))
    cost = first(money("cost_details.total"), money("total_cost"), money("calculated_total_cost"))
    ignored = dict.fromkeys(
        ("id", "type", "model", "provided_model_name", "start_time", "end_time", "trace_id", "name"), "no usage"
    )


class OpenTelemetry(Adapter):
    """A span's attributes by the GenAI conventions, their dots as nesting. Cached and written tokens are part of the input.

    https://opentelemetry.io/docs/specs/semconv/registry/attributes/gen-ai/
    """

    provider = "OpenTelemetry"
    shape = ("gen_ai.usage",)
    places = ("gen_ai.usage",)
    model = ("response.model", "request.model")
    id = ("response.id",)

    input_tokens = first(count("input_tokens"), count("prompt_tokens"))
    output_tokens = first(count("output_tokens"), count("completion_tokens"))
    total_tokens = count("total_tokens")
    cache_read_tokens = first(count("cache_read.input_tokens"), count("cache_read_input_tokens"))
    cache_write_tokens = first(
        count("cache_creation.input_tokens"), count("cache_write.input_tokens"), count("cache_creation_input_tokens")
    )
    reasoning_tokens = count("reasoning.output_tokens")
    audio_input_tokens = count("audio.input_tokens")
    audio_output_tokens = count("audio.output_tokens")
    ignored = {"operation.name": "no usage", "provider.name": "no usage"}
