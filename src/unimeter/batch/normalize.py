"""The one function under everything: a record batch with responses in, one with their readings out, row by row."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import Any, Literal

from unimeter.batch.bodies import Bodies
from unimeter.batch.columns import table_of
from unimeter.extras import needs

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
    payloads = payloads_in(batch.column(column))
    providers, urls = (batch.column(name).to_pylist() if name else None for name in (provider_column, url_column))
    return table_of(bodies_within(response).parts(payloads, provider, providers, urls))


@lru_cache(maxsize=64)
def bodies_within(response: str | None) -> Bodies:
    """What reads bodies that stand somewhere in a line, in this process."""
    return Bodies(tuple(response.split(".")) if response else ())


_OFFSETS: dict[Any, Literal["i", "q"]] = {pa.binary(): "i", pa.string(): "i", pa.large_binary(): "q", pa.large_string(): "q"}
"""How wide the bounds are that Arrow keeps of texts."""


def payloads_in(column: Any) -> list[Any]:
    """What stands in a column, texts as bytes."""
    kind = column.type
    width = _OFFSETS.get(kind)
    if width is None:
        return [one.encode() if type(one) is str else one for one in column.to_pylist()]
    _, offsets, data = column.buffers()
    if data is None:
        return [None if not valid else b"" for valid in column.is_valid().to_pylist()]
    bounds = memoryview(offsets).cast(width)[column.offset : column.offset + len(column) + 1].tolist()
    first = bounds[0]
    held = data.slice(first, bounds[-1] - first).to_pybytes()
    found: list[Any] = [held[start - first : end - first] for start, end in pairwise(bounds)]
    if column.null_count:
        return [one if valid else None for one, valid in zip(found, column.is_valid().to_pylist(), strict=True)]
    return found
