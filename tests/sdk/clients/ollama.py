"""The client of Ollama's own API."""

from __future__ import annotations

from typing import Any

from unimeter.fixture import Fixture

from ..client import MESSAGES, Client


def connect(url: str, fixture: Fixture) -> Any:
    from ollama import Client

    return Client(host=url)


def chat(client: Any, fixture: Fixture) -> Any:
    return client.chat(model="m", messages=MESSAGES, stream=fixture.is_stream)


def generate(client: Any, fixture: Fixture) -> Any:
    return client.generate(model="m", prompt="Hello", stream=fixture.is_stream)


def embed(client: Any, fixture: Fixture) -> Any:
    return client.embed(model="m", input="Hello")


CLIENT = Client("ollama", connect, {"/api/chat": chat, "/api/generate": generate, "/api/embed": embed})
