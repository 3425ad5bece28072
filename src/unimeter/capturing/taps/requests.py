"""requests. Its calls are heard in urllib3; here, those that a stand-in for an adapter answers, so that urllib3 is not asked."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from unimeter.capturing.exchange import Exchange
from unimeter.capturing.taps import urllib3
from unimeter.capturing.taps.patch import Hear, Patch, heard_by, offered
from unimeter.unharmed import unharmed


def tap(library: ModuleType, hear: Hear) -> list[Patch]:
    """Hear what sessions send."""

    def of_session(original: Any) -> Any:
        def send(session: Any, request: Any, **options: Any) -> Any:
            exchange = heard_by(hear, request.method, request.url, request.headers)
            if exchange is None:
                return original(session, request, **options)
            with offered(request.url, exchange) as offer:
                response = original(session, request, **options)
            if offer.is_open:
                listen(response, exchange)
            return response

        return send

    inner = Patch(library.Session, "send", of_session, has_others_above=True)

    def of_method(original: Any) -> Any:
        def request(session: Any, method: Any, url: Any, *rest: Any, **options: Any) -> Any:
            exchange = None
            if not inner.is_outermost:  # a stand-in may be in its place, which does not call it
                exchange = heard_by(hear, method, url, {**session.headers, **(options.get("headers") or {})})
            if exchange is None:
                return original(session, method, url, *rest, **options)
            with offered(url, exchange) as offer:
                response = original(session, method, url, *rest, **options)
            if offer.is_open:
                listen(response, exchange)
            return response

        return request

    return [inner, Patch(library.Session, "request", of_method)]


@unharmed
def listen(response: Any, exchange: Exchange) -> None:
    """Hear a response's body: now if it is read, or while it is."""
    if response._content_consumed or not hasattr(response.raw, "decode_content"):
        exchange.answered(response.status_code, response.headers)
        body = response._content
        if isinstance(body, bytes):
            exchange.feed(body, decoded=True, live=False)
        exchange.end(whole=isinstance(body, bytes))
        return
    urllib3.listen(response.raw, exchange)
