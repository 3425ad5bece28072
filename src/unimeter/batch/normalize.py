"""The one function under everything: a record batch with responses in, one with their readings out, row by row."""

from __future__ import annotations

from typing import Any

import msgspec

from unimeter.batch.columns import Rows
from unimeter.errors import MissingUsage, UnimeterError
from unimeter.extras import needs
from unimeter.meter import read
from unimeter.wire.json import NotJSON, loads

with needs("batch"):
    import pyarrow as pa


def normalize_batch(
    batch: pa.RecordBatch,
    column: str = "response",
    *,
    provider: str | None = None,
    provider_column: str | None = None,
    url_column: str | None = None,
    response: str | None = None,
) -> pa.RecordBatch:
    """The readings of a column of responses, in the same order, by the columns of `unimeter.batch.SCHEMA`.

    A row that cannot be read is a row with an `error`, and nothing is raised for it.

    Args:
        batch: what holds the responses.
        column: where they stand: JSON as text or bytes, whole bodies of any form, or structs.
        provider: whose they are, where nothing else tells.
        provider_column: the column that names the provider of each.
        url_column: the column that has the url of each call.
        response: where in what stands there the response is, such as `log.body`; by default it is all of it.

    Raises:
        KeyError: the batch has no such column.

    >>> import pyarrow as pa
    >>> body = '{"choices": [], "model": "m", "usage": {"prompt_tokens": 9, "completion_tokens": 2}}'
    >>> read = normalize_batch(pa.record_batch({"response": [body, "nothing"]}))
    >>> read["total_tokens"].to_pylist(), read["error"].to_pylist()[1][:15]
    ([11, None], 'UnknownProvider')
    """
    columns = [batch.column(name).to_pylist() if name else None for name in (column, provider_column, url_column)]
    payloads, providers, urls = columns
    rows = Rows()
    path = response.split(".") if response else []
    for at, payload in enumerate(payloads or ()):
        named = provider if providers is None else providers[at] or provider
        try:
            held = _at(payload, path) if path else payload
            if held is None:
                raise MissingUsage(named or "", "there is no response")
            rows.add(read(held, named, url=None if urls is None else urls[at]))
        except UnimeterError as error:
            rows.add_error(f"{type(error).__name__}: {error}")
        except Exception as error:  # whatever it is, a row must not end the job
            rows.add_error(f"{type(error).__name__}: {error}")
    return rows.batch()


def _at(payload: Any, path: list[str]) -> Any:
    """What stands at a path in a log's line; None where nothing does."""
    if isinstance(payload, (bytes, str)):
        try:
            payload = loads(payload if isinstance(payload, bytes) else payload.encode(), msgspec.json.decode)
        except NotJSON as error:
            raise MissingUsage("", f"the line is no JSON: {error}") from None
    for name in path:
        if isinstance(payload, list) and name.isdecimal() and int(name) < len(payload):
            payload = payload[int(name)]
        else:
            payload = payload.get(name) if isinstance(payload, dict) else None
    return payload
