"""A body that a program hands on in chunks of its own: pieces of any size, or lines without their line ends."""

from __future__ import annotations

from typing import Any, Literal

from unimeter.wire.body import BodyDecoder
from unimeter.wire.framing import SSE_NAMES, Loads, NotABody, Unreadable

_Kind = Literal["event", "name", "part"]
"""A whole event; another whole line of server-sent events, such as `event: ping`; anything else."""


class ChunkDecoder:
    """Feed it the chunks of a body; it gives every event that is whole.

    A piece that contains a line end shows that the chunks are pieces. Lines have none: a chunk that is a whole event, and
    goes on without a line end in the next chunk, shows that the chunks are lines. Chunks are held until one or the other is
    certain. The reading of a body does not depend on where it was cut.

    >>> import json
    >>> lines, pieces = ChunkDecoder(json.loads), ChunkDecoder(json.loads)
    >>> lines.feed(b'data: {"a": 1}'), lines.feed(b""), lines.feed(b'data: {"a": 2}'), lines.close()
    ([], [], [{'a': 1}, {'a': 2}], [])
    >>> pieces.feed(b'data: {"a"'), pieces.feed(b": 1}\\n\\n"), pieces.close()
    ([], [{'a': 1}], [])
    """

    def __init__(self, loads: Loads) -> None:
        """
        Args:
            loads: decodes the JSON of an event, or raises `NotJSON`.
        """
        self._loads = loads
        self._held: list[bytes] = []
        self._last: _Kind | None = None
        """What the last chunk is that is not blank, while all before it are lines of names."""
        self._undecided = True
        self._line_end: bytes = b""
        self.body = BodyDecoder(loads)

    def feed(self, chunk: bytes) -> list[Any]:
        """The events that end in this chunk."""
        if not self._undecided:
            return self._fed(chunk)
        self._held.append(chunk)
        if b"\n" in chunk or b"\r" in chunk:
            return self._decide(b"")
        if not chunk.strip():
            return []
        before, self._last = self._last, self._kind(chunk) if self._last in (None, "name") else "part"
        if (before == "event" and not chunk[:1].isspace()) or (before == "name" and self._last == "event"):
            return self._decide(b"\n\n")
        return []

    def close(self) -> list[Any]:
        """What is left: events whose end never came."""
        if not self._undecided:
            return self.body.close()
        held = self._held
        try:
            found = self._decide(b"") + self.body.close()
        except (Unreadable, NotABody):
            if len(held) < 2:
                raise
            found = []
        if not found and len(held) > 1:  # such as an event whose JSON is spread over lines
            self._held, self.body = held, BodyDecoder(self._loads)
            return self._decide(b"\n") + self.body.close()
        return found

    def _decide(self, line_end: bytes) -> list[Any]:
        """Pass on what was held. `line_end` completes a line; it is empty for pieces."""
        held, self._held = self._held, []
        self._undecided, self._line_end = False, line_end
        if not line_end:
            return self.body.feed(b"".join(held))
        return [event for chunk in held for event in self._fed(chunk)]

    def _fed(self, chunk: bytes) -> list[Any]:
        if self._line_end and not chunk.startswith(b"data:"):
            return self.body.feed(chunk + b"\n")
        return self.body.feed(chunk + self._line_end)  # each line of data is an event: programs leave the blank lines out

    def _kind(self, chunk: bytes) -> _Kind:
        if chunk.startswith((b"data:", b"{")):
            try:
                value = self._loads(chunk.removeprefix(b"data:").strip())
            except ValueError:  # NotJSON
                return "event" if chunk.removeprefix(b"data:").strip() == b"[DONE]" else "part"
            return "event" if isinstance(value, (dict, list)) else "part"
        return "name" if chunk.startswith(SSE_NAMES) else "part"
