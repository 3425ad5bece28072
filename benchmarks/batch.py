"""How fast many bodies become a table: rows and bytes a second on one core, against what else one could do.

    python benchmarks/batch.py           bodies into a table, in one process, interleaved, medians
    python benchmarks/batch.py job       `unimeter batch`: one core against two, memory, cost per row as files grow

Each row is the body of a fixture with a longer text. All eleven providers are mixed at random, and only the readers that are
"told" know whose a body is. Every reader's sums of four columns must be the same as ours.
"""

from __future__ import annotations

import gc
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import bodies_by_hand as by_hand
import pyarrow as pa
import pyarrow.compute as pc

from unimeter.batch import normalize_batch
from unimeter.fixture import load

FIXTURES = Path(__file__).parent.parent / "fixtures"
MIX = (
    "openai_chat/cached_reasoning_audio_in_audio_out",
    "openai_responses/cache_write_ttl",
    "anthropic_claude/cached_cache_write_reasoning",
    "google_gemini/cached_reasoning_audio_in",
    "groq/cached_reasoning",
    "mistral/cached",
    "aws_bedrock/converse_cache",
    "perplexity/deep_research",
    "cerebras/cached_reasoning",
    "ollama/plain",
    "cohere/floats",
)
TEXTS = ("content", "text", "thinking", "signature")
COLUMNS = ("input_tokens", "output_tokens", "cache_read_tokens", "reasoning_tokens")
ROUNDS = 7

Rows = list[tuple[str, bytes]]
Sums = tuple[int, ...]


