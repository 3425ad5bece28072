"""Whatever a user may hold, as the events in it: an SDK's object, a dict, bytes, text, a list or stream of chunks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from unimeter.errors import UnknownProvider
from unimeter.objects import fields_of
from unimeter.wire.body import Body, Loads, chunk_event, read_body, sse_events
from unimeter.wire.json import NotJSON

Event = Mapping[str, Any]

_GIVE = "give an SDK's object, a dict, bytes, text or a list of events"


@dataclass(slots=True)
class Payload:
    """The events of a payload, each as its fields; a response is a single one."""

    events: list[Event]
    is_stream: bool = False
    done: bool = False
    cut: bool = False
    kind: type | None = None
    """The type of the SDK's object that it was, if it was one."""
    one_call: bool = False
    """Whether it is certain to be a single response: it came framed as one."""


def opened(payload: Any, loads: Loads) -> Payload:
    """The events of a payload.

    Raises:
        UnknownProvider: it is nothing that could hold a response.
        Unreadable, NotABody: it is bytes or text, and cannot be read.
    """
    if isinstance(payload, str):
        payload = payload.encode("utf-8", "surrogatepass")
    if isinstance(payload, (bytes, bytearray, memoryview)):
        return _from_body(read_body(bytes(payload), loads))
    if isinstance(payload, Mapping):
        if "ResponseMetadata" in payload and (events := _boto3_stream(payload)) is not None:
            return _from_events(events, loads)
        return Payload([payload if type(payload) is dict else dict(payload)], kind=type(payload))
    if _is_iterable(payload):
        return _from_events(payload, loads)
    fields = fields_of(payload)
    if fields is None:
        raise UnknownProvider(f"a {type(payload).__name__} holds no response; {_GIVE}")
    if hasattr(payload, "__aiter__"):
        raise UnknownProvider(f"a {type(payload).__name__} is asynchronous: collect its chunks into a list first")
    return Payload([fields], kind=type(payload))


def _boto3_stream(response: Mapping[str, Any]) -> Iterable[Any] | None:
    """The event stream in a response of boto3's: ConverseStream, InvokeModel's, an agent's."""
    for name in ("stream", "body", "completion"):
        stream: Any = response.get(name)
        if hasattr(stream, "__iter__") and not hasattr(stream, "read") and not isinstance(stream, (str, bytes, Mapping)):
            found: Iterable[Any] = stream
            return found
    return None


def _is_iterable(payload: Any) -> bool:
    """Whether it is a stream or a list of chunks; a pydantic object can be iterated too, over its fields."""
    return hasattr(type(payload), "__iter__") and not hasattr(type(payload), "__pydantic_fields__")


def _from_body(body: Body) -> Payload:
    events: list[Event] = [event for event in body.events if isinstance(event, dict)]
    if not events and body.events:
        raise UnknownProvider(f"the body is JSON, but holds no object: {type(body.events[0]).__name__}")
    return Payload(events, body.is_stream, body.done, body.cut, one_call=body.framing in ("json", "sse", "event stream"))


def _from_events(events: Iterable[Any], loads: Loads) -> Payload:
    payload = Payload([], is_stream=True)
    for event in events:
        kind = type(event)
        if kind is dict:
            chunk = event.get("chunk")
            if isinstance(chunk, Mapping) and isinstance(chunk.get("bytes"), bytes):  # InvokeModel's, as boto3 gives it
                event = chunk_event(chunk["bytes"], loads)
            payload.events.append(event)
        elif isinstance(event, (str, bytes)):
            _take_text(payload, event.encode() if isinstance(event, str) else event, loads)
        else:
            fields = fields_of(event)
            if fields is None:
                raise UnknownProvider(f"a list of {kind.__name__} is no stream of events")
            payload.events.append(fields)
            payload.kind = payload.kind or kind
    return payload


def _take_text(payload: Payload, text: bytes, loads: Loads) -> None:
    """One event as text: its JSON, or a line of server-sent events."""
    try:
        done, events = sse_events(text.strip().removeprefix(b"data:"), loads)
    except NotJSON:
        payload.cut = True
        return
    payload.done |= done
    payload.events += [event for event in events if isinstance(event, dict)]
