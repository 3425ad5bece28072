"""Raw response objects are read like their bytes, with url and headers; nothing is read from the network."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import httpx
import pytest

import unimeter
from unimeter import MalformedUsage

CHAT = {
    "id": "a",
    "object": "chat.completion",
    "model": "m",
    "choices": [],
    "usage": {"prompt_tokens": 10, "completion_tokens": 2},
}


def response(url: str, **content: Any) -> httpx.Response:
    return httpx.Response(200, request=httpx.Request("POST", url), **content)


def test_the_url_names_the_provider() -> None:
    answer = response("https://api.groq.com/openai/v1/chat/completions", json=CHAT)
    assert (unimeter.read(answer).provider, unimeter.normalize(answer).total_tokens) == ("Groq", 12)
    assert unimeter.read(httpx.Response(200, json=CHAT)).provider == "OpenAI Chat"


def test_an_sdks_wrapper_is_opened() -> None:
    class LegacyAPIResponse(SimpleNamespace):
        pass

    wrapped = LegacyAPIResponse(http_response=response("https://api.cerebras.ai/v1/chat/completions", json=CHAT))
    assert unimeter.read(wrapped).provider == "Cerebras"


def test_headers_that_report_usage_are_read() -> None:
    headers = {"x-amzn-bedrock-input-token-count": "31", "x-amzn-bedrock-output-token-count": "9"}
    url = "https://bedrock-runtime.us-east-1.amazonaws.com/model/amazon.titan-x/invoke"
    reading = unimeter.read(response(url, json={"results": [{"outputText": "x"}]}, headers=headers))
    assert (reading.provider, reading.metrics.input_tokens, reading.metrics.output_tokens) == ("AWS Bedrock", 31, 9)


def test_a_body_that_was_not_read_is_an_error_that_says_what_to_do() -> None:
    class Body(httpx.SyncByteStream):
        def __iter__(self) -> Any:
            raise AssertionError("read from the network")
            yield b""

    with pytest.raises(MalformedUsage, match=r"\.read\(\)"):
        unimeter.read(httpx.Response(200, stream=Body()))