def bodies(size: int, count: int) -> Rows:
    """Providers and bodies, about so many bytes each, mixed at random."""
    made = []
    for name in MIX:
        fixture = load(FIXTURES / f"{name}.json")
        body = json.loads(json.dumps(fixture.response))
        holder, key = max(_texts(body), key=lambda found: len(found[0][found[1]]))
        holder[key] = "word " * ((size - len(json.dumps(body))) // 5)
        made.append((fixture.expected.provider or "", json.dumps(body, separators=(",", ":")).encode()))
    rows = [(provider, bytes(bytearray(raw))) for provider, raw in made * (count // len(made))]
    random.Random(1).shuffle(rows)
    return rows


def _texts(value: Any) -> list[tuple[dict[str, Any], str]]:
    """Where texts stand."""
    if isinstance(value, list):
        return [found for item in value for found in _texts(item)]
    if not isinstance(value, dict):
        return []
    here = [(value, key) for key, item in value.items() if isinstance(item, str) and key in TEXTS]
    return here + [found for item in value.values() for found in _texts(item)]


# what else one could do ----------------------------------------------------------------------------------------------


def ours(rows: Rows) -> Callable[[], Sums]:
    batch = pa.record_batch({"response": pa.array([raw for _, raw in rows], pa.binary())})

    def read() -> Sums:
        table = normalize_batch(batch)
        if table["error"].null_count < len(table):
            raise AssertionError("a row was not read")
        return tuple(pc.sum(table[name]).as_py() for name in COLUMNS)

    return read


def msgspec_typed(rows: Rows) -> Callable[[], Sums]:
    return lambda: _summed(by_hand.table((by_hand.STRUCTS[provider](raw) for provider, raw in rows)))


def orjson_getter(rows: Rows) -> Callable[[], Sums]:
    import orjson

    loads = orjson.loads
    return lambda: _summed(by_hand.table((by_hand.DICTS[provider](loads(raw)) for provider, raw in rows)))


def _summed(table: pa.RecordBatch) -> Sums:
    return tuple(pc.sum(table[name]).as_py() for name in COLUMNS)


def duckdb_struct(rows: Rows) -> Callable[[], Sums]:
    import duckdb

    path = _written(rows)
    connection = duckdb.connect(config={"threads": "1"})
    names = ("model", *COLUMNS)
    columns = ", ".join(f"{name}: '{_duckdb(kind)}'" for name, kind in by_hand.schema(names).items())
    source = f"read_json('{path}', format='newline_delimited', columns={{{columns}}})"
    chosen = ", ".join(f"{by_hand.SQL[name]} as {name}" for name in names)
    sums = ", ".join(f"cast(sum({name}) as bigint)" for name in COLUMNS)
    query = f"with t as materialized (select {chosen} from {source}) select {sums} from t"

    def read() -> Sums:
        found = connection.execute(query).fetchone()
        return tuple(found or ())

    return read


def _duckdb(kind: Any) -> str:
    if isinstance(kind, dict):
        return f"STRUCT({', '.join(f'{name} {_duckdb(inner)}' for name, inner in kind.items())})"
    return {int: "BIGINT", float: "DOUBLE", str: "VARCHAR"}[kind]


def polars_decode(rows: Rows) -> Callable[[], Sums]:
    os.environ["POLARS_MAX_THREADS"] = "1"
    import polars as pl

    def kind_of(kind: Any) -> Any:
        if isinstance(kind, dict):
            return pl.Struct({name: kind_of(inner) for name, inner in kind.items()})
        return {int: pl.Int64, float: pl.Float64, str: pl.String}[kind]

    frame = pl.DataFrame({"body": [raw.decode() for _, raw in rows]})
    decoded = pl.col("body").str.json_decode(kind_of(by_hand.schema(by_hand.NAMES))).struct.unnest()
    chosen = ", ".join(f"{by_hand.SQL[name]} as {name}" for name in by_hand.NAMES)

    def read() -> Sums:
        table = pl.SQLContext(t=frame.select(decoded), eager=True).execute(f"select {chosen} from t")
        return tuple(int(table[name].sum()) for name in COLUMNS)

    return read


def pyarrow_json(rows: Rows) -> Callable[[], Sums]:
    from pyarrow import json as reader

    def kind_of(kind: Any) -> Any:
        if isinstance(kind, dict):
            return pa.struct({name: kind_of(inner) for name, inner in kind.items()})
        return {int: pa.int64(), float: pa.float64(), str: pa.string()}[kind]

    text = b"\n".join(raw for _, raw in rows)
    schema = pa.schema({name: kind_of(kind) for name, kind in by_hand.schema(by_hand.NAMES).items()})
    parse = reader.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore")
    options = reader.ReadOptions(use_threads=False, block_size=1 << 24)

    def read() -> Sums:
        held = reader.read_json(pa.BufferReader(text), read_options=options, parse_options=parse)
        table = {name: by_hand.in_arrow(held, name) for name in by_hand.NAMES}
        return tuple(int(pc.sum(table[name]).as_py()) for name in COLUMNS)

    return read


GENAI = {
    "OpenAI Chat": ("openai", "chat"),
    "OpenAI Responses": ("openai", "responses"),
    "Anthropic": ("anthropic", "default"),
    "Google Gemini": ("google", "default"),
    "Groq": ("groq", "default"),
    "Mistral": ("mistral", "default"),
}
"""Those of ours that it reads."""


def genai_prices(rows: Rows) -> Callable[[], Sums]:
    from genai_prices import extract_usage

    told = [(*GENAI[provider], raw) for provider, raw in rows if provider in GENAI]

    def read() -> Sums:
        for provider, flavour, raw in told:
            extract_usage(json.loads(raw), provider_id=provider, api_flavor=flavour)
        return ()

    read.share = len(told) / len(rows)  # type: ignore[attr-defined]  # how much of the rows it reads
    return read


READERS: dict[str, Callable[[Rows], Callable[[], Sums]]] = {
    "unimeter": ours,
    "msgspec, typed, told": msgspec_typed,
    "orjson and getters, told": orjson_getter,
    "DuckDB read_json, STRUCT": duckdb_struct,
    "Polars json_decode, schema": polars_decode,
    "pyarrow JSON reader, schema": pyarrow_json,
    "genai-prices on json.loads, told": genai_prices,
}

_folder = tempfile.TemporaryDirectory()


def _written(rows: Rows) -> Path:
    path = Path(_folder.name) / f"{len(rows)}-{len(rows[0][1])}.jsonl"
    path.write_bytes(b"\n".join(raw for _, raw in rows) + b"\n")
    return path


def readers(size: int, count: int) -> None:
    """Rows and bytes a second of each."""
    rows = bodies(size, count)
    total = sum(len(raw) for _, raw in rows)
    tasks = {name: make(rows) for name, make in READERS.items()}
    expected = tasks["unimeter"]()
    for name, task in tasks.items():
        if (sums := task()) not in (expected, ()):
            raise AssertionError(f"{name}: {sums}, not {expected}")
    times: dict[str, list[float]] = {name: [] for name in tasks}
    for _ in range(ROUNDS):
        for name, task in tasks.items():
            gc.collect()
            start = time.perf_counter()
            task()
            times[name].append((time.perf_counter() - start) / getattr(task, "share", 1.0))
    print(f"\n{len(rows):,} bodies of {total / len(rows):,.0f} bytes, {len(MIX)} providers, one core")
    print("| reader | rows/s | GB/s | unimeter is |\n|---|---|---|---|")
    medians = {name: statistics.median(found) for name, found in times.items()}
    for name, took in medians.items():
        ratio = f"{took / medians['unimeter']:.2f} × as fast" if name != "unimeter" else ""
        print(f"| {name} | {len(rows) / took:,.0f} | {total / took / 1e9:.2f} | {ratio} |")


# the whole job -------------------------------------------------------------------------------------------------------

MEASURED = """
import resource, sys, time
from pathlib import Path
from unimeter.batch.job import Options, run
if __name__ == "__main__":
    began = time.perf_counter()
    summary = run([sys.argv[1]], Path(sys.argv[2]), Options(), workers=int(sys.argv[3]))
    took = time.perf_counter() - began
    largest = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    print(summary.rows, sum(summary.errors.values()), took, largest / 1024)
"""


def job(source: Path, cores: int) -> tuple[float, float]:
    """Seconds that `unimeter batch` takes on some cores, and the most megabytes that one of its processes held."""
    program = Path(_folder.name) / "measured.py"
    program.write_text(MEASURED)
    out = Path(_folder.name) / "out.parquet"
    command = ["taskset", "-c", ",".join(map(str, range(cores))), sys.executable, str(program), str(source), str(out), str(cores)]
    rows, errors, took, held = subprocess.run(command, capture_output=True, check=True, text=True).stdout.split()
    if int(errors):
        raise AssertionError(f"{errors} of {rows} rows were not read")
    return float(took), float(held)


def jobs(counts: tuple[int, ...]) -> None:
    """One core against two; memory and cost per row as the file grows."""
    least = counts[0]
    block = b"\n".join(raw for _, raw in bodies(1_600, least)) + b"\n"
    print("\n`unimeter batch` of JSON lines of 1.6 KB to Parquet, start and end included")
    print("| rows | one core, s | two cores, s | two are | µs a row on two | largest process, MB |\n|---|---|---|---|---|---|")
    for count in counts:
        source = Path(_folder.name) / "in.jsonl"
        with source.open("wb") as file:
            for _ in range(count // least):
                file.write(block)
        two, held = job(source, 2)
        one, held_by_one = job(source, 1)
        each = f"{two / count * 1e6:.2f}"
        print(f"| {count:,} | {one:.1f} | {two:.1f} | {one / two:.2f} × | {each} | {max(held, held_by_one):.0f} |", flush=True)


if __name__ == "__main__":
    packages = ("msgspec", "pyarrow", "orjson", "duckdb", "polars", "genai-prices")
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    print(f"Python {platform.python_version()}, {versions}; {os.cpu_count()} cores")
    if sys.argv[1:] == ["job"]:
        jobs((9_900, 99_000, 990_000, 4_950_000, 9_900_000))
    else:
        readers(1_600, 33_000)
        readers(7_000, 33_000)
