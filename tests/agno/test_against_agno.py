"""Our roll-up against agno's own classes: the same sequences through both, and dicts from one to the other.

Where ours differ on purpose, `DIFFERENCES` says so, and a test each shows it.
"""

from __future__ import annotations

import random
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest

from tests.conftest import ROOT
from unimeter import MessageMetrics, ModelMetrics, Reading, RunMetrics, SessionMetrics, ToolCallMetrics
from unimeter.compiler import TOLD

agno: Any = import_module("agno.metrics")
pytestmark = pytest.mark.agno

DIFFERENCES = {
    "dollars are added as decimals": "ten times 0.1 is 1.0",
    "nested provider metrics are added as well": "agno keeps the latest object",
    "a truth value is no number": "agno adds True to True",
    "calls are counted": "additional_metrics tells calls, and those without usage or cost",
    "an evaluator's additional metrics are kept": "agno drops all but its duration",
    "every helper's duration is kept under its prefix": "agno keeps an evaluator's only",
}

TOKENS = (
    *("input_tokens", "output_tokens", "total_tokens", "audio_input_tokens", "audio_output_tokens", "audio_total_tokens"),
    *("cache_read_tokens", "cache_write_tokens", "reasoning_tokens"),
)
OUR_COUNTS = {"calls", "calls_without_usage", "calls_without_cost"}


def test_the_differences_are_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    for what, how in DIFFERENCES.items():
        assert f"- {what}: {how}" in readme


def message(chance: random.Random) -> dict[str, Any]:
    """A call's metrics, as both classes take them."""
    values: dict[str, Any] = {name: chance.choice([0, chance.randrange(10_000)]) for name in TOKENS}
    values["cost"] = chance.choice([None, chance.randrange(1_000) / 64])  # halves of halves: floats that add up exactly
    values["duration"] = chance.choice([None, chance.randrange(100) / 4])
    values["time_to_first_token"] = chance.choice([None, chance.randrange(100) / 8])
    values["provider_metrics"] = chance.choice([None, {"total_time": chance.randrange(9), "tier": chance.choice("ab")}])
    return values


def recorded(chance: random.Random, ours: RunMetrics, theirs: Any) -> None:
    values, kind = message(chance), chance.choice(["model", "memory_model", "own"])
    provider, model = chance.choice([("OpenAI Chat", "m"), ("OpenAI Chat", "n"), ("Groq", "m")])
    told = tuple(values.get(name) for name in TOLD)
    ours.record(Reading(provider, model, None, MessageMetrics(**values), told=told), kind)
    response = SimpleNamespace(response_usage=agno.MessageMetrics(**values))
    agno.accumulate_model_metrics(response, SimpleNamespace(id=model, get_provider=lambda: provider), kind, theirs)


def runs(chance: random.Random) -> tuple[RunMetrics, Any]:
    """The same run in both."""
    times = {"duration": chance.choice([None, 1.5, 4.25]), "time_to_first_token": chance.choice([None, 0.5, 0.75])}
    ours, theirs = RunMetrics(**times), agno.RunMetrics(**times)
    for _ in range(chance.randrange(4)):
        recorded(chance, ours, theirs)
    return ours, theirs


def plain(metrics: Any) -> dict[str, Any]:
    """A run or session as its dict, without the counts that only ours have."""
    data: dict[str, Any] = metrics.to_dict()
    extras = {name: value for name, value in data.pop("additional_metrics", {}).items() if name not in OUR_COUNTS}
    data["details"] = {
        kind: [{name: value for name, value in entry.items() if value != {}} for entry in models]
        for kind, models in data.get("details", {}).items()
        if models
    }
    return data | {"additional_metrics": extras}


