"""The command line, in a process of its own where its streams matter."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from unimeter import __version__, matrix

from .conftest import FIXTURES, ROOT


def unimeter(*arguments: str | Path, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    code = "from unimeter.cli import main; main()"
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, input=given, capture_output=True, check=False, cwd=ROOT)


def rows(done: subprocess.CompletedProcess[bytes]) -> list[dict[str, object]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_all_fixtures() -> None:
    done = unimeter("read", "fixtures")
    assert (done.returncode, done.stderr) == (0, b"")
    told = {row["source"]: row for row in rows(done)}
    assert told.keys() == FIXTURES.keys()
    for name, fixture in FIXTURES.items():
        if fixture.expected.error:
            assert str(told[name]["error"]).startswith(fixture.expected.error)
        else:
            assert told[name]["metrics"] == fixture.expected.metrics


def test_a_file_that_cannot_be_read_does_not_stop_the_others(tmp_path: Path) -> None:
    (tmp_path / "1.json").write_text('{"choices": [], "usage": {"prompt_tokens": "many"}}')
    (tmp_path / "2.json").write_text("{")
    (tmp_path / "3.bin").write_bytes(b"\xff\xf3\xc4")
    (tmp_path / "4.json").write_text('{"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2}}')
    done = unimeter("read", tmp_path, tmp_path / "missing.json")
    assert done.returncode == 1
    assert [row["source"] for row in rows(done)] == [str(tmp_path / "4.json")]
    complaints = done.stderr.decode().splitlines()
    assert len(complaints) == 4
    assert "prompt_tokens" in complaints[0]
    assert b"Traceback" not in done.stderr


def test_lines_and_standard_input(tmp_path: Path) -> None:
    line = b'{"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2}}\n'
    (tmp_path / "log.jsonl").write_bytes(line * 3)
    assert len(rows(unimeter("read", tmp_path / "log.jsonl"))) == 3
    assert len(rows(unimeter("read", "--lines", "-", given=line * 2))) == 2
    assert len(rows(unimeter("read", "-", given=line))) == 1


def test_provider_and_url() -> None:
    usage = b'{"prompt_tokens": 1, "completion_tokens": 2}'
    assert rows(unimeter("read", "-", "--provider", "groq", given=usage))[0]["provider"] == "Groq"
    body = b'{"choices": [], "usage": ' + usage + b"}"
    assert rows(unimeter("read", "-", "--url", "https://api.deepseek.com/x", given=body))[0]["provider"] == "DeepSeek"
    done = unimeter("read", "-", "--provider", "nobody", given=body)
    assert done.returncode == 2
    assert b"nobody" in done.stderr


def test_table(tmp_path: Path) -> None:
    done = unimeter(
        "read", "--table", "fixtures/anthropic_claude/advisor.json", "fixtures/openai_chat/stream_continuous_cut.json"
    )
    text = done.stdout.decode()
    assert done.returncode == 0
    for figure in ("2,390", "121", "2,511", "cut off"):
        assert figure in text


@pytest.mark.parametrize("columns", ["40", "80", "200"])
def test_no_figure_is_ever_cut_short(columns: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    text = unimeter("read", "--table", "fixtures/google_gemini/cached_reasoning_audio_in.json").stdout.decode()
    for figure in ("3,284", "122", "3,406", "2,917", "321"):
        assert figure in text


def test_version() -> None:
    command = [sys.executable, "-m", "unimeter", "--version"]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    assert done.stdout == f"unimeter {__version__}\n"


def test_matrix() -> None:
    assert unimeter("matrix", "--markdown").stdout.decode() == matrix.markdown()
    assert unimeter("matrix").stdout.decode() == matrix.text()


def test_a_fixture_with_mistakes_does_not_stop_the_others(tmp_path: Path) -> None:
    wire = {"path": "/x", "content_type": "application/vnd.amazon.eventstream"}
    (tmp_path / "a.json").write_text(json.dumps({"source": "", "wire": wire, "expected": {}, "events": [5]}))
    (tmp_path / "b.json").write_text(json.dumps({"source": "", "wire": {"path": "/x"}, "expected": {}, "body": "\ud800"}))
    (tmp_path / "c.json").write_text('{"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2}}')
    done = unimeter("read", tmp_path)
    assert (done.returncode, len(rows(done)), len(done.stderr.splitlines())) == (1, 1, 2)


def test_a_terminal_is_not_obeyed(tmp_path: Path) -> None:
    body = {"choices": [], "model": "\x1b[31mred\x07", "usage": {"prompt_tokens": 1, "completion_tokens": 2}}
    (tmp_path / "a.json").write_text(json.dumps(body))
    assert b"\x1b[31mred" not in unimeter("read", "--table", tmp_path).stdout
