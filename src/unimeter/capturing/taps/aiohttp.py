"""aiohttp."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

from unimeter.capturing.exchange import Exchange
from unimeter.capturing.taps.asking import asking
from unimeter.capturing.taps.patch import Hear, heard_by, replaced, within


def tap(library: ModuleType, hear: Hear) -> Callable[[], None]:
    """Hear what sessions send; a function that ends it."""

    def of_session(original: Any) -> Any:
        async def _request(session: Any, method: str, url: Any, **options: Any) -> Any:
            exchange = heard_by(hear, method, _whole_url(session, url), options.get("headers"))
            if exchange is None:
                return await original(session, method, url, **options)
            if exchange.asks_for_usage:
                options = _asking(options)
            with within():
                response = await original(session, method, url, **options)
            exchange.answered(response.status, response.headers)
            if exchange.heard:
                decoded = options.get("auto_decompress")
                response.content = HeardContent(
                    response.content, exchange, session.auto_decompress if decoded is None else decoded
                )
            return response

        return _request

    return replaced(library.ClientSession, "_request", of_session)


def _whole_url(session: Any, url: Any) -> Any:
    base = getattr(session, "_base_url", None)
    return url if base is None or "://" in str(url) else f"{str(base).rstrip('/')}/{str(url).lstrip('/')}"


def _asking(options: dict[str, Any]) -> dict[str, Any]:
    """A request's options, asking for usage if they do not."""
    name = "json" if options.get("json") is not None else "data"
    asked = asking(options.get(name))
    if asked is None:
        return options
    headers = dict(options.get("headers") or {})
    if not any(name.lower() == "content-type" for name in headers):
        headers["Content-Type"] = "application/json"
    headers = {name: value for name, value in headers.items() if name.lower() != "content-length"}
    return {**options, "json": None, "data": asked, "headers": headers}


class HeardContent:
    """A response's content, heard as it is read."""

    __class__: Any = property(lambda self: type(self._content))  # for isinstance

    def __init__(self, content: Any, exchange: Exchange, decoded: bool) -> None:
        self._content = content
        self._exchange = exchange
        self._decoded = decoded

    def __getattr__(self, name: str) -> Any:
        return getattr(self._content, name)

    def __repr__(self) -> str:
        return repr(self._content)

    def _take(self, piece: bytes) -> bytes:
        self._exchange.feed(piece, decoded=self._decoded)
        if self._content.at_eof():
            self._exchange.end()
        return piece

    # These make iterators, and read, by the methods below.

    def __aiter__(self) -> Any:
        return type(self._content).__aiter__(self)

    def iter_chunked(self, n: int) -> Any:
        return type(self._content).iter_chunked(self, n)

    def iter_any(self) -> Any:
        return type(self._content).iter_any(self)

    def iter_chunks(self) -> Any:
        return type(self._content).iter_chunks(self)

    async def readexactly(self, n: int) -> bytes:
        piece: bytes = await type(self._content).readexactly(self, n)
        return piece

    # These read.

    async def readline(self, **options: Any) -> bytes:
        return self._take(await self._content.readline(**options))

    async def readuntil(self, *arguments: Any, **options: Any) -> bytes:
        return self._take(await self._content.readuntil(*arguments, **options))

    async def read(self, n: int = -1) -> bytes:
        return self._take(await self._content.read(n))

    async def readany(self) -> bytes:
        return self._take(await self._content.readany())

    async def readchunk(self) -> tuple[bytes, bool]:
        piece, ends_chunk = await self._content.readchunk()
        return self._take(piece), ends_chunk

    def read_nowait(self, n: int = -1) -> bytes:
        return self._take(self._content.read_nowait(n))
