"""`unimeter check`, on an adapter as a newcomer writes it, and on five mistakes in it."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from unimeter import MalformedUsage
from unimeter.cli.app import run
from unimeter.cli.check import adapter_named
from unimeter.fixture import load_all
from unimeter.testing.subject import Subject

CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
EXAMPLE = dict(re.findall(r"^`([\w/.]+)`:\n\n```\w+\n(.*?)^```", CONTRIBUTING, re.MULTILINE | re.DOTALL))
"""The files of CONTRIBUTING's worked example."""

ADAPTER = EXAMPLE["acme_adapter.py"]
USAGE = json.loads(EXAMPLE["fixtures/acme/plain.json"])["response"]["usage"]


def check(folder: Path, monkeypatch: pytest.MonkeyPatch, changed: dict[str, str] | None = None) -> int:
    """Check the example, with some of its lines changed."""
    monkeypatch.chdir(folder)
    for name, text in EXAMPLE.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    source = ADAPTER
    for old, new in (changed or {}).items():
        assert old in source
        source = source.replace(old, new)
    (folder / "acme_adapter.py").write_text(source)
    monkeypatch.delitem(sys.modules, "acme_adapter", raising=False)
    return run("check", "acme_adapter:Acme", "fixtures/acme")


def test_a_newcomers_adapter_keeps_the_contract(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert len([line for line in ADAPTER.splitlines() if line.strip()]) < 30
    assert check(tmp_path, monkeypatch) == 0
    out = capsys.readouterr().out
    assert "Acme, 2 fixtures: the contract is kept" in out
    assert "sdk_leaves         skipped the adapter names no sdk_types" in out


MISTAKES = {
    "input without the cache": ({" + cache_read_tokens\n": "\n"}, "identities", "cache_read_tokens"),
    "a place forgotten": ({'places = ("usage", "start.usage")': 'places = ("usage",)'}, "figures", "correct the table"),
    "a leaf that nobody reads": ({'{"searchCount": count("search_count")}': "{}"}, "unknown_keys", "add it to the table"),
    "a metric that is never sent": (
        {"    output_tokens = ": '    reasoning_tokens = count("thought_tokens")\n    output_tokens = '},
        "declared",
        "add a fixture",
    ),
    "the last event alone": (
        {"    output_tokens = ": "    merge = classmethod(lambda cls, events: events[-1][1])\n    output_tokens = "},
        "figures",
        "correct the table",
    ),
    "an id forgotten": ({'    id = ("request_id",)\n': ""}, "identified", "say in `id`"),
    "the answer forgotten": ({'    content = ("answer",)\n': ""}, "first_token", "say in `content`"),
}


@pytest.mark.parametrize(("changed", "caught_by", "mend"), MISTAKES.values(), ids=MISTAKES)
def test_each_mistake_is_caught_and_told_how_to_mend(
    changed: dict[str, str],
    caught_by: str,
    mend: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert check(tmp_path, monkeypatch, changed) == 1
    out = capsys.readouterr().out
    assert f"{caught_by:18} broken" in out
    said = out.partition(f"\n{caught_by}: ")[2].partition("\n\n\n")[0]
    assert mend in said


def test_a_body_that_another_dialect_knows_first_is_still_its_own_by_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shape that Bedrock has as well: by its url it is read all the same, and refused where it is malformed."""
    check(tmp_path, monkeypatch, {'shape = ("acmeVersion",)': 'shape = ("stopReason",)'})
    adapter = adapter_named("acme_adapter:Acme")
    subject = Subject(adapter, tmp_path / "fixtures" / "acme")
    fixture = next(one for one in load_all(tmp_path / "fixtures") if one.response is not None)
    body = {**fixture.response, "stopReason": "end"}
    assert subject.read(fixture, body).metrics.input_tokens == 100
    with pytest.raises(MalformedUsage, match="prompt_tokens"):
        subject.read(fixture, {**body, "usage": {**USAGE, "promptTokens": "12"}})


def test_a_shape_that_takes_others_bodies_is_caught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(tmp_path, monkeypatch, {'shape = ("acmeVersion",)': 'shape = ("acmeVersion", "usage")'}) == 1
    assert "its `shape` is too wide" in capsys.readouterr().out


@pytest.mark.parametrize("named", ["nowhere:Acme", "json:loads", "json", "unimeter:Nothing", "unimeter.adapters.groq:nothing"])
def test_what_is_no_adapter_is_said(named: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("check", named) == 2
    assert "MODULE:CLASS" in capsys.readouterr().err


def test_a_folder_without_fixtures_breaks_the_contract(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("check", "unimeter.adapters.groq:Groq", tmp_path) == 1
    assert "there is no fixture of Groq" in capsys.readouterr().err
    (tmp_path / "broken.json").write_text("{")
    assert run("check", "unimeter.adapters.groq:Groq", tmp_path) == 1
    assert "broken.json: " in capsys.readouterr().err
