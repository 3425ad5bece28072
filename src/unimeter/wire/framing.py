"""How bodies are framed: one JSON value, JSON lines, server-sent events, AWS event streams; each as its events."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable
from typing import Any, Literal

import msgspec

from unimeter.wire.eventstream import BrokenStream, EventStreamDecoder, Message, is_event_stream
from unimeter.wire.json import NotJSON
from unimeter.wire.json import loads as loads_json
from unimeter.wire.ndjson import NDJSONDecoder, values_in
from unimeter.wire.sse import BOM, SSEDecoder

Framing = Literal["json", "json array", "sse", "ndjson", "event stream"]
Loads = Callable[[bytes], Any]

_SMALL = 1024
"""Bytes of an event up to which it takes less to decode it than to choose what to decode."""

SSE_NAMES = (b"data:", b"event:", b"id:", b"retry:", b":")
"""How a line of server-sent events begins."""


class Unreadable(ValueError):
    """The body is cut or broken: it begins like something we know and does not go on like it."""


class NotABody(ValueError):
    """The bytes are none of the framings we know: audio, an image, plain text."""


def reader_of(head: bytes, loads: Loads, quick: Loads | None) -> JSONReader | SSEReader | EventStreamReader:
    """The reader of a body that begins like this."""
    if is_event_stream(head):
        return EventStreamReader(loads)
    start = head.removeprefix(BOM).lstrip()[:6]
    if start[:1] in (b"{", b"["):
        return JSONReader(loads)
    if start.startswith(SSE_NAMES):
        return SSEReader(loads, quick)
    raise NotABody(f"{len(head)} bytes that are neither JSON, nor server-sent events, nor an AWS event stream")


class JSONReader:
    """One JSON value, or several: one a line, or one after another as `jq` prints them. A second line shows which.

    Where there are several, one that is cut or broken makes the body incomplete, and the others are read.
    """

    framing: Framing = "json"
    done = False
    cut = False

    def __init__(self, loads: Loads) -> None:
        self._loads = loads
        self._pieces: list[bytes] = []
        self._lines: NDJSONDecoder | None = None
        self._one_value = False

    def feed(self, piece: bytes) -> list[Any]:
        if self._lines is not None:
            return self._take(self._lines.feed(piece))
        self._pieces.append(piece)
        if self._one_value or b"\n" not in piece:
            return []
        line, _, rest = b"".join(self._pieces).partition(b"\n")
        try:
            value = self._loads(line)
        except NotJSON:  # a value that is spread over lines, or a broken line
            self._one_value = True
            return []
        self._lines, self._pieces = NDJSONDecoder(), []
        return self._first(value) + self._take(self._lines.feed(rest))

    def close(self) -> list[Any]:
        if self._lines is not None:
            return self._take(self._lines.close())
        whole = b"".join(self._pieces)
        try:
            return self._first(self._loads(whole))
        except NotJSON as error:
            values = self._several_values(whole) if whole[:1] == b"{" else []
            if not values:
                raise Unreadable(f"its JSON is cut or broken: {error}") from None
            self.framing = "ndjson"
            return values

    def _first(self, value: Any) -> list[Any]:
        if not isinstance(value, list):
            return [value]
        self.framing = "json array"
        return value

    def _take(self, lines: Iterable[bytes]) -> list[Any]:
        found = []
        for line in lines:
            self.framing = "ndjson"
            try:
                found.append(self._loads(line))
            except NotJSON:
                self.cut = True
        return found

    def _several_values(self, whole: bytes) -> list[Any]:
        """The objects in a body that is no single value; none if it does not hold at least one whole object."""
        found = []
        for value in values_in(whole):
            try:
                found.append(self._loads(value))
            except NotJSON:
                self.cut = True
        return found


class SSEReader:
    """Server-sent events."""

    framing: Framing = "sse"
    done = False
    cut = False

    def __init__(self, loads: Loads, quick: Loads | None) -> None:
        self._loads = loads
        self._quick = quick or loads
        self.sift: Callable[[list[bytes]], list[bytes]] | None = None
        """Takes out the events that need not be decoded."""
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
            if self.sift is not None:
                self._count += len(datas)
                datas = self.sift(datas[:-1]) + datas[-1:] if ends else self.sift(datas)
                self._count -= len(datas)
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


class EventStreamReader:
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


CHUNK_MARK = "amazon-bedrock-chunk"
"""A name that no event has: it came in a chunk, which tells whose it is if the stream breaks off before its trailer."""


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
    """The event in a chunk of InvokeModel's, with a mark that says so; an agent's chunk holds plain text, which stays out."""
    return {**loads(inner), CHUNK_MARK: ""} if inner.lstrip()[:1] == b"{" else {"chunk": {"bytes": ""}}
