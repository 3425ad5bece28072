"""Rows of requests that failed: the result lines of a batch API, and the error bodies that a server answers with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from unimeter.errors import MissingUsage, UnimeterError, UnknownProvider
from unimeter.reading import FailedRequest
from unimeter.several import failure_in
from unimeter.wire.json import NotJSON, loads

_AROUND = frozenset(("error", "type", "status", "status_code", "request_id"))
"""What an error body has at its top."""


def failures_in(error: UnimeterError, body: Any) -> list[FailedRequest]:
    """Why the requests of a row failed, if all of them did; a row with a call that was made is one without usage.

    Args:
        error: what reading the row raised.
        body: the row.
    """
    if isinstance(error, MissingUsage) and error.calls:
        failures = [call.error for call in error.calls if isinstance(call.error, FailedRequest)]
        return failures if len(failures) == len(error.calls) else []
    if not isinstance(error, (MissingUsage, UnknownProvider)):
        return []
    fields = _fields(body)
    told = fields.get("error")
    if not told or not (isinstance(told, Mapping) or _AROUND.issuperset(fields)):
        return []
    if isinstance(error, UnknownProvider) and not _AROUND.issuperset(fields):  # a line of a log, that may hold a response
        return []
    failure = failure_in(fields)
    return [] if failure is None else [failure]


def _fields(body: Any) -> Mapping[str, Any]:
    if isinstance(body, (bytes, str)):
        try:
            body = loads(body if isinstance(body, bytes) else body.encode("utf-8", "surrogatepass"))
        except NotJSON:
            return {}
    return body if isinstance(body, Mapping) else {}
