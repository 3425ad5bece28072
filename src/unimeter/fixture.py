"""A recorded case: what came over the wire, where its figures are from, and what must be read from it.

One JSON file a case, under `fixtures/<provider>/<case>.json`:

    source      the recording or the reference page that the usage object and its figures were taken from
    wire        path, content type, and the headers that carry usage
    response    a plain response; or events, a stream's; or body, the text itself where its form is the point
    expected    the reading, or the error
"""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal
from zlib import crc32

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from unimeter.values import name_of

ContentType = Literal[
    "application/json",
    "text/event-stream",
    "application/x-ndjson",
    "application/vnd.amazon.eventstream",
]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Wire(_Strict):
    """How the response travelled."""

    host: str = ""
    path: str
    provider: str | None = None
    """What the caller has to name, where neither the url nor the body can tell."""
    content_type: ContentType = "application/json"
    headers: dict[str, str] = {}
    """Only headers that carry usage."""


class Expected(_Strict):
    """What must be read: the non-default fields of a `Reading`, or the name of the error."""

    error: Literal["MissingUsage", "MalformedUsage", "UnknownProvider"] | None = None
    provider: str = ""
    model: str | None = None
    metrics: dict[str, Any] = {}
    reported: list[str] = []
    unaccounted: int = 0
    complete: bool = True
    parts: list[Expected] = []


class Fixture(_Strict):
    """One recorded case."""

    name: str = Field(exclude=True)
    """`<provider>/<case>`, from the file's place."""
    source: str
    wire: Wire
    response: Any = None
    events: list[Any] | None = None
    body: str | None = None
    expected: Expected

    @model_validator(mode="after")
    def _one_form(self) -> Fixture:
        if sum(form is not None for form in (self.response, self.events, self.body)) != 1:
            raise ValueError("a fixture has exactly one of response, events and body")
        return self

    @property
    def url(self) -> str:
        """Where the response came from."""
        return f"https://{self.wire.host}{self.wire.path}" if self.wire.host else self.wire.path

    @property
    def is_stream(self) -> bool:
        return self.events is not None

    def bytes(self) -> bytes:
        """The raw HTTP body."""
        if self.body is not None:
            return self.body.encode()
        if self.events is None:
            return json.dumps(self.response).encode()
        return _ENCODERS[self.wire.content_type](self.events)


def load(path: Path) -> Fixture:
    """The fixture in a file.

    Raises:
        ValueError: the file is no fixture; the message says what is wrong with it.
    """
    try:
        data = json.loads(path.read_text("utf-8"))
        return Fixture.model_validate({**data, "name": f"{path.parent.name}/{path.stem}"})
    except (ValueError, TypeError) as error:
        problem = problem_of(error)
    raise ValueError(f"{path}: {problem}")


def problem_of(error: Exception) -> str:
    """What is wrong with a fixture, in one line, without the values that stand there."""
    if not isinstance(error, ValidationError):
        return " ".join(str(error).split())
    found = error.errors(include_url=False, include_context=False, include_input=False)
    problems = "; ".join(f"{'.'.join(map(name_of, one['loc']))}: {one['msg']}".removeprefix(": ") for one in found)
    return f"{len(found)} validation errors: {problems}"


def load_all(folder: Path) -> Iterator[Fixture]:
    """Every fixture below a folder, by name."""
    for path in sorted(folder.rglob("*.json")):
        yield load(path)


def is_fixture(data: Any) -> bool:
    """Whether some JSON data is a fixture and no response."""
    return isinstance(data, dict) and {"source", "wire", "expected"} <= data.keys()


def sse(events: list[Any]) -> bytes:
    """Events as server-sent events; text stands for itself, such as `[DONE]`."""
    out = []
    for event in events:
        kind = event.get("type") if isinstance(event, dict) else None
        named = f"event: {kind}\n" if isinstance(kind, str) else ""
        out.append(f"{named}data: {event if isinstance(event, str) else json.dumps(event)}\n\n")
    return "".join(out).encode()


def ndjson(events: list[Any]) -> bytes:
    """Events as JSON lines."""
    return "".join(json.dumps(event) + "\n" for event in events).encode()


def json_array(events: list[Any]) -> bytes:
    """Events as one JSON array, as Gemini sends a stream that was not asked for as server-sent events."""
    return json.dumps(events, indent=1).encode()


def aws_event_stream(events: list[Any]) -> bytes:
    """Events `{type: payload}` as an AWS event stream; any other event goes into a chunk, as InvokeModel sends it."""
    return b"".join(map(_aws_message, events))


def _aws_message(event: dict[str, Any]) -> bytes:
    kind, payload = next(iter(event.items()))
    if len(event) != 1 or kind not in _AWS_EVENTS:
        kind, payload = "chunk", {"bytes": base64.b64encode(json.dumps(event).encode()).decode()}
    headers = b"".join(
        struct.pack("!B", len(name)) + name + b"\x07" + struct.pack("!H", len(value)) + value
        for name, value in (
            (b":event-type", kind.encode()),
            (b":content-type", b"application/json"),
            (b":message-type", b"event"),
        )
    )
    body = json.dumps(payload).encode()
    prelude = struct.pack("!II", 16 + len(headers) + len(body), len(headers))
    message = prelude + struct.pack("!I", crc32(prelude)) + headers + body
    return message + struct.pack("!I", crc32(message))


_AWS_EVENTS = frozenset(
    ("messageStart", "contentBlockStart", "contentBlockDelta", "contentBlockStop", "messageStop", "metadata", "trace", "chunk")
)

_ENCODERS = {
    "application/json": json_array,
    "text/event-stream": sse,
    "application/x-ndjson": ndjson,
    "application/vnd.amazon.eventstream": aws_event_stream,
}
