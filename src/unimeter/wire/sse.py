"""Server-sent events, as they come: bytes in, the data of each event out.

https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
"""

from __future__ import annotations

from collections.abc import Iterator

BOM = b"\xef\xbb\xbf"


class SSEDecoder:
    """Feed it bytes in any pieces; it yields the data of every event that is whole.

    >>> decoder = SSEDecoder()
    >>> list(decoder.feed(b'event: x\\r\\ndata: {"a"')), list(decoder.feed(b": 1}\\r\\n\\r\\n"))
    ([], [b'{"a": 1}'])
    """

    def __init__(self) -> None:
        self._line: list[bytes] = []
        self._data: list[bytes] = []
        self._started = False
        self._after_cr = False

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """The data of the events that end in this piece."""
        if not piece:
            return
        if self._after_cr and piece[:1] == b"\n":  # the second half of a CRLF that was cut in two
            piece = piece[1:]
        self._after_cr = piece[-1:] == b"\r"
        self._line.append(piece)
        if b"\n" not in piece and b"\r" not in piece:
            return
        *lines, rest = b"".join(self._line).replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        self._line = [rest]
        for line in lines:
            yield from self._take(line)

    def close(self) -> Iterator[bytes]:
        """What is left: an event whose last newline never came."""
        line = b"".join(self._line)
        self._line = []
        yield from self._take(line)
        yield from self._take(b"")

    def _take(self, line: bytes) -> Iterator[bytes]:
        if not self._started:
            self._started = True
            line = line.removeprefix(BOM)
        if not line:
            if self._data:
                yield b"\n".join(self._data)
                self._data = []
        elif line.startswith(b"data:"):
            self._data.append(line[5:].removeprefix(b" "))
