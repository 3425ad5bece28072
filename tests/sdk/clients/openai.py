"""The client of OpenAI, and of every provider that speaks its dialect."""

from __future__ import annotations

from typing import Any

from unimeter.fixture import Fixture

from ..client import MESSAGES, Client


def connect(url: str, fixture: Fixture) -> Any:
    from openai import OpenAI

    return OpenAI(base_url=url, api_key="x", max_retries=0)


def chat(client: Any, fixture: Fixture) -> Any:
    return client.chat.completions.create(model="m", messages=MESSAGES, **streamed_with_usage(fixture))


def completions(client: Any, fixture: Fixture) -> Any:
    return client.completions.create(model="m", prompt="Hello", **streamed_with_usage(fixture))


def responses(client: Any, fixture: Fixture) -> Any:
    return client.responses.create(model="m", input="Hello", stream=fixture.is_stream)


def count_tokens(client: Any, fixture: Fixture) -> Any:
    return client.responses.input_tokens.count(model="m", input="Hello")


def embeddings(client: Any, fixture: Fixture) -> Any:
    return client.embeddings.create(model="m", input="Hello", encoding_format="float")


def images(client: Any, fixture: Fixture) -> Any:
    return client.images.generate(model="m", prompt="Hello")


def image_edits(client: Any, fixture: Fixture) -> Any:
    return client.images.edit(model="m", prompt="Hello", image=b"Hello")


def moderations(client: Any, fixture: Fixture) -> Any:
    return client.moderations.create(input="Hello")


def transcriptions(client: Any, fixture: Fixture) -> Any:
    return client.audio.transcriptions.create(model="m", file=("hello.wav", b"Hello"), stream=fixture.is_stream)


def run(client: Any, fixture: Fixture) -> Any:
    return client.beta.threads.runs.retrieve("fixture", thread_id="fixture")


def streamed_with_usage(fixture: Fixture) -> dict[str, Any]:
    return {"stream": True, "stream_options": {"include_usage": True}} if fixture.is_stream else {}


CLIENT = Client(
    "openai",
    connect,
    {
        "/chat/completions": chat,
        "/completions": completions,
        "/responses": responses,
        "/responses/input_tokens": count_tokens,
        "/embeddings": embeddings,
        "/images/generations": images,
        "/images/edits": image_edits,
        "/moderations": moderations,
        "/audio/transcriptions": transcriptions,
        "/runs/fixture": run,
    },
    tells_provider=False,
)
