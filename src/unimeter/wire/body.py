"""A body as it came off the wire, in whatever framing, as the events it holds."""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from unimeter.wire.eventstream import BrokenStream, EventStreamDecoder, Message, is_event_stream
from unimeter.wire.json import NotJSON
from unimeter.wire.json import loads as loads_json
from unimeter.wire.ndjson import NDJSONDecoder
from unimeter.wire.sse import BOM, SSEDecoder

Framing = Literal["json", "json array", "sse", "ndjson", "event stream"]
Loads = Callable[[bytes], Any]

LARGEST_INFLATED = 512 * 1024 * 1024
"""Bytes that a gzip'd body may grow to; what grows beyond is refused."""

_GZIP = b"\x1f\x8b"
_SMALL = 1024
"""Bytes of an event up to which it takes less to decode it than to choose what to decode."""
_TELLING = 12
"""Bytes after which the framing can be told."""
_SSE_NAMES = (b"data:", b"event:", b"id:", b"retry:", b":")


class Unreadable(ValueError):
    """The body is cut or broken: it begins like something we know and does not go on like it."""


class NotABody(ValueError):
    """The bytes are none of the framings we know: audio, an image, plain text."""


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
    left, whole = LARGEST_INFLATED, True
    while raw[:2] == _GZIP:  # it may have several members
        inflater = zlib.decompressobj(wbits=31)
        try:
            parts.append(inflater.decompress(raw, left + 1))
        except zlib.error as error:
            raise Unreadable(f"its gzip coding is broken: {error}") from None
        left -= len(parts[-1])
        if left < 0:
            raise Unreadable(f"it inflates to more than {LARGEST_INFLATED} bytes")
        raw, whole = inflater.unused_data, inflater.eof
    return b"".join(parts), whole


