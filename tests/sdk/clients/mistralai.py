"""The client of Mistral."""

from __future__ import annotations

from typing import Any

from unimeter.fixture import Fixture

from ..client import MESSAGES, Client


def connect(url: str, fixture: Fixture) -> Any:
    from mistralai.client import Mistral

    return Mistral(server_url=url, api_key="x")


def chat(client: Any, fixture: Fixture) -> Any:
    ask = client.chat.stream if fixture.is_stream else client.chat.complete
    return ask(model="m", messages=MESSAGES)


def conversations(client: Any, fixture: Fixture) -> Any:
    return client.beta.conversations.start(model="m", inputs="Hello")


def embeddings(client: Any, fixture: Fixture) -> Any:
    return client.embeddings.create(model="m", inputs="Hello")


def ocr(client: Any, fixture: Fixture) -> Any:
    return client.ocr.process(model="m", document={"type": "document_url", "document_url": "https://example.com/1"})


def transcriptions(client: Any, fixture: Fixture) -> Any:
    return client.audio.transcriptions.complete(model="m", file_url="https://example.com/1")


CLIENT = Client(
    "mistralai",
    connect,
    {
        "/chat/completions": chat,
        "/conversations": conversations,
        "/embeddings": embeddings,
        "/ocr": ocr,
        "/audio/transcriptions": transcriptions,
    },
)
