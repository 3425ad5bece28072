"""Many responses on Apache Spark (extra `spark`): a DataFrame with responses in, one with their readings out.

unimeter has to be installed for the executors' Python as well.

>>> from pyspark.sql import SparkSession
>>> spark = SparkSession.builder.getOrCreate()
>>> body = '{"choices": [], "model": "m", "usage": {"prompt_tokens": 9, "completion_tokens": 2}}'
>>> logs = spark.createDataFrame([(1, body), (2, None)], "request int, response string")
>>> for row in normalize(logs, keep=["request"]).orderBy("request").collect():
...     print(row.request, row.provider, row.total_tokens, row.error)
1 OpenAI Chat 11 None
2 None None MissingUsage: there is no response
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from unimeter.batch import SCHEMA, normalize_batch
from unimeter.extras import needs

with needs("spark"):
    import pyarrow as pa
    from pyspark.sql import DataFrame
    from pyspark.sql.pandas.types import from_arrow_schema
    from pyspark.sql.types import StructType


def normalize(
    df: DataFrame,
    column: str = "response",
    *,
    provider: str | None = None,
    provider_column: str | None = None,
    url_column: str | None = None,
    response: str | None = None,
    keep: Iterable[str] = (),
) -> DataFrame:
    """The readings of a column of responses, by the columns of `unimeter.batch.SCHEMA`.

    A row that cannot be read is a row with an `error`, and no task fails for it. Only the columns that are named here are read.

    Args:
        df: what holds the responses.
        column: where they stand: JSON as text or bytes, whole bodies of any form, or structs.
        provider: whose they are, where nothing else tells.
        provider_column: the column that names the provider of each.
        url_column: the column that has the url of each call.
        response: where in what stands there the response is, such as `log.body`; by default it is all of it.
        keep: columns that stand before the reading's, as they are.

    Raises:
        KeyError: there is no such column.
        ValueError: a column to keep is named like one of the reading's.
    """
    kept = list(keep)
    wanted = list(dict.fromkeys([*kept, *(name for name in (column, provider_column, url_column) if name)]))
    if (missing := next((name for name in wanted if name not in df.columns), None)) is not None:
        raise KeyError(f"there is no column {missing!r}, only {', '.join(df.columns)}")
    if (taken := next((name for name in kept if name.lower() in SCHEMA.names), None)) is not None:
        raise ValueError(f"a reading has a column {taken.lower()!r} of its own: rename {taken!r} before it is kept")
    chosen = df.select(wanted)

    def readings(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            read = normalize_batch(
                batch, column, provider=provider, provider_column=provider_column, url_column=url_column, response=response
            )
            columns = [*(batch.column(name) for name in kept), *read.columns]
            yield pa.RecordBatch.from_arrays(columns, names=[*kept, *SCHEMA.names])

    return chosen.mapInArrow(readings, StructType([*(chosen.schema[name] for name in kept), *from_arrow_schema(SCHEMA)]))
