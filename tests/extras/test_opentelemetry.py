"""OpenTelemetry, by its own SDK: in memory, over OTLP to an endpoint on loopback, and as Prometheus has it."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

import unimeter
from unimeter import Run
from unimeter.testing.replay import running

pytestmark = pytest.mark.extras

RESPONSE = {
    "id": "chatcmpl-1",
    "choices": [],
    "model": "gpt-x",
    "usage": {
        "prompt_tokens": 100,
        "completion_tokens": 40,
        "prompt_tokens_details": {"cached_tokens": 64, "cache_write_tokens": 8, "audio_tokens": 2},
        "completion_tokens_details": {"reasoning_tokens": 24, "audio_tokens": 1},
    },
}
USAGE = {
    "gen_ai.usage.input_tokens": 100,
    "gen_ai.usage.output_tokens": 40,
    "gen_ai.usage.cache_read.input_tokens": 64,
    "gen_ai.usage.cache_write.input_tokens": 8,
    "gen_ai.usage.reasoning.output_tokens": 24,
    "gen_ai.usage.audio.input_tokens": 2,
    "gen_ai.usage.audio.output_tokens": 1,
}


def a_run() -> Run:
    """A run with a call, one that told no usage, and a tool that failed."""
    with Run() as run:
        run.record(RESPONSE, agent="guide", duration=0.5, time_to_first_token=0.2)
        run.record({"choices": []}, provider="openai", duration=0.25)
        with pytest.raises(ValueError, match="no"), run.tool("search", agent="guide"):
            raise ValueError("no")
    return run


def export(run: Run, **providers: Any) -> None:
    from unimeter.export.opentelemetry import Exporter

    Exporter(**providers).export(run, agent="guide")


def test_spans() -> None:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    memory = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(memory))
    run = a_run()
    export(run, tracer_provider=provider)
    call, without, tool, whole = memory.get_finished_spans()
    assert [span.name for span in (call, without, tool, whole)] == [
        "chat gpt-x",
        "chat",
        "execute_tool search",
        "invoke_agent guide",
    ]
    told = dict(call.attributes or {})
    assert {key: value for key, value in told.items() if key.startswith("gen_ai.usage")} == USAGE
    assert told["gen_ai.provider.name"] == "openai"
    assert told["gen_ai.response.model"] == "gpt-x"
    assert told["gen_ai.response.id"] == "chatcmpl-1"
    assert told["gen_ai.agent.name"] == "guide"
    assert told["gen_ai.response.time_to_first_chunk"] == 0.2
    assert not any("usage" in key for key in without.attributes or {})
    assert (tool.attributes or {})["error.type"] == "ValueError"
    assert not tool.status.is_ok
    for span in (call, without, tool):
        assert span.parent is not None
        assert span.parent.span_id == whole.context.span_id
    assert call.end_time - call.start_time == pytest.approx(0.5e9, abs=1e3)
    assert whole.end_time - whole.start_time == pytest.approx((run.metrics.duration or 0) * 1e9, abs=1e3)
    assert run.start_time is not None
    assert whole.start_time == pytest.approx(run.start_time * 1e9, abs=5e6)


def points(data: Any) -> dict[str, list[tuple[dict[str, Any], float]]]:
    """Each metric's points: their attributes and their sum."""
    return {
        metric.name: [(dict(point.attributes), point.sum) for point in metric.data.data_points]
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    }


def test_metrics() -> None:
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader

    reader = InMemoryMetricReader()
    run = a_run()
    export(run, meter_provider=MeterProvider([reader]))
    told = points(reader.get_metrics_data())
    who = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.response.model": "gpt-x"}
    assert told["gen_ai.client.token.usage"] == [
        ({**who, "gen_ai.token.type": "input"}, 100),
        ({**who, "gen_ai.token.type": "output"}, 40),
    ]
    assert told["gen_ai.client.operation.duration"] == [(who, 0.5), ({"gen_ai.operation.name": "chat"}, 0.25)]
    assert told["gen_ai.client.operation.time_to_first_chunk"] == [(who, 0.2)]
    ((tool, seconds),) = told["gen_ai.execute_tool.duration"]
    assert tool == {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "search", "error.type": "ValueError"}
    assert seconds == run.tools[0].metrics.duration
    ((agent, seconds),) = told["gen_ai.invoke_agent.duration"]
    assert agent == {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "guide"}
    assert seconds == run.metrics.duration


