"""Computed costs: a function of the user's own, and what a run makes of it."""

from __future__ import annotations

import sys
from decimal import Decimal
from typing import Any

import pytest

import unimeter
from unimeter import Reading, Run, Session, unharmed
from unimeter.prices import priced


def chat(tokens: int, model: str = "mine", **more: Any) -> dict[str, Any]:
    return {"choices": [], "model": model, "usage": {"prompt_tokens": tokens, "completion_tokens": 0, **more}}


def a_cent_a_token(reading: Reading) -> Decimal | None:
    return Decimal("0.01") * reading.metrics.input_tokens if reading.model == "mine" else None


def test_what_the_provider_reported_stands() -> None:
    reading = unimeter.read(chat(100, cost=0.5))
    assert priced(reading, a_cent_a_token) is reading


def test_a_computed_cost_is_not_reported_and_the_reading_is_not_changed() -> None:
    reading = unimeter.read(chat(100))
    computed = priced(reading, a_cent_a_token)
    assert computed.metrics.cost == 1.0
    assert computed.cost_is_computed
    assert "cost" not in computed.reported
    assert reading.metrics.cost is None
    assert not reading.cost_is_computed


def test_a_run_prices_each_call_before_it_adds_them() -> None:
    def dearer_when_long(reading: Reading) -> float:
        return 2.0 if reading.metrics.input_tokens > 100 else 0.1

    session = Session()
    with Run(session=session, price=dearer_when_long) as run:
        run.record(chat(60))
        run.record(chat(60))
    assert run.metrics.cost == session.metrics.cost == 0.2


def test_the_counts_tell_what_was_reported_computed_and_unknown() -> None:
    with Run(price=a_cent_a_token) as run:
        run.record(chat(100))
        run.record(chat(100, cost=0.25))
        run.record(chat(100, model="another"))
        run.record({"choices": []}, provider="openai")
    metrics = run.metrics
    assert metrics.cost == 1.25
    assert metrics.additional_metrics == {
        "calls": 4,
        "calls_without_usage": 1,
        "calls_without_cost": 2,
        "calls_with_computed_cost": 1,
    }
    assert metrics.details is not None
    assert {entry.id: entry.cost for entry in metrics.details["model"]} == {"mine": 1.25, "another": None}


def test_a_run_within_another_is_priced_as_it_is_unless_it_says_otherwise() -> None:
    with Run(price=a_cent_a_token) as outer:
        with Run() as inner:
            inner.record(chat(100))
        with Run(price=lambda _: 7) as own:
            own.record(chat(100))
    assert (inner.metrics.cost, own.metrics.cost, outer.metrics.cost) == (1.0, 7.0, 8.0)


def test_the_calls_of_a_batch_and_other_models_within_are_priced_on_their_own() -> None:
    batch = unimeter.read(
        [{**chat(100), "object": "chat.completion"}, {**chat(50, model="another"), "object": "chat.completion"}]
    )
    computed = priced(batch, a_cent_a_token)
    assert [call.metrics.cost for call in computed.calls] == [1.0, None]
    assert computed.metrics.cost == 1.0
    advised = {
        "type": "message",
        "model": "mine",
        "usage": {
            "input_tokens": 10,
            "output_tokens": 1,
            "iterations": [{"type": "advisor_message", "model": "mine", "input_tokens": 30, "output_tokens": 2}],
        },
    }
    computed = priced(unimeter.read(advised), a_cent_a_token)
    assert (computed.metrics.cost, [part.metrics.cost for part in computed.parts]) == (0.1, [0.3])


@pytest.mark.parametrize("amount", [-1, float("nan"), float("inf"), True, "1"])
def test_a_price_that_is_none_is_refused(amount: Any) -> None:
    with pytest.raises(ValueError, match="amount of dollars"):
        priced(unimeter.read(chat(100)), lambda _: amount)


def test_a_price_function_that_fails_loses_no_tokens(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unharmed, "_said", set())
    with Run(price=lambda reading: 1 / 0) as run:
        run.record(chat(100))
        run.record(chat(100))
    assert run.metrics.input_tokens == 200
    assert run.metrics.additional_metrics == {"calls": 2, "calls_without_usage": 0, "calls_without_cost": 2}
    assert [record.getMessage() for record in caplog.records] == [
        "a price function failed, and its calls count without a cost: ZeroDivisionError: division by zero; this is said once"
    ]


def test_what_is_no_price_function_is_refused() -> None:
    for make in (Run, unimeter.capture):
        with pytest.raises(TypeError, match="function"):
            make(price="genai")


def test_the_extra_that_is_missing_is_said_before_anything_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "genai_prices", None)
    monkeypatch.delitem(sys.modules, "unimeter.genai", raising=False)
    with pytest.raises(ImportError, match=r"unimeter\[prices\]"):
        _ = unimeter.prices.genai_price
