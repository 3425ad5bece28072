"""`unimeter new`: a draft that is broken until its to-dos are done, and never silently."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.conftest import FIXTURES
from unimeter.cli.app import run
from unimeter.testing.draft import draft_of

RESPONSE = {
    "responseId": "secret-id-12345",
    "modelName": "acme-1",
    "answer": "A long text that somebody wrote, and that nobody else may read.",
    "stats": {"ms": 5},
    "usageReport": {
        "promptTokens": 30,
        "cacheHitTokens": 70,
        "answerTokens": 5,
        "allTotal": 105,
        "searchCount": 2,
        "tier": "flex",
    },
}


def test_what_is_found_in_a_response() -> None:
    draft = draft_of(RESPONSE)
    assert (draft.place, draft.model, draft.camel_case) == ("usageReport", "modelName", True)
    assert draft.metrics == {
        "input_tokens": "promptTokens",
        "cache_read_tokens": "cacheHitTokens",
        "output_tokens": "answerTokens",
        "total_tokens": "allTotal",
    }
    assert draft.others == {"searchCount": 2, "tier": "flex"}


@pytest.mark.parametrize(
    "name", ["openai_chat/cache_write", "anthropic_claude/cache_split", "groq/cached_reasoning", "cohere/floats"]
)
def test_the_usage_of_real_responses_is_found(name: str) -> None:
    assert draft_of(FIXTURES[name].response).place in ("usage", "usage.tokens")


def test_a_draft_says_what_is_to_do_and_passes_once_it_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("recorded.json").write_text(json.dumps(RESPONSE))
    assert run("new", "acme-talk", "--from", "recorded.json", "--path", "/v1/talk") == 0
    written = "".join(path.read_text() for path in tmp_path.rglob("*") if path.is_file() and path.name != "recorded.json")
    assert "somebody wrote" not in written
    assert "secret-id" not in written
    capsys.readouterr()
    monkeypatch.delitem(sys.modules, "acme_talk", raising=False)
    assert run("check", "acme_talk:AcmeTalk", "fixtures/acme_talk") == 1
    assert "to do" in capsys.readouterr().out

    adapter = Path("acme_talk.py")
    adapter.write_text(
        adapter.read_text()
        .replace('input_tokens = count("prompt_tokens")', "")
        .replace("output_tokens = count", 'input_tokens = count("prompt_tokens") + cache_read_tokens\n    output_tokens = count')
    )
    fixture = Path("fixtures/acme_talk/plain.json")
    data = json.loads(fixture.read_text())
    metrics = {"input_tokens": 100, "output_tokens": 5, "total_tokens": 105, "cache_read_tokens": 70}
    data["source"] = "recorded by hand"
    data["expected"] = {
        "provider": "AcmeTalk",
        "model": "acme-1",
        "metrics": {**metrics, "provider_metrics": {"searchCount": 2, "tier": "flex"}},
        "reported": ["cache_read_tokens", "input_tokens", "output_tokens", "total_tokens"],
    }
    fixture.write_text(json.dumps(data))
    monkeypatch.delitem(sys.modules, "acme_talk", raising=False)
    assert run("check", "acme_talk:AcmeTalk", "fixtures/acme_talk") == 0
    assert "class TestAcmeTalk(AdapterContract):" in Path("test_acme_talk.py").read_text()


def test_a_draft_from_a_stream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its usage may be told in several events."""
    monkeypatch.chdir(tmp_path)
    usage = RESPONSE["usageReport"]
    first, last = ({name: usage[name] for name in usage if (name == "promptTokens") is begins} for begins in (True, False))
    events = [{"modelName": "acme-1", "usageReport": first}, {"answer": "secret"}, {"usageReport": last}]
    Path("recorded.sse").write_text("".join(f"data: {json.dumps(event)}\n\n" for event in events))
    assert run("new", "acme-stream", "--from", "recorded.sse") == 0
    fixture = json.loads(Path("fixtures/acme_stream/stream.json").read_text())
    assert [event.get("usageReport") for event in fixture["events"]] == [first, None, last]
    assert "secret" not in str(fixture)
    assert 'input_tokens = count("prompt_tokens")' in Path("acme_stream.py").read_text()


def test_nothing_is_overwritten_and_what_has_no_usage_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("recorded.json").write_text(json.dumps(RESPONSE))
    Path("acme.py").write_text("mine")
    assert run("new", "acme", "--from", "recorded.json") == 1
    assert "exists already" in capsys.readouterr().err
    assert Path("acme.py").read_text() == "mine"
    for text in ("{", "[]", '{"a": "b"}', '{"usage": {"n": 1}}'):
        Path("recorded.json").write_text(text)
        assert run("new", "other", "--from", "recorded.json") == 1
        assert "recorded.json: " in capsys.readouterr().err
    assert run("new", "other", "--from", "nowhere.json") == 1


def test_a_recorded_fixture_in_its_place_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As CONTRIBUTING has it: record, then draft from the recording."""
    monkeypatch.chdir(tmp_path)
    recorded = Path("fixtures/acme/plain.json")
    recorded.parent.mkdir(parents=True)
    text = json.dumps({"source": "x", "wire": {"path": "/"}, "response": RESPONSE, "expected": {"error": "UnknownProvider"}})
    recorded.write_text(text)
    assert run("new", "acme", "--from", recorded) == 0
    assert recorded.read_text() == text
    assert Path("acme.py").exists()


def test_usage_in_two_places_of_a_stream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    events = [{"opening": {"usage": {"askTokens": 3, "storedTokens": 7}}}, {"usage": {"sayTokens": 5, "allTokens": 15}}]
    Path("recorded.sse").write_text("".join(f"data: {json.dumps(event)}\n\n" for event in events))
    assert run("new", "two", "--from", "recorded.sse") == 0
    table = Path("two.py").read_text()
    assert 'places = ("usage", "opening.usage")' in table
    for name in ("ask_tokens", "stored_tokens", "say_tokens", "all_tokens"):
        assert name in table
