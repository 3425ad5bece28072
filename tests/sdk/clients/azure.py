"""The client of Azure AI Foundry's model inference."""

from __future__ import annotations

from typing import Any

from unimeter.fixture import Fixture

from ..client import MESSAGES, Client


def connect(url: str, fixture: Fixture) -> Any:
    from azure.ai.inference import ChatCompletionsClient
    from azure.core.credentials import AzureKeyCredential

    return ChatCompletionsClient(endpoint=url, credential=AzureKeyCredential("x"))


def chat(client: Any, fixture: Fixture) -> Any:
    options = {"stream": True, "model_extras": {"stream_options": {"include_usage": True}}} if fixture.is_stream else {}
    return client.complete(model="m", messages=MESSAGES, **options)


CLIENT = Client("azure-ai-inference", connect, {"/models/chat/completions": chat})
