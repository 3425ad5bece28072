"""Google's client, for the Gemini API and, where the fixture comes from there, for Vertex AI."""

from __future__ import annotations

import re
from typing import Any

from unimeter.fixture import Fixture

from ..client import Client


def connect(url: str, fixture: Fixture) -> Any:
    from google.genai import Client, types
    from google.oauth2.credentials import Credentials

    options = types.HttpOptions(base_url=url)
    if "aiplatform" in fixture.wire.host:
        return Client(vertexai=True, project="p", location="l", credentials=Credentials("x"), http_options=options)
    return Client(api_key="x", http_options=options)


def content(client: Any, fixture: Fixture) -> Any:
    return client.models.generate_content(model=model(fixture), contents="Hello")


def content_stream(client: Any, fixture: Fixture) -> Any:
    return client.models.generate_content_stream(model=model(fixture), contents="Hello")


def embeddings(client: Any, fixture: Fixture) -> Any:
    return client.models.embed_content(model=model(fixture), contents="Hello")


def count_tokens(client: Any, fixture: Fixture) -> Any:
    return client.models.count_tokens(model=model(fixture), contents="Hello")


def interactions(client: Any, fixture: Fixture) -> Any:
    return client.interactions.create(model="m", input="Hello", stream=fixture.is_stream)


def model(fixture: Fixture) -> str:
    found = re.search(r"/models/([^:]+):", fixture.wire.path)
    assert found
    return found[1]


CLIENT = Client(
    "google-genai",
    connect,
    {
        ":generateContent": content,
        ":streamGenerateContent": content_stream,
        ":batchEmbedContents": embeddings,
        ":predict": embeddings,
        ":countTokens": count_tokens,
        "/interactions": interactions,
    },
)
