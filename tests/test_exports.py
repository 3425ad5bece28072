"""Exports that need nobody's SDK."""

from __future__ import annotations

from typing import Any

import pytest

import unimeter
from unimeter.details import written_for
from unimeter.export.langfuse import cost_details, usage_details


def read(prompt: int, completion: int, **details: Any) -> unimeter.Reading:
    usage = {"prompt_tokens": prompt, "completion_tokens": completion, **details}
    return unimeter.read({"choices": [], "model": "m", "usage": usage})


@pytest.mark.parametrize(
    ("reading", "buckets"),
    [
        (read(10, 5), {"input": 10, "output": 5, "total": 15}),
        (
            read(10, 5, prompt_tokens_details={"cached_tokens": 8, "audio_tokens": 4}),  # some of the audio was cached
            {"input": 10, "output": 5, "total": 15},
        ),
        (read(10, 5, prompt_tokens_details={"cached_tokens": 12}), {"input": 10, "output": 5, "total": 15}),
        (
            read(10, 5, prompt_tokens_details={"cached_tokens": 10}),
            {"input": 0, "input_cache_read": 10, "output": 5, "total": 15},
        ),
    ],
)
def test_langfuse_buckets_are_exclusive(reading: unimeter.Reading, buckets: dict[str, int]) -> None:
    assert usage_details(reading) == buckets
    assert sum(count for name, count in buckets.items() if name != "total") == buckets["total"]


@pytest.mark.parametrize(
    "own",
    [
        {"cache_creation": {"ephemeral_1h_input_tokens": 60}},
        {"cacheDetails": {"1h": 60}},
        {"ephemeral_1h_input_tokens": 60},
        {"cache_write_1h_tokens": 60},
    ],
)
def test_how_long_a_cache_keeps_what_was_written_to_it(own: dict[str, Any]) -> None:
    metrics = unimeter.MessageMetrics(provider_metrics=own)
    assert (written_for(metrics, "1h"), written_for(metrics, "5m")) == (60, None)


def test_langfuse_is_told_no_cost_that_is_not_known() -> None:
    assert cost_details(read(10, 5)) == {}
    assert cost_details(read(10, 5, cost=0.5)) == {"total": 0.5}
