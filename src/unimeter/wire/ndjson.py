"""JSON lines, as they come: bytes in, each line out."""

from __future__ import annotations

from collections.abc import Iterator


class NDJSONDecoder:
    """Feed it bytes in any pieces; it yields every line that is whole and not blank.

    >>> decoder = NDJSONDecoder()
    >>> list(decoder.feed(b'{"a": 1}\\n{"a"')), list(decoder.close())
    ([b'{"a": 1}'], [b'{"a"'])
    """

    def __init__(self) -> None:
        self._line: list[bytes] = []

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """The lines that end in this piece."""
        self._line.append(piece)
        if b"\n" not in piece:
            return
        *lines, rest = b"".join(self._line).split(b"\n")
        self._line = [rest]
        for line in lines:
            if stripped := line.strip():
                yield stripped

    def close(self) -> Iterator[bytes]:
        """What is left: a line whose newline never came."""
        line = b"".join(self._line).strip()
        self._line = []
        if line:
            yield line
