"""Many responses on Spark: on a cluster of two workers, row by row what a single machine gives."""

from __future__ import annotations

import datetime
import doctest
import json
import re
from itertools import cycle, islice
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet as pq

import unimeter.spark
from unimeter.batch import SCHEMA, normalize_batch

from ..conftest import FIXTURES, ROOT
from .conftest import Cluster

pytestmark = pytest.mark.spark

RESPONSES = [
    json.dumps(fixture.response).encode()
    for fixture in FIXTURES.values()
    if fixture.response is not None and not fixture.wire.headers
]
CHAT = b'{"choices": [], "id": "x", "model": "m", "usage": {"prompt_tokens": 9, "completion_tokens": 2}}'
ROWS = 1_000_000
BLOCK = 50_000


def rows_of(df: Any) -> list[dict[str, Any]]:
    return [row.asDict() for row in df.collect()]


def test_a_million_rows_are_what_a_single_machine_gives(cluster: Cluster) -> None:
    given, written = cluster.folder / "million", cluster.folder / "million-read"
    given.mkdir()
    bodies = islice(cycle([*RESPONSES, b"no response", None]), ROWS)
    for start in range(0, ROWS, BLOCK):
        block = {"row": range(start, start + BLOCK), "response": pa.array(list(islice(bodies, BLOCK)), pa.binary())}
        pq.write_table(pa.table(block), given / f"{start:07}.parquet")

    before = cluster.tasks()
    df = cluster.spark.read.parquet(str(given))
    unimeter.spark.normalize(df, keep=["row"]).write.parquet(str(written))
    after = cluster.tasks()
    assert len(after) == 2
    assert all(after[executor] > before.get(executor, 0) for executor in after), (before, after)

    read = pq.read_table(written)
    assert read.column_names == ["row", *SCHEMA.names]
    read = read.cast(pa.schema([("row", pa.int64()), *SCHEMA])).sort_by("row")
    assert read.num_rows == ROWS
    errors = 0
    for start in range(0, ROWS, BLOCK):
        table = pq.read_table(given / f"{start:07}.parquet")
        (batch,) = table.combine_chunks().to_batches()
        expected = pa.table([batch["row"], *normalize_batch(batch).columns], schema=read.schema)
        assert read.slice(start, BLOCK).equals(expected), start
        errors += BLOCK - expected["error"].null_count
    assert 0 < errors < ROWS / 4


@pytest.mark.parametrize("kind", ["binary", "string"])
@pytest.mark.parametrize("large", ["true", "false"])
def test_a_bad_row_is_a_row_with_an_error(cluster: Cluster, kind: str, large: str) -> None:
    cluster.spark.conf.set("spark.sql.execution.arrow.useLargeVarTypes", large)
    bodies = [CHAT, b"no response", None, b"", CHAT[:40], CHAT.replace(b"9", b"-9"), CHAT]
    given = [None if body is None else bytearray(body) if kind == "binary" else body.decode() for body in bodies]
    df = cluster.spark.createDataFrame(list(enumerate(given)), f"n int, response {kind}")
    rows = rows_of(unimeter.spark.normalize(df, keep=["n"]).orderBy("n"))
    expected = normalize_batch(pa.record_batch({"response": pa.array(bodies, pa.binary())})).to_pylist()
    assert rows == [{"n": n, **row} for n, row in enumerate(expected)]
    assert [row["error"] is None for row in rows] == [True, False, False, False, False, False, True]


def test_a_frame_without_rows(cluster: Cluster) -> None:
    df = cluster.spark.createDataFrame([], "response string")
    read = unimeter.spark.normalize(df)
    assert read.columns == SCHEMA.names
    assert read.collect() == []


