"""Raw response objects of HTTP libraries and SDKs: their body, url and headers. Nothing is read from the network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from unimeter.errors import MalformedUsage


class RawResponse(NamedTuple):
    """What a raw response object holds."""

    body: bytes
    url: str | None
    headers: Mapping[str, Any] | None


_BODIES = {
    ("httpx", "Response"): "_content",
    ("httpx2", "Response"): "_content",
    ("requests", "Response"): "_content",
    ("botocore", "AWSResponse"): "_content",
    ("aiohttp", "ClientResponse"): "_body",
    ("urllib3", "HTTPResponse"): "_body",
}
"""The attribute that holds the body, once it was read, by the library and the name of the class."""


def raw_response(value: Any) -> RawResponse | None:
    """The body, url and headers of a raw response object; None for anything else.

    Raises:
        MalformedUsage: its body was not read.
    """
    inner = getattr(value, "http_response", None) if type(value).__name__.endswith("APIResponse") else None
    value = value if inner is None else inner  # an SDK's `with_raw_response` wraps the HTTP library's
    name = next(
        (name for kind in type(value).__mro__ if (name := _BODIES.get((kind.__module__.partition(".")[0], kind.__name__)))), None
    )
    if name is None:
        return None
    body = getattr(value, name, None)
    if not isinstance(body, (bytes, bytearray)):
        raise MalformedUsage("", "the response's body", "read before (.read(), or .content without stream=True)", "unread")
    return RawResponse(bytes(body), _url_of(value), getattr(value, "headers", None))


def _url_of(response: Any) -> str | None:
    """The url that was called; None where a response was made without a request."""
    try:
        url = response.url if not hasattr(response, "geturl") else response.geturl()
    except RuntimeError:  # httpx, of a response without a request
        return None
    return None if url is None else str(url)
