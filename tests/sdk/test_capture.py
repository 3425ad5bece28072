"""Every fixture, asked for through the real client libraries inside a capture: what is heard is what `read` reads."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any

import pytest

import unimeter
from unimeter.fixture import Fixture
from unimeter.testing.subject import told

from ..conftest import FIXTURES
from . import test_async
from .client import MESSAGES, Client
from .clients import boto3
from .test_replay import REFUSALS, REPLAYS, Replay
from .wire_server import wire_server

pytestmark = pytest.mark.sdk

NOT_HEARD = {"openai-openai_chat/assistants"}
"""A run of the Assistants API that is fetched: its model was called before."""


def heard(run: unimeter.Run) -> list[Any]:
    return [None if message.reading is None else told(message.reading) for message in run.messages]


def expected_of(fixture: Fixture) -> list[Any]:
    return [fixture.expected, *fixture.expected.parts]


def replayed(client: Client, fixture: Fixture, coding: str) -> str:
    """What the library hands its user, or raises."""
    call = client._call(fixture)
    assert call is not None
    with wire_server(fixture, coding) as url, client.connect(url, fixture) as connected:
        try:
            answer = call(connected, fixture)
            return repr(list(answer) if fixture.is_stream else answer).replace(url, "")
        except Exception as error:
            return type(error).__name__


@pytest.mark.parametrize("coding", ["identity", "gzip"])
@pytest.mark.parametrize("name", REPLAYS)
def test_what_is_heard(name: str, coding: str) -> None:
    client, fixture = REPLAYS[name]
    bare = replayed(client, fixture, coding)
    with unimeter.capture(hosts={"127.0.0.1": fixture.expected.provider or None}) as run:
        captured = replayed(client, fixture, coding)
    assert without_ids(captured) == without_ids(bare)
    if fixture.expected.error or name in NOT_HEARD:
        assert heard(run) in ([], [None])
    else:
        assert heard(run) == expected_of(fixture) or name in REFUSALS


def without_ids(shown: str) -> str:
    """What is shown of an answer, without what is new each time: addresses, dates, numbers of requests."""
    return re.sub(r"0x[0-9a-f]+|\d\d:\d\d:\d\d|fixture-\w+|'date': '[^']*'|datetime\.datetime\([^)]*\)|\d+\.\d+e-\d+", "", shown)


# asynchronous ----------------------------------------------------------------------------------------------------------


async def groq(url: str) -> Any:
    from groq import AsyncGroq

    async with AsyncGroq(base_url=url, api_key="x") as client:
        return [chunk async for chunk in await client.chat.completions.create(model="m", messages=MESSAGES, stream=True)]


async def cerebras(url: str) -> Any:
    from cerebras.cloud.sdk import AsyncCerebras

    async with AsyncCerebras(base_url=url, api_key="x", warm_tcp_connection=False) as client:
        return [chunk async for chunk in await client.chat.completions.create(model="m", messages=MESSAGES, stream=True)]


async def mistral(url: str) -> Any:
    from mistralai.client import Mistral

    async with Mistral(server_url=url, api_key="x") as client:
        return [chunk async for chunk in await client.chat.stream_async(model="m", messages=MESSAGES)]


async def mistral_plain(url: str) -> Any:
    from mistralai.client import Mistral

    async with Mistral(server_url=url, api_key="x") as client:
        return await client.chat.complete_async(model="m", messages=MESSAGES)


async def cohere(url: str) -> Any:
    from cohere import AsyncClientV2

    async with AsyncClientV2(base_url=url, api_key="x") as client:
        return [event async for event in client.chat_stream(model="m", messages=MESSAGES)]


async def ollama(url: str) -> Any:
    from ollama import AsyncClient

    client = AsyncClient(host=url)
    try:
        return [part async for part in await client.chat(model="m", messages=MESSAGES, stream=True)]
    finally:
        await client._client.aclose()  # it has no way to be closed


async def huggingface(url: str) -> Any:
    from huggingface_hub import AsyncInferenceClient

    async with AsyncInferenceClient(model=url, token="x") as client:
        options = {"stream": True, "stream_options": {"include_usage": True}}
        return [chunk async for chunk in await client.chat_completion(MESSAGES, **options)]


async def perplexity(url: str) -> Any:
    from perplexity import AsyncPerplexity

    async with AsyncPerplexity(base_url=url, api_key="x") as client:
        return [chunk async for chunk in await client.chat.completions.create(model="m", messages=MESSAGES, stream=True)]


async def llama_api(url: str) -> Any:
    from llama_api_client import AsyncLlamaAPIClient

    async with AsyncLlamaAPIClient(base_url=url, api_key="x") as client:
        return [chunk async for chunk in await client.chat.completions.create(model="m", messages=MESSAGES, stream=True)]


async def azure(url: str) -> Any:
    from azure.ai.inference.aio import ChatCompletionsClient
    from azure.core.credentials import AzureKeyCredential

    async with ChatCompletionsClient(endpoint=url, credential=AzureKeyCredential("x")) as client:
        return [chunk async for chunk in await client.complete(model="m", messages=MESSAGES, stream=True)]


async def google_genai_plain(url: str) -> Any:
    from google.genai import Client, types

    async with Client(api_key="x", http_options=types.HttpOptions(base_url=url)).aio as client:
        return await client.models.generate_content(model="m", contents="Hello")


ASYNC: dict[str, tuple[Callable[[str], Any], str]] = {
    "openai": (test_async.openai_chat, "openai_chat/stream"),
    "openai responses": (test_async.openai_responses, "openai_responses/stream"),
    "anthropic": (test_async.anthropic, "anthropic_claude/stream_cached"),
    "google-genai": (test_async.google_genai, "google_gemini/stream_tool"),
    "google-genai plain": (google_genai_plain, "google_gemini/plain"),
    "groq": (groq, "groq/stream_x_groq"),
    "cerebras": (cerebras, "cerebras/stream_basic"),
    "mistral": (mistral, "mistral/stream_basic"),
    "mistral plain": (mistral_plain, "mistral/plain"),
    "cohere": (cohere, "cohere/stream"),
    "ollama": (ollama, "ollama/stream"),
    "huggingface": (huggingface, "huggingface/stream_basic"),
    "perplexity": (perplexity, "perplexity/stream"),
    "llama-api": (llama_api, "meta_llama/stream"),
    "azure": (azure, "azure_ai_foundry/stream_basic"),
}


@pytest.mark.parametrize("coding", ["identity", "gzip"])
@pytest.mark.parametrize(("ask", "name"), ASYNC.values(), ids=ASYNC)
def test_what_is_heard_of_asynchronous_clients(ask: Callable[[str], Any], name: str, coding: str) -> None:
    fixture = FIXTURES[name]
    with wire_server(fixture, coding) as url:
        bare = asyncio.run(ask(url))
        with unimeter.capture(hosts={"127.0.0.1": fixture.expected.provider}) as run:
            captured = asyncio.run(ask(url))
    assert without_ids(repr(captured)) == without_ids(repr(bare))
    assert heard(run) == expected_of(fixture)
    assert fixture.expected.parts or (run.messages[0].time_to_first_token is not None) is has_tokens(fixture)


def has_tokens(fixture: Fixture) -> bool:
    """Whether some event of a stream holds something generated; a plain answer has no first token."""
    found = unimeter.watch(iter(fixture.events or ()), fixture.expected.provider, url=fixture.url)
    return bool(list(found)) and found.reading.metrics.time_to_first_token is not None


# botocore's own events ---------------------------------------------------------------------------------------------------


BEDROCK = {name: replay for name, replay in REPLAYS.items() if replay.client is boto3.CLIENT}


@pytest.mark.parametrize("replay", BEDROCK.values(), ids=BEDROCK)
def test_botocores_events(replay: Replay) -> None:
    """Nothing is patched: the client says itself what it calls. Two may listen."""
    client, fixture = replay
    call = client._call(fixture)
    assert call is not None
    run, other = unimeter.Run(), unimeter.Run()
    with wire_server(fixture) as url, client.connect(url, fixture) as connected:
        for one in (run, other):
            unimeter.botocore_hooks(connected, one, hosts={"127.0.0.1": "aws-bedrock"})
        answer = call(connected, fixture)
        if fixture.is_stream:
            list(answer)
    assert heard(run) == heard(other)
    if fixture.expected.error:
        assert heard(run) in ([], [None])
    else:
        assert heard(run) == expected_of(fixture)
