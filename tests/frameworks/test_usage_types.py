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


CACHED = {"cache_read_tokens": TURN.cache_read}


def openai_agents(_: str) -> Iterator[tuple[Any, dict[str, Any]]]:
    from agents import Usage
    from openai.types.responses.response_usage import InputTokensDetails, OutputTokensDetails

    usage = Usage(
        requests=1,
        input_tokens=TURN.input,
        input_tokens_details=InputTokensDetails(cached_tokens=TURN.cache_read, cache_write_tokens=0),
        output_tokens=TURN.output,
        output_tokens_details=OutputTokensDetails(reasoning_tokens=TURN.reasoning),
        total_tokens=TURN.input + TURN.output,
    )
    yield usage, {**TWO, **INSIDE}


def pydantic_ai(_: str) -> Iterator[tuple[Any, dict[str, Any]]]:
    from pydantic_ai.messages import ModelResponse
    from pydantic_ai.usage import RequestUsage, RunUsage

    counts = {"input_tokens": TURN.input, "output_tokens": TURN.output, "cache_read_tokens": TURN.cache_read}
    yield RunUsage(requests=2, **counts), {**TWO, **CACHED}
    yield RequestUsage(**counts), {**TWO, **CACHED}
    yield ModelResponse(parts=[], usage=RequestUsage(**counts), model_name="m"), {**TWO, **CACHED}


def langchain(_: str) -> Iterator[tuple[Any, dict[str, Any]]]:
    from langchain_core.messages import AIMessage, AIMessageChunk

    usage: Any = {
        "input_tokens": TURN.input,
        "output_tokens": TURN.output,
        "total_tokens": TURN.input + TURN.output,
        "input_token_details": {"cache_read": TURN.cache_read},
    }
    yield AIMessage("sunny", usage_metadata=usage), {**TWO, **CACHED}
    nothing: Any = {**dict.fromkeys(usage, 0), "input_token_details": {}}
    chunks = [AIMessageChunk("sun", usage_metadata=usage), AIMessageChunk("ny", usage_metadata=nothing, chunk_position="last")]
    yield chunks, {**TWO, **CACHED}


def crewai(_: str) -> Iterator[tuple[Any, dict[str, Any]]]:
    from crewai.types.usage_metrics import UsageMetrics

    counts = {"prompt_tokens": TURN.input, "completion_tokens": TURN.output, "total_tokens": TURN.input + TURN.output}
    yield UsageMetrics(**counts, cached_prompt_tokens=TURN.cache_read, successful_requests=1), {**TWO, **CACHED}


def strands(_: str) -> Iterator[tuple[Any, dict[str, Any]]]:
    from strands.telemetry.metrics import EventLoopMetrics

    for outside in (False, True):
        told = TURN.input - TURN.cache_read if outside else TURN.input
        total = TURN.input + TURN.output
        usage: Any = {"inputTokens": told, "outputTokens": TURN.output, "totalTokens": total}
        yield EventLoopMetrics(accumulated_usage={**usage, "cacheReadInputTokens": TURN.cache_read}), {**TWO, **CACHED}


def google_adk(_: str) -> Iterator[tuple[Any, dict[str, Any]]]:
    from google.adk.models.llm_response import LlmResponse
    from google.genai import types

    for inside in (False, True):
        usage = types.GenerateContentResponseUsageMetadata(
            prompt_token_count=TURN.input,
            candidates_token_count=TURN.output if inside else TURN.output - TURN.reasoning,
            thoughts_token_count=TURN.reasoning,
            cached_content_token_count=TURN.cache_read,
            total_token_count=TURN.input + TURN.output,
        )
        content = types.Content(role="model", parts=[types.Part(text="sunny")])
        yield LlmResponse(content=content, usage_metadata=usage), {**TWO, **INSIDE}


FRAMEWORKS: dict[str, Callable[[str], Iterator[tuple[Any, dict[str, Any]]]]] = {
    "agent_framework": agent_framework,
    "autogen": autogen,
    "crewai": crewai,
    "dspy": dspy,
    "google_adk": google_adk,
    "haystack": haystack,
    "langchain": langchain,
    "openai_agents": openai_agents,
    "pydantic_ai": pydantic_ai,
    "smolagents": smolagents,
    "strands": strands,
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
