"""LiteLLM, by the custom logger. It has no agents and calls no tools: both turns are asked for by hand."""

from __future__ import annotations

import asyncio
import time
from functools import cache
from typing import Any

from unimeter import Run

from . import AUDIO, CACHE, COST, QUESTION, REASONING, TOKENS, Asked, Program

_TOOLS = [{"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {}}}}]
_ASKED = [{"role": "user", "content": QUESTION}]
_CALL = {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "Paris"}'}}
_ANSWERED = [
    *_ASKED,
    {"role": "assistant", "content": None, "tool_calls": [_CALL]},
    {"role": "tool", "tool_call_id": "call_1", "content": "sunny"},
]


def _options(asked: Asked, dialect: str) -> dict[str, Any]:
    if dialect == "anthropic":
        where = {"model": f"anthropic/{asked.model}", "api_base": asked.url}
    else:
        where = {"model": f"openai/{asked.model}", "api_base": f"{asked.url}/v1"}
    streaming = {"stream": True, "stream_options": {"include_usage": True}} if asked.stream else {}
    return {**where, **streaming, "api_key": "k", "tools": _TOOLS, "num_retries": 0, "max_retries": 0}


@cache
def _logging() -> None:
    """LiteLLM's callbacks are the process's: once is enough."""
    import litellm

    from unimeter.integrations.litellm import UnimeterLogger

    litellm.callbacks = [UnimeterLogger()]


def _ask(asked: Asked, dialect: str, *, asynchronous: bool) -> None:
    import litellm

    _logging()
    run = Run.current()
    assert run is not None
    options = _options(asked, dialect)

    async def one(messages: Any) -> None:
        answer = await litellm.acompletion(messages=messages, **options)
        if asked.stream:
            async for _ in answer:
                pass
        for _ in range(200):  # its loggers have a task of their own
            if len(run.messages) > calls:
                return
            await asyncio.sleep(0.02)

    for messages in (_ASKED, _ANSWERED):
        calls = len(run.messages)
        if asynchronous:
            asyncio.run(one(messages))
        else:
            answer = litellm.completion(messages=messages, **options)
            for _ in answer if asked.stream else ():
                pass
            for _ in range(200):
                if len(run.messages) > calls:
                    break
                time.sleep(0.02)
        if messages is _ASKED:
            with run.tool("get_weather"):
                asked.tool("Paris")


def _program(dialect: str, *keeps: str, asynchronous: bool = False) -> Program:
    def ask(asked: Asked) -> None:
        _ask(asked, dialect, asynchronous=asynchronous)

    name = f"{dialect} async" if asynchronous else dialect
    return Program(name, dialect, ask, (*TOKENS, *CACHE, *REASONING, *keeps), tells_agent=False)


PROGRAMS = [
    _program("chat", *AUDIO, *COST),
    _program("chat", *AUDIO, *COST, asynchronous=True),
    _program("anthropic"),
    _program("anthropic", asynchronous=True),
]
