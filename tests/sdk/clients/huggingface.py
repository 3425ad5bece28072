"""The client of HuggingFace, for its router and for a server of one's own."""

from __future__ import annotations

from typing import Any

from unimeter.fixture import Fixture

from ..client import MESSAGES, Client


def connect(url: str, fixture: Fixture) -> Any:
    from huggingface_hub import InferenceClient

    return InferenceClient(model=url, token="x")


def chat(client: Any, fixture: Fixture) -> Any:
    options = {"stream": True, "stream_options": {"include_usage": True}} if fixture.is_stream else {}
    return client.chat_completion(MESSAGES, **options)


def generate(client: Any, fixture: Fixture) -> Any:
    return client.text_generation("Hello", details=True, stream=fixture.is_stream)


CLIENT = Client("huggingface-hub", connect, {"/chat/completions": chat, "/generate": generate, "/generate_stream": generate})
