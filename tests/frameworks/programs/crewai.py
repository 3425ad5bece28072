"""CrewAI, by the listener on its event bus."""

from __future__ import annotations

from functools import cache
from typing import Any

from . import AGENT, CACHE, QUESTION, REASONING, TOKENS, Asked, Program


@cache
def _listener() -> Any:
    """The bus is the process's: once is enough."""
    from unimeter.integrations.crewai import UnimeterListener

    return UnimeterListener()


def _ask(asked: Asked, dialect: str) -> None:
    from crewai import LLM, Agent, Crew, Task
    from crewai.tools import tool

    listener = _listener()
    where = {"base_url": f"{asked.url}/v1", "api_key": "k", "max_retries": 0}
    api = {"api": "responses"} if dialect == "responses" else {}
    llm = LLM(model=f"openai/{asked.model}", stream=asked.stream, **where, **api)
    asked.tool.__doc__ = "The weather in a city."
    agent = Agent(role=AGENT, goal="to help", backstory="none", llm=llm, tools=[tool("get_weather")(asked.tool)], max_iter=4)
    try:
        Crew(agents=[agent], tasks=[Task(description=QUESTION, expected_output="a text", agent=agent)]).kickoff()
    finally:
        assert listener.flush()


def _program(dialect: str) -> Program:
    # CrewAI 1.15 loses a tool's call in a Responses stream, and gives up.
    streams = dialect == "chat"
    return Program(dialect, dialect, lambda asked: _ask(asked, dialect), (*TOKENS, CACHE[0], *REASONING), streams=streams)


PROGRAMS = [_program("chat"), _program("responses")]
