"""The one function under everything: a record batch with responses in, one with their readings out, row by row."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Literal

from unimeter.batch.bodies import Bodies
from unimeter.batch.columns import table_of
from unimeter.batch.texts import TAIL, Tails, Texts
from unimeter.extras import needs

with needs("batch"):
    import pyarrow as pa
    import pyarrow.compute as pc


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
        TypeError: it is no record batch, or a provider's or url's column holds no texts.

    >>> import pyarrow as pa
    >>> body = '{"choices": [], "model": "m", "usage": {"prompt_tokens": 9, "completion_tokens": 2}}'
    >>> read = normalize_batch(pa.record_batch({"response": [body, "nothing"]}))
    >>> read["total_tokens"].to_pylist(), read["error"].to_pylist()[1][:15]
    ([11, None], 'UnknownProvider')
    """
    if not isinstance(batch, pa.RecordBatch):
        raise TypeError(f"a record batch is read, not a {type(batch).__name__}: of a table, each of to_batches()")
    payloads = payloads_in(batch.column(column))
    providers, urls = (words_in(batch.column(name), name) if name else None for name in (provider_column, url_column))
    return table_of(bodies_within(response).parts(payloads, provider, providers, urls))


@lru_cache(maxsize=64)
def bodies_within(response: str | None) -> Bodies:
    """What reads bodies that stand somewhere in a line, in this process."""
    return Bodies(tuple(response.split(".")) if response else ())


_OFFSETS: dict[Any, Literal["i", "q"]] = {pa.binary(): "i", pa.string(): "i", pa.large_binary(): "q", pa.large_string(): "q"}
"""How wide the bounds are that Arrow keeps of texts."""


_WORDS = (pa.string(), pa.large_string(), pa.string_view(), pa.null())
_AT_ONCE = 4096
"""How many rows are looked at together: those of one form are then read one after the other."""


def payloads_in(column: Any) -> Iterator[Texts | list[Any]]:
    """What stands in a column, some at a time; texts are not copied."""
    for start in range(0, len(column), _AT_ONCE):
        some = column[start : start + _AT_ONCE]
        yield _texts(some) if some.type in _OFFSETS else [_value(one) for one in some]


def words_in(column: Any, name: str) -> list[str | None]:
    """The texts in a column.

    Raises:
        TypeError: it holds something else.
    """
    if not holds_words(column.type):
        raise TypeError(f"the column {name!r} holds {column.type}, not texts")
    return [found if isinstance(found := _value(one), str | None) else "\ufffd" for one in column]


def holds_words(kind: Any) -> bool:
    """Whether a type of Arrow's is one of texts."""
    return (kind.value_type if pa.types.is_dictionary(kind) else kind) in _WORDS


def _value(scalar: Any) -> Any:
    """What a column holds in a row; what Python cannot hold is an error, which is then read as no response."""
    try:
        return scalar.as_py()
    except (ValueError, OverflowError) as error:
        return error


def _texts(column: Any) -> Texts:
    starts, ends, text = _edges(column)
    as_bytes = column.cast(pa.binary() if _OFFSETS[column.type] == "i" else pa.large_binary())
    *edges, tails = _edges(pc.binary_slice(as_bytes, -TAIL))
    missing = {at for at, there in enumerate(column.is_valid().to_pylist()) if not there} if column.null_count else frozenset()
    for at in missing:
        ends[at] = starts[at]
    return Texts(text, starts, ends, Tails(tails.tobytes(), *edges), missing)


def _edges(column: Any) -> tuple[list[int], list[int], memoryview]:
    """Where each text begins and ends in what holds them all."""
    _, offsets, data = column.buffers()
    edges = memoryview(offsets).cast(_OFFSETS[column.type])[column.offset : column.offset + len(column) + 1].tolist()
    return edges[:-1], edges[1:], memoryview(b"" if data is None else data)
