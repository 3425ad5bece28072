"""A reader that was made for one object of an SDK's class must be right, or stand back, for every other of that class."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

import unimeter
from unimeter import UnimeterError

pytestmark = pytest.mark.sdk

USAGE = {"prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150}
DETAILS = {
    "prompt_tokens_details": {"cached_tokens": 40, "audio_tokens": 20, "cache_write_tokens": 10},
    "completion_tokens_details": {"reasoning_tokens": 7, "audio_tokens": 5, "accepted_prediction_tokens": 3},
}
BODY = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": []}
LAYOUTS: dict[str, dict[str, Any]] = {
    "plain": {**BODY, "usage": USAGE},
    "details": {**BODY, "usage": {**USAGE, **DETAILS}, "service_tier": "flex"},
    "details of null": {**BODY, "usage": {**USAGE, "prompt_tokens_details": None, "completion_tokens_details": {}}},
    "no usage": {**BODY, "usage": None},
    "Groq": {**BODY, "usage": {**USAGE, **DETAILS, "queue_time": 0.5}, "x_groq": {"id": "g"}},
    "Cerebras": {**BODY, "usage": {**USAGE, **DETAILS}, "time_info": {"prompt_time": 0.25}},
    "Perplexity": {**BODY, "usage": {**USAGE, **DETAILS, "cost": {"total_cost": 0.5}}, "citations": ["https://example.com"]},
    "OpenRouter": {**BODY, "usage": {**USAGE, "cost": 0.25, "cost_details": {}}, "provider": "A"},
    "more usage": {**BODY, "usage": {**USAGE, **DETAILS, "num_cached_tokens": 3, "cost": 0.125}},
    "wrong": {**BODY, "usage": {**USAGE, "completion_tokens_details": {"reasoning_tokens": -1}}},
}


def metrics_by(how: Any, response: Any, provider: str | None) -> Any:
    try:
        told = how(response, provider)
    except UnimeterError as error:
        return type(error)
    return told.metrics if isinstance(told, unimeter.Reading) else told


@pytest.mark.parametrize(("first", "second"), list(itertools.permutations(LAYOUTS, 2)))
@pytest.mark.parametrize("provider", [None, "openai-chat", "groq"])
def test_one_layout_after_another(first: str, second: str, provider: str | None) -> None:
    from openai._models import construct_type
    from openai.types.chat import ChatCompletion

    kind = type("ChatCompletion", (ChatCompletion,), {"__module__": ChatCompletion.__module__})  # known to no reader yet
    one, two = (construct_type(type_=kind, value=LAYOUTS[name]) for name in (first, second))
    for response in (one, one, two, two):
        assert metrics_by(unimeter.normalize, response, provider) == metrics_by(unimeter.read, response, provider)
