"""One table: what each integration tells of the same two calls and one tool, with `capture` and without it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

import unimeter
from unimeter import Run
from unimeter.blocks import ToolCall

from .programs import AGENT, Asked, Program, programs
from .provider import BEFORE_FIRST_CHUNK, provider

TRUTH: dict[str, Any] = {
    "input_tokens": 250,
    "output_tokens": 70,
    "total_tokens": 320,
    "cache_read_tokens": 160,
    "cache_write_tokens": 8,
    "reasoning_tokens": 34,
    "audio_input_tokens": 2,
    "audio_output_tokens": 1,
    "cost": 0.0033,
}
"""Both turns of `provider`."""

NOT_TOLD = {
    "chat": (),
    "responses": ("audio_input_tokens", "audio_output_tokens", "cost"),
    "anthropic": ("audio_input_tokens", "audio_output_tokens", "cost"),
    "gemini": ("cache_write_tokens", "cost"),
    "converse": ("reasoning_tokens", "audio_input_tokens", "audio_output_tokens", "cost"),
}
"""What the provider itself does not tell in a dialect."""

CASES = [
    pytest.param(program, stream, id=f"{framework}-{program.name}{'-stream' if stream else ''}".replace(" ", "-"), marks=marks)
    for framework, program in programs()
    for stream in ((False, True) if program.streams else (False,))
    for marks in [[pytest.mark.frameworks, getattr(pytest.mark, framework)]]
]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with provider() as url:
        yield url


def ask(
    program: Program,
    url: str,
    stream: bool,
    model: str = "gpt-x",
    error: Exception | None = None,
    took: list[float] | None = None,
) -> float:
    """Ask; how long the tool took by its own account, each time that it was called."""
    took = [] if took is None else took

    def get_weather(city: str) -> str:
        """The weather in a city.

        Args:
            city: the city.
        """
        began = time.monotonic()
        time.sleep(0.05)
        took.append(time.monotonic() - began)
        if error is not None:
            raise error
        return "sunny"

    program.ask(Asked(url, model, stream, get_weather))
    return took[0]


def told(run: Run) -> dict[str, Any]:
    """What a run has of what is told."""
    found = {name: getattr(run.metrics, name) for name in TRUTH}
    return {name: value for name, value in found.items() if value}


def calls(run: Run) -> tuple[int, int]:
    counts = run.metrics.additional_metrics or {}
    return counts.get("calls", 0), counts.get("calls_without_usage", 0)


def check_time(tool: ToolCall, took: float, run: Run) -> None:
    """A tool's time holds what it took by its own account, and nothing of a call to a model; however busy the machine is."""
    of_calls = sum(message.duration or 0.0 for message in run.messages)
    assert took <= (tool.metrics.duration or 0.0) <= (run.metrics.duration or 0.0) - of_calls


@pytest.mark.parametrize(("program", "stream"), CASES)
def test_with_capture_the_figures_are_the_wires(program: Program, stream: bool, url: str) -> None:
    with unimeter.capture() as run:
        took = ask(program, url, stream)
    assert calls(run) == (2, 0)
    assert told(run) == {name: value for name, value in TRUTH.items() if name not in NOT_TOLD[program.dialect]}
    (tool,) = run.tools
    assert tool.name == "get_weather"
    assert tool.error is None
    check_time(tool, took, run)
    if program.tells_agent:
        assert [message.agent for message in run.messages] == [AGENT, AGENT]
        assert tool.agent == AGENT
    for message in run.messages:
        assert message.start_time == pytest.approx(time.time(), abs=60)
        if stream:
            assert message.time_to_first_token is not None
            assert BEFORE_FIRST_CHUNK <= message.time_to_first_token <= (message.duration or 0)


@pytest.mark.parametrize(("program", "stream"), CASES)
def test_without_capture_they_are_what_the_framework_keeps(program: Program, stream: bool, url: str) -> None:
    with Run() as run:
        took = ask(program, url, stream)
    assert calls(run) == (2, 0)
    keeps = program.keeps_in_stream if stream and program.keeps_in_stream is not None else program.keeps
    assert told(run) == {name: value for name, value in TRUTH.items() if name in keeps}
    (tool,) = run.tools
    check_time(tool, took, run)
    if program.tells_agent:
        assert [message.agent for message in run.messages] == [AGENT, AGENT]


@pytest.mark.parametrize("captured", [True, False], ids=["captured", "alone"])
@pytest.mark.parametrize(("program", "stream"), CASES)
def test_two_models_are_told_apart(program: Program, stream: bool, captured: bool, url: str) -> None:
    with unimeter.capture() if captured else Run() as run:
        for model in ("gpt-x", "gpt-y"):
            ask(program, url, stream, model)
    assert calls(run) == (4, 0)
    assert run.metrics.details is not None
    inputs = {entry.id: entry.input_tokens for entry in run.metrics.details["model"]}
    expected = {"gpt-x": 250, "gpt-y": 250}
    assert inputs == expected or (program.dialect == "converse" and captured and sum(inputs.values()) == 500)


@pytest.mark.parametrize("captured", [True, False], ids=["captured", "alone"])
@pytest.mark.parametrize(("program", "stream"), CASES)
def test_a_tool_that_fails_is_timed_and_its_call_counts(program: Program, stream: bool, captured: bool, url: str) -> None:
    took: list[float] = []
    with unimeter.capture() if captured else Run() as run, suppress(Exception):
        ask(program, url, stream, error=ValueError("no weather today"), took=took)
    made, without_usage = calls(run)
    assert (made, without_usage) in ((1, 0), (2, 0))  # some give up, some tell the model
    assert run.metrics.input_tokens == (100 if made == 1 else 250)
    assert run.tools
    for tool, itself in zip(run.tools, took, strict=True):
        assert tool.error
        check_time(tool, itself, run)


@pytest.mark.parametrize("captured", [True, False], ids=["captured", "alone"])
@pytest.mark.parametrize(("program", "stream"), CASES)
def test_a_call_that_is_refused_is_no_call(program: Program, stream: bool, captured: bool, url: str) -> None:
    with unimeter.capture() if captured else Run() as run, suppress(Exception):
        ask(program, url, stream, model="fail")
    assert calls(run) == (0, 0)
    assert not run.tools
