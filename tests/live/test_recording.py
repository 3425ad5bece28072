"""Fixtures recorded from a real server: replayed, they give the SDK what the server gave it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import anthropic
import openai
import pytest

import unimeter
from unimeter.fixture import Fixture, load
from unimeter.testing import record
from unimeter.testing.subject import told

from .test_llamacpp import CHAT, DIALECTS, Dialect, in_each_dialect, plain_and_stream

pytestmark = pytest.mark.live

PROMPT = "How much, if somebody listens?"


def as_data(answer: Any) -> Any:
    """An SDK's object, or its chunks, as JSON data."""
    return [as_data(one) for one in answer] if isinstance(answer, list) else json.loads(answer.model_dump_json())


def answer_of(dialect: Dialect, clients: SimpleNamespace, stream: bool) -> Any:
    answer = dialect.ask(clients, PROMPT, stream=stream)
    return list(answer) if stream else answer


def replayed(dialect: Dialect, url: str, stream: bool) -> Any:
    clients = SimpleNamespace(
        openai=openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0),
        anthropic=anthropic.Anthropic(base_url=url, api_key="none", max_retries=0),
    )
    return answer_of(dialect, clients, stream)


@in_each_dialect
@plain_and_stream
def test_it_replays_identically(
    dialect: Dialect, stream: bool, clients: SimpleNamespace, tmp_path: Path, unimeter_replay: Callable[[Fixture], str]
) -> None:
    """With its texts, to the letter; without them, but for texts and ids."""
    for keep_text in (True, False):
        with record(tmp_path, keep_text=keep_text) as recording:
            answer = answer_of(dialect, clients, stream)
        (file,) = recording.files
        fixture = load(file)
        again = replayed(dialect, unimeter_replay(fixture), stream)
        assert told(unimeter.read(again)) == told(unimeter.read(answer))
        assert fixture.expected == told(unimeter.read(answer))
        assert "localhost" in fixture.source or "llama.cpp" in fixture.source or "127.0.0.1" in fixture.source
        if keep_text:
            assert as_data(again) == as_data(answer)
        else:
            assert "Two" not in file.read_text()
            assert "four" not in file.read_text()


def test_all_at_once(clients: SimpleNamespace, tmp_path: Path) -> None:
    """A program's answers are a fixture each, named by where they came from."""
    with record(tmp_path) as recording:
        for dialect in DIALECTS:
            answer_of(dialect, clients, stream=False)
        answer_of(CHAT, clients, stream=True)
    names = [file.name for file in recording.files]
    assert names == ["chat_completions.json", "responses.json", "messages.json", "chat_completions_stream.json"]
