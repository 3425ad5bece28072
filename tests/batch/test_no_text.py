"""No text of a response is in what a batch job writes or prints."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from unimeter.batch import bodies, normalize_batch
from unimeter.batch.job import Options
from unimeter.cli.batch import read_files

from ..conftest import FIXTURES
from ..test_no_text_kept import MARK, payloads, shows_text

pytestmark = pytest.mark.batch

BODIES = [next(payloads(fixture)) for fixture in FIXTURES.values() if fixture.response is not None and not fixture.wire.headers]


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".jsonl"])
def test_no_text_is_written_or_printed(suffix: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    lines = [line.replace(b"\n", b" ") for line in BODIES * 2] + [
        f'{{"text": "{MARK}'.encode(),
        json.dumps({MARK: MARK}).encode(),
    ]
    (tmp_path / "in.jsonl").write_bytes(b"\n".join(lines))
    out = tmp_path / f"out{suffix}"
    assert read_files([str(tmp_path / "in.jsonl")], out, Options(), resume=False, workers=1, report=tmp_path / "report.html") == 1
    written = str(pq.read_table(out).to_pylist()) if suffix == ".parquet" else out.read_text()
    assert "total_tokens" in written
    for given in (written, (tmp_path / "report.html").read_text(), *capfd.readouterr()):
        assert not shows_text(given)


def rows(bodies: list[dict[str, Any]]) -> list[dict[str, Any]]:
    texts = pa.array([json.dumps(body) for body in bodies])
    return normalize_batch(pa.record_batch({"response": texts})).to_pylist()


def test_no_text_is_in_columns_of_bodies_of_one_form() -> None:
    """Their trees are decoded by a form that a sample gives."""
    usage = {"input_tokens": 1, "output_tokens": 2, "server_tool_use": {"web_search_requests": 1, "query": MARK}}
    whole = {"type": "message", "role": "assistant", "model": "claude-x", "usage": usage}
    assert not shows_text(str(rows([whole] * 50)))
    named = {**usage, "server_tool_use": {"web_search_requests": 1, MARK: 1}}
    assert not shows_text(str(rows([{**whole, "usage": named}] * 50)))


def test_a_failure_of_ours_is_a_row_without_what_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise ValueError(MARK)

    monkeypatch.setattr(bodies, "read", fails)
    error = rows([{}])[0]["error"]
    assert "ValueError" in error
    assert MARK not in error
