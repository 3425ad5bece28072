"""A body as it came off the wire, in whatever framing, as the events it holds."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from unimeter.wire.coding import LARGEST_SLICE, SMALLEST_SLICE
from unimeter.wire.framing import EventStreamReader, Framing, JSONReader, Loads, SSEReader, Unreadable, reader_of
from unimeter.wire.sse import BOM

LARGEST_INFLATED = 512 * 1024 * 1024
"""Bytes that a gzip'd body may grow to; what grows beyond is refused."""

_GZIP = b"\x1f\x8b"
_TELLING = 12
"""Bytes after which the framing can be told."""


@dataclass(slots=True)
class Body:
    """The events of a body, in order; a plain JSON response is a single one."""

    events: list[Any]
    framing: Framing
    done: bool = False
    """Whether it said that it was finished (`[DONE]`)."""
    cut: bool = False
    """Whether it broke off in the middle of an event."""

    @property
    def is_stream(self) -> bool:
        return self.framing != "json"


def read_body(raw: bytes, loads: Loads) -> Body:
    """The events of a body. `loads` decodes the JSON of each.

    Raises:
        Unreadable: it is truncated or broken.
        NotABody: it is nothing we know.
    """
    inflated_whole = True
    if raw[:2] == _GZIP:
        raw, inflated_whole = inflate(raw)
    decoder = BodyDecoder(loads)
    events = decoder.feed(raw) + decoder.close()
    return Body(events, decoder.framing, decoder.done, decoder.cut or not inflated_whole)


def inflate(raw: bytes) -> tuple[bytes, bool]:
    """The content of a gzip'd body, and whether it is all there."""
    parts: list[bytes] = []
    left, at, whole = LARGEST_INFLATED, 0, True
    view = memoryview(raw)
    while view[at : at + 2] == _GZIP:  # it may have several members
        inflater = zlib.decompressobj(wbits=31)
        size = SMALLEST_SLICE
        try:
            while not inflater.eof and at < len(raw):  # by slices, as a member does not say how long it is
                piece = view[at : at + size]
                size = min(2 * size, LARGEST_SLICE)
                parts.append(inflater.decompress(piece, left + 1))
                left -= len(parts[-1])
                if left < 0:
                    raise Unreadable(f"it inflates to more than {LARGEST_INFLATED} bytes")
                at += len(piece) - len(inflater.unused_data)
        except zlib.error as error:
            raise Unreadable(f"its gzip coding is broken: {error}") from None
        whole = inflater.eof
    return b"".join(parts), whole


class BodyDecoder:
    """Feed it a body in any pieces; it gives every event that is whole, in whatever framing they come.

    >>> import json
    >>> decoder = BodyDecoder(json.loads)
    >>> decoder.feed(b'data: {"a": 1}\\n\\nda'), decoder.feed(b"ta: [DONE]"), decoder.close(), decoder.done
    ([{'a': 1}], [], [], True)

    Raises:
        Unreadable: it is broken.
        NotABody: it is nothing we know.
    """

    def __init__(self, loads: Loads, quick: Loads | None = None) -> None:
        """
        Args:
            loads: decodes the JSON of an event, or raises `NotJSON`.
            quick: the same for small events, if that is another; it may raise any error of msgspec's.
        """
        self._loads = loads
        self._quick = quick
        self._head = b""
        self._reader: JSONReader | SSEReader | EventStreamReader | None = None

    def feed(self, piece: bytes) -> list[Any]:
        """The events that end in this piece."""
        if self._reader is None:
            self._head = (self._head + piece).removeprefix(BOM).lstrip()
            if len(self._head) < _TELLING:
                return []
            piece, self._head = self._head, b""
            self._reader = reader_of(piece, self._loads, self._quick)
        return self._reader.feed(piece)

    def close(self) -> list[Any]:
        """What is left: events whose end never came. Afterwards `framing` and `cut` are certain."""
        if self._reader is not None:
            return self._reader.close()
        self._reader = reader_of(self._head, self._loads, self._quick)
        return self._reader.feed(self._head) + self._reader.close()

    def sift(self, sift: Callable[[list[bytes]], list[bytes]]) -> None:
        """From now on, decode of server-sent events only those that something leaves over of their data."""
        if isinstance(self._reader, SSEReader):
            self._reader.sift = sift

    @property
    def framing(self) -> Framing:
        """The framing, as far as it can be told by now."""
        return "json" if self._reader is None else self._reader.framing

    @property
    def done(self) -> bool:
        """Whether it said that it was finished (`[DONE]`)."""
        return self._reader is not None and self._reader.done

    @property
    def cut(self) -> bool:
        """Whether it broke off in the middle of an event."""
        return self._reader is not None and self._reader.cut
