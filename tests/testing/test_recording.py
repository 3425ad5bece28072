"""Fixtures from live traffic: what is written replays to the same figures, and tells nothing that it must not."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

import unimeter
from unimeter.cli.app import run
from unimeter.fixture import Fixture, load
from unimeter.testing import record
from unimeter.testing.anonymous import Anonymous
from unimeter.testing.recording import wire_of
from unimeter.testing.subject import told

from ..conftest import FIXTURES
from ..reading_of import reading_of

SECRETS = ("sk-secret-1", "secret-2", "cookie-3", "org-4", "user-5", "The weather", "Paris", "secret-6")
ANSWER = {
    "id": "chatcmpl-AbC123dEf456",
    "object": "chat.completion",
    "created": 1795305600,
    "model": "ft:gpt-4o-mini:org-4::user-5",
    "choices": [
        {
            "index": 0,
            "message": {
                "role": "assistant",
                "content": "The weather in Paris",
                "tool_calls": [{"id": "call_9xZ", "function": {"name": "secret-6", "arguments": '{"Paris": "secret-6"}'}}],
            },
            "logprobs": {"content": [{"token": "Paris", "logprob": -0.1, "bytes": [80, 97]}]},
            "finish_reason": "stop",
        }
    ],
    "metadata": {"user-5": "secret-6"},
    "usage": {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12, "new_count": 4},
}


def answering(answer: dict[str, object]) -> Fixture:
    wire = {"path": "/v1/chat/completions", "headers": {"set-cookie": "cookie-3", "openai-organization": "org-4"}}
    return Fixture.model_validate({"name": "x/y", "source": "", "wire": wire, "response": answer, "expected": {}})


def ask(url: str) -> None:
    httpx.post(
        f"{url}/v1/chat/completions?key=secret-2&api-version=2026-01-01",
        headers={"authorization": "Bearer sk-secret-1", "cookie": "cookie-3", "x-api-key": "sk-secret-1"},
        json={"messages": [{"role": "user", "content": "The weather?"}]},
    ).raise_for_status()


def test_what_is_secret_is_not_written(tmp_path: Path, unimeter_replay: Callable[[Fixture], str]) -> None:
    file = tmp_path / "acme" / "chat.json"
    with record(file) as recording:
        ask(unimeter_replay(answering(ANSWER)))
    assert recording.files == [file]
    text = file.read_text()
    assert not [secret for secret in SECRETS if secret in text]
    fixture = load(file)
    assert fixture.response["usage"] == ANSWER["usage"]
    assert fixture.response["id"].startswith("chatcmpl-")
    assert fixture.response["id"] != ANSWER["id"]
    assert fixture.response["model"] == "ft:gpt-4o-mini:fixture"
    assert fixture.wire.path == "/v1/chat/completions?api-version=2026-01-01"
    assert fixture.expected.metrics == {"input_tokens": 9, "output_tokens": 3, "total_tokens": 12}
    assert "python-httpx" in fixture.source


def test_texts_are_kept_if_asked(tmp_path: Path, unimeter_replay: Callable[[Fixture], str]) -> None:
    with record(tmp_path, keep_text=True) as recording:
        url = unimeter_replay(answering(ANSWER))
        ask(url)
        ask(url)
    assert [file.name for file in recording.files] == ["chat_completions.json", "chat_completions_2.json"]
    assert load(recording.files[0]).response == ANSWER
    assert "sk-secret-1" not in recording.files[0].read_text()


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    """A client that is answered with the fixture that it names in a header, without a server."""

    def answer(request: httpx.Request) -> httpx.Response:
        fixture = FIXTURES[request.headers["fixture"]]
        headers = {**fixture.wire.headers, "content-type": fixture.wire.content_type}
        return httpx.Response(200, headers=headers, stream=httpx.ByteStream(fixture.bytes()))

    with httpx.Client(transport=httpx.MockTransport(answer)) as client:
        yield client


def test_every_fixture_is_recorded_as_it_is_read(fixture: Fixture, client: httpx.Client, tmp_path: Path) -> None:
    """Whatever the provider and the framing: the draft replays to the same reading."""
    if fixture.wire.path == "/":  # what a framework made of an answer, which never went over the wire
        return
    hosts = {"127.0.0.1": fixture.wire.provider or fixture.expected.provider or "openai-chat"}
    with record(tmp_path, hosts=hosts) as recording:
        client.post(f"http://127.0.0.1{fixture.wire.path}", headers={"fixture": fixture.name}, content=b"{}")
    if fixture.body is not None and (recording.problems or not recording.files):
        assert len(recording.problems) == 1
        return
    assert not recording.problems
    (file,) = recording.files
    drafted = load(file)
    assert drafted.is_stream is (fixture.is_stream or drafted.is_stream)
    if fixture.expected.error is None:
        assert told(reading_of(drafted, drafted.bytes())) == drafted.expected
        assert drafted.expected.metrics == fixture.expected.metrics
        assert drafted.expected.reported == fixture.expected.reported


SCRIPT = """
import sys, httpx
httpx.post(sys.argv[1] + "/v1/chat/completions", headers={"authorization": "Bearer sk-secret-1"}, json={})
"""


def test_a_program_is_recorded(
    tmp_path: Path, unimeter_replay: Callable[[Fixture], str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "script.py").write_text(SCRIPT)
    url = unimeter_replay(FIXTURES["openai_chat/stream"])
    assert run("record", "--out", "drafts", "--", "python", "script.py", url) == 0
    assert capsys.readouterr().out == "drafts/chat_completions_stream.json\n"
    drafted = load(tmp_path / "drafts" / "chat_completions_stream.json")
    assert drafted.expected.metrics == FIXTURES["openai_chat/stream"].expected.metrics
    assert unimeter.read(drafted.bytes()).complete


def test_a_program_that_calls_nobody_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("record", "--out", tmp_path, "--", "python", "-c", "pass") == 1
    assert "no provider's answer was heard" in capsys.readouterr().err
    assert run("record", "--out", tmp_path, "--", "python", "-c", "raise SystemExit(3)") == 3
    assert run("record", "--out", tmp_path, "--", str(tmp_path / "nothing")) == 1
    assert run("record", "--out", tmp_path, "--host", "x=nobody", "--", sys.executable) == 2


def test_nothing_is_overwritten(tmp_path: Path, unimeter_replay: Callable[[Fixture], str]) -> None:
    (tmp_path / "chat.json").write_text("mine")
    with record(tmp_path / "chat.json") as recording:
        ask(unimeter_replay(answering(ANSWER)))
    assert (tmp_path / "chat.json").read_text() == "mine"
    assert json.loads(recording.files[0].read_text())["response"]


@pytest.mark.parametrize(
    "part",
    [
        {"logprobs": {"top_logprobs": [{" Paris": -0.1}], "tokens": ["Paris"]}},
        {"results": [{"document": {"Paris": 81234}}]},
        {"status": "Paris is late"},
        {"status": "sk-Paris"},
        {"my_model": "Paris"},
        {"usage": {"prompt_tokens": 1, "end_user": "Paris", "by": "jo@Paris.example", "sk-Paris": 2, "api_key": "paris"}},
        {"context": [80, 97, 114, 105, 115]},
        {"message": {"content": [{"type": "tool_use", "input": {"Paris": {"Paris": 1}}}]}},
    ],
    ids=str,
)
def test_what_somebody_said_is_nowhere(part: dict[str, object]) -> None:
    shown = json.dumps(Anonymous().of({"object": "chat.completion", "choices": [part], **part}))
    assert "paris" not in shown.lower()
    assert "97" not in shown


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("https://gw.example/sk-secret123/v1/chat/completions", "/fixture/v1/chat/completions"),
        ("https://gateway.ai.cloudflare.com/v1/0123456789abcdef0123456789abcdef/g/openai/x", "/v1/fixture/g/openai/x"),
        ("https://x.example/v1/projects/mine/locations/l/models/gemini-2-5-flash-preview-04-17:predict", "/v1/projects/fixture/"),
        ("https://u:p@x.example/v1/chat;sid=secret/completions?key=secret", "/v1/chat/completions"),
        (
            "https://bedrock-runtime.us-east-1.amazonaws.com/model/arn:aws:bedrock:us-east-1:123456789012:x%2Fy/invoke",
            "/model/arn",
        ),
        ("https://api.mistral.ai/v1/models/mistral-large-2411:chat", "/v1/models/mistral-large-2411:chat"),
    ],
)
def test_a_url_without_whose_it_is(url: str, path: str) -> None:
    wire = wire_of(url, {}, None)
    assert wire.path.startswith(path)
    assert not [
        secret for secret in ("secret", "mine", "0123456789", "123456789012", "u:p") if secret in f"{wire.host}{wire.path}"
    ]


@pytest.mark.parametrize(
    ("agent", "kept"),
    [
        ("OpenAI/Python 3.54.0", "OpenAI/Python 3.54.0"),
        ("python-httpx/0.28.1", "python-httpx/0.28.1"),
        ("corp-bot jo@acme.example token=abc", "corp-bot"),
        ("(nothing)", ""),
    ],
)
def test_of_a_user_agent_the_product_is_kept(agent: str, kept: str, tmp_path: Path, client: httpx.Client) -> None:
    with record(tmp_path) as recording:
        headers = {"fixture": "openai_chat/plain", "user-agent": agent}
        client.post("http://127.0.0.1/v1/chat/completions", headers=headers, content=b"{}")
    assert load(recording.files[0]).source.partition(" by ")[2] == kept


def test_what_is_not_an_answer_is_said(tmp_path: Path) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(401, json={"error": "secret"}))
    with record(tmp_path) as recording, httpx.Client(transport=transport) as refused:
        refused.post("https://api.openai.com/v1/chat/completions", content=b"{}")
    assert recording.problems == ["/v1/chat/completions: answered with status 401"]
    assert recording.files == []
