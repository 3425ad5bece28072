"""The client of Groq."""

from __future__ import annotations

from typing import Any

from unimeter.fixture import Fixture

from ..client import MESSAGES, Client


def connect(url: str, fixture: Fixture) -> Any:
    from groq import Groq

    return Groq(base_url=url, api_key="x", max_retries=0)


def chat(client: Any, fixture: Fixture) -> Any:
    return client.chat.completions.create(model="m", messages=MESSAGES, stream=fixture.is_stream)


CLIENT = Client("groq", connect, {"/chat/completions": chat})
