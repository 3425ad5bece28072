"""The streaming helpers of openai and anthropic, which put the answer together themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import unimeter
from unimeter.fixture import Fixture
from unimeter.testing.replay import serving
from unimeter.testing.subject import told

from ..conftest import FIXTURES
from .client import MESSAGES
from .clients import anthropic, openai

pytestmark = pytest.mark.sdk


@contextmanager
def messages(name: str) -> Iterator[tuple[Fixture, Any]]:
    """A fixture through `client.messages.stream`."""
    fixture = FIXTURES[name]
    with (
        serving(fixture) as url,
        anthropic.connect(url, fixture) as client,
        client.messages.stream(model="m", max_tokens=8, messages=MESSAGES) as stream,
    ):
        yield fixture, stream


STREAMS = ["anthropic_claude/stream", "anthropic_claude/stream_cached", "anthropic_claude/stream_tool_growth"]


@pytest.mark.parametrize("name", STREAMS)
def test_anthropic_events(name: str) -> None:
    """The helper adds events of its own, and puts the whole message into some: nothing is counted twice."""
    with messages(name) as (fixture, stream):
        events = list(stream)
    assert told(unimeter.read(events, url=fixture.url)) == fixture.expected


@pytest.mark.parametrize("name", STREAMS)
def test_anthropic_final_message(name: str) -> None:
    with messages(name) as (fixture, stream):
        message = stream.get_final_message()
    assert told(unimeter.read(message, url=fixture.url)) == fixture.expected


def final_completion(client: Any) -> Any:
    with client.chat.completions.stream(model="m", messages=MESSAGES, stream_options={"include_usage": True}) as stream:
        return stream.get_final_completion()


def final_response(client: Any) -> Any:
    with client.responses.stream(model="m", input="Hello") as stream:
        return stream.get_final_response()


@pytest.mark.parametrize(
    ("name", "final"), [("openai_chat/stream", final_completion), ("openai_responses/stream", final_response)]
)
def test_openai_final_answer(name: str, final: Callable[[Any], Any]) -> None:
    fixture = FIXTURES[name]
    with serving(fixture) as url, openai.connect(url, fixture) as client:
        answer = final(client)
    assert told(unimeter.read(answer, url=fixture.url)) == fixture.expected
