"""Many responses at once: record batches, files, jobs that are killed."""

from __future__ import annotations

import csv
import gzip
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet as pq

import unimeter
from unimeter import MissingUsage, UnimeterError
from unimeter.batch import SCHEMA, chunks, normalize_batch
from unimeter.batch.chunks import NoInput
from unimeter.batch.failures import failures_in
from unimeter.batch.job import BadRow, Options, OtherJob, run

from ..conftest import FIXTURES

pytestmark = pytest.mark.batch

RESPONSES = {
    name: json.dumps(fixture.response).encode()
    for name, fixture in FIXTURES.items()
    if fixture.response is not None and not fixture.wire.headers
}
GOOD = [raw for raw in RESPONSES.values() if isinstance(raw, bytes)]
ROOT = Path(__file__).parents[2]
CHAT = b'{"choices": [], "id": "x", "model": "m", "usage": {"prompt_tokens": 9, "completion_tokens": 2}}'


def expected(raw: Any, provider: str | None = None) -> dict[str, Any]:
    """A row by `read`."""
    try:
        reading = unimeter.read(raw, provider)
    except UnimeterError as error:
        row = dict.fromkeys(SCHEMA.names)
        if isinstance(error, MissingUsage) and not error.due:  # a row like any other, with nothing in it
            return row | {"provider": error.provider, "complete": True, "reported": [], "unaccounted": 0}
        if failures := failures_in(error, raw):
            return row | {"error": f"FailedRequest: {', '.join(map(str, failures))}"}
        return row | {"error": f"{type(error).__name__}: {error}"}
    told = {name: getattr(reading.metrics, name) for name in SCHEMA.names if hasattr(reading.metrics, name)}
    row = {name: value if name in reading.reported else None for name, value in told.items()}
    for total, parts in (
        ("total_tokens", {"input_tokens", "output_tokens"}),
        ("audio_total_tokens", {"audio_input_tokens", "audio_output_tokens"}),
    ):
        row[total] = None if reading.reported.isdisjoint(parts) else told[total]
    own = reading.metrics.provider_metrics
    return {
        **row,
        **{name: getattr(reading, name) for name in ("provider", "model", "id", "unaccounted", "complete")},
        "reported": sorted(reading.reported),
        "provider_metrics": own,
        "parts": [part.to_dict() for part in reading.parts] or None,
        "error": None,
    }


def rows_in(table: Any) -> list[dict[str, Any]]:
    """The rows of a table, with what is JSON in them undone."""
    return [
        {**row, **{name: row[name] and json.loads(row[name]) for name in ("provider_metrics", "parts")}}
        for row in table.to_pylist()
    ]


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary()])
def test_each_row_is_what_read_gives(kind: Any) -> None:
    batch = pa.record_batch({"response": pa.array(RESPONSES.values(), kind)})
    rows = normalize_batch(batch)
    assert rows.schema == SCHEMA
    for name, raw, row in zip(RESPONSES, RESPONSES.values(), rows_in(rows), strict=True):
        assert row == expected(raw), name


def test_texts_structs_and_nulls() -> None:
    texts = pa.record_batch({"response": pa.array([CHAT.decode(), None, "no response"])})
    rows = normalize_batch(texts).to_pylist()
    assert [row["total_tokens"] for row in rows] == [11, None, None]
    assert [str(row["error"]).partition(":")[0] for row in rows] == ["None", "MissingUsage", "UnknownProvider"]
    structs = pa.record_batch({"response": pa.array([json.loads(CHAT)])})
    assert rows_in(normalize_batch(structs)) == [expected(CHAT)]


def test_missing_is_not_zero() -> None:
    (row,) = normalize_batch(pa.record_batch({"response": [CHAT]})).to_pylist()
    assert row["cache_read_tokens"] is None
    assert row["cost"] is None
    assert row["input_tokens"] == 9


def test_a_call_that_uses_nothing_is_no_error() -> None:
    moderation = {"id": "x", "model": "m", "results": [{"flagged": False}]}
    (row,) = rows_in(normalize_batch(pa.record_batch({"response": [json.dumps(moderation)]})))
    assert (row["error"], row["provider"], row["input_tokens"], row["reported"]) == (None, "OpenAI Chat", None, [])
    assert row == expected(moderation)


