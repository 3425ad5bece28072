"""httpx and httpx2, which differ in their name."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from functools import lru_cache
from types import ModuleType
from typing import Any

from unimeter.capturing.exchange import Exchange
from unimeter.capturing.taps.asking import asking_bytes
from unimeter.capturing.taps.patch import Hear, Patch, heard_by, within
from unimeter.unharmed import unharmed


def tap(library: ModuleType, hear: Hear) -> list[Patch]:
    """Hear what clients send."""

    def of_client(original: Any) -> Any:
        def send(client: Any, request: Any, **options: Any) -> Any:
            exchange = heard_by(hear, request.method, request.url, request.headers)
            if exchange is None:
                return original(client, request, **options)
            streams = options.pop("stream", False)  # the body is read here, so that what breaks it off is heard as well
            with within(request.url):
                response = original(client, _asking(library, request, exchange), stream=True, **options)
            listen(library, response, exchange, live=streams)
            if not streams:
                try:
                    response.read()
                except BaseException:
                    response.close()
                    raise
            return response

        return send

    def of_async_client(original: Any) -> Any:
        async def send(client: Any, request: Any, **options: Any) -> Any:
            exchange = heard_by(hear, request.method, request.url, request.headers)
            if exchange is None:
                return await original(client, request, **options)
            streams = options.pop("stream", False)
            with within(request.url):
                response = await original(client, _asking(library, request, exchange), stream=True, **options)
            listen(library, response, exchange, live=streams)
            if not streams:
                try:
                    await response.aread()
                except BaseException:
                    await response.aclose()
                    raise
            return response

        return send

    return [Patch(library.Client, "send", of_client), Patch(library.AsyncClient, "send", of_async_client)]


@unharmed
def listen(library: ModuleType, response: Any, exchange: Exchange, live: bool = True) -> None:
    """Hear a response's body: now if it is read, or while it is; `live` if the program reads it piece by piece."""
    exchange.answered(response.status_code, response.headers)
    if not exchange.heard:
        return
    if response.is_stream_consumed or response.is_closed:
        with suppress(library.ResponseNotRead):  # a hook of the user's kept the body for itself
            exchange.feed(response.content, decoded=True, live=False)
        exchange.end()
        return
    of_sync, of_async = _streams(library)
    kind = of_sync if isinstance(response.stream, library.SyncByteStream) else of_async
    response.stream = kind(response.stream, exchange, live)


@lru_cache(maxsize=4)
def _streams(library: ModuleType) -> tuple[type, type]:
    """A response's byte streams, heard."""

    class HeardStream(library.SyncByteStream):  # type: ignore[misc, name-defined]  # of one library or the other
        def __init__(self, stream: Any, exchange: Exchange, live: bool) -> None:
            self._stream = stream
            self._exchange = exchange
            self._live = live

        def __iter__(self) -> Iterator[bytes]:
            whole = False
            try:
                for piece in self._stream:
                    self._exchange.feed(piece, live=self._live)
                    yield piece
                whole = True
            finally:
                self._exchange.end(whole)

        def close(self) -> None:
            try:
                self._stream.close()
            finally:
                self._exchange.end(whole=False)

    class HeardAsyncStream(library.AsyncByteStream):  # type: ignore[misc, name-defined]  # of one library or the other
        def __init__(self, stream: Any, exchange: Exchange, live: bool) -> None:
            self._stream = stream
            self._exchange = exchange
            self._live = live

        async def __aiter__(self) -> AsyncIterator[bytes]:
            whole = False
            try:
                async for piece in self._stream:
                    self._exchange.feed(piece, live=self._live)
                    yield piece
                whole = True
            finally:
                self._exchange.end(whole)

        async def aclose(self) -> None:
            try:
                await self._stream.aclose()
            finally:
                self._exchange.end(whole=False)

    return HeardStream, HeardAsyncStream


def _asking(library: ModuleType, request: Any, exchange: Exchange) -> Any:
    """The request, asking for usage if it is to."""
    if not exchange.asks_for_usage or not hasattr(request, "_content"):  # a body that is itself a stream is left alone
        return request
    body = asking_bytes(request.content)
    if body is None:
        return request
    headers = [
        (name, value) for name, value in request.headers.raw if name.lower() not in (b"content-length", b"transfer-encoding")
    ]
    return library.Request(request.method, request.url, headers=headers, content=body, extensions=request.extensions)
