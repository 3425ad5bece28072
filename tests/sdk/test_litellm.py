"""The fixtures through LiteLLM, which turns every provider's answer into its own: read as LiteLLM's, with the same counts.

Its counts are inclusive already. Where it counts otherwise than the provider, the fixture is named, with its figures.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple

import pytest

import unimeter
from unimeter.fixture import Fixture
from unimeter.testing.replay import serving
from unimeter.testing.subject import told

from ..conftest import FIXTURES
from .client import MESSAGES

pytestmark = pytest.mark.litellm


@pytest.fixture(autouse=True)
def _collected_between_tests() -> Iterator[None]:
    """LiteLLM leaves streams open; one that is collected while httpcore holds its pool's lock waits for that lock for ever."""
    gc.disable()
    yield
    gc.enable()


class Route(NamedTuple):
    """How LiteLLM is told to ask a provider."""

    model: str
    base: str
    ends: tuple[str, ...]
    """How the paths end of the fixtures that it can be given."""


CHAT = ("/chat/completions",)
ROUTES = {
    "openai_chat": Route("openai/gpt-4o", "", CHAT),
    "litellm": Route("openai/gpt-4o", "", CHAT),
    "anthropic_claude": Route("anthropic/claude-sonnet-4-5", "", ("/v1/messages",)),
    "google_gemini": Route("gemini/gemini-2.5-flash", "/v1beta", (":generateContent", ":streamGenerateContent")),
    "groq": Route("groq/openai/gpt-oss-20b", "", CHAT),
    "mistral": Route("mistral/mistral-small-latest", "", CHAT),
    "perplexity": Route("perplexity/sonar", "", CHAT),
    "xai": Route("xai/grok-4", "", CHAT),
}

REFUSED = {
    "anthropic_claude/missing": "usage",
    "anthropic_claude/stream_error": "Overloaded",
    "google_gemini/missing": "usageMetadata",
    "groq/cached_reasoning": "service_tier",
    "groq/missing": "service_tier",
    "groq/tool_call": "service_tier",
    "openai_chat/stream_error": "The server had an error",
}
"""What LiteLLM raises for, and with which words. Groq's answers need a service tier."""

NOT_ENDED = dict.fromkeys(
    (
        "anthropic_claude/stream_cut",
        "groq/stream_cut",
        "litellm/stream",
        "litellm/stream_cut",
        "mistral/stream_cut",
        "openai_chat/stream_continuous_cut",
        "openai_chat/stream_cut",
        "perplexity/stream_cut",
    ),
    "Stream ended before a finish_reason was received",
)
"""Streams that LiteLLM raises for once it has handed over all their chunks."""


class Otherwise(NamedTuple):
    """What LiteLLM counts otherwise than the provider."""

    why: str
    counts: dict[str, int]


OTHERWISE = {
    "anthropic_claude/advisor": Otherwise("the advisor's tokens are added", {"input_tokens": 4908, "output_tokens": 143}),
    "anthropic_claude/compaction_split": Otherwise(
        "the listed calls stand for all, and a split without its sum for nothing",
        {"input_tokens": 180, "output_tokens": 35, "cache_write_tokens": 0},
    ),
    "anthropic_claude/stream_declined": Otherwise(
        "the cache of the first event is kept, though the last takes it back", {"input_tokens": 840, "cache_read_tokens": 800}
    ),
    "google_gemini/audio_enum": Otherwise("modalities as numbers are not known", {"audio_input_tokens": 0}),
    "google_gemini/reasoning": Otherwise("the prompts of grounding are left out", {"input_tokens": 32}),
    "groq/stream_x_groq": Otherwise(
        "usage inside x_groq is not read, so LiteLLM counts by itself",
        {"input_tokens": 8, "output_tokens": 1, "cache_read_tokens": 0, "reasoning_tokens": 0},
    ),
    "mistral/stream_cached_audio_in_outside": Otherwise("audio outside the prompt is not added", {"input_tokens": 11}),
}

COUNTS = (
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
    "audio_input_tokens",
    "audio_output_tokens",
)

ROUTED = [
    name
    for name, fixture in FIXTURES.items()
    if (route := ROUTES.get(name.partition("/")[0]))
    and fixture.body is None
    and fixture.wire.path.partition("?")[0].endswith(route.ends)
]
ANSWERED = [name for name in ROUTED if name not in REFUSED | NOT_ENDED and FIXTURES[name].expected.error is None]
MISSING = [name for name in ROUTED if name not in REFUSED | NOT_ENDED and FIXTURES[name].expected.error is not None]
ON_THE_WIRE = [*ANSWERED, *(name for name in NOT_ENDED if FIXTURES[name].expected.error is None)]