def test_the_names_are_those_of_the_installed_conventions() -> None:
    from opentelemetry.semconv._incubating.attributes import gen_ai_attributes
    from opentelemetry.semconv._incubating.metrics import gen_ai_metrics

    from unimeter.export import opentelemetry as ours

    known = {value for module in (gen_ai_attributes, gen_ai_metrics) for value in vars(module).values() if isinstance(value, str)}
    newer = {  # in the conventions' own repository, not yet in the Python package
        "gen_ai.usage.cache_write.input_tokens",
        "gen_ai.usage.audio.input_tokens",
        "gen_ai.usage.audio.output_tokens",
    }
    assert set(USAGE) - known == newer
    assert {"gen_ai.client.token.usage", "gen_ai.client.operation.duration"} <= known
    listed = {value.value for value in gen_ai_attributes.GenAiProviderNameValues}
    assert set(ours._PROVIDERS) <= listed


def test_openinference_names_are_its_own() -> None:
    from openinference.semconv.trace import OpenInferenceLLMProviderValues, SpanAttributes

    from unimeter.export import openinference

    known = {value for value in vars(SpanAttributes).values() if isinstance(value, str)}
    told = openinference.attributes(unimeter.read({**RESPONSE, "usage": {**RESPONSE["usage"], "cost": 0.5}}))  # type: ignore[dict-item]
    assert set(told) <= known
    assert told["llm.token_count.prompt"] == 100
    assert told["llm.token_count.total"] == 140
    assert told["llm.cost.total"] == 0.5
    assert set(openinference._PROVIDERS) <= {value.value for value in OpenInferenceLLMProviderValues}


@contextmanager
def endpoint() -> Iterator[tuple[str, dict[str, list[bytes]]]]:
    """An OTLP endpoint: its url, and what it got, by path."""
    got: dict[str, list[bytes]] = {}

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            got.setdefault(self.path, []).append(gzip.decompress(body) if self.headers.get("content-encoding") else body)
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name that it has above
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    with running(server) as url:
        yield url, got


def test_over_otlp() -> None:
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    with endpoint() as (url, got):
        traces = TracerProvider()
        traces.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{url}/v1/traces")))
        metrics = MeterProvider([PeriodicExportingMetricReader(OTLPMetricExporter(f"{url}/v1/metrics"))])
        export(a_run(), tracer_provider=traces, meter_provider=metrics)
        traces.shutdown()
        metrics.shutdown()
    (spans,) = (ExportTraceServiceRequest.FromString(body) for body in got["/v1/traces"])
    sent = {span.name: span for resource in spans.resource_spans for scope in resource.scope_spans for span in scope.spans}
    told = {attribute.key: attribute.value for attribute in sent["chat gpt-x"].attributes}
    assert {key: told[key].int_value for key in USAGE} == USAGE
    names = {
        metric.name
        for body in got["/v1/metrics"]
        for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    }
    assert {"gen_ai.client.token.usage", "gen_ai.execute_tool.duration"} <= names


def test_as_prometheus_has_it() -> None:
    from opentelemetry.exporter.prometheus import PrometheusMetricReader
    from opentelemetry.sdk.metrics import MeterProvider
    from prometheus_client import REGISTRY, generate_latest

    reader = PrometheusMetricReader()
    provider = MeterProvider([reader])
    export(a_run(), meter_provider=provider)
    text = generate_latest(REGISTRY).decode()
    provider.shutdown()
    (line,) = (
        line
        for line in text.splitlines()
        if line.startswith(("gen_ai_client_token_usage_sum", "gen_ai_client_token_usage__token__sum"))
        if 'gen_ai_token_type="input"' in line
    )
    assert line.endswith(" 100.0")
