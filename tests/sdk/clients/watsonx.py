"""The client of IBM watsonx. It gives plain dicts, and knows no url but IBM's: what it sends is turned to loopback."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from unimeter.fixture import Fixture

from ..client import MESSAGES, Client


@contextmanager
def connect(url: str, fixture: Fixture) -> Iterator[Any]:
    import httpx
    from ibm_watsonx_ai import APIClient, Credentials

    class ToLoopback(httpx.HTTPTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            loopback = httpx.URL(url)
            request.url = request.url.copy_with(scheme="http", host=loopback.host, port=loopback.port)
            return super().handle_request(request)

    credentials = Credentials(url=f"https://{fixture.wire.host}", token=token())
    with httpx.Client(transport=ToLoopback()) as http:
        yield APIClient(credentials, httpx_client=http, project_id="p", scope_validation=False)


def chat(client: Any, fixture: Fixture) -> Any:
    ask = inference(client).chat_stream if fixture.is_stream else inference(client).chat
    return ask(messages=MESSAGES)


def generation(client: Any, fixture: Fixture) -> Any:
    return inference(client).generate(prompt="Hello")


def generation_stream(client: Any, fixture: Fixture) -> Any:
    return inference(client).generate_text_stream(prompt="Hello", raw_response=True)


def embeddings(client: Any, fixture: Fixture) -> Any:
    from ibm_watsonx_ai.foundation_models import Embeddings

    return Embeddings(model_id="m", api_client=client).generate(inputs=["Hello"])


def inference(client: Any) -> Any:
    from ibm_watsonx_ai.foundation_models import ModelInference

    return ModelInference(model_id="m", api_client=client, validate=False)


def token() -> str:
    """A token that the client takes for valid, so that it asks no one for another."""
    now = int(time.time())
    parts = ({"alg": "none"}, {"iat": now, "exp": now + 3600, "iam_id": "x", "sub": "x"})
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts]
    return ".".join((*encoded, "x"))


CLIENT = Client(
    "ibm-watsonx-ai",
    connect,
    {
        "/text/chat": chat,
        "/generation/text": generation,
        "/generation/text_stream": generation_stream,
        "/text/generation_stream": generation_stream,
        "/text/embeddings": embeddings,
    },
    tells_provider=False,
)
