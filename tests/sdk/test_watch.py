"""Every streamed fixture, through the client libraries' own streams while they are watched."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

import unimeter
from unimeter.testing.replay import serving
from unimeter.testing.subject import told

from ..conftest import FIXTURES
from . import test_async
from .clients import anthropic, openai
from .differences import handed_on
from .test_helpers import MESSAGES, STREAMS, messages
from .test_replay import ANSWERED, Replay

pytestmark = pytest.mark.sdk

STREAMED = {name: replay for name, replay in ANSWERED.items() if replay.fixture.is_stream}


def timeless(reading: unimeter.Reading) -> Any:
    """What a reading told, without the times; those are there, and no more than they can be."""
    metrics = reading.metrics
    assert metrics.duration is not None
    assert metrics.time_to_first_token is None or 0 <= metrics.time_to_first_token <= metrics.duration
    metrics.duration = metrics.time_to_first_token = None
    return told(reading)


@pytest.mark.parametrize("replay", STREAMED.values(), ids=STREAMED)
def test_watched(replay: Replay) -> None:
    client, fixture = replay
    call = client._call(fixture)
    assert call is not None
    with serving(fixture) as url, client.connect(url, fixture) as connected:
        answer = call(connected, fixture)
        kind = type(answer)
        stream = unimeter.watch(answer, fixture.wire.provider, url=fixture.url)
        assert isinstance(stream, kind)
        chunks = list(stream)
    try:
        expected = handed_on(client.package, fixture, fixture.expected)
        read = unimeter.read(chunks, fixture.wire.provider, url=fixture.url, headers=fixture.wire.headers or None)
    except unimeter.UnimeterError as error:
        with pytest.raises(type(error)):
            _ = stream.reading
        return
    if fixture.wire.headers:  # usage that only the headers tell does not go by in the stream
        expected = told(unimeter.read(chunks, fixture.wire.provider, url=fixture.url))
    assert timeless(stream.reading) == expected
    assert chunks
    assert read.provider == stream.reading.provider


@pytest.mark.parametrize("name", STREAMS)
@pytest.mark.parametrize(
    "consume",
    [
        list,
        lambda stream: list(stream.text_stream),
        lambda stream: stream.get_final_message(),
        lambda stream: stream.until_done(),
    ],
    ids=["events", "text_stream", "get_final_message", "until_done"],
)
def test_anthropics_helper(name: str, consume: Callable[[Any], Any]) -> None:
    """However the helper is read, also by its own methods."""
    with messages(name) as (fixture, stream):
        watched = unimeter.watch(stream, url=fixture.url)
        consume(watched)
    assert timeless(watched.reading) == fixture.expected


def test_anthropics_manager() -> None:
    fixture = FIXTURES[STREAMS[0]]
    with serving(fixture) as url, anthropic.connect(url, fixture) as client:
        manager = unimeter.watch(client.messages.stream(model="m", max_tokens=8, messages=MESSAGES), url=fixture.url)
        with manager as stream:
            text = "".join(stream.text_stream)
            assert stream.get_final_text() == text
    assert timeless(manager.reading) == timeless(stream.reading) == fixture.expected


@pytest.mark.parametrize("consume", [list, lambda stream: stream.get_final_completion()], ids=["events", "get_final_completion"])
def test_openais_helper(consume: Callable[[Any], Any]) -> None:
    fixture = FIXTURES["openai_chat/stream"]
    with serving(fixture) as url, openai.connect(url, fixture) as client:
        asked = {"model": "m", "messages": MESSAGES, "stream_options": {"include_usage": True}}
        manager = unimeter.watch(client.chat.completions.stream(**asked), url=fixture.url)
        with manager as stream:
            consume(stream)
    assert timeless(manager.reading) == handed_on("openai", fixture, fixture.expected)


ASYNC = [
    ("openai", test_async.openai_chat, "openai_chat/stream"),
    ("openai", test_async.openai_responses, "openai_responses/stream"),
    ("anthropic", test_async.anthropic, "anthropic_claude/stream_cached"),
    ("google-genai", test_async.google_genai, "google_gemini/stream_tool"),
]


@pytest.mark.parametrize(("package", "chunks", "name"), ASYNC)
def test_asynchronous_streams(package: str, chunks: Callable[..., Any], name: str) -> None:
    fixture = FIXTURES[name]
    watched: list[Any] = []

    def watch(stream: Any) -> Any:
        watched.append(unimeter.watch(stream, url=fixture.url))
        return watched[0]

    with serving(fixture) as url:
        asyncio.run(chunks(url, watch))
    assert timeless(watched[0].reading) == handed_on(package, fixture, fixture.expected)


def test_anthropics_asynchronous_helper() -> None:
    fixture = FIXTURES["anthropic_claude/stream_tool_growth"]

    async def run(url: str) -> Any:
        from anthropic import AsyncAnthropic

        async with AsyncAnthropic(base_url=url, api_key="x") as client:
            manager = unimeter.watch(client.messages.stream(model="m", max_tokens=8, messages=MESSAGES), url=fixture.url)
            async with manager as stream:
                text = "".join([text async for text in stream.text_stream])
                assert await stream.get_final_text() == text
            return manager.reading

    with serving(fixture) as url:
        assert timeless(asyncio.run(run(url))) == fixture.expected
