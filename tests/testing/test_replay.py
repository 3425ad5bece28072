"""The replay server, as somebody's own test would use it."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

import unimeter
from tests.conftest import FIXTURES, ROOT
from unimeter.testing.plugin import Replay


def test_any_fixture_is_replayed_and_read(unimeter_replay: Replay) -> None:
    for name in ("anthropic_claude/cache_split", "openai_chat/stream_basic", "aws_bedrock/converse_stream_cache"):
        fixture = FIXTURES[name]
        url = unimeter_replay(ROOT / "fixtures" / f"{name}.json")
        with urlopen(Request(f"{url}{fixture.wire.path}", data=b"{}"), timeout=5) as answer:
            body = answer.read()
            assert answer.headers["content-type"] == fixture.wire.content_type
        assert body == fixture.bytes()
        reading = unimeter.read(body, fixture.wire.provider, url=fixture.url)
        assert reading.metrics.to_dict() == fixture.expected.metrics


def test_each_file_has_a_server_of_its_own(unimeter_replay: Replay) -> None:
    urls = {name: unimeter_replay(FIXTURES[name]) for name in ("groq/cached_reasoning", "cohere/floats")}
    for name, url in urls.items():
        with urlopen(url, timeout=5) as answer:
            assert json.loads(answer.read()) == FIXTURES[name].response


def test_a_file_that_is_no_fixture_is_said(unimeter_replay: Replay, tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text('{"a": 1}')
    with pytest.raises(ValueError, match="validation error"):
        unimeter_replay(tmp_path / "other.json")
