"""The older view: every field of its table, of messages, runs, sessions and tools, and the way back."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from unimeter import MalformedUsage, MessageMetrics, Run, RunMetrics, SessionMetrics, ToolCallMetrics
from unimeter.export import agno_v1

from .test_rollup import message_metrics

FULL = MessageMetrics(
    input_tokens=100,
    output_tokens=50,
    total_tokens=150,
    audio_input_tokens=20,
    audio_output_tokens=5,
    audio_total_tokens=25,
    cache_read_tokens=40,
    cache_write_tokens=10,
    reasoning_tokens=7,
    cost=0.5,
    duration=1.5,
    time_to_first_token=0.25,
    provider_metrics={"queue_time": 0.125},
)
OLDER = {
    "input_tokens": 100,
    "output_tokens": 50,
    "total_tokens": 150,
    "prompt_tokens": 100,
    "completion_tokens": 50,
    "audio_tokens": 25,
    "input_audio_tokens": 20,
    "output_audio_tokens": 5,
    "cached_tokens": 40,
    "cache_write_tokens": 10,
    "reasoning_tokens": 7,
    "prompt_tokens_details": {"cached_tokens": 40, "audio_tokens": 20},
    "completion_tokens_details": {"reasoning_tokens": 7, "audio_tokens": 5},
    "additional_metrics": {"queue_time": 0.125, "cost": 0.5},
    "time": 1.5,
    "time_to_first_token": 0.25,
}


def test_every_field_of_the_older_table() -> None:
    assert agno_v1.message(FULL) == OLDER
    assert agno_v1.message_from(OLDER) == FULL


@given(message_metrics())
def test_a_message_comes_back(metrics: MessageMetrics) -> None:
    back = agno_v1.message_from(agno_v1.message(metrics))
    metrics.provider_metrics = metrics.provider_metrics or None
    assert back == metrics


def test_older_names_alone_are_understood() -> None:
    """What OpenAI's models gave before today's names were there."""
    older: dict[str, Any] = {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11, "unknown": object()}
    older["prompt_tokens_details"] = {"cached_tokens": 4, "audio_tokens": None}
    assert agno_v1.message_from(older) == MessageMetrics(input_tokens=9, output_tokens=2, total_tokens=11, cache_read_tokens=4)


def test_a_run_is_a_dictionary_of_lists() -> None:
    run = Run()
    for tokens in (5, 7):
        run.record({"choices": [], "usage": {"prompt_tokens": tokens, "completion_tokens": 1, "cost": 0.1}}, duration=0.5)
    run.record(None, duration=2.0)  # its counts are not known, and so not 0
    lists = agno_v1.run(run)
    assert lists["input_tokens"] == lists["prompt_tokens"] == [5, 7]
    assert lists["cached_tokens"] == [0, 0]
    assert lists["time"] == [0.5, 0.5, 2.0]
    assert lists["additional_metrics"] == [{"cost": 0.1}, {"cost": 0.1}]
    assert "time_to_first_token" not in lists
    assert agno_v1.run_from(lists) == RunMetrics(input_tokens=12, output_tokens=2, total_tokens=14, cost=0.2)
    assert agno_v1.run([message.metrics for message in run.messages[:2]]) == agno_v1.run(run.messages[:2])


def test_a_session_and_a_tool() -> None:
    metrics = SessionMetrics(input_tokens=12, total_tokens=12, cost=0.2, additional_metrics={"calls": 2})
    older = agno_v1.session(metrics)
    assert older["prompt_tokens"] == 12
    assert older["additional_metrics"] == {"calls": 2, "cost": 0.2}
    assert agno_v1.session_from(older) == metrics
    assert agno_v1.tool(ToolCallMetrics(start_time=1.0, end_time=3.0, duration=2.0)) == {"time": 2.0}
    assert agno_v1.tool(ToolCallMetrics()) == {}
    assert agno_v1.tool_from({"time": 2.0}) == ToolCallMetrics(duration=2.0)


@pytest.mark.parametrize(
    ("older", "path"),
    [
        ({"input_tokens": "9"}, "input_tokens"),
        ({"input_tokens": [9]}, "input_tokens"),
        ({"time": [1.0]}, "time"),
        ({"additional_metrics": {"cost": "free"}}, "cost"),
        ({"prompt_tokens_details": {"cached_tokens": "12"}}, "cache_read_tokens"),
        ({"prompt_tokens": -1}, "input_tokens"),
        ({"additional_metrics": 3}, "additional_metrics"),
    ],
)
def test_wrong_types_are_refused_with_the_path(older: dict[str, Any], path: str) -> None:
    with pytest.raises(MalformedUsage, match=path):
        agno_v1.message_from(older)