def test_a_row_that_no_table_can_hold_is_an_error() -> None:
    """Counts that are each within bounds and together beyond, and a name that is half of a character."""
    most = b"%d" % (2**63 - 1)
    usage = b'"usage": {"input_tokens": %s, "cache_read_input_tokens": %s, "output_tokens": %s}'
    odd = [
        b'{"type": "message", "model": "m", %s}' % (usage % (most, most, b"1")),
        b'{"type": "message", "model": "m", %s}' % (usage % (most, b"0", most)),
        CHAT.replace(b'"m"', b'"\\ud800"'),
        CHAT.replace(b'"completion_tokens": 2', b'"completion_tokens": 2, "total_tokens": %s' % most),
    ]
    like = [b'{"type": "message", "model": "m", %s}' % (usage % (b"1", b"2", b"3"))] * 2
    rows = normalize_batch(pa.record_batch({"response": [*like, *odd, *like, CHAT]})).to_pylist()
    assert [row["total_tokens"] for row in rows] == [6, 6, None, None, None, 11, 6, 6, 11]
    assert [row["unaccounted"] for row in rows][5] == 2**63 - 1 - 11
    assert [bool(row["error"]) for row in rows] == [False, False, True, True, True, False, False, False, False]


def test_a_provider_a_url_and_a_path() -> None:
    usage = b'{"prompt_tokens": 9, "completion_tokens": 2}'
    batch = pa.record_batch(
        {
            "body": [b'{"log": {"lines": [%s]}}' % CHAT, usage, CHAT],
            "who": ["groq", "openai", None],
            "where": [None, None, "https://api.groq.com/openai/v1/chat/completions"],
        }
    )
    rows = normalize_batch(batch.slice(0, 1), "body", provider_column="who", response="log.lines.0").to_pylist()
    rows += normalize_batch(batch.slice(1), "body", provider_column="who", url_column="where").to_pylist()
    assert [row["provider"] for row in rows] == ["Groq", "OpenAI Chat", "Groq"]
    assert [row["total_tokens"] for row in rows] == [11, 11, 11]
    with pytest.raises(KeyError):
        normalize_batch(batch, "nothing")


def written(lines: list[bytes], folder: Path, form: str) -> Path:
    """Lines as a file of a form."""
    path = folder / f"in.{form}"
    text = b"\n".join(lines) + b"\n"
    if form == "jsonl":
        path.write_bytes(text)
    elif form == "jsonl.gz":
        path.write_bytes(gzip.compress(text))
    elif form == "jsonl.zst":
        with pa.output_stream(str(path), compression="zstd") as stream:
            stream.write(text)
    else:
        pq.write_table(pa.table({"response": pa.array(lines, pa.binary())}), path, row_group_size=100)
    return path


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "BYTES", 20_000)


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("form", ["jsonl", "jsonl.gz", "jsonl.zst", "parquet"])
def test_files(form: str, tmp_path: Path) -> None:
    lines = [*GOOD, b"broken", *GOOD[:50]]
    path = written(lines, tmp_path, form)
    summary = run([str(path)], tmp_path / "out.parquet", Options(), workers=2)
    table = pq.read_table(tmp_path / "out.parquet")
    assert table["row"].to_pylist() == list(range(len(lines)))
    assert set(table["source"].to_pylist()) == {str(path)}
    for raw, row in zip(lines, rows_in(table.select(SCHEMA.names)), strict=True):
        assert row == expected(raw)
    assert summary.rows == len(lines)
    assert sum(told["calls"] for told in summary.models.values()) + sum(summary.errors.values()) == len(lines)
    assert summary.models["Groq", "openai/gpt-oss-20b"]["input_tokens"] == sum(
        row["input_tokens"] or 0 for row in table.to_pylist() if (row["provider"], row["model"]) == ("Groq", "openai/gpt-oss-20b")
    )
    if form == "jsonl":
        text = path.read_bytes()
        for raw, position in zip(lines, table["position"].to_pylist(), strict=True):
            assert text[position:].startswith(raw)
    assert sorted(one.name for one in tmp_path.iterdir()) == sorted([path.name, "out.parquet"])


