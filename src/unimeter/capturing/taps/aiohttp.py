"""aiohttp."""

from __future__ import annotations

from collections.abc import Coroutine
from types import ModuleType
from typing import Any

from unimeter.capturing.exchange import Exchange
from unimeter.capturing.taps.asking import asking, asking_bytes
from unimeter.capturing.taps.patch import Hear, Patch, heard_by, offered, within
from unimeter.unharmed import unharmed


def tap(library: ModuleType, hear: Hear) -> list[Patch]:
    """Hear what sessions send."""

    def of_session(original: Any) -> Any:
        async def _request(session: Any, method: str, str_or_url: Any, **options: Any) -> Any:
            exchange = heard_by(hear, method, _whole_url(session, str_or_url), options.get("headers"))
            if exchange is None:
                return await original(session, method, str_or_url, **options)
            if exchange.asks_for_usage:
                options = _asking(options)
            with within(str_or_url):
                response = await original(session, method, str_or_url, **options)
            listen(session, response, exchange, options.get("auto_decompress"))
            return response

        return _request

    inner = Patch(library.ClientSession, "_request", of_session, has_others_above=True)

    def of_method(original: Any) -> Any:
        def method(session: Any, *arguments: Any, **options: Any) -> Any:
            made = original(session, *arguments, **options)
            if not inner.is_outermost:
                _offer(made, hear, session, original.__name__, arguments, options)
            return made

        return method

    return [inner, Patch(library.ClientSession, "post", of_method), Patch(library.ClientSession, "request", of_method)]


@unharmed
def _offer(made: Any, hear: Hear, session: Any, name: str, arguments: tuple[Any, ...], options: dict[str, Any]) -> None:
    """Hear a request that is about to be made by `post` or `request`, where somebody has replaced `_request` since, such as a
    stand-in that makes no request."""
    names = ("url",) if name == "post" else ("method", "url")
    given = {"method": name, **dict(zip(names, arguments, strict=False)), **options}
    exchange = heard_by(hear, given["method"], _whole_url(session, given["url"]), options.get("headers"))
    if exchange is not None:
        made._coro = _Heard(made._coro, session, given["url"], exchange)


class _Heard(Coroutine[Any, Any, Any]):
    """The coroutine that makes a request, and the hearing of what it returns. It is not begun before it is awaited."""

    def __init__(self, made: Any, session: Any, url: Any, exchange: Exchange) -> None:
        self._made = made
        self._session = session
        self._url = url
        self._exchange = exchange
        self._going: Any = None

    async def _request(self) -> Any:
        with offered(self._url, self._exchange) as offer:
            response = await self._made
        if offer.is_open:
            listen(self._session, response, self._exchange, None)
        return response

    def _begun(self) -> Any:
        if self._going is None:
            self._going = self._request()
        return self._going

    def __await__(self) -> Any:
        return self._begun().__await__()

    def send(self, value: Any) -> Any:
        return self._begun().send(value)

    def throw(self, *error: Any) -> Any:
        return self._begun().throw(*error)

    def close(self) -> None:
        (self._made if self._going is None else self._going).close()


@unharmed
def listen(session: Any, response: Any, exchange: Exchange, auto_decompress: bool | None) -> None:
    """Hear a response's body: now if it is read, or while it is."""
    exchange.answered(response.status, response.headers)
    if not exchange.heard:
        return
    decoded = session.auto_decompress if auto_decompress is None else auto_decompress
    if (body := getattr(response, "_body", None)) is not None:  # a middleware has read it
        exchange.feed(body, decoded, live=False)
        exchange.end()
    else:
        response.content = HeardContent(response.content, exchange, decoded)


def _whole_url(session: Any, url: Any) -> Any:
    base = getattr(session, "_base_url", None)
    return (
        url if base is None or str(url).startswith(("http://", "https://")) else f"{str(base).rstrip('/')}/{str(url).lstrip('/')}"
    )


def _asking(options: dict[str, Any]) -> dict[str, Any]:
    """A request's options, asking for usage if they do not."""
    if options.get("json") is not None:  # which the session's own serializer writes
        asked = asking(options["json"])
        return options if asked is None else {**options, "json": asked}
    body = asking_bytes(options.get("data"))
    if body is None:
        return options
    headers = options.get("headers") or {}
    lengths = [name for name in headers if str(name).lower() == "content-length"]
    return {
        **options,
        "data": body,
        "headers": {**headers, **dict.fromkeys(lengths, str(len(body)))} if lengths else headers or None,
    }


class HeardContent:
    """A response's content, heard as it is read."""

    __class__: Any = property(lambda self: type(self._content))  # for isinstance

    def __init__(self, content: Any, exchange: Exchange, decoded: bool) -> None:
        self._content = content
        self._exchange = exchange
        self._decoded = decoded

    def __getattr__(self, name: str) -> Any:
        if name in ("_content", "_exchange", "_decoded"):  # a copy that is being made
            raise AttributeError(name)
        return getattr(self._content, name)

    def __repr__(self) -> str:
        return repr(self._content)

    def _take(self, piece: bytes, live: bool = True) -> bytes:
        self._exchange.feed(piece, self._decoded, live)
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
        return self._take(await self._content.read(n), live=n >= 0)

    async def readany(self) -> bytes:
        return self._take(await self._content.readany())

    async def readchunk(self) -> tuple[bytes, bool]:
        piece, ends_chunk = await self._content.readchunk()
        return self._take(piece), ends_chunk

    def read_nowait(self, n: int = -1) -> bytes:
        return self._take(self._content.read_nowait(n))
