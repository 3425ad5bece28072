"""AWS event streams, as they come: bytes in, each message out.

A message is a prelude (total length, headers' length, their checksum), headers, a payload and a checksum over all of it.

https://docs.aws.amazon.com/AmazonS3/latest/API/RESTSelectObjectAppendix.html
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple
from zlib import crc32

LARGEST_MESSAGE = 16 * 1024 * 1024
_PRELUDE = struct.Struct("!III")
_FIXED_SIZES = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
"""Bytes of a header's value by its type; types 6 (bytes) and 7 (text) say their own length."""


class BrokenStream(ValueError):
    """The bytes are no event stream, or were changed on the way."""


class Message(NamedTuple):
    """One message: its textual headers and its payload."""

    headers: dict[str, str]
    payload: bytes


class EventStreamDecoder:
    """Feed it bytes in any pieces; it yields every message that is whole.

    Raises:
        BrokenStream: a checksum or a length is wrong.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, piece: bytes) -> Iterator[Message]:
        """The messages that end in this piece."""
        self._buffer += piece
        while len(self._buffer) >= _PRELUDE.size:
            total, headers_length, checksum = _PRELUDE.unpack_from(self._buffer)
            if crc32(self._buffer[:8]) != checksum:
                raise BrokenStream("the checksum of a message's prelude is wrong")
            if not 16 + headers_length <= total <= LARGEST_MESSAGE:
                raise BrokenStream(f"a message of {total} bytes with {headers_length} bytes of headers")
            if len(self._buffer) < total:
                return
            message = bytes(self._buffer[:total])
            del self._buffer[:total]
            if crc32(message[:-4]) != int.from_bytes(message[-4:], "big"):
                raise BrokenStream("the checksum of a message is wrong")
            yield Message(_headers(message[12 : 12 + headers_length]), message[12 + headers_length : -4])

    @property
    def unfinished(self) -> bool:
        """Whether the stream stopped in the middle of a message."""
        return bool(self._buffer)


def is_event_stream(body: bytes) -> bool:
    """Whether a body begins as an event stream does: with a prelude whose checksum is right."""
    return len(body) >= _PRELUDE.size and crc32(body[:8]) == int.from_bytes(body[8:12], "big")


def _headers(raw: bytes) -> dict[str, str]:
    headers = {}
    at = 0
    try:
        while at < len(raw):
            name = raw[at + 1 : at + 1 + raw[at]].decode()
            at += 1 + raw[at]
            kind = raw[at]
            at += 1
            if kind in (6, 7):
                length = int.from_bytes(raw[at : at + 2], "big")
                if kind == 7:
                    headers[name] = raw[at + 2 : at + 2 + length].decode()
                at += 2 + length
            else:
                at += _FIXED_SIZES[kind]
    except (IndexError, KeyError, UnicodeDecodeError) as error:
        problem = type(error).__name__
    else:
        return headers
    raise BrokenStream(f"a message's headers cannot be read: {problem}")  # out here: that error may hold the header