@pytest.mark.parametrize("size", [1, 7, 96, 97, 98, 10_000])
def test_each_line_is_in_one_chunk_wherever_it_is_cut(size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "BYTES", size)
    lines = [CHAT, b"", CHAT[:50], b"x", CHAT]
    for end in (b"\n", b""):
        for form in ("jsonl", "jsonl.gz"):
            path = tmp_path / f"in.{form}"
            path.write_bytes(b"\r\n".join(lines) + end if form == "jsonl" else gzip.compress(b"\n".join(lines) + end))
            found = [
                line.rstrip(b"\r")
                for chunk in chunks.chunks([path])
                for rows in chunks.rows_of(chunk, "response", None, None)
                for texts in rows.payloads
                for line in texts.bodies()
            ]
            assert found == [line for line in lines if line]


def test_a_folder_and_several_files(tmp_path: Path) -> None:
    folder = tmp_path / "logs" / "day"
    folder.mkdir(parents=True)
    for name in ("b.jsonl", "a.jsonl", "notes.txt"):
        (folder / name).write_bytes(CHAT + b"\n")
    run([str(tmp_path / "logs"), str(folder / "b.jsonl")], tmp_path / "out.jsonl", Options(), workers=1)
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [Path(row["source"]).name for row in rows] == ["a.jsonl", "b.jsonl"]  # the file that is named is in the folder
    assert [row["row"] for row in rows] == [0, 1]
    for missing in (tmp_path / "nothing", tmp_path / "empty"):
        (tmp_path / "empty").mkdir(exist_ok=True)
        with pytest.raises(NoInput):
            run([str(missing)], tmp_path / "out.jsonl", Options())


