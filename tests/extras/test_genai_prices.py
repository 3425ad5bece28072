"""genai-prices: what it gets of a reading. The expected dollars are the providers' list prices, by hand."""

from __future__ import annotations

from typing import Any

import pytest

import unimeter
from unimeter import prices

pytestmark = pytest.mark.extras

MILLION = 1_000_000


def claude(**usage: Any) -> unimeter.Reading:
    return unimeter.read({"type": "message", "model": "claude-sonnet-4-5", "usage": {"output_tokens": 0, **usage}})


def gemini(model: str, **usage: Any) -> unimeter.Reading:
    return unimeter.read({"candidates": [], "modelVersion": model, "usageMetadata": usage})


def gpt(tier: str) -> unimeter.Reading:
    usage = {"prompt_tokens": MILLION, "completion_tokens": 0}
    return unimeter.read({"choices": [], "model": "gpt-5", "service_tier": tier, "usage": usage})


SPLIT = {"ephemeral_5m_input_tokens": 40, "ephemeral_1h_input_tokens": 60}
IMAGES = [{"modality": "IMAGE", "tokenCount": 900}]

CASES = {
    "input and output": (claude(input_tokens=1000, output_tokens=100), 1000 * 3 + 100 * 15),
    "cache read": (claude(input_tokens=18, cache_read_input_tokens=232), 18 * 3 + 232 * 0.3),
    "cache kept 5 minutes and 1 hour": (
        claude(input_tokens=18, cache_creation_input_tokens=100, cache_creation=SPLIT),
        18 * 3 + 40 * 3.75 + 60 * 6,
    ),
    "long context": (claude(input_tokens=300_000), 300_000 * 6),
    "long context of cached tokens": (
        claude(input_tokens=100_000, cache_read_input_tokens=150_000),
        100_000 * 6 + 150_000 * 0.6,
    ),
    "long context, Gemini": (
        gemini("gemini-2.5-pro", promptTokenCount=300_000, candidatesTokenCount=0, totalTokenCount=300_000),
        300_000 * 2.5,
    ),
    "images": (
        gemini(
            "gemini-2.5-flash-image",
            promptTokenCount=1000,
            candidatesTokenCount=1000,
            candidatesTokensDetails=IMAGES,
            totalTokenCount=2000,
        ),
        1000 * 0.3 + 900 * 30 + 100 * 2.5,
    ),
    "default tier": (gpt("default"), MILLION * 1.25),
    "flex tier": (gpt("flex"), MILLION * 0.625),
    "priority tier": (gpt("priority"), MILLION * 2.5),
    "batch": (claude(input_tokens=1000, service_tier="batch"), 1000 * 1.5),
}


@pytest.mark.parametrize(("reading", "micro_dollars"), CASES.values(), ids=CASES)
def test_prices(reading: unimeter.Reading, micro_dollars: float) -> None:
    price = prices.genai_price(reading)
    assert price is not None
    assert float(price) * MILLION == pytest.approx(micro_dollars)


def test_what_it_does_not_know_has_no_price() -> None:
    unknown = unimeter.read({"choices": [], "model": "nobody-9", "usage": {"prompt_tokens": 1, "completion_tokens": 1}})
    nameless = unimeter.read({"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 1}})
    local = unimeter.read({"model": "llama3", "prompt_eval_count": 1, "eval_count": 1, "done": True}, "ollama")
    assert [prices.genai_price(reading) for reading in (unknown, nameless, local)] == [None, None, None]


@pytest.mark.parametrize(
    ("label", "known_as"),
    [
        ("OpenAI Chat", "openai"),
        ("OpenAI Responses", "openai"),
        ("Anthropic", "anthropic"),
        ("Google Gemini", "google"),
        ("Azure OpenAI", "azure"),
        ("AWS Bedrock", "aws"),
        ("Mistral", "mistral"),
        ("xAI", "x-ai"),
        ("Moonshot", "moonshotai"),
        ("Meta Llama", "meta"),
        ("Perplexity", "perplexity"),
        ("Ollama", None),
        ("LangChain", None),
    ],
)
def test_providers_are_known_by_the_names_that_are_theirs(label: str, known_as: str | None) -> None:
    from unimeter.genai import _provider_id

    assert _provider_id(label) == known_as


def test_a_run_is_priced() -> None:
    with unimeter.Run(price=prices.genai_price) as run:
        run.record(claude(input_tokens=1000, output_tokens=100))
    assert run.metrics.cost == 0.0045