@pytest.mark.parametrize("seed", range(1_000))
def test_the_same_sequence_through_both(seed: int) -> None:
    chance = random.Random(seed)
    ours, theirs = runs(chance)
    our_session, their_session = SessionMetrics(), agno.SessionMetrics()
    for _ in range(chance.randrange(1, 8)):
        step = chance.choice(["record", "add", "merge", "eval", "session"])
        if step == "record":
            recorded(chance, ours, theirs)
        elif step == "session":
            our_session.accumulate(ours)
            their_session.accumulate_from_run(theirs)
        else:
            other, their_other = runs(chance)
            if step == "add":
                ours, theirs = ours + other, theirs + their_other
            elif step == "merge":
                ours.merge(other)
                agno.merge_background_metrics(theirs, [their_other])
            else:
                ours.merge_eval(other)
                agno.accumulate_eval_metrics(their_other, theirs)
        assert plain(ours) == plain(theirs), step
        assert plain(our_session) == plain(their_session), step
    values, more = message(chance), message(chance)
    assert (MessageMetrics(**values) + MessageMetrics(**more)).to_dict() == (
        agno.MessageMetrics(**values) + agno.MessageMetrics(**more)
    ).to_dict()
    assert plain(our_session + our_session) == plain(their_session + their_session)


def test_dicts_load_in_the_other() -> None:
    chance = random.Random(7)
    for _ in range(100):
        ours, theirs = runs(chance)
        assert plain(RunMetrics.from_dict(theirs.to_dict())) == plain(theirs)
        assert plain(agno.RunMetrics.from_dict(ours.to_dict())) == plain(ours)
        session, their_session = SessionMetrics(), agno.SessionMetrics()
        session.accumulate(ours)
        their_session.accumulate_from_run(theirs)
        assert plain(SessionMetrics.from_dict(their_session.to_dict())) == plain(their_session)
        assert plain(agno.SessionMetrics.from_dict(session.to_dict())) == plain(session)
        values = message(chance)
        assert MessageMetrics.from_dict(agno.MessageMetrics(**values).to_dict()) == MessageMetrics(**values)
        assert agno.MessageMetrics.from_dict(MessageMetrics(**values).to_dict()) == agno.MessageMetrics(**values)
    times = {"start_time": 1_700_000_000.0, "end_time": 1_700_000_002.0, "duration": 2.0}
    assert ToolCallMetrics.from_dict(agno.ToolCallMetrics(**times).to_dict()) == ToolCallMetrics(**times)
    assert agno.ToolCallMetrics.from_dict(ToolCallMetrics(**times).to_dict()) == agno.ToolCallMetrics(**times)
    iso = times | {"start_time": "2023-11-14T22:13:20+00:00"}
    assert ToolCallMetrics.from_dict(iso).start_time == agno.ToolCallMetrics.from_dict(iso).start_time


def both(values: dict[str, Any], more: dict[str, Any]) -> tuple[Any, Any]:
    """The sums of the same two calls of one model."""
    ours, theirs = ModelMetrics(**values), agno.ModelMetrics(**values)
    ours.accumulate(ModelMetrics(**more))
    theirs.accumulate(agno.ModelMetrics(**more))
    return ours, theirs


def test_dollars() -> None:
    ours, theirs = both({"cost": 0.1}, {"cost": 0.2})
    assert (ours.cost, theirs.cost) == (0.3, 0.1 + 0.2)
    assert ours.cost != theirs.cost


def test_nested_provider_metrics() -> None:
    values = {"provider_metrics": {"server_tool_use": {"web_search_requests": 1}}}
    ours, theirs = both(values, values)
    assert ours.provider_metrics == {"server_tool_use": {"web_search_requests": 2}}
    assert theirs.provider_metrics == {"server_tool_use": {"web_search_requests": 1}}


def test_truth_values() -> None:
    ours, theirs = both({"provider_metrics": {"cached": True}}, {"provider_metrics": {"cached": True}})
    assert (ours.provider_metrics, theirs.provider_metrics) == ({"cached": True}, {"cached": 2})


def test_evaluators() -> None:
    values = {"duration": 2.0, "additional_metrics": {"calls": 3}}
    for prefix, kept in (("eval", {"eval_duration": 2.0}), ("reasoning", {})):
        ours, theirs = RunMetrics(), agno.RunMetrics()
        ours.merge_eval(RunMetrics(**values), prefix)
        agno.accumulate_eval_metrics(agno.RunMetrics(**values), theirs, prefix)
        assert ours.additional_metrics == {"calls": 3, f"{prefix}_duration": 2.0}
        assert (theirs.additional_metrics or {}) == kept


def test_calls_are_counted() -> None:
    ours, theirs = RunMetrics(), agno.RunMetrics()
    recorded(random.Random(1), ours, theirs)
    assert set(ours.additional_metrics or ()) == OUR_COUNTS
    assert theirs.additional_metrics is None
