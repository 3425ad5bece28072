"""A streaming request that asks for usage."""

from __future__ import annotations

import json
from typing import Any


def asking(body: Any) -> dict[str, Any] | None:
    """The JSON body of a streaming request, asking for usage; None where it does so already, or says not to, or is none.

    >>> asking(b'{"stream": true}')
    {'stream': True, 'stream_options': {'include_usage': True}}
    """
    try:
        asked = body if isinstance(body, dict) else json.loads(body)
    except (TypeError, ValueError, RecursionError):
        return None
    if not isinstance(asked, dict) or asked.get("stream") is not True:
        return None
    options = asked.get("stream_options") or {}
    if not isinstance(options, dict) or "include_usage" in options:
        return None
    return {**asked, "stream_options": {**options, "include_usage": True}}


def asking_bytes(body: Any) -> bytes | None:
    """The same for a body that is bytes or text already."""
    asked = None if isinstance(body, dict) else asking(body)
    return None if asked is None else json.dumps(asked).encode()
