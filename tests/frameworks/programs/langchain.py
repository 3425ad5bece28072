"""LangChain's agents, by the callback handler and by the middleware."""

from __future__ import annotations

from typing import Any

from . import AGENT, AUDIO, CACHE, COST, QUESTION, REASONING, TOKENS, Asked, Program


def _model(asked: Asked, dialect: str) -> Any:
    if dialect == "anthropic":
        from langchain_anthropic import ChatAnthropic

        return ChatAnthropic(model=asked.model, api_key="k", base_url=asked.url, max_retries=0)
    from langchain_openai import ChatOpenAI

    responses = dialect == "responses"
    return ChatOpenAI(
        model=asked.model, api_key="k", base_url=f"{asked.url}/v1", max_retries=0, stream_usage=True, use_responses_api=responses
    )


def _ask(asked: Asked, dialect: str, *, handler: bool, middleware: bool) -> None:
    from langchain.agents import create_agent
    from langchain_core.tools import tool

    from unimeter.integrations.langchain import UnimeterHandler
    from unimeter.integrations.langchain_agents import UnimeterMiddleware

    agent = create_agent(
        _model(asked, dialect),
        [tool(description="The weather in a city.")(asked.tool)],
        name=AGENT,
        middleware=[UnimeterMiddleware(AGENT)] if middleware else [],
    )
    question = {"messages": [("user", QUESTION)]}
    config = {"callbacks": [UnimeterHandler()] if handler else []}
    if asked.stream:
        for _ in agent.stream(question, stream_mode="messages", config=config):
            pass
    else:
        agent.invoke(question, config=config)


def _program(dialect: str, how: str, keeps: tuple[str, ...], in_stream: tuple[str, ...] | None = None) -> Program:
    def ask(asked: Asked) -> None:
        _ask(asked, dialect, handler="handler" in how, middleware="middleware" in how)

    integration = "langchain_agents" if how == "middleware" else "langchain"
    return Program(f"{dialect} {how}", dialect, ask, keeps, in_stream, integration=integration)


_CHAT = (*TOKENS, *CACHE, *REASONING, *AUDIO)

PROGRAMS = [
    _program("chat", "handler", (*_CHAT, *COST), _CHAT),
    _program("responses", "handler", (*TOKENS, *CACHE, *REASONING)),
    _program("anthropic", "handler", (*TOKENS, *CACHE, *REASONING)),
    _program("chat", "middleware", (*_CHAT, *COST), _CHAT),
    _program("anthropic", "middleware", (*TOKENS, *CACHE, *REASONING)),
]
"""The tool itself is heard twice where both are on, as both are asked to; so they are not used together here."""
