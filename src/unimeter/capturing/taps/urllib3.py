"""urllib3, and with it requests and botocore."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from types import ModuleType
from typing import Any

from unimeter.capturing.exchange import Exchange
from unimeter.capturing.taps.asking import asking_bytes
from unimeter.capturing.taps.patch import Hear, Patch, heard_by, within
from unimeter.unharmed import unharmed


def tap(library: ModuleType, hear: Hear) -> list[Patch]:
    """Hear what connection pools send."""

    def of_pool(original: Any) -> Any:
        def urlopen(pool: Any, method: str, url: str, body: Any = None, headers: Any = None, *rest: Any, **options: Any) -> Any:
            exchange = heard_by(hear, method, _whole_url(pool, url), headers)
            if exchange is None:
                return original(pool, method, url, body, headers, *rest, **options)
            if exchange.asks_for_usage and (asked := asking_bytes(body)) is not None:
                body, headers = asked, _with_length(headers, len(asked))
            try:
                with within(url):  # a retry is made by this method too, and heard by the request that it belongs to
                    response = original(pool, method, url, body, headers, *rest, **options)
            except library.exceptions.HTTPError as error:
                _note_broken(library, error, exchange)
                raise
            listen(response, exchange)
            return response

        return urlopen

    return [Patch(library.connectionpool.HTTPConnectionPool, "urlopen", of_pool)]


@unharmed
def listen(response: Any, exchange: Exchange) -> None:
    """Hear a response's body: now if it is read, or while it is."""
    exchange.answered(response.status, response.headers)
    if not exchange.heard:
        return
    if not hasattr(response, "decode_content"):  # a stand-in, whose body is at hand as it was on the wire
        if isinstance(body := response.data, bytes):
            exchange.feed(body, live=False)
            exchange.end()
        return
    if response.closed:
        exchange.feed(response.data, decoded=response.decode_content and _can_decode(response), live=False)
        exchange.end()
        return
    if hasattr(response, "_unimeter_exchanges"):  # two listen
        response._unimeter_exchanges = (*response._unimeter_exchanges, exchange)
        return
    response._unimeter_exchanges = (exchange,)
    kind: Any = type(response)
    response.__class__ = _heard(kind)


@unharmed
def _note_broken(library: ModuleType, error: BaseException, exchange: Exchange) -> None:
    """Say that an answer broke off while urllib3 read it whole. The error does not hold the response; its traceback does."""
    trace = error.__traceback__
    while trace is not None:
        response: Any = trace.tb_frame.f_locals.get("self")
        if isinstance(response, library.response.HTTPResponse):
            exchange.answered(response.status, response.headers)
            exchange.end(whole=False)
            return
        trace = trace.tb_next


def _can_decode(response: Any) -> bool:
    """Whether urllib3 can undo a response's coding here; what it does not know, it hands on as it is."""
    codings = response.headers.get("content-encoding", "").lower().split(",")
    return all(coding.strip() in response.CONTENT_DECODERS for coding in codings)


def _with_length(headers: Any, length: int) -> Any:
    """A request's headers for a body of another length; who gives none has urllib3 find it out."""
    given = {name: value for name, value in (headers or {}).items() if isinstance(name, str)}
    names = [name for name in given if name.lower() == "content-length"]
    return {**given, **dict.fromkeys(names, str(length))} if names else headers


def _whole_url(pool: Any, url: str) -> str:
    if url.startswith(("http://", "https://")):  # by a proxy
        return url
    host = f"[{pool.host}]" if ":" in pool.host else pool.host
    port = "" if pool.port in (None, 80, 443) else f":{pool.port}"
    return f"{pool.scheme}://{host}{port}{url}"


@lru_cache(maxsize=8)
def _heard(kind: Any) -> type:
    """A class of responses that are heard as they are read. Only a response's class tells all ways in which it is read."""

    class HeardResponse(kind):  # type: ignore[misc]  # a class of urllib3's, or of somebody who inherits from it
        _unimeter_exchanges: tuple[Exchange, ...]

        def _take(self, piece: bytes, decoded: bool, live: bool = True) -> None:
            for exchange in self._unimeter_exchanges:
                exchange.feed(piece, decoded and _can_decode(self), live)

        def _end(self, whole: bool) -> None:
            for exchange in self._unimeter_exchanges:
                exchange.end(whole)

        def read(self, amt: int | None = None, decode_content: bool | None = None, cache_content: bool = False) -> bytes:
            piece: bytes = super().read(amt, decode_content, cache_content)
            self._take(piece, self.decode_content if decode_content is None else decode_content, live=amt is not None)
            if amt is None or (not piece and amt):
                self._end(whole=True)
            return piece

        def read1(self, amt: int | None = None, decode_content: bool | None = None) -> bytes:
            piece: bytes = super().read1(amt, decode_content)
            self._take(piece, self.decode_content if decode_content is None else decode_content)
            if not piece and amt:
                self._end(whole=True)
            return piece

        def read_chunked(self, amt: int | None = None, decode_content: bool | None = None) -> Iterator[bytes]:
            for piece in super().read_chunked(amt, decode_content):
                self._take(piece, bool(decode_content))  # here urllib3 takes None for False
                yield piece
            self._end(whole=True)

        def stream(self, amt: int | None = 2**16, decode_content: bool | None = None) -> Iterator[bytes]:
            yield from super().stream(amt, decode_content)  # which reads by the methods above
            self._end(whole=True)

        def close(self) -> None:
            try:
                super().close()
            finally:
                self._end(whole=False)

    HeardResponse.__name__, HeardResponse.__qualname__, HeardResponse.__module__ = (
        kind.__name__,
        kind.__qualname__,
        kind.__module__,
    )
    return HeardResponse
