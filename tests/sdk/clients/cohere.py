"""The clients of Cohere: one for each version of its API."""

from __future__ import annotations

from typing import Any

from unimeter.fixture import Fixture

from ..client import MESSAGES, Client


def connect(url: str, fixture: Fixture) -> Any:
    import cohere

    version = cohere.Client if fixture.wire.path.startswith("/v1/") else cohere.ClientV2
    return version(base_url=url, api_key="x")


def chat(client: Any, fixture: Fixture) -> Any:
    ask = client.chat_stream if fixture.is_stream else client.chat
    return ask(model="m", messages=MESSAGES)


def chat_v1(client: Any, fixture: Fixture) -> Any:
    return client.chat(message="Hello")


def generate(client: Any, fixture: Fixture) -> Any:
    ask = client.generate_stream if fixture.is_stream else client.generate
    return ask(prompt="Hello")


def embed(client: Any, fixture: Fixture) -> Any:
    return client.embed(model="m", texts=["Hello"], input_type="search_query")


def rerank(client: Any, fixture: Fixture) -> Any:
    return client.rerank(model="m", query="Hello", documents=["Hello"])


def transcriptions(client: Any, fixture: Fixture) -> Any:
    return client.audio.transcriptions.create(model="m", language="en", file=("hello.wav", b"Hello"))


CLIENT = Client(
    "cohere",
    connect,
    {
        "/v2/chat": chat,
        "/v1/chat": chat_v1,
        "/v1/generate": generate,
        "/v1/embed": embed,
        "/v2/rerank": rerank,
        "/v2/audio/transcriptions": transcriptions,
    },
)