class BodyDecoder:
    """Feed it a body in any pieces; it gives every event that is whole, in whatever framing they come.

    >>> decoder = BodyDecoder(loads_json)
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
        self._reader: _JSON | _SSE | _EventStream | None = None

    def feed(self, piece: bytes) -> list[Any]:
        """The events that end in this piece."""
        if self._reader is None:
            self._head += piece
            if len(self._head.lstrip()) < _TELLING:
                return []
            piece, self._head = self._head, b""
            self._reader = _reader_of(piece, self._loads, self._quick)
        return self._reader.feed(piece)

    def close(self) -> list[Any]:
        """What is left: events whose end never came. Afterwards `framing` and `cut` are certain."""
        if self._reader is not None:
            return self._reader.close()
        self._reader = _reader_of(self._head, self._loads, self._quick)
        return self._reader.feed(self._head) + self._reader.close()

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


def _reader_of(head: bytes, loads: Loads, quick: Loads | None) -> _JSON | _SSE | _EventStream:
    """The reader of a body that begins like this."""
    if is_event_stream(head):
        return _EventStream(loads)
    start = head.removeprefix(BOM).lstrip()[:6]
    if start[:1] in (b"{", b"["):
        return _JSON(loads)
    if start.startswith(_SSE_NAMES):
        return _SSE(loads, quick)
    raise NotABody(f"{len(head)} bytes that are neither JSON, nor server-sent events, nor an AWS event stream")


class _JSON:
    """One JSON value, or one a line: which, a second line tells."""

    framing: Framing = "json"
    done = False
    cut = False

    def __init__(self, loads: Loads) -> None:
        self._loads = loads
        self._pieces: list[bytes] = []
        self._lines: NDJSONDecoder | None = None
        self._one_value = False
        self._count = 0
        self._broken = ""

    def feed(self, piece: bytes) -> list[Any]:
        if self._lines is not None:
            return self._take(self._lines.feed(piece))
        self._pieces.append(piece)
        if self._one_value or b"\n" not in piece:
            return []
        whole = b"".join(self._pieces).removeprefix(BOM).lstrip()
        line, newline, rest = whole.partition(b"\n")
        if not newline:
            return []
        try:
            value = self._loads(line)
        except NotJSON:  # a value that is spread over lines
            self._one_value = True
            return []
        self._lines, self._pieces = NDJSONDecoder(), []
        return self._first(value) + self._take(self._lines.feed(rest))

    def close(self) -> list[Any]:
        if self._lines is not None:
            found = self._take(self._lines.close())
            self.cut = bool(self._broken)
            return found
        try:
            return self._first(self._loads(b"".join(self._pieces)))
        except NotJSON as error:
            raise Unreadable(f"its JSON is cut or broken: {error}") from None

    def _first(self, value: Any) -> list[Any]:
        self._count = 1
        if not isinstance(value, list):
            return [value]
        self.framing = "json array"
        return value

    def _take(self, lines: Iterable[bytes]) -> list[Any]:
        found = []
        for line in lines:
            if self._broken:
                raise Unreadable(f"line {self._count} is no JSON: {self._broken}") from None
            self.framing = "ndjson"
            self._count += 1
            try:
                found.append(self._loads(line))
            except NotJSON as error:  # of the last line it only says that the body was cut
                self._broken = str(error)
        return found


class _SSE:
    """Server-sent events."""

    framing: Framing = "sse"
    done = False
    cut = False

    def __init__(self, loads: Loads, quick: Loads | None) -> None:
        self._loads = loads
        self._quick = quick or loads
        self._decoder = SSEDecoder()
        self._count = 0
        self._broken = ""

    def feed(self, piece: bytes) -> list[Any]:
        return self._take(self._decoder.feed(piece))

    def close(self) -> list[Any]:
        found = self._take(self._decoder.close())
        self.cut = bool(self._broken)
        return found

    def _take(self, datas: list[bytes]) -> list[Any]:
        if not self._broken and not self.done:
            ends = datas[-1:] == [b"[DONE]"]
            small = sum(map(len, datas)) < _SMALL * len(datas)
            try:
                events = [*map(self._quick if small else self._loads, datas[:-1] if ends else datas)]
            except (NotJSON, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                pass  # something else than events of JSON is among them
            else:
                self.done = ends
                self._count += len(datas)
                return events
        return self._take_each(datas)

    def _take_each(self, datas: list[bytes]) -> list[Any]:
        found: list[Any] = []
        for data in datas:
            if self._broken:
                raise Unreadable(f"event {self._count} is no JSON: {self._broken}") from None
            self._count += 1
            try:
                done, events = sse_events(data, self._loads)
            except NotJSON as error:  # of the last event it only says that the body was cut
                self._broken = str(error)
                continue
            if self.done and any(map(_has_usage, events)):
                raise Unreadable(
                    f"event {self._count} has usage after [DONE], so several streams are joined; read each on its own"
                )
            self.done |= done
            found += events
        return found


def _has_usage(event: Any) -> bool:
    return type(event) is dict and bool(event.get("usage"))


class _EventStream:
    """AWS event streams."""

    framing: Framing = "event stream"
    done = False

    def __init__(self, loads: Loads) -> None:
        self._loads = loads
        self._decoder = EventStreamDecoder()

    @property
    def cut(self) -> bool:
        return self._decoder.unfinished

    def feed(self, piece: bytes) -> list[Any]:
        try:
            return [event for message in self._decoder.feed(piece) for event in aws_events(message, self._loads)]
        except (BrokenStream, NotJSON) as error:
            raise Unreadable(str(error)) from None

    def close(self) -> list[Any]:
        return []


def sse_events(data: bytes, loads: Loads) -> tuple[bool, list[Any]]:
    """What one event's data says: whether it ends the stream, and the JSON in it, if any.

    Some servers leave out the blank line between events; then each line is one.
    """
    data = data.strip()
    if data == b"[DONE]":
        return True, []
    if data[:1] not in (b"{", b"["):  # a ping, or a comment in the wrong place
        lines = data.split(b"\n")
        return _lines(lines, loads) if len(lines) > 1 else (False, [])
    try:
        return False, [loads(data)]
    except NotJSON:
        lines = data.split(b"\n")
        if len(lines) == 1:
            raise
        return _lines(lines, loads)


def _lines(lines: Iterable[bytes], loads: Loads) -> tuple[bool, list[Any]]:
    done, events = False, []
    for line in lines:
        ended, found = sse_events(line, loads)
        done |= ended
        events += found
    return done, events


def aws_events(message: Message, loads: Loads) -> list[Any]:
    """One message as boto3 hands it on, `{event type: payload}`; what InvokeModel wraps in it as it stands."""
    kind = message.headers.get(":event-type") or message.headers.get(":exception-type") or "unknown"
    payload = loads_json(message.payload) if message.payload else {}
    if kind == "chunk" and isinstance(payload, dict) and isinstance(payload.get("bytes"), str):
        try:
            inner = base64.b64decode(payload["bytes"], validate=True)
        except binascii.Error as error:
            raise NotJSON(f"a chunk's bytes are no base64: {error}") from None
        return [chunk_event(inner, loads)]
    return [{kind: payload}]


def chunk_event(inner: bytes, loads: Loads) -> Any:
    """The event in a chunk of InvokeModel's; an agent's chunk holds plain text, which stays out."""
    return loads(inner) if inner.lstrip()[:1] == b"{" else {"chunk": {"bytes": ""}}