def test_a_provider_a_url_a_path_and_what_is_kept(cluster: Cluster) -> None:
    usage = '{"prompt_tokens": 9, "completion_tokens": 2}'
    logged = '{"log": {"lines": [%s]}}'
    when = datetime.datetime(2026, 11, 22, 8, 30)
    df = cluster.spark.createDataFrame(
        [
            (logged % CHAT.decode(), "groq", None, 1, when, {"a": 1}),
            (logged % usage, "openai", None, 2, when, None),
            (logged % CHAT.decode(), None, "https://api.groq.com/openai/v1/chat/completions", 3, None, {}),
        ],
        "`the body` string, who string, where string, n int, when timestamp, tags map<string, int>",
    )
    read = unimeter.spark.normalize(
        df,
        "the body",
        provider_column="who",
        url_column="where",
        response="log.lines.0",
        keep=("when", "n", "tags", "the body"),
    )
    assert read.columns == ["when", "n", "tags", "the body", *SCHEMA.names]
    assert read.select("when", "n", "tags", "the body").schema == df.select("when", "n", "tags", "the body").schema
    rows = rows_of(read.orderBy("n"))
    assert [row["provider"] for row in rows] == ["Groq", "OpenAI Chat", "Groq"]
    assert [row["total_tokens"] for row in rows] == [11, 11, 11]
    assert [row["the body"] for row in rows] == [row["the body"] for row in df.collect()]
    assert [(row["when"], row["tags"]) for row in rows] == [(when, {"a": 1}), (when, None), (None, {})]

    named = unimeter.spark.normalize(df.where("n = 2"), "the body", provider="mistral", response="log.lines.0")
    assert [row["provider"] for row in rows_of(named)] == ["Mistral"]


def test_only_the_columns_that_are_named_are_read(cluster: Cluster) -> None:
    df = cluster.spark.createDataFrame([(1, "x" * 100, CHAT.decode())], "n int, other string, response string")
    df.write.parquet(str(cluster.folder / "wide"))
    read = unimeter.spark.normalize(cluster.spark.read.parquet(str(cluster.folder / "wide")), keep=["n"])
    plan = read._jdf.queryExecution().executedPlan().toString()
    assert "ReadSchema: struct<n:int,response:string>" in plan


@pytest.mark.parametrize("asked", [{"column": "body"}, {"provider_column": "who"}, {"url_column": "where"}, {"keep": ["x"]}])
def test_a_column_that_is_not_there_is_said_at_once(cluster: Cluster, asked: dict[str, Any]) -> None:
    df = cluster.spark.createDataFrame([(1, CHAT.decode())], "n int, response string")
    with pytest.raises(KeyError, match=r"there is no column '(body|who|where|x)', only n, response"):
        unimeter.spark.normalize(df, **asked)


def test_a_kept_column_that_is_named_like_the_readings_own_is_refused(cluster: Cluster) -> None:
    df = cluster.spark.createDataFrame([(1, CHAT.decode())], "ID int, response string")
    with pytest.raises(ValueError, match="a reading has a column 'id' of its own: rename 'ID'"):
        unimeter.spark.normalize(df, keep=["ID"])


def test_the_readmes_example(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    (example,) = re.findall(r"```python\n([^`]*unimeter\.spark[^`]*)```", (ROOT / "README.md").read_text("utf-8"))
    rows = [(1, "groq", CHAT.decode()), (2, None, CHAT.decode())]
    df = cluster.spark.createDataFrame(rows, "request int, provider string, response string")
    monkeypatch.chdir(cluster.folder)
    df.write.parquet("logs")
    exec(example, {"spark": cluster.spark})
    read = pq.read_table("readings").sort_by("request")
    assert read.select(["request", "provider", "total_tokens"]).to_pylist() == [
        {"request": 1, "provider": "Groq", "total_tokens": 11},
        {"request": 2, "provider": "OpenAI Chat", "total_tokens": 11},
    ]


@pytest.mark.usefixtures("cluster")
def test_the_modules_example() -> None:
    results = doctest.testmod(unimeter.spark)
    assert results.attempted > 3
    assert results.failed == 0
