"""Other libraries that patch HTTP clients, or stand in for a server: each call counts once, in any order of patching."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import pytest
import requests
import urllib3

import unimeter
from unimeter import Run, unharmed
from unimeter.fixture import sse

pytestmark = pytest.mark.coexistence

PATH = "/v1/chat/completions"
USAGE = {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}
ANSWER = {"object": "chat.completion", "model": "m", "choices": [], "usage": USAGE}
STREAM = sse([{**ANSWER, "object": "chat.completion.chunk"}, "[DONE]"])
TYPES = {False: "application/json", True: "text/event-stream"}
BODIES = {False: json.dumps(ANSWER).encode(), True: STREAM}

Ask = Callable[[str, bool], bytes]
"""Asks a url for a whole or a streamed answer, and gives the bytes that the program read."""


class Server(BaseHTTPRequestHandler):
    asked = 0

    def do_POST(self) -> None:
        Server.asked += 1
        self.rfile.read(int(self.headers.get("content-length") or 0))
        streamed = "stream" in self.path
        self.send_response(200)
        self.send_header("content-type", TYPES[streamed])
        self.send_header("content-length", str(len(BODIES[streamed])))
        self.end_headers()
        self.wfile.write(BODIES[streamed])

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    made = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    thread = threading.Thread(target=made.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{made.server_port}"
    made.shutdown()
    thread.join()
    made.server_close()


@pytest.fixture(autouse=True)
def _nothing_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unharmed, "_said", set())


# the clients -------------------------------------------------------------------------------------------------------------


def by_httpx(url: str, streamed: bool) -> bytes:
    with httpx.Client(trust_env=False) as client:
        if not streamed:
            return client.post(url, json={}).content
        with client.stream("POST", url, json={}) as response:
            return b"".join(response.iter_bytes())


def by_async_httpx(url: str, streamed: bool) -> bytes:
    async def ask() -> bytes:
        async with httpx.AsyncClient(trust_env=False) as client:
            if not streamed:
                return (await client.post(url, json={})).content
            async with client.stream("POST", url, json={}) as response:
                return b"".join([piece async for piece in response.aiter_bytes()])

    return asyncio.run(ask())


def by_requests(url: str, streamed: bool) -> bytes:
    with requests.Session() as session:
        session.trust_env = False
        with session.post(url, json={}, stream=streamed) as response:
            return b"".join(response.iter_content(64)) if streamed else response.content


def by_urllib3(url: str, streamed: bool) -> bytes:
    with urllib3.PoolManager() as pool:
        response = pool.request("POST", url, json={}, preload_content=not streamed)
        return b"".join(response.stream(64)) if streamed else response.data


def by_aiohttp(url: str, streamed: bool) -> bytes:
    async def ask() -> bytes:
        async with aiohttp.ClientSession() as session, session.post(url, json={}) as response:
            return b"".join([piece async for piece in response.content.iter_any()]) if streamed else await response.read()

    return asyncio.run(ask())


def by_aiohttp_request(url: str, streamed: bool) -> bytes:
    async def ask() -> bytes:
        async with aiohttp.ClientSession() as session:
            response = await asyncio.create_task(session.request("POST", url, json={}))  # type: ignore[arg-type]  # a coroutine
            return b"".join([piece async for piece in response.content.iter_any()]) if streamed else await response.read()

    return asyncio.run(ask())


CLIENTS: dict[str, Ask] = {
    "httpx": by_httpx,
    "httpx async": by_async_httpx,
    "requests": by_requests,
    "urllib3": by_urllib3,
    "aiohttp": by_aiohttp,
    "aiohttp request": by_aiohttp_request,
}


# the others: a stand-in makes no request to the server ----------------------------------------------------------------------


@contextmanager
def vcrpy(url: str, tmp_path: Path, mode: str) -> Iterator[None]:
    import vcr

    with vcr.use_cassette(str(tmp_path / "cassette.yaml"), record_mode=mode):  # type: ignore[no-untyped-call]
        yield


@contextmanager
def vcr_recording(url: str, tmp_path: Path) -> Iterator[None]:
    with vcrpy(url, tmp_path, "all"):
        yield


@contextmanager
def vcr_replaying(url: str, tmp_path: Path) -> Iterator[None]:
    with vcrpy(url, tmp_path, "none"):
        yield


@contextmanager
def responses_(url: str, tmp_path: Path) -> Iterator[None]:  # as the others
    import responses

    with responses.RequestsMock() as mock:
        streamed = "stream" in url
        mock.add("POST", url, body=BODIES[streamed], content_type=TYPES[streamed])
        yield


@contextmanager
def requests_mock_(url: str, tmp_path: Path) -> Iterator[None]:
    import requests_mock

    with requests_mock.Mocker() as mock:
        streamed = "stream" in url
        mock.post(url, content=BODIES[streamed], headers={"content-type": TYPES[streamed]})
        yield


@contextmanager
def respx_(url: str, tmp_path: Path) -> Iterator[None]:
    import respx

    with respx.mock() as mock:
        streamed = "stream" in url
        mock.post(url).mock(return_value=httpx.Response(200, content=BODIES[streamed], headers={"content-type": TYPES[streamed]}))
        yield


@contextmanager
def pytest_httpx_(url: str, tmp_path: Path) -> Iterator[None]:
    from pytest_httpx import HTTPXMock
    from pytest_httpx._options import _HTTPXMockOptions

    mock = HTTPXMock(_HTTPXMockOptions())
    streamed = "stream" in url
    mock.add_response(content=BODIES[streamed], headers={"content-type": TYPES[streamed]})
    with pytest.MonkeyPatch.context() as patch:  # as its fixture does

        def handle(transport: Any, request: httpx.Request) -> httpx.Response:
            return mock._handle_request(transport, request)

        async def ahandle(transport: Any, request: httpx.Request) -> httpx.Response:
            return await mock._handle_async_request(transport, request)

        patch.setattr(httpx.HTTPTransport, "handle_request", handle)
        patch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", ahandle)
        yield


@contextmanager
def aioresponses_(url: str, tmp_path: Path) -> Iterator[None]:
    from aioresponses import aioresponses

    with aioresponses() as mock:
        streamed = "stream" in url
        mock.post(url, body=BODIES[streamed], content_type=TYPES[streamed])
        yield


def opentelemetry(module: str, name: str) -> Callable[[str, Path], AbstractContextManager[None]]:
    @contextmanager
    def instrumented(url: str, tmp_path: Path) -> Iterator[None]:
        from importlib import import_module

        instrumentor = getattr(import_module(f"opentelemetry.instrumentation.{module}"), name)()
        instrumentor.instrument()
        try:
            yield
        finally:
            instrumentor.uninstrument()

    return instrumented


@contextmanager
def sentry(url: str, tmp_path: Path) -> Iterator[None]:
    import sentry_sdk
    from sentry_sdk.transport import Transport

    class Nowhere(Transport):
        def capture_envelope(self, envelope: Any) -> None:
            pass

    sentry_sdk.init(dsn="http://key@127.0.0.1:1/1", transport=Nowhere, traces_sample_rate=1.0, default_integrations=True)
    with sentry_sdk.start_transaction(name="test"):
        yield
    sentry_sdk.init(dsn=None)


@contextmanager
def datadog(url: str, tmp_path: Path) -> Iterator[None]:
    from importlib import import_module

    modules = [import_module(f"ddtrace.contrib.internal.{name}.patch") for name in ("httpx", "requests", "aiohttp", "urllib3")]
    for module in modules:
        module.patch()
    try:
        yield
    finally:
        for module in modules:
            module.unpatch()


HTTPX, REQUESTS, URLLIB3, AIOHTTP = ("httpx", "httpx async"), ("requests",), ("urllib3",), ("aiohttp", "aiohttp request")
EVERY = (*HTTPX, *REQUESTS, *URLLIB3, *AIOHTTP)
OTHERS: dict[str, tuple[Callable[[str, Path], AbstractContextManager[None]], tuple[str, ...]]] = {
    "vcrpy recording": (vcr_recording, EVERY),
    "vcrpy replaying": (vcr_replaying, EVERY),
    "responses": (responses_, REQUESTS),
    "requests-mock": (requests_mock_, REQUESTS),
    "respx": (respx_, HTTPX),
    "pytest-httpx": (pytest_httpx_, HTTPX),
    "aioresponses": (aioresponses_, AIOHTTP),
    "OpenTelemetry httpx": (opentelemetry("httpx", "HTTPXClientInstrumentor"), HTTPX),
    "OpenTelemetry requests": (opentelemetry("requests", "RequestsInstrumentor"), REQUESTS),
    "OpenTelemetry urllib3": (opentelemetry("urllib3", "URLLib3Instrumentor"), (*REQUESTS, *URLLIB3)),
    "OpenTelemetry aiohttp": (opentelemetry("aiohttp_client", "AioHttpClientInstrumentor"), AIOHTTP),
    "Sentry": (sentry, EVERY),
    "ddtrace": (datadog, EVERY),
}
STAND_INS = {"vcrpy replaying", "responses", "requests-mock", "respx", "pytest-httpx", "aioresponses"}
CASES = [(other, client) for other, (_, clients) in OTHERS.items() for client in clients]


def methods() -> dict[str, Any]:
    """What a capture replaces, as it stands."""
    return {
        "httpx": vars(httpx.Client)["send"],
        "httpx async": vars(httpx.AsyncClient)["send"],
        "requests": vars(requests.Session)["send"],
        "urllib3": vars(urllib3.connectionpool.HTTPConnectionPool)["urlopen"],
        "aiohttp": vars(aiohttp.ClientSession)["_request"],
        "aiohttp post": vars(aiohttp.ClientSession)["post"],
        "aiohttp request": vars(aiohttp.ClientSession)["request"],
    }


def prepare(other: str, client: str, url: str, tmp_path: Path) -> None:
    """A cassette for what replays one."""
    if other == "vcrpy replaying":
        with vcrpy(url, tmp_path, "all"):
            CLIENTS[client](url, "stream" in url)


@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("order", ["other first", "capture first", "other first, and taken away first"])
@pytest.mark.parametrize(("other", "client"), CASES)
def test_a_call_counts_once(
    server: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, other: str, client: str, order: str, streamed: bool
) -> None:
    url = f"{server}{PATH}" + ("?stream=1" if streamed else "")
    prepare(other, client, url, tmp_path)
    before, asked = methods(), Server.asked
    installed, ask = OTHERS[other][0], CLIENTS[client]
    run: Run
    with ExitStack() as stack:
        if order == "capture first":
            run = stack.enter_context(unimeter.capture())
            with installed(url, tmp_path):
                assert ask(url, streamed) == BODIES[streamed]
        elif order == "other first":
            stack.enter_context(installed(url, tmp_path))
            with unimeter.capture() as run:
                assert ask(url, streamed) == BODIES[streamed]
        else:
            with ExitStack() as others:
                others.enter_context(installed(url, tmp_path))
                run = stack.enter_context(unimeter.capture())
                assert ask(url, streamed) == BODIES[streamed]
                others.close()  # takes away what it finds, be it ours
            assert ask(url, streamed) == BODIES[streamed]
    twice = order.endswith("taken away first")
    assert Server.asked - asked == int(other not in STAND_INS) + twice
    counted = [message.reading and message.reading.metrics.total_tokens for message in run.messages]
    said = any("was replaced during a capture" in record.getMessage() for record in caplog.records)
    assert counted == [11] * (1 + twice) or (said and counted == [11])
    with unimeter.capture() as run:  # it leaves nothing behind that hears a call twice
        ask(url, streamed)
    assert len(run.messages) == 1
    assert twice or methods() == before or other in ("Sentry", "ddtrace")
