"""LlamaIndex, by its dispatcher."""

from __future__ import annotations

import asyncio
from functools import cache

from . import AGENT, AUDIO, CACHE, COST, QUESTION, REASONING, TOKENS, Asked, Program


@cache
def _listening() -> None:
    """The dispatcher is the process's: once is enough."""
    from unimeter.integrations.llama_index import listen

    listen()


async def _ask(asked: Asked, dialect: str) -> None:
    from llama_index.core.agent.workflow import FunctionAgent
    from llama_index.core.tools import FunctionTool
    from llama_index.llms.openai import OpenAIResponses
    from llama_index.llms.openai_like import OpenAILike

    _listening()
    where = {"api_base": f"{asked.url}/v1", "api_key": "k", "max_retries": 0}
    if dialect == "chat":
        options = {"stream_options": {"include_usage": True}} if asked.stream else {}
        llm = OpenAILike(
            model=asked.model, is_chat_model=True, is_function_calling_model=True, additional_kwargs=options, **where
        )
    else:
        llm = OpenAIResponses(model=asked.model, context_window=8000, **where)
    agent = FunctionAgent(name=AGENT, tools=[FunctionTool.from_defaults(asked.tool)], llm=llm, streaming=asked.stream, timeout=20)
    await agent.run(QUESTION)


def _program(dialect: str, *keeps: str) -> Program:
    return Program(dialect, dialect, lambda asked: asyncio.run(_ask(asked, dialect)), (*TOKENS, *CACHE, *REASONING, *keeps))


PROGRAMS = [_program("chat", *AUDIO, *COST), _program("responses")]
