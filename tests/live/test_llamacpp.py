"""A real llama.cpp server, called by the real SDKs in its three dialects, and what unimeter reads in its answers.

No figure is written down here. Each is held against another that comes from elsewhere: the counts in the raw body, the
server's own timings, its token counter, the same prompt in another dialect, or the same answer as the bytes that came.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from types import SimpleNamespace
from typing import Any

import pytest

import unimeter

from .conftest import Wire

pytestmark = pytest.mark.live

MODEL = "tiny"
ADD = {"name": "add", "description": "Adds numbers."}
NUMBERS = {
    "type": "object",
    "properties": {"numbers": {"type": "array", "items": {"type": "integer"}}},
    "required": ["numbers"],
}


# the three dialects ---------------------------------------------------------------------------------------------------


def ask_chat(clients: SimpleNamespace, prompt: str, **options: Any) -> Any:
    """Chat Completions; a stream is asked for its usage."""
    if options.get("stream"):
        options["stream_options"] = {"include_usage": True}
    return clients.openai.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": prompt}], **options)


def ask_responses(clients: SimpleNamespace, prompt: str, **options: Any) -> Any:
    """OpenAI Responses."""
    return clients.openai.responses.create(model=MODEL, input=prompt, **options)


def ask_messages(clients: SimpleNamespace, prompt: str, **options: Any) -> Any:
    """Anthropic Messages."""
    messages = [{"role": "user", "content": prompt}]
    return clients.anthropic.messages.create(model=MODEL, max_tokens=64, messages=messages, **options)


@dataclass(frozen=True)
class Dialect:
    """How a dialect is spoken, and what it calls the counts."""

    label: str
    ask: Callable[..., Any]
    counts: Callable[[dict[str, Any]], tuple[int, int, int]]
    """Input, output and cached tokens in a raw usage."""
    tool: dict[str, Any]
    called: bytes
    """What stands in an answer that calls a tool."""


CHAT = Dialect(
    label="OpenAI Chat",
    ask=ask_chat,
    counts=lambda usage: (
        usage["prompt_tokens"],
        usage["completion_tokens"],
        usage["prompt_tokens_details"]["cached_tokens"],
    ),
    tool={"type": "function", "function": {**ADD, "parameters": NUMBERS}},
    called=b'"finish_reason":"tool_calls"',
)
RESPONSES = Dialect(
    label="OpenAI Responses",
    ask=ask_responses,
    counts=lambda usage: (usage["input_tokens"], usage["output_tokens"], usage["input_tokens_details"]["cached_tokens"]),
    tool={"type": "function", **ADD, "parameters": NUMBERS},
    called=b'"type":"function_call"',
)
MESSAGES = Dialect(
    label="Anthropic",
    ask=ask_messages,
    counts=lambda usage: (
        usage["input_tokens"] + usage["cache_read_input_tokens"],
        usage["output_tokens"],
        usage["cache_read_input_tokens"],
    ),
    tool={**ADD, "input_schema": NUMBERS},
    called=b'"stop_reason":"tool_use"',
)
DIALECTS = (CHAT, RESPONSES, MESSAGES)

in_each_dialect = pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.label)
plain_and_stream = pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])


def whole_answer(dialect: Dialect, clients: SimpleNamespace, prompt: str, stream: bool, **options: Any) -> Any:
    """The SDK's object, or the list of all its chunks."""
    answer = dialect.ask(clients, prompt, stream=stream, **options)
    return list(answer) if stream else answer


# what holds for every answer ------------------------------------------------------------------------------------------


def read(payload: Any, wire: Wire, dialect: Dialect) -> unimeter.Reading:
    """The reading of what an SDK gave, once it is known to be the reading of its bytes too, and to hold together."""
    reading = unimeter.read(payload)
    assert reading == unimeter.read(wire.body) == unimeter.read(wire.body, url=wire.url)
    metrics = reading.metrics
    assert unimeter.normalize(wire.body) == metrics

    assert reading.complete
    assert reading.model == MODEL
    assert not reading.odd
    assert metrics.input_tokens > 0
    assert metrics.output_tokens > 0
    assert metrics.total_tokens == metrics.input_tokens + metrics.output_tokens
    assert metrics.cache_read_tokens <= metrics.input_tokens

    timings = server_timings(wire.body)
    if timings is None:
        assert reading.provider == dialect.label
    else:
        assert reading.provider == "llama.cpp"
        assert metrics.input_tokens == timings["cache_n"] + timings["prompt_n"]
        assert metrics.output_tokens == timings["predicted_n"]
        assert metrics.cache_read_tokens == timings["cache_n"]
    return reading


def server_timings(body: bytes) -> dict[str, Any] | None:
    """What llama.cpp says of its own work, in the answers that tell it."""
    found = re.findall(rb'"timings":(\{[^}]*\})', body)
    return json.loads(found[-1]) if found else None


def totals(reading: unimeter.Reading) -> tuple[int, int, int]:
    """The figures that the prompt cache does not change."""
    metrics = reading.metrics
    return metrics.input_tokens, metrics.output_tokens, metrics.total_tokens


# the tests ------------------------------------------------------------------------------------------------------------


