"""The client of Perplexity."""

from __future__ import annotations

from typing import Any

from unimeter.fixture import Fixture

from ..client import MESSAGES, Client


def connect(url: str, fixture: Fixture) -> Any:
    from perplexity import Perplexity

    return Perplexity(base_url=url, api_key="x", max_retries=0)


def chat(client: Any, fixture: Fixture) -> Any:
    return client.chat.completions.create(model="sonar", messages=MESSAGES, stream=fixture.is_stream)


def responses(client: Any, fixture: Fixture) -> Any:
    return client.responses.create(model="openai/gpt-5", input="Hello")


def embeddings(client: Any, fixture: Fixture) -> Any:
    return client.embeddings.create(model="pplx-embed-v1-4b", input=["Hello"])


CLIENT = Client(
    "perplexityai",
    connect,
    {"/chat/completions": chat, "/responses": responses, "/embeddings": embeddings},
)
