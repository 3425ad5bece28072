"""The asynchronous clients: their chunks, collected, are read as the synchronous ones are."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

import unimeter
from unimeter.testing.replay import serving
from unimeter.testing.subject import told

from ..conftest import FIXTURES
from .client import MESSAGES
from .differences import handed_on

pytestmark = pytest.mark.sdk


Watch = Callable[[Any], Any]


def as_it_is(stream: Any) -> Any:
    """A stream that nobody watches."""
    return stream


async def openai_chat(url: str, watch: Watch = as_it_is) -> list[Any]:
    from openai import AsyncOpenAI

    async with AsyncOpenAI(base_url=url, api_key="x") as client:
        options = {"include_usage": True}
        stream = await client.chat.completions.create(model="m", messages=MESSAGES, stream=True, stream_options=options)
        return [chunk async for chunk in watch(stream)]


async def openai_responses(url: str, watch: Watch = as_it_is) -> list[Any]:
    from openai import AsyncOpenAI

    async with AsyncOpenAI(base_url=url, api_key="x") as client:
        stream = await client.responses.create(model="m", input="Hello", stream=True)
        return [event async for event in watch(stream)]


async def anthropic(url: str, watch: Watch = as_it_is) -> list[Any]:
    from anthropic import AsyncAnthropic

    async with AsyncAnthropic(base_url=url, api_key="x") as client:
        stream = await client.messages.create(model="m", max_tokens=8, messages=MESSAGES, stream=True)
        return [event async for event in watch(stream)]


async def google_genai(url: str, watch: Watch = as_it_is) -> list[Any]:
    from google.genai import Client, types

    async with Client(api_key="x", http_options=types.HttpOptions(base_url=url)).aio as client:
        stream = await client.models.generate_content_stream(model="m", contents="Hello")
        return [chunk async for chunk in watch(stream)]


@pytest.mark.parametrize(
    ("package", "chunks", "name"),
    [
        ("openai", openai_chat, "openai_chat/stream"),
        ("openai", openai_responses, "openai_responses/stream"),
        ("anthropic", anthropic, "anthropic_claude/stream_cached"),
        ("google-genai", google_genai, "google_gemini/stream_tool"),
    ],
)
def test_async_stream(package: str, chunks: Callable[[str], Awaitable[list[Any]]], name: str) -> None:
    fixture = FIXTURES[name]
    with serving(fixture) as url:
        collected = asyncio.run(chunks(url))
    assert told(unimeter.read(collected, url=fixture.url)) == handed_on(package, fixture, fixture.expected)