@in_each_dialect
def test_an_answer(dialect: Dialect, clients: SimpleNamespace, wire: Wire) -> None:
    """The counts are those of the raw body."""
    reading = read(dialect.ask(clients, "How much is two and two?"), wire, dialect)

    metrics = reading.metrics
    usage = json.loads(wire.body)["usage"]
    assert (metrics.input_tokens, metrics.output_tokens, metrics.cache_read_tokens) == dialect.counts(usage)
    assert reading.usage == usage


@in_each_dialect
def test_a_stream(dialect: Dialect, clients: SimpleNamespace, wire: Wire) -> None:
    """A stream says what the plain answer says, whether it is read chunk by chunk or handed over as it is."""
    prompt = "And how much, told bit by bit?"
    plain = read(dialect.ask(clients, prompt), wire, dialect)
    chunks = whole_answer(dialect, clients, prompt, stream=True)
    assert len(chunks) > 2
    assert totals(read(chunks, wire, dialect)) == totals(plain)

    stream = dialect.ask(clients, prompt, stream=True)
    assert totals(read(stream, wire, dialect)) == totals(plain)


def test_a_messages_stream_through_its_helper(clients: SimpleNamespace, wire: Wire) -> None:
    """`messages.stream` adds events of its own and puts the message together: neither changes the reading."""
    prompt = "And how much, with some help?"
    plain = read(MESSAGES.ask(clients, prompt), wire, MESSAGES)
    messages = [{"role": "user", "content": prompt}]
    with clients.anthropic.messages.stream(model=MODEL, max_tokens=64, messages=messages) as stream:
        events = list(stream)
        message = stream.get_final_message()
    assert totals(read(events, wire, MESSAGES)) == totals(plain)
    assert totals(read(message, wire, MESSAGES)) == totals(plain)


def test_one_prompt_counts_the_same_in_every_dialect(clients: SimpleNamespace, wire: Wire) -> None:
    """The dialects put the cache inside the input or outside: unimeter's figures agree, also with the token counter's."""
    prompt = "Does it matter how I ask?"
    answers = {totals(read(dialect.ask(clients, prompt), wire, dialect)) for dialect in DIALECTS}
    assert len(answers) == 1

    counted = clients.anthropic.messages.count_tokens(model=MODEL, messages=[{"role": "user", "content": prompt}])
    assert answers.pop()[0] == counted.input_tokens


@in_each_dialect
@plain_and_stream
def test_a_repeated_prompt_comes_from_the_cache(dialect: Dialect, stream: bool, clients: SimpleNamespace, wire: Wire) -> None:
    """What the server had read before is a cache read, and inside the input."""
    prompt = f"{dialect.label} {stream}: how much, and how much again?"  # one that no other test asks
    first, again = (read(whole_answer(dialect, clients, prompt, stream), wire, dialect) for _ in range(2))

    assert again.metrics.cache_read_tokens > first.metrics.cache_read_tokens
    assert "cache_read_tokens" in again.reported
    assert totals(again) == totals(first)


@in_each_dialect
@plain_and_stream
def test_a_tool_call(dialect: Dialect, stream: bool, clients: SimpleNamespace, wire: Wire) -> None:
    """The tool's description is input, the call is output."""
    prompt = "Add two and two."
    told = read(dialect.ask(clients, prompt), wire, dialect)
    called = read(whole_answer(dialect, clients, prompt, stream, tools=[dialect.tool]), wire, dialect)

    assert dialect.called in wire.body
    assert called.metrics.input_tokens > told.metrics.input_tokens


# streams without their usage ------------------------------------------------------------------------------------------


def test_a_chat_stream_that_was_not_asked_for_usage(clients: SimpleNamespace, wire: Wire) -> None:
    """It carries none: an error that says how to ask, and never zeros."""
    messages = [{"role": "user", "content": "How much, if I do not ask?"}]
    chunks = list(clients.openai.chat.completions.create(model=MODEL, messages=messages, stream=True))
    for payload in (chunks, wire.body):
        with pytest.raises(unimeter.MissingUsage, match="include_usage"):
            unimeter.read(payload)


@pytest.mark.parametrize("dialect", [CHAT, RESPONSES], ids=lambda dialect: dialect.label)
def test_a_stream_broken_off_before_its_usage(dialect: Dialect, clients: SimpleNamespace, wire: Wire) -> None:
    """OpenAI's streams tell usage at the end: nothing is known before."""
    prompt = "How much, in half a sentence?"
    with dialect.ask(clients, prompt, stream=True) as stream:
        begun = list(islice(stream, 3))
    whole_answer(dialect, clients, prompt, stream=True)
    for payload in (begun, wire.body[: len(wire.body) // 2]):
        with pytest.raises(unimeter.MissingUsage):
            unimeter.read(payload)


def test_a_messages_stream_broken_off(clients: SimpleNamespace, wire: Wire) -> None:
    """Anthropic's streams tell the input first: it is known, and the reading says that the rest is not."""
    prompt = "How much, in half a message?"
    plain = read(MESSAGES.ask(clients, prompt), wire, MESSAGES)
    with MESSAGES.ask(clients, prompt, stream=True) as stream:
        begun = list(islice(stream, 3))
    whole_answer(MESSAGES, clients, prompt, stream=True)
    for payload in (begun, wire.body[: len(wire.body) // 2]):
        reading = unimeter.read(payload)
        assert not reading.complete
        assert reading.metrics.input_tokens == plain.metrics.input_tokens
        assert reading.metrics.output_tokens < plain.metrics.output_tokens
