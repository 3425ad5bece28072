"""A body as it came off the wire, in whatever framing, as the events it holds."""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

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
_SSE = (b"data:", b"event:", b"id:", b"retry:", b":")


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
    if is_event_stream(raw):
        body = _event_stream(raw, loads)
    else:
        start = raw.removeprefix(BOM).lstrip()[:6]
        if start[:1] in (b"{", b"["):
            body = _json(raw, loads)
        elif start.startswith(_SSE):
            body = _sse(raw, loads)
        else:
            raise NotABody(f"{len(raw)} bytes that are neither JSON, nor server-sent events, nor an AWS event stream")
    body.cut |= not inflated_whole
    return body


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


def _json(raw: bytes, loads: Loads) -> Body:
    try:
        value = loads(raw)
    except NotJSON as error:
        return _ndjson(raw, loads, str(error))
    return Body(value, "json array") if isinstance(value, list) else Body([value], "json")


def _ndjson(raw: bytes, loads: Loads, why_no_json: str) -> Body:
    decoder = NDJSONDecoder()
    lines = [*decoder.feed(raw.removeprefix(BOM)), *decoder.close()]
    body = Body([], "ndjson")
    for i, line in enumerate(lines):
        try:
            body.events.append(loads(line))
        except NotJSON as error:
            if i == 0:
                raise Unreadable(f"its JSON is cut or broken: {why_no_json}") from None
            if i < len(lines) - 1:
                raise Unreadable(f"line {i + 1} is no JSON: {error}") from None
            body.cut = True
    return body


def _sse(raw: bytes, loads: Loads) -> Body:
    decoder = SSEDecoder()
    datas = [*decoder.feed(raw), *decoder.close()]
    body = Body([], "sse")
    for i, data in enumerate(datas):
        try:
            done, events = sse_events(data, loads)
        except NotJSON as error:
            if i < len(datas) - 1:
                raise Unreadable(f"event {i + 1} is no JSON: {error}") from None
            body.cut = True
            break
        if body.done and any(map(_has_usage, events)) and any(map(_has_usage, body.events)):
            raise Unreadable(f"event {i + 1} has usage after [DONE], so several streams are joined; read each on its own")
        body.done |= done
        body.events += events
    return body


def _has_usage(event: Any) -> bool:
    return isinstance(event, dict) and bool(event.get("usage"))


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


def _event_stream(raw: bytes, loads: Loads) -> Body:
    decoder = EventStreamDecoder()
    body = Body([], "event stream")
    try:
        body.events += [event for message in decoder.feed(raw) for event in aws_events(message, loads)]
    except (BrokenStream, NotJSON) as error:
        raise Unreadable(str(error)) from None
    body.cut = decoder.unfinished
    return body


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
    return loads(inner) if inner.lstrip()[:1] == b"{" else {"chunk": {}}
