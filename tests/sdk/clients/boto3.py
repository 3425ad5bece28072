"""The client of Bedrock. It gives plain dicts; a body or a stream in them is still to be read."""

from __future__ import annotations

import json
import re
from contextlib import AbstractContextManager, closing
from typing import Any
from urllib.parse import unquote

from unimeter.fixture import Fixture

from ..client import Client


def connect(url: str, fixture: Fixture) -> AbstractContextManager[Any]:
    import boto3

    service = fixture.wire.host.partition(".")[0] or "bedrock-runtime"
    return closing(
        boto3.client(service, endpoint_url=url, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    )


def converse(client: Any, fixture: Fixture) -> Any:
    return client.converse(modelId=model(fixture), messages=[{"role": "user", "content": [{"text": "Hello"}]}])


def converse_stream(client: Any, fixture: Fixture) -> Any:
    messages = [{"role": "user", "content": [{"text": "Hello"}]}]
    return client.converse_stream(modelId=model(fixture), messages=messages)["stream"]


def invoke(client: Any, fixture: Fixture) -> Any:
    return json.loads(client.invoke_model(modelId=model(fixture), body=b"{}")["body"].read())


def invoke_stream(client: Any, fixture: Fixture) -> Any:
    return client.invoke_model_with_response_stream(modelId=model(fixture), body=b"{}")["body"]


def count_tokens(client: Any, fixture: Fixture) -> Any:
    asked = {"converse": {"messages": [{"role": "user", "content": [{"text": "Hello"}]}]}}
    return client.count_tokens(modelId=model(fixture), input=asked)


def agent(client: Any, fixture: Fixture) -> Any:
    asked = {"foundationModel": "m", "instruction": "Answer every greeting with a greeting of your own.", "inputText": "Hello"}
    return client.invoke_inline_agent(sessionId="fixture", **asked)["completion"]


def model(fixture: Fixture) -> str:
    found = re.search(r"/model/([^/]+)/", fixture.wire.path)
    assert found
    return unquote(found[1])


CLIENT = Client(
    "boto3",
    connect,
    {
        "/converse": converse,
        "/converse-stream": converse_stream,
        "/invoke": invoke,
        "/invoke-with-response-stream": invoke_stream,
        "/count-tokens": count_tokens,
        "/agents/fixture": agent,
    },
    tells_provider=False,
)
