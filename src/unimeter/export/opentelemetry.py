"""OpenTelemetry: spans and metrics of the GenAI semantic conventions, by the official API (extra `otel`).

    exporter = Exporter()                       # the process's own providers, or those that are given
    with unimeter.capture() as run:
        agent.run("…")
    exporter.export(run, agent="guide")

What a call did not report is not exported: a call without usage has a span and a duration, and no token counts. A cost is
not either, as the conventions have no name for one. For spans of your own there is `attributes`. Prometheus is served by
OpenTelemetry's exporter for it.

https://github.com/open-telemetry/semantic-conventions-genai
"""

from __future__ import annotations

from typing import Any

from unimeter.blocks import ToolCall
from unimeter.details import of_modality
from unimeter.extras import needs
from unimeter.reading import Reading
from unimeter.registry import registry, slug
from unimeter.run import Message, Run

with needs("otel"):
    from opentelemetry import metrics as otel_metrics
    from opentelemetry import trace as otel_trace
    from opentelemetry.trace import SpanKind, Status, StatusCode

_PROVIDERS = (
    *("openai", "anthropic", "aws.bedrock", "azure.ai.inference", "azure.ai.openai", "cohere", "deepseek"),
    *("gcp.gemini", "groq", "ibm.watsonx.ai", "mistral_ai", "perplexity", "x_ai"),
)
"""The values that the conventions list for `gen_ai.provider.name`; of others, our slug is as good."""

_SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
_TOKENS = tuple(4**power for power in range(14))
"""The bucket boundaries that the conventions ask for."""

_COUNTS = {
    "input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "cache_read_tokens": "cache_read.input_tokens",
    "cache_write_tokens": "cache_write.input_tokens",
    "reasoning_tokens": "reasoning.output_tokens",
    "audio_input_tokens": "audio.input_tokens",
    "audio_output_tokens": "audio.output_tokens",
}


def attributes(reading: Reading) -> dict[str, Any]:
    """The span attributes of a call: who answered, and the counts that were reported. Input includes cache, output reasoning.

    >>> from unimeter import read
    >>> usage = {"prompt_tokens": 9, "completion_tokens": 2}
    >>> attributes(read({"id": "x", "choices": [], "model": "gpt-x", "usage": usage}))["gen_ai.usage.input_tokens"]
    9
    """
    told: dict[str, Any] = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": provider_name(reading.provider)}
    told |= {"gen_ai.response.model": reading.model} if reading.model else {}
    told |= {"gen_ai.response.id": reading.id} if reading.id else {}
    for name, key in _COUNTS.items():
        if name in reading.reported:
            told[f"gen_ai.usage.{key}"] = getattr(reading.metrics, name)
    for side in ("input", "output"):
        for modality in ("text", "image"):
            if (tokens := of_modality(reading.metrics, side, modality)) is not None:
                told[f"gen_ai.usage.{modality}.{side}_tokens"] = tokens
    return told


def provider_name(label: str) -> str:
    """A provider's name as the conventions spell it.

    >>> provider_name("AWS Bedrock"), provider_name("OpenAI Responses"), provider_name("Mistral"), provider_name("vLLM")
    ('aws.bedrock', 'openai', 'mistral_ai', 'vllm')
    """
    names = {_letters(name) for name in registry().names_of(label)}
    return next((name for name in _PROVIDERS if _letters(name) in names), slug(label))


def _letters(name: str) -> str:
    return "".join(filter(str.isalnum, name))


