"""Strands: agents that are left, and agents at the same time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import pytest

import unimeter
from unimeter import Run

from .programs import QUESTION
from .provider import provider

pytestmark = [pytest.mark.frameworks, pytest.mark.strands]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with provider() as url:
        yield url


def an_agent(url: str, hooks: Any, name: str = "guide") -> Any:
    from strands import Agent, tool
    from strands.models.openai import OpenAIModel

    @tool
    def get_weather(city: str) -> str:
        """The weather in a city."""
        return "sunny"

    client = {"api_key": "k", "base_url": f"{url}/v1", "max_retries": 0}
    model = OpenAIModel(client_args=client, model_id="gpt-x")
    return Agent(name=name, model=model, tools=[get_weather], hooks=[hooks], callback_handler=None)


def test_a_call_that_was_cancelled_is_not_the_next_one(url: str) -> None:
    from unimeter.integrations.strands import UnimeterHooks

    async def cancelled_and_asked_again() -> float:
        agent = an_agent(url, UnimeterHooks())
        task = asyncio.create_task(agent.invoke_async(QUESTION))
        await asyncio.sleep(0.02)
        task.cancel()
        await asyncio.sleep(0.3)
        asked = time.monotonic()
        await agent.invoke_async(QUESTION)
        return time.monotonic() - asked

    with unimeter.capture() as run:
        took = asyncio.run(cancelled_and_asked_again())
    whole = [message for message in run.messages if message.reading is not None and message.reading.complete]
    assert sum(message.metrics.input_tokens for message in whole) == run.metrics.input_tokens
    assert run.metrics.input_tokens in (250, 350)  # the first may have been answered in time
    assert sum(message.duration or 0.0 for message in whole[-2:]) <= took  # without the time since the first was asked


@pytest.mark.parametrize("captured", [True, False])
def test_agents_at_once_with_the_same_hooks(captured: bool, url: str) -> None:
    """The provider numbers its tools' calls anew for each."""
    from unimeter.integrations.strands import UnimeterHooks

    hooks = UnimeterHooks()

    async def three() -> None:
        await asyncio.gather(*(an_agent(url, hooks, name).invoke_async(QUESTION) for name in "abc"))

    with unimeter.capture() if captured else Run() as run:
        asyncio.run(three())
    assert run.metrics.input_tokens == 750
    assert sorted(tool.agent or "" for tool in run.tools) == ["a", "b", "c"]
    assert {agent: metrics.input_tokens for agent, metrics in run.by_agent().items()} == {"a": 250, "b": 250, "c": 250}