@pytest.fixture(autouse=True)
def own_prices(monkeypatch: pytest.MonkeyPatch) -> None:
    """LiteLLM is imported with the prices that it brings along, and asks nobody for newer ones."""
    monkeypatch.setenv("LITELLM_LOCAL_MODEL_COST_MAP", "True")


def completion(fixture: Fixture) -> Any:
    """What `litellm.completion` gives for the fixture: its response, or the list of its chunks."""
    litellm = importlib.import_module("litellm")
    route = ROUTES[fixture.name.partition("/")[0]]
    options = {"stream": True, "stream_options": {"include_usage": True}} if fixture.is_stream else {}
    with serving(fixture) as url:
        answer = litellm.completion(
            model=route.model, messages=MESSAGES, api_base=url + route.base, api_key="x", max_retries=0, **options
        )
        return list(answer) if fixture.is_stream else answer


@pytest.mark.parametrize("name", ANSWERED)
def test_counts(name: str) -> None:
    fixture = FIXTURES[name]
    reading = unimeter.read(completion(fixture))
    told = {count: getattr(reading.metrics, count) for count in COUNTS}
    expected = {count: fixture.expected.metrics.get(count, 0) for count in COUNTS}
    assert reading.provider == "LiteLLM"
    assert reading.complete
    if name in OTHERWISE:
        assert told != expected
    assert told == {**expected, **(OTHERWISE[name].counts if name in OTHERWISE else {})}


@pytest.mark.parametrize("name", ANSWERED)
def test_cost(name: str) -> None:
    """The cost in the usage, or else what LiteLLM reckons beside it."""
    answer = completion(FIXTURES[name])
    last = answer[-1] if isinstance(answer, list) else answer
    cost = getattr(last.usage, "cost", None)
    cost = cost["total_cost"] if isinstance(cost, dict) else getattr(cost, "total_cost", cost)
    assert unimeter.read(answer).metrics.cost == (last._hidden_params.get("response_cost") if cost is None else cost)


@pytest.mark.parametrize("name", MISSING)
def test_counted_by_litellm(name: str) -> None:
    """Where the provider sends no usage, LiteLLM makes one up: zeros, or for a stream its own count of the words."""
    fixture = FIXTURES[name]
    reading = unimeter.read(completion(fixture))
    assert reading.provider == "LiteLLM"
    assert bool(reading.metrics.total_tokens) == fixture.is_stream


def heard(run: unimeter.Run) -> list[Any]:
    """The figures of what was heard, without the model: LiteLLM asks for one of its own."""
    return [told(message.reading).model_copy(update={"model": None}) for message in run.messages if message.reading]


def refusal(name: str) -> AbstractContextManager[Any]:
    """Expect LiteLLM to raise where it does so for the fixture."""
    words = {**REFUSED, **NOT_ENDED}.get(name)
    return pytest.raises(Exception, match=words) if words else nullcontext()


def expected_of(fixture: Fixture) -> list[Any]:
    return [one.model_copy(update={"model": None}) for one in (fixture.expected, *fixture.expected.parts)]


@pytest.mark.parametrize("name", ON_THE_WIRE)
def test_what_goes_over_the_wire_is_the_providers_own(name: str) -> None:
    """A capture hears what the provider says, and not what LiteLLM makes of it."""
    fixture = FIXTURES[name]
    with unimeter.capture(hosts={"127.0.0.1": fixture.expected.provider}) as run, refusal(name):
        completion(fixture)
    assert heard(run) == expected_of(fixture)


@pytest.mark.parametrize("name", [name for name in ON_THE_WIRE if FIXTURES[name].is_stream])
def test_a_stream_that_litellm_never_closes_is_heard(name: str) -> None:
    """Its asynchronous streams go through aiohttp under httpx: heard once, however they end."""
    fixture = FIXTURES[name]
    litellm = importlib.import_module("litellm")
    route = ROUTES[fixture.name.partition("/")[0]]

    async def ask(url: str) -> None:
        options = {"stream": True, "stream_options": {"include_usage": True}, "api_base": url + route.base}
        answer = await litellm.acompletion(model=route.model, messages=MESSAGES, api_key="x", max_retries=0, **options)
        assert [chunk async for chunk in answer]

    # In a thread of its own: LiteLLM takes the main thread's event loop, which `run` would take away.
    hosts = {"127.0.0.1": fixture.expected.provider}
    with serving(fixture) as url, unimeter.capture(hosts=hosts) as run, ThreadPoolExecutor(1) as pool, refusal(name):
        pool.submit(asyncio.run, ask(url)).result()
    assert heard(run) == expected_of(fixture)


@pytest.mark.parametrize("name", [*REFUSED, *NOT_ENDED])
def test_refused(name: str) -> None:
    with refusal(name):
        completion(FIXTURES[name])
