"""OpenAI Agents, by the tracing processor."""

from __future__ import annotations

import asyncio

from . import AGENT, CACHE, QUESTION, REASONING, TOKENS, Asked, Program


async def _ask(asked: Asked, dialect: str) -> None:
    from agents import (
        Agent,
        ModelSettings,
        OpenAIChatCompletionsModel,
        OpenAIResponsesModel,
        Runner,
        function_tool,
        set_trace_processors,
    )
    from openai import AsyncOpenAI

    from unimeter.integrations.openai_agents import UnimeterProcessor

    set_trace_processors([UnimeterProcessor()])
    client = AsyncOpenAI(api_key="k", base_url=f"{asked.url}/v1", max_retries=0)
    model = (OpenAIChatCompletionsModel if dialect == "chat" else OpenAIResponsesModel)(asked.model, client)
    agent = Agent(
        name=AGENT,
        model=model,
        tools=[function_tool(asked.tool, description_override="The weather in a city.")],
        model_settings=ModelSettings(include_usage=True),
    )
    if asked.stream:
        async for _ in Runner.run_streamed(agent, QUESTION).stream_events():
            pass
    else:
        await Runner.run(agent, QUESTION)


def _program(dialect: str) -> Program:
    return Program(dialect, dialect, lambda asked: asyncio.run(_ask(asked, dialect)), (*TOKENS, *CACHE, *REASONING))


PROGRAMS = [_program("chat"), _program("responses")]
