"""Which requests are calls to a model: told by host, path and headers, and by what a user says of hosts of their own."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from unimeter.interpret import Call
from unimeter.pairing import CallInfo
from unimeter.recognise import recogniser
from unimeter.registry import PathFound


class Told(NamedTuple):
    """What a request tells of the call that it makes."""

    call: Call
    info: CallInfo
    """What is known of it before it is answered."""
    is_generation: bool
    """Whether the path is one of a model's answers, and not of a batch, a file or a count of tokens."""
    is_certain: bool
    """Whether it is a call to a model whatever the answer is; else the answer has to look like one."""
    tells_usage_if_asked: bool
    """Whether a stream from there carries usage only if the request has `stream_options.include_usage`."""


class Hosts:
    """Tells calls by url.

    Args:
        own: hosts that no table of ours has, and whose they are: `"gateway.acme.example"`, `"localhost:8080"` or
            `"acme.example/llm"` and a provider's name; None for a host that is not to be heard, "" for one whose dialect
            nobody knows yet.

    Raises:
        UnknownProvider: no provider has such a name.
    """

    def __init__(self, own: Mapping[str, str | None] | None = None) -> None:
        known = recogniser()
        named = {_without_scheme(host): provider and known.label(provider) for host, provider in (own or {}).items()}
        self._own = tuple(sorted(named.items(), key=lambda item: -len(item[0])))

    def told(self, method: str, url: str, headers: Mapping[str, Any] | None = None) -> Told | None:
        """What a request tells; None where it is no call to a model, as far as can be told before the answer.

        On a known host, or one that the user named, each path of a model's answers is a call. On any other, a path that no
        other API has is one; any other path only if the answer looks like a model's.
        """
        if method.upper() != "POST":
            return None  # what is fetched was counted when it was made
        told, header = _told(self._own, url)
        if told is not None and header and not told.is_certain and header in {str(name).lower() for name in headers or ()}:
            told = told._replace(is_certain=True)
        return told


@lru_cache(maxsize=1024)
def _told(own: tuple[tuple[str, str | None], ...], url: str) -> tuple[Told | None, str]:
    """What a url tells, and the header with which the request tells more."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2].lower()
    where = host + parts.path
    call = Call(None, url, None)
    is_named = False
    for named, label in own:
        if where.startswith(named) and where[len(named) : len(named) + 1] in ("", "/", ":"):
            if label is None:
                return None, ""
            call.label = label or None
            call.hints = call.hints._replace(label=label or None)
            is_named = True
            break
    registry = call.recogniser.registry
    found = registry.path_in(where)
    if call.label is None and found is None and not is_named:
        return None, ""
    dialect = call.hints.dialect
    adapter = None if dialect is None else call.recogniser.adapter(call.label or "", registry.root_of(dialect))
    free = adapter is not None and bool(adapter.free)
    is_generation = is_named if found is None else not free and _ends_there(found)
    is_own = found is not None and found.text in found.adapter.own_paths and not found.rest.strip("/")
    header = found.adapter.own_path_header if found is not None and is_own else ""
    is_certain = found is not None and is_generation and (call.label is not None or is_named or (is_own and not header))
    whose = call.label or (dialect.provider if dialect is not None and is_generation else None)
    info = CallInfo(whose, call.hints.model, None, f"{parts.scheme}://{host}{parts.path}")
    asked = adapter is not None and adapter.stream_option
    return Told(call, info, is_generation, is_certain, asked), header


def _ends_there(found: PathFound) -> bool:
    """Whether a url leads to a path of an adapter, and not to something below it, such as a batch."""
    return found.text.endswith("/") or "/" not in found.rest.rstrip("/")


def _without_scheme(host: str) -> str:
    return host.lower().removeprefix("https://").removeprefix("http://").rstrip("/")
