"""Langfuse, by its own SDK, to an endpoint on loopback."""

from __future__ import annotations

import json

import pytest

import unimeter
from unimeter.export.langfuse import cost_details, usage_details

from .test_opentelemetry import RESPONSE, endpoint

pytestmark = pytest.mark.extras


def test_langfuse_takes_the_buckets() -> None:
    from langfuse import Langfuse
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    reading = unimeter.read({**RESPONSE, "usage": {**RESPONSE["usage"], "cost": 0.5}})  # type: ignore[dict-item]
    with endpoint() as (url, got):
        langfuse = Langfuse(public_key="pk", secret_key="sk", base_url=url)
        with langfuse.start_as_current_observation(name="call", as_type="generation") as generation:
            generation.update(usage_details=usage_details(reading), cost_details=cost_details(reading))
        langfuse.flush()
        langfuse.shutdown()
    bodies = [body for path, sent in got.items() if path.endswith("/v1/traces") for body in sent]
    attributes = {
        attribute.key: attribute.value.string_value
        for body in bodies
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
        for attribute in span.attributes
    }
    buckets = json.loads(attributes["langfuse.observation.usage_details"])
    assert buckets == {
        "input": 26,
        "input_cache_read": 64,
        "input_cache_creation": 8,
        "input_audio": 2,
        "output": 15,
        "output_reasoning": 24,
        "output_audio": 1,
        "total": 140,
    }
    assert sum(count for key, count in buckets.items() if key != "total") == buckets["total"]
    assert json.loads(attributes["langfuse.observation.cost_details"]) == {"total": 0.5}