def test_what_a_job_writes_is_no_input_of_the_next(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_bytes(CHAT + b"\n" + b" " * 30 + b"\n" + CHAT)
    (tmp_path / ".out.parquet.parts").mkdir()
    (tmp_path / ".out.parquet.parts" / "job.json").write_text("{}")
    (tmp_path / os.fsdecode(b"b\xff.jsonl")).write_bytes(CHAT)
    for _ in range(2):
        assert run([str(tmp_path)], tmp_path / "out.parquet", Options(), workers=1).rows == 3
    sources = {Path(source).name for source in pq.read_table(tmp_path / "out.parquet")["source"].to_pylist()}
    assert sources == {"in.jsonl", "b\\xff.jsonl"}
    with pytest.raises(NoInput, match="will be written"):
        run([str(tmp_path / "out.parquet")], tmp_path / "out.parquet", Options())


def test_columns_of_other_kinds() -> None:
    broken = pa.array([b"\xff", CHAT]).view(pa.string()).dictionary_encode()
    rows = normalize_batch(pa.record_batch({"response": broken})).to_pylist()
    assert [row["total_tokens"] for row in rows] == [None, 11]
    for column in (pa.array([1]), pa.array([b"x"]), pa.array([["x"]])):
        with pytest.raises(TypeError, match="not texts"):
            normalize_batch(pa.record_batch({"response": [CHAT], "url": column}), url_column="url")
    with pytest.raises(TypeError, match="to_batches"):
        normalize_batch(pa.table({"response": [CHAT]}))


def test_a_column_that_is_not_there_is_said(tmp_path: Path) -> None:
    for form, options in (
        ("parquet", Options(provider_column="who")),
        ("parquet", Options(column="body")),
        ("parquet", Options(url_column="response")),
    ):
        path = written([CHAT], tmp_path, form)
        with pytest.raises(NoInput, match="column"):
            run([str(path)], tmp_path / "out.jsonl", options, workers=1)
    table = pa.table({"body": [CHAT], "who": ["groq"]})
    pq.write_table(table, tmp_path / "named.parquet")
    run([str(tmp_path / "named.parquet")], tmp_path / "out.jsonl", Options(column="body", provider_column="who"), workers=1)
    assert json.loads((tmp_path / "out.jsonl").read_text())["provider"] == "Groq"


def test_lines_of_a_log(tmp_path: Path) -> None:
    """What stands around the response in a line tells whose it is; the form of the line is read at once."""
    where = {"request": {"url": "https://api.groq.com/openai/v1/chat/completions"}, "sent_by": "mistral"}
    body = json.loads(CHAT)
    odd = [b"broken", b'{"log": 1}', b'{"log": {"response": null}}', b'{"log": [{"response": 1}]}']
    lines = [*(json.dumps({**where, "log": {"response": body | {"id": str(at)}}}).encode() for at in range(50)), *odd]
    (tmp_path / "in.jsonl").write_bytes(b"\n".join(lines))
    for options, provider in (
        (Options(response="log.response"), "OpenAI Chat"),
        (Options(response="log.response", url_column="request.url"), "Groq"),
        (Options(response="log.response", provider_column="sent_by"), "Mistral"),
    ):
        run([str(tmp_path / "in.jsonl")], tmp_path / "out.jsonl", options, workers=1)
        rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
        assert [row["provider"] for row in rows] == [provider] * 50 + [None] * 4
        assert [row["id"] for row in rows[:50]] == [str(at) for at in range(50)]
        assert {row["total_tokens"] for row in rows[:50]} == {11}
        assert all(row["error"] for row in rows[50:])
    with pytest.raises(NoInput, match=r"no line has a text at 'request\.nothing'"):
        run([str(tmp_path / "in.jsonl")], tmp_path / "out.jsonl", Options(response="log.response", url_column="request.nothing"))


def test_calls_inside_a_response_are_told_beside_it() -> None:
    """An advisor is another model's call: it is in no other column, and not lost."""
    (row,) = rows_in(normalize_batch(pa.record_batch({"response": [RESPONSES["anthropic_claude/advisor"]]})))
    reading = unimeter.read(RESPONSES["anthropic_claude/advisor"])
    assert reading.parts
    assert [part["metrics"] for part in row["parts"]] == [part.metrics.to_dict() for part in reading.parts]
    assert row["input_tokens"] == reading.metrics.input_tokens


def test_a_log_without_a_call(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_bytes(b'{"type": "SPAN"}\n')
    assert run([str(tmp_path / "in.jsonl")], tmp_path / "out.jsonl", Options(log="langfuse"), workers=1).rows == 0


LITELLM = {"id": "1", "response_cost": 0.5, "custom_llm_provider": "groq", "response": json.loads(CHAT)}
LANGFUSE = {"type": "GENERATION", "model": "m", "usageDetails": {"input": 4, "input_cache_read": 5, "output": 2, "total": 11}}


def otlp(**attributes: Any) -> dict[str, Any]:
    """A span as a collector writes it: 64-bit integers are text in the JSON of protobuf."""
    kinds = {int: lambda value: {"intValue": str(value)}, str: lambda value: {"stringValue": value}}
    told = [{"key": key.replace("__", "."), "value": kinds[type(value)](value)} for key, value in attributes.items()]
    return {"name": "a span", "attributes": told}


SPAN = {"gen_ai__usage__input_tokens": 9, "gen_ai__usage__output_tokens": 2, "gen_ai__response__model": "m"}
CACHED = {"gen_ai__usage__cache_read__input_tokens": 5}
CHAT_SPAN = otlp(gen_ai__operation__name="chat", gen_ai__provider__name="groq", **SPAN, **CACHED)
AGENT_SPAN = otlp(gen_ai__operation__name="invoke_agent", **SPAN)
EMPTY_SPAN = otlp(gen_ai__operation__name="chat", gen_ai__provider__name="nobody")
OTLP = {"resourceSpans": [{"scopeSpans": [{"spans": [otlp(http__method="GET"), AGENT_SPAN, CHAT_SPAN, CHAT_SPAN, EMPTY_SPAN]}]}]}


@pytest.mark.parametrize(
    ("log", "line", "expected"),
    [
        ("litellm", LITELLM, [("LiteLLM", "m", 11, None, 0.5)]),
        ("litellm", {"status": "failure", "response": None}, [(None, None, None, None, None)]),
        ("langfuse", LANGFUSE, [("Langfuse", "m", 11, 5, None)]),
        ("langfuse", {"type": "SPAN"}, []),
        ("otel", OTLP, [("Groq", "m", 11, 5, None)] * 2 + [(None, None, None, None, None)]),
        ("otel", {"resourceLogs": []}, []),
    ],
)
def test_logs_that_others_keep(log: str, line: Any, expected: list[Any], tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_bytes(json.dumps(line).encode() + b"\nbroken\n")
    run([str(tmp_path / "in.jsonl")], tmp_path / "out.jsonl", Options(log=log), workers=1)
    *rows, broken = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    names = ("provider", "model", "total_tokens", "cache_read_tokens", "cost")
    assert [tuple(row[name] for name in names) for row in rows] == expected
    assert all((row["error"] is None) is (row["total_tokens"] is not None) for row in rows)
    assert broken["error"]


def test_csv(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_bytes(CHAT + b"\nbroken\n")
    run([str(tmp_path / "in.jsonl")], tmp_path / "out.csv", Options(), workers=1)
    with (tmp_path / "out.csv").open() as file:
        one, two = csv.DictReader(file)
    assert (one["provider"], one["total_tokens"], one["cache_read_tokens"]) == ("OpenAI Chat", "11", "")
    assert one["reported"] == "input_tokens output_tokens"
    assert two["error"].startswith("UnknownProvider")


def test_a_strict_job_stops_and_writes_nothing(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_bytes(CHAT + b"\nbroken\n")
    with pytest.raises(BadRow, match=r"in\.jsonl, position 96: UnknownProvider"):
        run([str(tmp_path / "in.jsonl")], tmp_path / "out.jsonl", Options(strict=True), workers=1)
    assert not (tmp_path / "out.jsonl").exists()


@pytest.mark.usefixtures("small_chunks")
def test_resuming_takes_only_its_own_parts(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_bytes(CHAT + b"\n")
    parts = tmp_path / ".out.jsonl.parts"
    parts.mkdir()
    (parts / "job.json").write_text('{"inputs": []}')
    with pytest.raises(OtherJob):
        run([str(tmp_path / "in.jsonl")], tmp_path / "out.jsonl", Options(), resume=True)
    run([str(tmp_path / "in.jsonl")], tmp_path / "out.jsonl", Options(), workers=1)
    assert not parts.exists()


COMMAND = "from unimeter.batch import chunks; chunks.BYTES = 50_000; from unimeter.cli import main; main()"


def job(folder: Path, *more: str, command: str = COMMAND, **environment: str) -> subprocess.Popen[bytes]:
    words = [sys.executable, "-c", command, "batch", "in.jsonl", "-o", "out.jsonl", "--workers", "2", *more]
    with (folder / "told").open("wb") as told:
        return subprocess.Popen(
            words, cwd=folder, stdout=told, stderr=told, start_new_session=True, env={**os.environ, **environment}
        )


def done(folder: Path, *more: str) -> None:
    """Run a job to its end; some of the responses cannot be read, so it says 1."""
    assert job(folder, *more).wait(60) == 1, (folder / "told").read_text()


STEPS = """
import atexit, os, signal, sys
from unimeter.batch import job

step, last = 0, int(os.environ["LAST_STEP"])

def took_step():
    global step
    step += 1
    if step == last:
        os.killpg(0, signal.SIGKILL)

def audit(event, arguments):
    if event in ("open", "os.mkdir", "os.rename", "os.remove", "os.rmdir") and "out.jsonl" in str(arguments[0]):
        took_step()

def join(*arguments, _join=job._join):
    took_step()
    return _join(*arguments)

job._join = join
sys.addaudithook(audit)
atexit.register(lambda: open("steps", "w").write(str(step)))
"""
"""Kills a job and its workers at a step of its own: before it changes something in the folder, or takes in a part."""


def test_killed_at_any_point_and_resumed_it_is_the_same(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_bytes(b"\n".join(GOOD * 4) + b"\n")
    assert job(tmp_path, command=STEPS + COMMAND, LAST_STEP="0").wait(60) == 1
    whole = (tmp_path / "out.jsonl").read_bytes()
    steps = int((tmp_path / "steps").read_text())
    chance = random.Random(7)
    killed = 0
    for last in (*chance.sample(range(2, steps), 4), steps):
        (tmp_path / "out.jsonl").unlink()
        running = job(tmp_path, command=STEPS + COMMAND, LAST_STEP=str(last))
        killed += running.wait(60) == -signal.SIGKILL
        if running.returncode == -signal.SIGKILL:
            assert not (tmp_path / "out.jsonl").exists() or (tmp_path / "out.jsonl").read_bytes() == whole
        done(tmp_path, "--resume")
        assert (tmp_path / "out.jsonl").read_bytes() == whole
    assert killed == 5


def test_an_interrupted_job_leaves_no_half_file(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_bytes(b"\n".join(GOOD * 39) + b"\n")
    os.mkfifo(tmp_path / "more.jsonl")  # nothing writes to it yet, so the job cannot end before the signal
    running = job(tmp_path, "more.jsonl")
    while not list(tmp_path.glob(".out.jsonl.parts/*.arrow")):  # nothing is read before
        assert running.poll() is None
        time.sleep(0.01)
    running.send_signal(signal.SIGINT)
    assert running.wait(30) == 130
    assert "--resume" in (tmp_path / "told").read_text()
    assert not (tmp_path / "out.jsonl").exists()
    threading.Thread(target=(tmp_path / "more.jsonl").write_bytes, args=[b"\n".join(GOOD)], daemon=True).start()
    done(tmp_path, "more.jsonl", "--resume")
    assert len((tmp_path / "out.jsonl").read_bytes().splitlines()) == 40 * len(GOOD)


def test_workers_end_with_the_process_that_began_them(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_bytes(b"\n".join(GOOD * 200) + b"\n")
    running = job(tmp_path)
    while not list(tmp_path.glob(".out.jsonl.parts/*.arrow")):
        assert running.poll() is None
        time.sleep(0.01)
    workers = Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split()
    assert len(workers) >= 2
    running.kill()
    running.wait(30)
    waited_until = time.monotonic() + 30
    while any(Path(f"/proc/{worker}").exists() for worker in workers):
        assert time.monotonic() < waited_until
        time.sleep(0.05)


def test_resumed_without_strict_it_goes_on_and_with_other_inputs_it_does_not(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_bytes(CHAT + b"\nno\n")
    with pytest.raises(BadRow):
        run([str(path)], tmp_path / "out.jsonl", Options(strict=True))
    assert run([str(path)], tmp_path / "out.jsonl", Options(), resume=True).rows == 2
    with pytest.raises(BadRow):
        run([str(path)], tmp_path / "out.jsonl", Options(strict=True))
    path.write_bytes(CHAT.replace(b"9", b"8") + b"\nno\n")
    os.utime(path, (0, 0))  # of the same size, but another
    with pytest.raises(OtherJob):
        run([str(path)], tmp_path / "out.jsonl", Options(), resume=True)


@pytest.mark.parametrize("name", ["in.jsonl.gz", "in.jsonl.zst", "in.parquet", "empty.parquet"])
def test_a_file_that_is_cut_is_named(tmp_path: Path, name: str) -> None:
    whole = tmp_path / name
    if name.endswith(".parquet"):
        pq.write_table(pa.table({"response": GOOD * 3}), whole)
    else:
        with pa.output_stream(str(whole), compression="detect") as stream:
            stream.write(b"\n".join(GOOD * 3))
    whole.write_bytes(b"" if name == "empty.parquet" else whole.read_bytes()[:-200])
    ran = subprocess.run(
        [sys.executable, "-m", "unimeter", "batch", name, "-o", "out.parquet"], cwd=tmp_path, capture_output=True, text=True
    )
    assert ran.returncode == 2
    assert f"{name}: it cannot be read" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert not (tmp_path / "out.parquet").exists()


def test_one_chunk_is_read_without_another_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "in.jsonl").write_bytes(CHAT + b"\n")
    arguments = [str(tmp_path / "in.jsonl")], tmp_path / "out.jsonl", Options()
    monkeypatch.setattr("unimeter.batch.job.ProcessPoolExecutor", None)
    assert run(*arguments).rows == 1
    whole = (tmp_path / "out.jsonl").read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr("unimeter.batch.job._join", None)
        with pytest.raises(TypeError):  # as if killed when the part was there
            run(*arguments)
    monkeypatch.setattr("unimeter.batch.job.read_chunk", None)
    assert run(*arguments, resume=True).rows == 1  # the part is taken as it is
    assert (tmp_path / "out.jsonl").read_bytes() == whole


CLAUDE = {"type": "message", "model": "m", "usage": {"input_tokens": 9, "output_tokens": 2}}
GEMINI = {"candidates": [], "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 2, "totalTokenCount": 11}}
BATCH_LINES = {
    "OpenAI": {"id": "b", "custom_id": "1", "response": {"status_code": 200, "body": json.loads(CHAT)}, "error": None},
    "Anthropic": {"custom_id": "1", "result": {"type": "succeeded", "message": CLAUDE}},
    "Gemini": {"key": "1", "response": GEMINI},
    "Bedrock": {"recordId": "1", "modelInput": {}, "modelOutput": CLAUDE},
}


@pytest.mark.parametrize("line", BATCH_LINES.values(), ids=BATCH_LINES)
def test_result_lines_of_batch_apis_as_they_come(line: dict[str, Any]) -> None:
    (row,) = normalize_batch(pa.record_batch({"response": [json.dumps(line)]})).to_pylist()
    assert row["total_tokens"] == 11, row["error"]
    assert row["id"] == (line.get("response") or {}).get("body", {}).get("id")  # the response's, which is the only one


def test_from_the_command_line(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_bytes(CHAT + b"\n" + CHAT + b"\n")
    ran = subprocess.run(
        [sys.executable, "-c", COMMAND, "batch", "in.jsonl", "-o", "out.parquet"], cwd=tmp_path, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    assert "2 rows" in ran.stdout
    assert "OpenAI" in ran.stdout
    for wrong in (["in.jsonl", "-o", "out.txt"], ["nothing", "-o", "out.csv"]):
        ran = subprocess.run([sys.executable, "-c", COMMAND, "batch", *wrong], cwd=tmp_path, capture_output=True, text=True)
        assert ran.returncode == 2
        assert "Traceback" not in ran.stderr


README = (ROOT / "README.md").read_text("utf-8")
EXAMPLE = README.partition("import polars as pl")[2].partition("```")[0]


class Nothing:
    """Takes the place of an engine that a test does not start."""

    def create_function(self, *_: Any, **__: Any) -> None: ...

    def map_batches(self, *_: Any, **__: Any) -> None: ...


def test_as_a_function_of_duckdb_and_polars() -> None:
    import duckdb
    import polars as pl

    connection = duckdb.connect()
    frame = pl.DataFrame({"response": [CHAT.decode(), CHAT.decode()]})
    code = EXAMPLE.replace("frame.select", "selected = frame.select")
    held: dict[str, Any] = {"connection": connection, "frame": frame, "dataset": Nothing(), "pl": pl}
    exec(code, held)
    query = "select tokens(body) from (values (?), (?), (?), (?)) logs(body)"
    assert connection.execute(query, [CHAT.decode(), None, "nothing", CHAT.decode()]).fetchall() == [
        (11,),
        (None,),
        (None,),
        (11,),
    ]
    assert held["selected"]["response"].to_list() == [11, 11]
    assert held["readings"](pa.schema({"response": pa.string()}).empty_table()).schema == SCHEMA


RAY = """
import ray
from tests.batch.test_batch import CHAT, EXAMPLE, Nothing
import polars as pl
import pyarrow as pa

ray.init(num_cpus=1, include_dashboard=False, _node_ip_address="127.0.0.1")
bodies = pa.table({"response": [CHAT.decode()] * 50})
held = {"connection": Nothing(), "frame": pl.DataFrame(bodies), "dataset": ray.data.from_arrow(bodies), "pl": pl}
exec(EXAMPLE.replace("dataset.map_batches", "read = dataset.map_batches"), held)
print("tokens", held["read"].sum("total_tokens"))
ray.shutdown()
"""


def test_with_ray_data(tmp_path: Path) -> None:
    """In a process of its own: Ray starts servers, on loopback, and stops them."""
    home = {"HOME": str(tmp_path), "RAY_USAGE_STATS_ENABLED": "0", "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
    ran = subprocess.run([sys.executable, "-c", RAY], capture_output=True, text=True, cwd=tmp_path, env={**os.environ, **home})
    assert ran.returncode == 0, ran.stderr[-2000:]
    assert "tokens 550" in ran.stdout
