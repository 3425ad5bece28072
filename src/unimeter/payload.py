"""Whatever a user may hold, as the events in it: an SDK's object, a dict, bytes, text, a list or stream of chunks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from unimeter.errors import UnknownProvider
from unimeter.objects import fields_of, is_pydantic
from unimeter.wire.body import Body, read_body
from unimeter.wire.chunks import ChunkDecoder
from unimeter.wire.framing import Loads, chunk_event, sse_events
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
    return hasattr(type(payload), "__iter__") and not is_pydantic(type(payload))


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
            payload.events += _of_invoke(event, loads)
        elif isinstance(event, (str, *_PIECES)):
            _take_text(payload, _as_bytes(event), loads)
        elif kind.__module__ == _OPENAI_HELPER:
            payload.events += filter(None, map(fields_of, _of_helper(event)))
            payload.kind = payload.kind or type(getattr(event, "chunk", None))
        else:
            fields = fields_of(event)
            if fields is None:
                raise UnknownProvider(f"a list of {kind.__name__} is no stream of events")
            payload.events.append(fields)
            payload.kind = payload.kind or kind
    return payload


def _of_invoke(event: dict[str, Any], loads: Loads) -> list[Any]:
    """An event; of InvokeModel's, as boto3 gives it, the one that is wrapped in it."""
    chunk = event.get("chunk")
    wrapped = isinstance(chunk, Mapping) and isinstance(chunk.get("bytes"), bytes)
    return [chunk_event(chunk["bytes"], loads) if wrapped else event]  # type: ignore[index]  # it is a mapping


_OPENAI_HELPER = "openai.lib.streaming.chat._events"


def _of_helper(event: Any) -> list[Any]:
    """The chunk in an event of openai's `chat.completions.stream`; its other events tell of the same chunks again."""
    return [event.chunk] if type(event).__name__ == "ChunkEvent" else []


def _take_text(payload: Payload, text: bytes, loads: Loads) -> None:
    """One event as text: its JSON, or a line of server-sent events."""
    try:
        done, events = sse_events(text.strip().removeprefix(b"data:"), loads)
    except NotJSON:
        payload.cut = True
        return
    payload.done |= done
    payload.events += [event for event in events if isinstance(event, dict)]


# chunk by chunk ------------------------------------------------------------------------------------------------------


class Opener:
    """Opens the chunks of a live stream that are not yet events, one by one."""

    def __init__(self, first: Any, loads: Loads) -> None:
        """
        Args:
            first: the first chunk; the others are of its kind.
            loads: decodes JSON.
        """
        self._loads = loads
        self._chunks = ChunkDecoder(loads) if isinstance(first, (*_PIECES, str)) else None

    @staticmethod
    def is_needed(first: Any) -> bool:
        """Whether a stream that begins like this has chunks that are not yet events."""
        kind = type(first)
        return isinstance(first, (*_PIECES, str)) or kind.__module__ == _OPENAI_HELPER or (kind is dict and "chunk" in first)

    def events(self, chunk: Any) -> list[Any]:
        """The events in a chunk: in a line of a body, in a piece of it, in what an SDK wraps it in."""
        if self._chunks is None:
            return _of_invoke(chunk, self._loads) if type(chunk) is dict else _of_helper(chunk)
        return self._dicts(self._chunks.feed(_as_bytes(chunk)))

    def close(self) -> list[Any]:
        """The events that were still open when the stream ended."""
        return [] if self._chunks is None else self._dicts(self._chunks.close())

    @staticmethod
    def _dicts(events: list[Any]) -> list[Any]:
        return [event for event in events if isinstance(event, dict)]

    @property
    def is_stream(self) -> bool:
        """Whether it was a stream's events, and not a response in pieces."""
        return self._chunks is None or self._chunks.body.framing != "json"

    @property
    def done(self) -> bool:
        """Whether it said that it was finished (`[DONE]`)."""
        return self._chunks is not None and self._chunks.body.done

    @property
    def cut(self) -> bool:
        """Whether it broke off in the middle of an event."""
        return self._chunks is not None and self._chunks.body.cut


_PIECES = (bytes, bytearray, memoryview)


def _as_bytes(chunk: Any) -> bytes:
    return chunk.encode("utf-8", "surrogatepass") if isinstance(chunk, str) else bytes(chunk)
