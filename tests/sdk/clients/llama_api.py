"""The client of Meta's own Llama API."""

from __future__ import annotations

from typing import Any

from unimeter.fixture import Fixture

from ..client import MESSAGES, Client


def connect(url: str, fixture: Fixture) -> Any:
    from llama_api_client import LlamaAPIClient

    return LlamaAPIClient(base_url=url, api_key="x", max_retries=0)


def chat(client: Any, fixture: Fixture) -> Any:
    return client.chat.completions.create(model="m", messages=MESSAGES, stream=fixture.is_stream)


CLIENT = Client("llama-api-client", connect, {"/v1/chat/completions": chat})
