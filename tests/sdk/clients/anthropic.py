"""The client of Anthropic, and of servers that speak its dialect."""

from __future__ import annotations

from typing import Any

from unimeter.fixture import Fixture

from ..client import MESSAGES, Client


def connect(url: str, fixture: Fixture) -> Any:
    from anthropic import Anthropic

    return Anthropic(base_url=url, api_key="x", max_retries=0)


def messages(client: Any, fixture: Fixture) -> Any:
    resource = client.beta.messages if "beta=true" in fixture.wire.path else client.messages
    return resource.create(model="m", max_tokens=8, messages=MESSAGES, stream=fixture.is_stream)


def count_tokens(client: Any, fixture: Fixture) -> Any:
    return client.messages.count_tokens(model="m", messages=MESSAGES)


CALLS = {"/v1/messages": messages, "/v1/messages/count_tokens": count_tokens}
CLIENT = Client("anthropic", connect, CALLS, tells_provider=False)
