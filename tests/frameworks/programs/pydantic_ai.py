"""Pydantic AI, by the capability."""

from __future__ import annotations

import asyncio
from typing import Any

from . import AGENT, AUDIO, CACHE, QUESTION, REASONING, TOKENS, Asked, Program


def _model(asked: Asked, dialect: str) -> Any:
    if dialect == "anthropic":
        from anthropic import AsyncAnthropic
        from pydantic_ai.models.anthropic import AnthropicModel
        from pydantic_ai.providers.anthropic import AnthropicProvider

        client = AsyncAnthropic(api_key="k", base_url=asked.url, max_retries=0)
        return AnthropicModel(asked.model, provider=AnthropicProvider(anthropic_client=client))
    from openai import AsyncOpenAI
    from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
    from pydantic_ai.providers.openai import OpenAIProvider

    provider = OpenAIProvider(openai_client=AsyncOpenAI(api_key="k", base_url=f"{asked.url}/v1", max_retries=0))
    return (OpenAIChatModel if dialect == "chat" else OpenAIResponsesModel)(asked.model, provider=provider)


async def _ask(asked: Asked, dialect: str) -> None:
    from pydantic_ai import Agent

    from unimeter.integrations.pydantic_ai import Unimeter

    agent = Agent(_model(asked, dialect), name=AGENT, tools=[asked.tool], capabilities=[Unimeter()])
    if asked.stream:
        async with agent.run_stream(QUESTION) as result:
            async for _ in result.stream_text():
                pass
    else:
        await agent.run(QUESTION)


def _program(dialect: str, *keeps: str) -> Program:
    return Program(dialect, dialect, lambda asked: asyncio.run(_ask(asked, dialect)), (*TOKENS, *CACHE, *keeps))


PROGRAMS = [
    _program("chat", *REASONING, *AUDIO),
    _program("responses", *REASONING),
    _program("anthropic", *REASONING),
]
