"""Calls that told no usage: which requests are calls at all, and what is known of those that told nothing."""

from __future__ import annotations

import base64
import struct
import zlib
from typing import Any

import httpx
import pytest

import unimeter
from unimeter import MissingUsage, Run
from unimeter.fixture import sse

CHAT = {"id": "chat-1", "object": "chat.completion", "model": "model-7", "choices": [{"finish_reason": "stop"}]}
MESSAGE = {"type": "message", "id": "m", "role": "assistant", "model": "claude-x", "content": []}


def calls_of(url: str, answer: Any = b"{", headers: dict[str, str] | None = None, **options: Any) -> list[Any]:
    """The calls that a capture counts of one request."""
    response = {"content": answer} if isinstance(answer, bytes) else {"json": answer}
    transport = httpx.MockTransport(lambda _: httpx.Response(200, **response))
    with httpx.Client(transport=transport) as client, unimeter.capture(**options) as run:
        client.post(url, headers=headers)
    return run.messages


@pytest.mark.parametrize(
    ("url", "provider", "model"),
    [
        ("https://api.openai.com/v1/responses", "OpenAI Responses", None),
        ("https://api.openai.com/v1/images/generations", "OpenAI Chat", None),
        ("https://api.openai.com/v1/chat/completions/", "OpenAI Chat", None),
        ("https://api.groq.com/openai/v1/chat/completions", "Groq", None),
        (
            "https://generativelanguage.googleapis.com/v1beta/models/gemini-x:streamGenerateContent?alt=sse",
            "Google Gemini",
            "gemini-x",
        ),
        ("https://bedrock-runtime.us-east-1.amazonaws.com/model/claude-y/invoke", "AWS Bedrock", "claude-y"),
        ("http://localhost:9999/v1/chat/completions", "OpenAI Chat", None),
        ("https://proxy.example/api/chat", "Ollama", None),
        ("https://proxy.example/v1/models/g:generateContent", "Google Gemini", None),
    ],
)
def test_a_request_to_a_path_of_a_models_answers_is_a_call_whatever_comes_back(
    url: str, provider: str, model: str | None
) -> None:
    for answer in (b"", b"{", b"\xff\xfe", b"<html>"):
        [call] = calls_of(url, answer)
        assert (call.reading, call.provider) == (None, provider)
        assert model is None or call.model == model


@pytest.mark.parametrize(
    "url",
    [
        "https://shop.example/api/images",
        "https://shop.example/api/chats",
        "https://shop.example/api/chat/history",
        "https://shop.example/v1/messages",
        "https://shop.example/v1/responses",
        "https://shop.example/v1/chat/completions/1/notes",
        "https://api.openai.com/v1/files",
        "https://api.openai.com/v1/responses/resp_1/cancel",
        "https://api.anthropic.com/v1/messages/batches",
    ],
)
def test_any_other_request_is_a_call_only_if_its_answer_looks_like_one(url: str) -> None:
    for answer in (b"", b"{", {"ok": True}, {"id": "x", "status": "sent"}):
        assert calls_of(url, answer) == []


def test_a_header_tells_what_a_path_alone_does_not() -> None:
    [call] = calls_of("https://gateway.example/v1/messages", headers={"Anthropic-Version": "2023-06-01"})
    assert call.provider == "Anthropic"
    [call] = calls_of("https://gateway.example/v1/messages", MESSAGE)
    assert (call.provider, call.model) == ("Anthropic", "claude-x")


def test_a_host_that_the_user_names_is_known_and_one_given_as_none_is_not_heard() -> None:
    for host, label in (("groq", "Groq"), ("", None)):
        [call] = calls_of("https://llm.example/v1/responses", hosts={"llm.example": host})
        assert call.reading is None
        assert label is None or call.provider == label
    assert calls_of("https://llm.example/v1/chat/completions", CHAT, hosts={"llm.example": None}) == []
    [call] = calls_of("https://llm.example/own/way", CHAT, hosts={"llm.example": "groq"})
    assert (call.provider, call.model) == ("Groq", "model-7")


def test_what_is_known_of_a_call_without_usage() -> None:
    [call] = calls_of("https://user:secret@gateway.example:8080/v1/chat/completions?key=secret#secret", CHAT)
    assert (call.provider, call.model, call.hint) == ("OpenAI Chat", "model-7", None)  # usage is missing, though not asked for
    assert call.url == "https://gateway.example:8080/v1/chat/completions"
    chunk = {**CHAT, "object": "chat.completion.chunk", "choices": [{"delta": {}, "finish_reason": "stop"}]}
    [call] = calls_of("https://api.groq.com/openai/v1/chat/completions", sse([chunk, "[DONE]"]))
    assert (call.provider, call.model) == ("Groq", "model-7")
    assert "include_usage" in call.hint
    malformed = {**MESSAGE, "usage": {"input_tokens": "many", "output_tokens": 1}}
    [call] = calls_of("https://api.anthropic.com/v1/messages", malformed)
    assert (call.provider, call.model) == ("Anthropic", "claude-x")


def test_a_recorded_response_without_usage_is_identified_as_well() -> None:
    run = Run()
    run.record(CHAT, provider="mistral")
    [call] = run.messages
    assert (call.provider, call.model, call.url) == ("Mistral", "model-7", None)
    with pytest.raises(MissingUsage) as missing:
        unimeter.read({"type": "message_start", "message": {**MESSAGE, "usage": None}})
    assert (missing.value.provider, missing.value.model, missing.value.id) == ("Anthropic", "claude-x", "m")


def test_a_run_shows_calls_without_usage_by_provider() -> None:
    run = Run()
    for provider in ("mistral", "groq", "groq"):
        run.record(CHAT, provider=provider)
    shown = str(run)
    table = shown[shown.index("calls without usage") :].split("\n\n")[0].splitlines()
    assert [line.split() for line in table[1:]] == [
        ["provider", "model", "calls"],
        ["Mistral", "model-7", "1"],
        ["Groq", "model-7", "2"],
    ]


# whose a stream is that broke off --------------------------------------------------------------------------------------


def frame(event: bytes) -> bytes:
    """A frame of an AWS event stream that holds a chunk of InvokeModel's."""
    payload = b'{"bytes": "' + base64.b64encode(event) + b'"}'
    headers = b"".join(
        bytes([len(name)]) + name + b"\x07" + struct.pack(">H", len(value)) + value
        for name, value in ((b":event-type", b"chunk"), (b":message-type", b"event"))
    )
    prelude = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    head = prelude + struct.pack(">I", zlib.crc32(prelude)) + headers + payload
    return head + struct.pack(">I", zlib.crc32(head))


def test_a_chunk_tells_whose_a_stream_is_that_broke_off() -> None:
    message = b'{"type": "message", "id": "m", "model": "claude-x", "usage": {"input_tokens": 20}}'
    start = b'{"type": "message_start", "message": ' + message + b"}"
    body = frame(start) + frame(b'{"type": "message_delta"}')[:60]
    reading = unimeter.read(body)
    assert (reading.provider, reading.metrics.input_tokens, reading.complete) == ("AWS Bedrock", 20, False)
    assert unimeter.read([{"chunk": {"bytes": start}}]).provider == "AWS Bedrock"
