"""How a report is sent: where to, and what is said of a failure. No key and no password is ever said."""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from html import escape
from typing import Any, NamedTuple
from urllib.parse import SplitResult, quote, quote_plus, unquote, urlsplit

MOST_READ = 16_384
"""Bytes that are read of the answer to a refused report, at most."""
MOST_SAID = 2_000
"""Characters of it that an error quotes, at most."""
_SHORTEST = 4
"""A shorter text is no secret: without it, hardly an answer could be read."""


class Hidden(str):
    """A text that shows nothing of itself in a traceback with local variables."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


class Target(NamedTuple):
    """Where reports go. The user and password of a url are apart from it: HTTP clients log urls."""

    url: Hidden
    """Scheme, host and path; the url of a caller's configuration may hold a secret in the latter."""
    host: str
    """Host and port, which errors name."""
    auth: tuple[Hidden, Hidden] | None


def target_of(url: Any) -> Target:
    """The parts of a base url.

    Raises:
        ValueError: it is none. The message quotes nothing of it.
    """
    problem, parts, port = _split(url)
    if parts is None:
        raise ValueError(f"the base_url {problem}")
    name = parts.hostname or ""
    host = (f"[{name}]" if ":" in name else name) + ("" if port is None else f":{port}")
    user, password = (Hidden(unquote(one or "")) for one in (parts.username, parts.password))
    return Target(
        Hidden(f"{parts.scheme}://{host}{parts.path.rstrip('/')}"), host, (user, password) if "@" in parts.netloc else None
    )


def _split(url: Any) -> tuple[str, SplitResult | None, int | None]:
    """The parts of a url; else what is wrong with it. What `urlsplit` raises quotes the url, so it stays here."""
    if not isinstance(url, str) or not re.match(r"(?i)https?://", url):
        return "does not begin with http:// or https://", None, None
    if not re.fullmatch(r"[^\x00-\x20\x7f\\]+", url):
        return "holds a blank, a backslash or a control character", None, None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "has no valid host, or a port that is no number from 0 to 65535", None, None
    if not parts.hostname or parts.netloc.endswith(":"):
        return "has no host, or an empty port", None, None
    if parts.query or parts.fragment or url.endswith(("?", "#")):
        return "has a query or a fragment: of a password, encode ? as %3F and # as %23", None, None
    if "@" in parts.path or "//" in parts.path:
        return "has an @ or a // in its path: of a password, encode / as %2F", None, None
    return "", parts, port


def unfit_for_a_header(key: Any) -> str:
    """Why a text cannot be sent as a key; "" if it can. The text is not quoted."""
    if not isinstance(key, str):
        return f"is a {type(key).__name__}, not a text"
    if not key.isascii():
        return "holds a character that is not ASCII"
    return "" if re.fullmatch(r"[\x21-\x7e]+", key) else "holds a blank, a line break or a control character"


class Redactor:
    """Takes secrets out of texts, in the forms in which a server may quote them."""

    def __init__(self, secrets: Iterable[str]) -> None:
        forms = {form for secret in secrets if len(secret) >= _SHORTEST for form in _forms(secret)}
        self._longest = max(map(len, forms), default=0)
        longest_first = sorted(forms, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first)), re.IGNORECASE) if forms else None

    def clean(self, text: str, *, was_cut: bool = False) -> str:
        """A text without secrets, and cut.

        Args:
            text: the text.
            was_cut: whether it was longer, and may end in the middle of a secret.
        """
        if self._pattern is not None:
            text = self._pattern.sub("[removed]", text)
        if was_cut:
            text = text[: max(0, len(text) - self._longest)]
        return f"{text[:MOST_SAID]}… (cut)" if was_cut or len(text) > MOST_SAID else text


def _forms(secret: str) -> Iterator[str]:
    yield secret
    yield quote(secret, safe="")
    yield quote_plus(secret)
    yield escape(secret)
    yield json.dumps(secret)[1:-1]
    yield repr(secret)[1:-1]
    yield secret.encode("utf-8", "replace").hex()
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        encoded = encode(secret.encode("utf-8", "replace")).decode()
        yield encoded
        yield encoded.rstrip("=")


def secrets_of(key: str, target: Target) -> list[str]:
    """Everything that no error may say."""
    if target.auth is None:
        return [key]
    user, password = map(str, target.auth)
    return [key, user, password, f"{user}:{password}"]


class Answer:
    """The first bytes of an answer that refuses a report, read as they come and no longer than a report may take."""

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds
        self._body = bytearray()
        self.was_cut = False

    def read(self, pieces: Iterable[bytes]) -> None:
        """Read the pieces of a body, until it is enough."""
        for piece in pieces:
            if self._is_enough(piece):
                break

    async def aread(self, pieces: AsyncIterator[bytes]) -> None:
        """`read` for pieces that come asynchronously."""
        async for piece in pieces:
            if self._is_enough(piece):
                break

    def _is_enough(self, piece: bytes) -> bool:
        self._body += piece[: MOST_READ + 1 - len(self._body)]
        self.was_cut = len(self._body) > MOST_READ or time.monotonic() > self._until
        return self.was_cut

    def text(self, encoding: str | None, coding: str | None) -> str:
        """The body as text.

        Args:
            encoding: its character encoding, if the answer names one.
            coding: how it is compressed. It is not decompressed: a small body can be a large text.
        """
        if coding and coding.strip().lower() != "identity":
            return "(the answer is compressed)"
        try:
            return bytes(self._body[:MOST_READ]).decode(encoding or "utf-8", "replace")
        except (LookupError, UnicodeError):
            return bytes(self._body[:MOST_READ]).decode("utf-8", "replace")
