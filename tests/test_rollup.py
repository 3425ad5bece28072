"""What holds of every sum of metrics, whatever was added and in whatever order."""

from __future__ import annotations

import copy
from dataclasses import replace
from decimal import Decimal
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unimeter import (
    MalformedUsage,
    MessageMetrics,
    ModelMetrics,
    Reading,
    Run,
    RunMetrics,
    Session,
    SessionMetrics,
    ToolCallMetrics,
)
from unimeter.metrics import TokenField

TOKENS = get_args(TokenField)
dollars = st.none() | st.integers(0, 10**11).map(lambda units: units / 10**8)
seconds = st.none() | st.floats(0, 1e6)
json_values = st.sampled_from([None, True, 3, 0.5, "word", [1, {"a": 2}], {"a": 1}, {"a": {"b": 2}, "c": "word"}, {}])
extras = st.none() | st.dictionaries(st.sampled_from("abc"), json_values, max_size=3)
tokens = st.integers(0, 10**9).map(lambda seed: {name: seed * (at + 7) % 10_007 for at, name in enumerate(TOKENS)})


@st.composite
def message_metrics(draw: st.DrawFn) -> MessageMetrics:
    return MessageMetrics(
        **draw(tokens),
        cost=draw(dollars),
        duration=draw(seconds),
        time_to_first_token=draw(seconds),
        provider_metrics=draw(extras),
    )


readings = st.builds(
    Reading,
    provider=st.sampled_from(["OpenAI Chat", "Anthropic"]),
    model=st.sampled_from([None, "m", "n"]),
    id=st.none(),
    metrics=message_metrics(),
)
calls = st.lists(st.tuples(st.none() | readings, st.sampled_from(["model", "memory_model", "eval_model"])), max_size=4)


@st.composite
def run_metrics(draw: st.DrawFn) -> RunMetrics:
    run = RunMetrics(duration=draw(seconds), time_to_first_token=draw(seconds), additional_metrics=draw(extras))
    for reading, model_type in draw(calls):
        run.record(reading, model_type)
    return run


def counted(metrics: Any) -> dict[str, int]:
    return {name: getattr(metrics, name) for name in TOKENS}


def by_model(metrics: Any) -> dict[tuple[str, str, str], dict[str, int]]:
    return {
        (model_type, entry.provider, entry.id): counted(entry)
        for model_type, models in (metrics.details or {}).items()
        for entry in models
    }


kinds = st.sampled_from([message_metrics(), run_metrics()]).flatmap(lambda kind: st.tuples(kind, kind, kind))


@given(kinds)
def test_sums_do_not_depend_on_order_or_grouping(three: tuple[Any, Any, Any]) -> None:
    one, two, three_ = three
    assert counted((one + two) + three_) == counted(one + (two + three_))
    assert counted(one + two) == counted(two + one)
    assert counted(sum([one, two, three_])) == {name: sum(getattr(each, name) for each in three) for name in TOKENS}
    if isinstance(one, RunMetrics):
        assert by_model((one + two) + three_) == by_model(one + (two + three_)) == by_model(three_ + two + one)


@given(kinds)
def test_a_sum_neither_changes_nor_shares_what_was_added(three: tuple[Any, Any, Any]) -> None:
    before = copy.deepcopy(three)
    total = sum(three)
    if isinstance(total, RunMetrics):
        total.merge(three[0])
        total.merge_eval(three[1])
    total.accumulate(copy.deepcopy(total))  # changes all that could be shared
    for nested in (getattr(total, "provider_metrics", None), getattr(total, "additional_metrics", None)):
        for value in (nested or {}).values():
            if isinstance(value, (list, dict)):
                value.clear()
    assert three == before


@given(calls)
def test_the_details_sum_up_to_the_headline_and_a_run_to_plain_metrics(recorded: Any) -> None:
    session = Session()
    run, plain = Run(session=session), RunMetrics()
    for reading, model_type in recorded:
        run.record(reading, model_type)
        plain.record(reading, model_type)
    metrics = run.metrics
    assert replace(metrics, time_to_first_token=None) == plain  # the run's own clock is not the calls'
    entries = [entry for models in (metrics.details or {}).values() for entry in models]
    assert counted(metrics) == {name: sum(getattr(entry, name) for entry in entries) for name in TOKENS}
    costs = [Decimal(repr(entry.cost)) for entry in entries if entry.cost is not None]
    assert metrics.cost == (float(sum(costs)) if costs else None)
    total = SessionMetrics()
    total.accumulate(metrics)
    assert session.metrics == total


@given(st.lists(run_metrics(), max_size=4), st.integers(0, 4))
def test_saved_and_loaded_in_the_middle_equals_straight(runs: list[RunMetrics], at: int) -> None:
    straight, before = Session(), Session()
    for run in runs:
        straight.add(run)
    for run in runs[:at]:
        before.add(run)
    after = Session.from_dict(before.to_dict())
    for run in runs[at:]:
        after.add(run)
    assert after.metrics == straight.metrics


@given(message_metrics() | run_metrics())
def test_dicts_and_json_come_back_the_same(metrics: Any) -> None:
    assert type(metrics).from_dict(metrics.to_dict()) == metrics
    assert type(metrics).from_json(metrics.to_json()) == metrics


def test_keys_that_nobody_knows_are_ignored_and_wrong_types_refused_with_the_path() -> None:
    assert SessionMetrics.from_dict({"input_tokens": 1, "timer": {}}) == SessionMetrics(input_tokens=1)
    wrong = {
        "details": {"details": {"model": [{"input_tokens": "many"}]}},
        "cost": {"cost": "free"},
        "input_tokens": {"input_tokens": 1.5},
        "additional_metrics": {"additional_metrics": []},
    }
    for path, data in wrong.items():
        with pytest.raises(MalformedUsage, match=path):
            RunMetrics.from_dict(data)
    for text in ("{", "[]", b"\xff"):
        with pytest.raises(MalformedUsage):
            RunMetrics.from_json(text)


def test_metrics_of_different_kinds_do_not_add() -> None:
    for other in (RunMetrics(), ToolCallMetrics(), 1, None):
        with pytest.raises(TypeError):
            MessageMetrics() + other  # type: ignore[operator]  # that is the point


def test_every_count_is_added() -> None:
    one = MessageMetrics(**{name: 2**at for at, name in enumerate(TOKENS)})
    entry = ModelMetrics()
    entry.accumulate(one)
    entry.accumulate(one)
    assert counted(entry) == counted(one + one) == {name: 2 ** (at + 1) for at, name in enumerate(TOKENS)}
