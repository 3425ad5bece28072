"""What boto3 returns, as it returns it: the body or the stream inside still unread."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import pytest

import unimeter
from unimeter.fixture import Fixture
from unimeter.testing.replay import serving
from unimeter.testing.subject import told

from ..conftest import FIXTURES
from .clients import boto3

pytestmark = pytest.mark.sdk

WITH_HEADERS = [name for name, fixture in FIXTURES.items() if fixture.wire.headers and fixture.expected.error is None]
CONVERSE_STREAMS = ["aws_bedrock/converse_stream_cache", "aws_bedrock/converse_stream_cached"]
INVOKE_STREAMS = ["aws_bedrock/invoke_claude_trailer", "aws_bedrock/invoke_llama_stream"]


@pytest.mark.parametrize("name", WITH_HEADERS)
def test_invoke_model(name: str) -> None:
    """The headers alone tell the counts, so nobody has to read the body first; its own words for the rest are missing."""
    fixture = FIXTURES[name]
    with serving(fixture) as url, boto3.connect(url, fixture) as client:
        response = client.invoke_model(modelId=boto3.model(fixture), body=b"{}")
        with closing(response["body"]):
            reading = unimeter.read(response, url=fixture.url)
    assert reading.provider == fixture.expected.provider
    assert counts(reading.metrics.to_dict()) == counts(fixture.expected.metrics)


def counts(metrics: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in metrics.items() if name != "provider_metrics"}


@pytest.mark.parametrize("name", CONVERSE_STREAMS)
def test_converse_stream(name: str) -> None:
    fixture = FIXTURES[name]
    with serving(fixture) as url, boto3.connect(url, fixture) as client:
        assert told(unimeter.read(converse_stream(client, fixture), url=fixture.url)) == fixture.expected


def converse_stream(client: Any, fixture: Fixture) -> Any:
    return client.converse_stream(modelId=boto3.model(fixture), messages=[{"role": "user", "content": [{"text": "Hello"}]}])


@pytest.mark.parametrize("name", INVOKE_STREAMS)
def test_invoke_model_stream(name: str) -> None:
    fixture = FIXTURES[name]
    with serving(fixture) as url, boto3.connect(url, fixture) as client:
        response = client.invoke_model_with_response_stream(modelId=boto3.model(fixture), body=b"{}")
        with closing(response["body"]):
            assert told(unimeter.read(response, url=fixture.url)) == fixture.expected
