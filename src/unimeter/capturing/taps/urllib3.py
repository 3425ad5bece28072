"""urllib3, and with it requests and botocore."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from types import ModuleType
from typing import Any

from unimeter.capturing.exchange import Exchange, unharmed
from unimeter.capturing.taps.asking import asking
from unimeter.capturing.taps.patch import Hear, heard_by, replaced, within


def tap(library: ModuleType, hear: Hear) -> Callable[[], None]:
    """Hear what connection pools send; a function that ends it."""

    def of_pool(original: Any) -> Any:
        def urlopen(pool: Any, method: str, url: str, body: Any = None, headers: Any = None, *rest: Any, **options: Any) -> Any:
            exchange = heard_by(hear, method, _whole_url(pool, url), headers)
            if exchange is None:
                return original(pool, method, url, body, headers, *rest, **options)
            if exchange.asks_for_usage and (asked := asking(body)) is not None:
                names = {name.lower(): name for name in headers or {}}
                headers = {**(headers or {}), names.get("content-length", "Content-Length"): str(len(asked))}
                body = asked
            with within():  # a retry is made by this method too, and heard by the request that it belongs to
                response = original(pool, method, url, body, headers, *rest, **options)
            listen(response, exchange)
            return response

        return urlopen

    return replaced(library.connectionpool.HTTPConnectionPool, "urlopen", of_pool)


@unharmed
def listen(response: Any, exchange: Exchange) -> None:
    """Hear a response's body: now if it is read, or while it is."""
    exchange.answered(response.status, response.headers)
    if not exchange.heard:
        return
    if response.closed:
        exchange.feed(response.data, decoded=response.decode_content)
        exchange.end()
        return
    response._unimeter = exchange
    kind: Any = type(response)
    response.__class__ = _heard(kind)


def _whole_url(pool: Any, url: str) -> str:
    if "://" in url:  # by a proxy
        return url
    host = f"[{pool.host}]" if ":" in pool.host else pool.host
    port = "" if pool.port in (None, 80, 443) else f":{pool.port}"
    return f"{pool.scheme}://{host}{port}{url}"


@lru_cache(maxsize=8)
def _heard(kind: Any) -> type:
    """A class of responses that are heard as they are read. Only a response's class tells all ways in which it is read."""

    class HeardResponse(kind):  # type: ignore[misc]  # a class of urllib3's, or of somebody who inherits from it
        _unimeter: Exchange

        def _take(self, piece: bytes, decode_content: bool | None) -> None:
            self._unimeter.feed(piece, decoded=self.decode_content if decode_content is None else decode_content)
            if self.closed:
                self._unimeter.end()

        def read(self, amt: int | None = None, decode_content: bool | None = None, cache_content: bool = False) -> bytes:
            piece: bytes = super().read(amt, decode_content, cache_content)
            self._take(piece, decode_content)
            return piece

        def read1(self, amt: int | None = None, decode_content: bool | None = None) -> bytes:
            piece: bytes = super().read1(amt, decode_content)
            self._take(piece, decode_content)
            return piece

        def read_chunked(self, amt: int | None = None, decode_content: bool | None = None) -> Iterator[bytes]:
            whole = False
            try:
                for piece in super().read_chunked(amt, decode_content):
                    self._take(piece, decode_content)
                    yield piece
                whole = True
            finally:
                self._unimeter.end(whole)

        def close(self) -> None:
            try:
                super().close()
            finally:
                self._unimeter.end(whole=False)

    HeardResponse.__name__, HeardResponse.__qualname__ = kind.__name__, kind.__qualname__
    return HeardResponse
