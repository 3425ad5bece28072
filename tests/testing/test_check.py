"""`unimeter check`, on an adapter as a newcomer writes it, and on five mistakes in it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from unimeter import MalformedUsage
from unimeter.cli.app import run
from unimeter.cli.check import adapter_named
from unimeter.fixture import load_all
from unimeter.testing.subject import Subject

ADAPTER = '''
from unimeter import Adapter
from unimeter.fields import count


class Acme(Adapter):
    """Acme. The prompt count comes without the cache; a stream tells input first and output last."""

    provider = "Acme"
    hosts = ("api.acme.example",)
    shape = ("acmeVersion",)
    places = ("usage", "start.usage")
    id = ("requestId",)
    final = ("finishReason",)
    camel_case = True
    {extra}
    cache_read_tokens = count("cache_hit_tokens")
    input_tokens = {input}
    output_tokens = count("answer_tokens")
    total_tokens = count("all_tokens")
    provider_metrics = {metrics}
'''
RIGHT = {
    "input": 'count("prompt_tokens") + cache_read_tokens',
    "metrics": '{"searchCount": count("search_count")}',
    "extra": "",
}
USAGE = {"promptTokens": 30, "cacheHitTokens": 70, "answerTokens": 5, "allTokens": 105, "searchCount": 2}
METRICS = {"input_tokens": 100, "output_tokens": 5, "total_tokens": 105, "cache_read_tokens": 70}
WIRE = {"host": "api.acme.example", "path": "/v1/talk"}
EXPECTED = {
    "provider": "Acme",
    "model": "acme-1",
    "metrics": {**METRICS, "provider_metrics": {"searchCount": 2}},
    "reported": ["cache_read_tokens", "input_tokens", "output_tokens", "total_tokens"],
}
PLAIN = {
    "source": "an invented provider",
    "wire": WIRE,
    "response": {"acmeVersion": 1, "requestId": "r", "model": "acme-1", "finishReason": "end", "usage": USAGE},
    "expected": EXPECTED,
}
LAST = {"answerTokens": 5, "allTokens": 105, "searchCount": 2}
STREAM = {
    "source": "the same, over two events",
    "wire": {**WIRE, "content_type": "text/event-stream"},
    "events": [
        {"acmeVersion": 1, "model": "acme-1", "start": {"usage": {"promptTokens": 30, "cacheHitTokens": 70}}},
        {"acmeVersion": 1, "model": "acme-1", "text": "Hello"},
        {
            "acmeVersion": 1,
            "model": "acme-1",
            "finishReason": "end",
            "usage": {"answerTokens": 5, "allTokens": 105, "searchCount": 2},
        },
    ],
    "expected": EXPECTED,
}


def check(folder: Path, monkeypatch: pytest.MonkeyPatch, **changed: str) -> int:
    monkeypatch.chdir(folder)
    (folder / "fixtures" / "acme").mkdir(parents=True)
    for name, fixture in (("plain", PLAIN), ("stream", STREAM)):
        (folder / "fixtures" / "acme" / f"{name}.json").write_text(json.dumps(fixture))
    source = ADAPTER
    for word, right in RIGHT.items():
        source = source.replace("{" + word + "}", changed.get(word, right))
    for old, new in changed.items():
        source = source.replace(old, new) if old not in RIGHT else source
    (folder / "acme_adapter.py").write_text(source)
    monkeypatch.delitem(sys.modules, "acme_adapter", raising=False)
    return run("check", "acme_adapter:Acme")


def test_a_newcomers_adapter_keeps_the_contract(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert len([line for line in ADAPTER.splitlines() if line.strip()]) < 30
    assert check(tmp_path, monkeypatch) == 0
    out = capsys.readouterr().out
    assert "Acme, 2 fixtures: the contract is kept" in out
    assert "sdk_leaves         skipped the adapter names no sdk_types" in out


MISTAKES = {
    "input without the cache": ({"input": 'count("prompt_tokens")'}, "identities", "cache_read_tokens"),
    "a place forgotten": ({'places = ("usage", "start.usage")': 'places = ("usage",)'}, "figures", "correct the table"),
    "a leaf that nobody reads": ({"metrics": "{}"}, "unknown_keys", "add it to the table"),
    "a metric that is never sent": ({"extra": 'reasoning_tokens = count("thought_tokens")'}, "declared", "add a fixture"),
    "the last event alone": (
        {"extra": "\n    @classmethod\n    def merge(cls, events):\n        return events[-1][1]\n"},
        "figures",
        "correct the table",
    ),
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
    assert check(tmp_path, monkeypatch, **changed) == 1
    out = capsys.readouterr().out
    assert f"{caught_by:18} broken" in out
    said = out.partition(f"\n{caught_by}: ")[2].partition("\n\n\n")[0]
    assert mend in said


def test_a_body_that_another_dialect_knows_first_is_still_its_own_by_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shape that Bedrock has as well: by its url it is read all the same, and refused where it is malformed."""
    check(tmp_path, monkeypatch, **{'shape = ("acmeVersion",)': 'shape = ("stopReason",)'})
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
    assert check(tmp_path, monkeypatch, **{'shape = ("acmeVersion",)': 'shape = ("acmeVersion", "usage")'}) == 1
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
