"""Frameworks of which `read` knows the types: each makes a call, and what it then holds is read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import unimeter

from .provider import TURNS, provider

TURN = TURNS[1]
"""The one without a tool."""

TWO = {"input_tokens": TURN.input, "output_tokens": TURN.output, "total_tokens": TURN.input + TURN.output}
INSIDE = {"cache_read_tokens": TURN.cache_read, "reasoning_tokens": TURN.reasoning}
QUESTION = "What is the weather in Paris?"


def smolagents(url: str) -> Iterator[tuple[Any, dict[str, Any]]]:
    from smolagents import OpenAIModel
    from smolagents.models import ChatMessage

    model = OpenAIModel("gpt-x", api_base=f"{url}/v1", api_key="k")
    message = model.generate([ChatMessage("user", QUESTION)])
    yield message.token_usage, TWO
    yield message, TWO
    yield message.raw, {**TWO, **INSIDE, "cost": TURN.cost}


def dspy(url: str) -> Iterator[tuple[Any, dict[str, Any]]]:
    import dspy as library

    lm = library.LM("openai/gpt-x", api_base=f"{url}/v1", api_key="k", cache=False)
    lm(QUESTION)
    yield lm.history[-1], {**TWO, **INSIDE}


def haystack(url: str) -> Iterator[tuple[Any, dict[str, Any]]]:
    from haystack.components.generators.chat import OpenAIChatGenerator
    from haystack.dataclasses import ChatMessage
    from haystack.utils import Secret

    generator = OpenAIChatGenerator(model="gpt-x", api_base_url=f"{url}/v1", api_key=Secret.from_token("k"))
    (reply,) = generator.run([ChatMessage.from_user(QUESTION)])["replies"]
    for held in (reply, reply.to_dict(), reply.meta):
        yield held, {**TWO, **INSIDE, "cost": TURN.cost}


def autogen(url: str) -> Iterator[tuple[Any, dict[str, Any]]]:
    from autogen_core.models import UserMessage
    from autogen_ext.models.openai import OpenAIChatCompletionClient

    info = {"vision": False, "function_calling": True, "json_output": False, "family": "unknown", "structured_output": False}
    client = OpenAIChatCompletionClient(model="gpt-x", base_url=f"{url}/v1", api_key="k", model_info=info)
    result = asyncio.run(client.create([UserMessage(content=QUESTION, source="user")]))
    yield result, TWO
    yield result.usage, TWO


def agent_framework(url: str) -> Iterator[tuple[Any, dict[str, Any]]]:
    from agent_framework import Message
    from agent_framework.anthropic import AnthropicClient
    from agent_framework.openai import OpenAIChatCompletionClient
    from anthropic import AsyncAnthropic

    question = [Message("user", [QUESTION])]
    client = OpenAIChatCompletionClient(model="gpt-x", api_key="k", base_url=f"{url}/v1")
    response = asyncio.run(client.get_response(question))
    yield response, {**TWO, **INSIDE}
    claude = AnthropicClient(model="claude-x", anthropic_client=AsyncAnthropic(api_key="k", base_url=url))
    response = asyncio.run(claude.get_response(question))
    yield response, {**TWO, "cache_read_tokens": TURN.cache_read}


FRAMEWORKS: dict[str, Callable[[str], Iterator[tuple[Any, dict[str, Any]]]]] = {
    "agent_framework": agent_framework,
    "autogen": autogen,
    "dspy": dspy,
    "haystack": haystack,
    "smolagents": smolagents,
}


@pytest.mark.parametrize(
    "program",
    [
        pytest.param(program, id=name, marks=[pytest.mark.frameworks, getattr(pytest.mark, name)])
        for name, program in FRAMEWORKS.items()
    ],
)
def test_what_a_framework_holds_is_read(program: Callable[[str], Iterator[tuple[Any, dict[str, Any]]]]) -> None:
    seen = 0
    with provider() as url:
        for held, expected in program(url):
            metrics = unimeter.read(held).metrics.to_dict()
            metrics.pop("provider_metrics", None)
            assert metrics == expected
            seen += 1
    assert seen
