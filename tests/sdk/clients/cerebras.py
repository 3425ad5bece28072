"""The client of Cerebras."""

from __future__ import annotations

from typing import Any

from unimeter.fixture import Fixture

from ..client import MESSAGES, Client


def connect(url: str, fixture: Fixture) -> Any:
    from cerebras.cloud.sdk import Cerebras

    return Cerebras(base_url=url, api_key="x", max_retries=0, warm_tcp_connection=False)


def chat(client: Any, fixture: Fixture) -> Any:
    return client.chat.completions.create(model="m", messages=MESSAGES, stream=fixture.is_stream)


CLIENT = Client("cerebras-cloud-sdk", connect, {"/chat/completions": chat})
