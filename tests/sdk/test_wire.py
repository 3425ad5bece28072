"""Every HTTP library, with and without a capture: the same bytes, the same errors; and every answer is heard."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import httpx
import httpx2
import pytest
import requests
import urllib3

import unimeter
from unimeter.testing.subject import told

from ..conftest import FIXTURES
from .wire_server import CODINGS, wire_server

pytestmark = pytest.mark.sdk

JSON, STREAM = "openai_chat/plain", "openai_chat/stream_basic"
BODY = {"stream": True}
Outcome = tuple[str, Any]


# the ways in which a body can be read ----------------------------------------------------------------------------------


def by_httpx(library: Any, read: Callable[[Any], bytes], *, stream: bool = True) -> Callable[[str], bytes]:
    def ask(url: str) -> bytes:
        with library.Client(timeout=10, trust_env=False) as client:
            if not stream:
                return read(client.post(url, json=BODY))
            with client.stream("POST", url, json=BODY) as response:
                return read(response)

    return ask


def by_async_httpx(library: Any, read: Callable[[Any], Awaitable[bytes]]) -> Callable[[str], bytes]:
    async def ask(url: str) -> bytes:
        async with library.AsyncClient(timeout=10, trust_env=False) as client, client.stream("POST", url, json=BODY) as response:
            return await read(response)

    return lambda url: asyncio.run(ask(url))


async def joined(pieces: Any) -> bytes:
    return b"".join([piece async for piece in pieces])


async def each(read: Callable[[], Awaitable[bytes]]) -> bytes:
    found = []
    while piece := await read():
        found.append(piece)
    return b"".join(found)


def by_requests(read: Callable[[Any], bytes], *, stream: bool = True) -> Callable[[str], bytes]:
    def ask(url: str) -> bytes:
        with requests.Session() as session:
            session.trust_env = False
            with session.post(url, json=BODY, stream=stream, timeout=10) as response:
                return read(response)

    return ask


def by_urllib3(read: Callable[[Any], bytes], **options: Any) -> Callable[[str], bytes]:
    def ask(url: str) -> bytes:
        with urllib3.PoolManager(timeout=10, headers={"accept-encoding": "gzip, deflate, br, zstd"}) as pool:
            response = pool.request("POST", url, json=BODY, retries=False, **{"preload_content": False, **options})
            try:
                return read(response)
            finally:
                response.release_conn()

    return ask


def by_aiohttp(read: Callable[[Any], Awaitable[bytes]], **options: Any) -> Callable[[str], bytes]:
    async def ask(url: str) -> bytes:
        timeout = aiohttp.ClientTimeout(total=10)
        async with aiohttp.ClientSession(timeout=timeout, **options) as session, session.post(url, json=BODY) as response:
            return await read(response)

    return lambda url: asyncio.run(ask(url))


def until_empty(read: Callable[[], bytes]) -> bytes:
    return b"".join(iter(read, b""))


def into(response: Any) -> bytes:
    found, buffer = b"", bytearray(64)
    while size := response.readinto(buffer):
        found += bytes(buffer[:size])
    return found


READERS: dict[str, Callable[[str], bytes]] = {
    **{
        f"{library.__name__} {name}": ask
        for library in (httpx, httpx2)
        for name, ask in {
            "content": by_httpx(library, lambda response: response.content, stream=False),
            "iter_bytes": by_httpx(library, lambda response: b"".join(response.iter_bytes(64))),
            "iter_lines": by_httpx(library, lambda response: "\n".join(response.iter_lines()).encode()),
            "iter_raw": by_httpx(library, lambda response: b"".join(response.iter_raw())),
            "read": by_httpx(library, lambda response: response.read()),
            "async iter_bytes": by_async_httpx(library, lambda response: joined(response.aiter_bytes(64))),
            "async read": by_async_httpx(library, lambda response: response.aread()),
        }.items()
    },
    "requests content": by_requests(lambda response: response.content, stream=False),
    "requests iter_content": by_requests(lambda response: b"".join(response.iter_content(64))),
    "requests iter_lines": by_requests(lambda response: b"\n".join(response.iter_lines())),
    "requests raw": by_requests(lambda response: response.raw.read()),
    "urllib3 preloaded": by_urllib3(lambda response: response.data, preload_content=True),
    "urllib3 data": by_urllib3(lambda response: response.data),
    "urllib3 read": by_urllib3(lambda response: until_empty(lambda: response.read(64))),
    "urllib3 read1": by_urllib3(lambda response: until_empty(lambda: response.read1(64))),
    "urllib3 stream": by_urllib3(lambda response: b"".join(response.stream(64))),
    "urllib3 stream decoded": by_urllib3(lambda response: b"".join(response.stream(64, decode_content=True))),
    "urllib3 not decoded": by_urllib3(lambda response: until_empty(lambda: response.read(64)), decode_content=False),
    "urllib3 readinto": by_urllib3(into),
    "urllib3 lines": by_urllib3(lambda response: b"".join(io.BufferedReader(response))),
    "aiohttp read": by_aiohttp(lambda response: response.read()),
    "aiohttp text": by_aiohttp(lambda response: _encoded(response.text())),
    "aiohttp lines": by_aiohttp(lambda response: joined(response.content)),
    "aiohttp iter_any": by_aiohttp(lambda response: joined(response.content.iter_any())),
    "aiohttp iter_chunked": by_aiohttp(lambda response: joined(response.content.iter_chunked(64))),
    "aiohttp iter_chunks": by_aiohttp(lambda response: joined(_firsts(response.content.iter_chunks()))),
    "aiohttp readany": by_aiohttp(lambda response: each(response.content.readany)),
    "aiohttp read of some": by_aiohttp(lambda response: each(lambda: response.content.read(64))),
    "aiohttp not decoded": by_aiohttp(lambda response: response.read(), auto_decompress=False),
}


async def _encoded(text: Awaitable[str]) -> bytes:
    return (await text).encode()


async def _firsts(chunks: Any) -> Any:
    async for piece, _ in chunks:
        yield piece


def outcome(ask: Callable[[str], bytes], url: str) -> Outcome:
    """The bytes, or the error as the program sees it."""
    try:
        return "read", ask(url)
    except Exception as error:
        return type(error).__qualname__, str(error).partition("object at")[0].partition("(Caused")[0]


def url_of(server: str, fixture: str, **query: Any) -> str:
    return f"{server}/v1/chat/completions?fixture={fixture}" + "".join(f"&{name}={value}" for name, value in query.items())


@pytest.fixture(scope="module")
def server() -> Any:
    with wire_server() as url:
        yield url


@pytest.mark.parametrize("framing", ["length", "chunked", "close"])
@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize("reader", READERS)
def test_the_same_bytes_and_every_answer_is_heard(server: str, reader: str, coding: str, framing: str) -> None:
    for fixture in (JSON, STREAM):
        url = url_of(server, fixture, coding=coding, framing=framing, pieces=97 if coding == "identity" else 0)
        bare = outcome(READERS[reader], url)
        with unimeter.capture() as run:
            captured = outcome(READERS[reader], url)
        assert captured == bare
        if bare[0] == "read":
            expected = FIXTURES[fixture].expected
            assert [told(message.reading) for message in run.messages] == [expected]


FAULTS = [
    *({"fault": "reset", "at": at} for at in (1, 40, 200, 400, 700)),
    *({"fault": "cut", "at": at, "framing": framing} for at in (40, 400) for framing in ("length", "chunked", "close")),
    *(
        {"fault": "cut", "coding": coding, "framing": framing}
        for coding in ("gzip", "br", "zstd")
        for framing in ("length", "close")
    ),
    *({"fault": "garbage", "coding": coding, "framing": "close"} for coding in ("identity", "gzip", "br", "zstd", "deflate")),
    {"fault": "short"},
    {"pieces": 150, "pause": 0.003},
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: " ".join(map(str, fault.values())))
@pytest.mark.parametrize("reader", READERS)
def test_a_fault_on_the_wire_is_the_programs_own(server: str, reader: str, fault: dict[str, Any]) -> None:
    """Whatever goes wrong, it goes wrong as without a capture. The call counts, and does not look whole if it was not read so."""
    url = url_of(server, STREAM, **fault)
    bare = outcome(READERS[reader], url)
    with unimeter.capture() as run:
        captured = outcome(READERS[reader], url)
    assert captured == bare
    [message] = run.messages
    assert message.reading is None or told(message.reading) == FIXTURES[STREAM].expected or not message.reading.complete


def test_a_fault_at_every_chunk(server: str) -> None:
    size = len(FIXTURES[STREAM].bytes())
    for at in range(0, size, 31):
        url = url_of(server, STREAM, fault="reset", at=at, framing="chunked")
        for reader in ("httpx2 iter_bytes", "urllib3 stream", "aiohttp iter_any"):
            bare = outcome(READERS[reader], url)
            with unimeter.capture() as run:
                captured = outcome(READERS[reader], url)
            assert captured[0] == bare[0]
            assert not [message for message in run.messages if message.reading and message.reading.complete] or at > size * 0.8


def test_usage_is_asked_for_through_every_library(server: str) -> None:
    """The answer is the same; what was sent, the default tests look at."""
    for reader in ("httpx content", "httpx2 async read", "requests content", "urllib3 data", "aiohttp read"):
        with unimeter.capture(inject_usage=True) as run:
            assert outcome(READERS[reader], url_of(server, STREAM))[0] == "read"
        assert told(run.messages[0].reading) == FIXTURES[STREAM].expected
