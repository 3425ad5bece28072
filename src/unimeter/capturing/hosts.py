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
            `"acme.example/llm"` and a provider's name; None for a host that is not to be heard.
    """

    def __init__(self, own: Mapping[str, str | None] | None = None) -> None:
        known = recogniser()
        self._own = {
            host.lower().removeprefix("https://").removeprefix("http://").rstrip("/"): provider
            if provider is None
            else known.label(provider)
            for host, provider in sorted((own or {}).items(), key=lambda item: -len(item[0]))
        }
        self.told = lru_cache(maxsize=512)(self._told)

    def _told(self, method: str, url: str) -> Told | None:
        """What the url tells; None where it is no call to a model, as far as can be told before the answer."""
        if method.upper() != "POST":  # what is fetched was counted when it was made
            return None
        parts = urlsplit(url)
        where = parts.netloc.rpartition("@")[2].lower() + parts.path
        call = Call(None, url, None)
        for host, label in self._own.items():
            if where.startswith(host) and where[len(host) : len(host) + 1] in ("", "/", ":"):
                if label is None:
                    return None
                call.label = label
                call.hints = call.hints._replace(label=label)
                break
        paths = call.recogniser.registry.url_paths
        text = next((text for text, _ in paths if text in where), None)
        if call.label is None and text is None:
            return None
        rest = "" if text is None else where.partition(text)[2]
        dialect = call.hints.dialect
        adapter = (
            None if dialect is None else call.recogniser.adapter(call.label or "", call.recogniser.registry.root_of(dialect))
        )
        asks = adapter is not None and "include_usage" in adapter.hint
        return Told(call, text is not None and (text.endswith("/") or "/" not in rest), asks)
