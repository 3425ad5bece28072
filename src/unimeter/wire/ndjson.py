"""JSON lines, as they come: bytes in, each line out."""

from __future__ import annotations

import re
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


_NEXT_OBJECT = re.compile(rb"\n(?={)")
"""Where an object may begin that is not nested in another: printers indent what is nested."""


def values_in(body: bytes) -> list[bytes]:
    """The text of each JSON object in a body that holds several, one after another, each on lines of its own.

    Text after an object is a value of its own, and no JSON. Empty where an object begins inside another: it is one value.

    >>> values_in(b'{\\n  "a": 1\\n}\\n{\\n  "a": 2\\n}\\nbroken')
    [b'{\\n  "a": 1\\n}', b'{\\n  "a": 2\\n}', b'broken']
    """
    values: list[bytes] = []
    for text in map(bytes.strip, _NEXT_OBJECT.split(body)):
        if values and values[-1].endswith((b"[", b",", b":", b"{")):
            return []
        first_line, _, rest = text.partition(b"\n")
        if rest and first_line.rstrip().endswith(b"}"):
            values += [first_line, rest]
        elif b"\n}" in text:
            inside, _, rest = text.partition(b"\n}")
            values += [inside + b"\n}", *filter(None, [rest.strip()])]
        else:
            values.append(text)
    return values
