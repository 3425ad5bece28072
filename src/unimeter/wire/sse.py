"""Server-sent events, as they come: bytes in, the data of each event out.

https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
"""

from __future__ import annotations

BOM = b"\xef\xbb\xbf"


class SSEDecoder:
    """Feed it bytes in any pieces; it gives the data of every event that is whole.

    >>> decoder = SSEDecoder()
    >>> decoder.feed(b'event: x\\r\\ndata: {"a"'), decoder.feed(b": 1}\\r\\n\\r\\n")
    ([], [b'{"a": 1}'])
    """

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._started = False
        self._after_cr = False

    def feed(self, piece: bytes) -> list[bytes]:
        """The data of the events that end in this piece."""
        if self._after_cr or b"\r" in piece:
            piece = self._with_newlines(piece)
        if not self._pieces and piece[-2:] == b"\n\n":  # whole events, as most servers send them
            return self._datas(piece[:-2])
        if not piece:
            return []
        ends = b"\n\n" in piece or (piece[:1] == b"\n" and bool(self._pieces) and self._pieces[-1][-1:] == b"\n")
        self._pieces.append(piece)
        if not ends:
            return []
        blocks, _, rest = b"".join(self._pieces).rpartition(b"\n\n")
        self._pieces = [rest] if rest else []
        return self._datas(blocks)

    def _with_newlines(self, piece: bytes) -> bytes:
        """A piece whose lines end in newlines and nothing else."""
        if self._after_cr and piece[:1] == b"\n":  # the second half of a CRLF that was cut in two
            piece = piece[1:]
            if not piece:
                self._after_cr = False
                return piece
        self._after_cr = piece[-1:] == b"\r"
        return piece.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def close(self) -> list[bytes]:
        """What is left: an event whose last newline never came."""
        rest, self._pieces = b"".join(self._pieces), []
        return self._datas(rest)

    def _datas(self, text: bytes) -> list[bytes]:
        """The data of the events in some text; a blank line ends each but the last."""
        if not self._started:
            self._started = True
            text = text.removeprefix(BOM)
        if text[:6] == b"data: ":
            datas = text[6:].split(b"\n\ndata: ")
            if text.count(b"\n") == 2 * len(datas) - 2:  # each is one line and nothing else, as most servers send them
                return datas
        found = []
        for block in text.split(b"\n\n"):
            lines = [line[5:].removeprefix(b" ") for line in block.split(b"\n") if line[:5] == b"data:"]
            if lines:
                found.append(b"\n".join(lines))
        return found
