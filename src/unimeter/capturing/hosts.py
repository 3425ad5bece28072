"""Which requests are calls to a model: told by host and path, and by what a user says of hosts of their own."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urlsplit

from unimeter.interpret import Call
from unimeter.recognise import recogniser


class Told(NamedTuple):
    """What a request's url tells."""

    call: Call
    is_generation: bool
    """Whether the path is one of a model's answers, and not of a batch, a file or a count of tokens."""
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

    def told(self, method: str, url: str) -> Told | None:
        """What a request's url tells; None where it is no call to a model, as far as can be told before the answer."""
        return None if method.upper() != "POST" else _told(self._own, url)  # what is fetched was counted when it was made


@lru_cache(maxsize=1024)
def _told(own: tuple[tuple[str, str | None], ...], url: str) -> Told | None:
    parts = urlsplit(url)
    where = parts.netloc.rpartition("@")[2].lower() + parts.path
    call = Call(None, url, None)
    for host, label in own:
        if where.startswith(host) and where[len(host) : len(host) + 1] in ("", "/", ":"):
            if label is None:
                return None
            call.label = label or None
            call.hints = call.hints._replace(label=label or None)
            break
    else:
        label = None
    registry = call.recogniser.registry
    text = next((text for text, _ in registry.url_paths if text in where), None)
    if call.label is None and text is None and label is None:
        return None
    rest = "" if text is None else where.partition(text)[2]
    dialect = call.hints.dialect
    adapter = None if dialect is None else call.recogniser.adapter(call.label or "", registry.root_of(dialect))
    free = adapter is not None and bool(adapter.free)
    is_generation = text is not None and not free and (text.endswith("/") or "/" not in rest)
    return Told(call, is_generation, adapter is not None and "include_usage" in adapter.hint)


def _without_scheme(host: str) -> str:
    return host.lower().removeprefix("https://").removeprefix("http://").rstrip("/")
