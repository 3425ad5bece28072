"""A streaming request that asks for usage."""

from __future__ import annotations

import json
from typing import Any


def asking(body: Any) -> bytes | None:
    """A JSON body of a streaming request, asking for usage; None where it does so already, or says not to, or is none.

    >>> asking(b'{"stream": true}')
    b'{"stream": true, "stream_options": {"include_usage": true}}'
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
    return json.dumps({**asked, "stream_options": {**options, "include_usage": True}}).encode()
