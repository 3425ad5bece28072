"""JSON, strictly and fast where it can be, leniently where real bodies need it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec

from unimeter.wire.sse import BOM


class NotJSON(ValueError):
    """The bytes are no JSON, or not all of it."""


def loads(raw: bytes, decode: Callable[[bytes], Any] = msgspec.json.decode) -> Any:
    """What the bytes say. `decode` may leave out what it knows that nobody needs.

    The first try is strict. Real bodies come with a byte order mark, lone surrogates, bytes that are no UTF-8, NaN, or
    a value where `decode` expects another; for these there is a second, which takes everything as it stands.

    Raises:
        NotJSON: neither can read it.
    """
    try:
        return decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        pass
    try:
        return json.loads(raw.removeprefix(BOM).decode("utf-8", "surrogateescape"))
    except RecursionError:
        problem = "it nests too deeply"
    except ValueError as error:
        problem = str(error)
    raise NotJSON(problem)  # out here, or the error would hold that one, which holds the whole text
