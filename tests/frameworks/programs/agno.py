"""Agno, with metered models."""

from __future__ import annotations

import asyncio
from typing import Any

from . import AGENT, AUDIO, CACHE, COST, QUESTION, REASONING, TOKENS, Asked, Program


def _model(asked: Asked, dialect: str) -> Any:
    if dialect == "anthropic":
        from agno.models.anthropic import Claude

        return Claude(id=asked.model, api_key="k", client_params={"base_url": asked.url, "max_retries": 0})
    if dialect == "gemini":
        from agno.models.google import Gemini

        return Gemini(id=asked.model, api_key="k", client_params={"http_options": {"base_url": asked.url}})
    from agno.models.openai import OpenAIChat, OpenAIResponses

    kind = OpenAIChat if dialect == "chat" else OpenAIResponses
    return kind(id=asked.model, api_key="k", base_url=f"{asked.url}/v1", max_retries=0)


def _ask(asked: Asked, dialect: str, *, asynchronous: bool) -> None:
    from agno.agent import Agent

    from unimeter.integrations.agno import meter

    agent = meter(Agent(name=AGENT, model=_model(asked, dialect), tools=[asked.tool], telemetry=False))
    if asynchronous:
        asyncio.run(_ask_asynchronously(agent, asked.stream))
    elif asked.stream:
        for _ in agent.run(QUESTION, stream=True):
            pass
    else:
        _raise_if_failed(agent.run(QUESTION))


async def _ask_asynchronously(agent: Any, stream: bool) -> None:
    if stream:
        async for _ in agent.arun(QUESTION, stream=True):
            pass
    else:
        _raise_if_failed(await agent.arun(QUESTION))


def _raise_if_failed(output: Any) -> None:
    if output.status.value == "ERROR":
        raise RuntimeError(output.content)


def _program(dialect: str, *keeps: str, asynchronous: bool = False) -> Program:
    def ask(asked: Asked) -> None:
        _ask(asked, dialect, asynchronous=asynchronous)

    return Program(f"{dialect} async" if asynchronous else dialect, dialect, ask, (*TOKENS, *keeps))


PROGRAMS = [
    _program("chat", *CACHE, *REASONING, *AUDIO, *COST),
    _program("chat", *CACHE, *REASONING, *AUDIO, *COST, asynchronous=True),
    _program("responses", *CACHE, *REASONING),
    _program("anthropic", *CACHE),
    _program("anthropic", *CACHE, asynchronous=True),
    _program("gemini", CACHE[0], *REASONING),
]
