"""Drift: what a usage or an SDK's type holds and an adapter neither reads nor ignores."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field

from unimeter import Adapter, MissingUsage
from unimeter.adapters.openai_chat import OpenAIChat
from unimeter.cli.app import run
from unimeter.drift import drift_in, drift_of, unread
from unimeter.fields import absent, count, label, tally, tree
from unimeter.registry import registry

from .conftest import FIXTURES, ROOT
from .frameworks.test_drift import TYPES as FRAMEWORKS


class Tokens(BaseModel):
    cached: int | None = None
    brandNew: int | None = None  # noqa: N815  # as the wire spells it


class Word(BaseModel):
    kind: str
    tokens: int


@dataclass
class Plain:
    seconds: float


class Usage(BaseModel):
    input_tokens: int
    output_tokens: Annotated[int | None, Field(ge=0)] = None
    details: Tokens | None = None
    words: list[Word] | None = None
    plain: Plain | None = None
    anything: dict[str, Any] | None = None
    reason: str | None = None


@pytest.fixture
def acme(monkeypatch: pytest.MonkeyPatch) -> type[Adapter]:
    module = ModuleType("acme_sdk")
    module.Usage = Usage  # type: ignore[attr-defined]  # a module made here
    monkeypatch.setitem(sys.modules, "acme_sdk", module)

    class Acme(Adapter):
        provider = "Acme"
        sdk_types = ("acme_sdk:Usage",)

        input_tokens = count("input_tokens")
        output_tokens = count("output_tokens")
        cache_read_tokens = count("details.cached")
        audio_input_tokens = count("words[kind=AUDIO].tokens")
        provider_metrics = {"gone": count("gone"), "anything": tree("anything")}
        ignored = {"reason": "no usage"}

    return Acme


def test_leaves_of_an_sdks_type(acme: type[Adapter]) -> None:
    drift = drift_of(acme)
    assert drift is not None
    assert (drift.sdk.strip(), drift.unread, drift.lost) == ("acme_sdk", ["details.brand_new", "plain.seconds"], ["gone"])


def test_an_sdk_that_is_not_installed_is_said(acme: type[Adapter]) -> None:
    acme.sdk_types = ("acme_of_nobody.types:Usage",)
    drift = drift_of(acme)
    assert drift is not None
    assert (drift.installed, drift.sdk) == (False, "acme_of_nobody is not installed")


def test_leaves_of_a_usage(acme: type[Adapter]) -> None:
    usage = {
        "inputTokens": 5,
        "details": {"cached": 1, "brandNew": 2, "empty": None},
        "words": [{"kind": "AUDIO", "tokens": 3, "pitch": 4}],
        "anything": {"deep": {"down": 1}},
        "reason": "stop",
        "added": {"today": [1, 2]},
    }
    assert unread(acme, usage) == ["added.today[]", "details.brand_new", "words[].pitch"]


def test_every_leaf_of_every_fixture_is_read_or_ignored() -> None:
    found = {}
    for name, fixture in FIXTURES.items():
        if fixture.expected.error:
            continue
        headers = fixture.wire.headers or None
        for drift in drift_in(fixture.bytes(), fixture.wire.provider, url=fixture.url, headers=headers):
            if drift.unread:
                found[name] = drift.unread
    assert found == {}


def test_a_field_that_is_taken_out_of_a_table_is_named() -> None:
    class Less(OpenAIChat):
        reasoning_tokens = absent
        output_tokens = count("completion_tokens")
        provider_metrics = {"service_tier": label("service_tier")}

    usage = FIXTURES["openai_chat/cached_reasoning_audio_in_audio_out"].response["usage"]
    assert unread(OpenAIChat, usage) == []
    assert unread(Less, usage) == [
        "completion_tokens_details.accepted_prediction_tokens",
        "completion_tokens_details.reasoning_tokens",
        "completion_tokens_details.rejected_prediction_tokens",
    ]


def test_a_tally_reads_its_word_and_its_count() -> None:
    class Tallied(OpenAIChat):
        provider_metrics = {"words": tally("words", "kind", "tokens")}

    assert unread(Tallied, {"prompt_tokens": 1, "words": [{"kind": "a", "tokens": 1}]}) == []
    assert unread(Tallied, {"prompt_tokens": 1, "words": [{"kind": "a", "tokens": 1, "new": 2}]}) == ["words[].new"]


def test_each_response_of_a_batch_is_looked_into() -> None:
    line = {"custom_id": "1", "response": {"body": {"choices": [], "usage": {"prompt_tokens": 1, "brand_new": 2}}}}
    (drift,) = drift_in(json.dumps(line) + "\n" + json.dumps(line))
    assert (drift.adapter, drift.unread) == ("OpenAIChat", ["brand_new"])


def test_what_cannot_be_read_raises_as_read_does() -> None:
    with pytest.raises(MissingUsage):
        drift_in({"choices": []})


def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    (tmp_path / "new.json").write_text('{"choices": [], "usage": {"prompt_tokens": 1, "brand_new": {"tokens": 2}}}')
    assert run("drift", "fixtures") == 0
    assert "0 leaves are not read" in capsys.readouterr().out
    assert run("drift", "--payload", tmp_path / "new.json") == 1
    assert "brand_new.tokens" in capsys.readouterr().out
    assert run("drift", "--json", tmp_path / "new.json") == 1
    assert json.loads(capsys.readouterr().out)["unread"] == ["brand_new.tokens"]
    assert run("drift", "--markdown", tmp_path / "new.json") == 1
    assert "| `brand_new.tokens` |" in capsys.readouterr().out
    (tmp_path / "cut.json").write_text("{")
    assert run("drift", tmp_path / "cut.json") == 1
    assert "MalformedUsage" in capsys.readouterr().err
    assert run("drift", "--payload") == 2


def test_every_framework_with_a_type_is_here() -> None:
    modules = ("unimeter.adapters.langchain", "unimeter.adapters.frameworks")
    with_types = {one for one in registry().adapters if one.__module__ in modules and vars(one).get("sdk_types")}
    assert with_types == set(FRAMEWORKS.values())