class Exporter:
    """Exports runs, each once, as spans and metrics."""

    def __init__(self, tracer_provider: Any = None, meter_provider: Any = None) -> None:
        """
        Args:
            tracer_provider, meter_provider: by default those that the process has set.
        """
        self._tracer = otel_trace.get_tracer("unimeter", tracer_provider=tracer_provider)
        meter = otel_metrics.get_meter("unimeter", meter_provider=meter_provider)

        def seconds(name: str, told: str) -> Any:
            return meter.create_histogram(name, "s", told, explicit_bucket_boundaries_advisory=_SECONDS)

        self._tokens = meter.create_histogram(
            "gen_ai.client.token.usage",
            "{token}",
            "Tokens that calls to models used",
            explicit_bucket_boundaries_advisory=_TOKENS,
        )
        self._duration = seconds("gen_ai.client.operation.duration", "How long calls to models took")
        self._first_chunk = seconds("gen_ai.client.operation.time_to_first_chunk", "How long streams took until the first token")
        self._tool = seconds("gen_ai.execute_tool.duration", "How long tools took")
        self._agent = seconds("gen_ai.invoke_agent.duration", "How long agents' runs took")

    def export(self, run: Run, agent: str | None = None) -> None:
        """Export a run that has ended: a span for it, one in it for each call and each tool, and the metrics of all.

        Args:
            run: what is exported. Who exports it twice has it twice.
            agent: the agent's name; by default the one that all its calls have.

        Raises:
            TypeError: it is no run. A session has no calls of its own: export its runs.
        """
        if not isinstance(run, Run):
            raise TypeError(f"a Run is exported, not a {type(run).__name__}")
        messages, tools = run.messages, run.tools
        names = {message.agent for message in messages}
        agent = agent or (names.pop() if len(names) == 1 else None)
        own = {"gen_ai.operation.name": "invoke_agent", **({"gen_ai.agent.name": agent} if agent else {})}
        began, duration = run.start_time, run.metrics.duration
        began = min([*(message.start_time for message in messages), *_starts(tools)], default=None) if began is None else began
        span = self._tracer.start_span(
            f"invoke_agent {agent}" if agent else "invoke_agent", attributes=own, start_time=_ns(began)
        )
        within = otel_trace.set_span_in_context(span)
        for message in messages:
            self._export_message(message, within)
        for tool in tools:
            self._export_tool(tool, within)
        if duration is not None:
            self._agent.record(duration, own)
        ended = [message.start_time + (message.duration or 0.0) for message in messages] + [
            tool.metrics.end_time or 0.0 for tool in tools
        ]
        span.end(None if began is None else _ns(max([began + (duration or 0.0)] if duration is not None else ended)))

    def _export_message(self, message: Message, within: Any) -> None:
        reading = message.reading
        told: dict[str, Any] = {"gen_ai.operation.name": "chat"} if reading is None else attributes(reading)
        told |= {"gen_ai.agent.name": message.agent} if message.agent else {}
        if message.time_to_first_token is not None:
            told["gen_ai.response.time_to_first_chunk"] = message.time_to_first_token
        name = f"chat {reading.model}" if reading is not None and reading.model else "chat"
        span = self._tracer.start_span(name, within, kind=SpanKind.CLIENT, attributes=told, start_time=_ns(message.start_time))
        span.end(_ns(message.start_time + (message.duration or 0.0)))
        own = {
            key: told[key] for key in ("gen_ai.operation.name", "gen_ai.provider.name", "gen_ai.response.model") if key in told
        }
        for side in ("input", "output"):
            if reading is not None and f"{side}_tokens" in reading.reported:
                self._tokens.record(getattr(reading.metrics, f"{side}_tokens"), own | {"gen_ai.token.type": side})
        if message.duration is not None:
            self._duration.record(message.duration, own)
        if message.time_to_first_token is not None:
            self._first_chunk.record(message.time_to_first_token, own)

    def _export_tool(self, tool: ToolCall, within: Any) -> None:
        told = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": tool.name}
        told |= {"error.type": tool.error} if tool.error else {}
        named = told | ({"gen_ai.agent.name": tool.agent} if tool.agent else {})
        span = self._tracer.start_span(
            f"execute_tool {tool.name}", within, attributes=named, start_time=_ns(tool.metrics.start_time)
        )
        if tool.error:
            span.set_status(Status(StatusCode.ERROR))
        span.end(_ns(tool.metrics.end_time))
        if tool.metrics.duration is not None:
            self._tool.record(tool.metrics.duration, told)


def _starts(tools: list[ToolCall]) -> list[float]:
    return [tool.metrics.start_time for tool in tools if tool.metrics.start_time is not None]


def _ns(seconds: float | None) -> int | None:
    return None if seconds is None else int(seconds * 1e9)
