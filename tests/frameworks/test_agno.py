"""Agno: the roles of its models, its sessions, and what its own metrics lack."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

import unimeter
from unimeter import Run, Session

from .programs import QUESTION, Asked
from .programs.agno import _model
from .provider import provider

pytestmark = [pytest.mark.frameworks, pytest.mark.agno]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with provider() as url:
        yield url


def get_weather(city: str) -> str:
    """The weather in a city."""
    return "sunny"


def an_agent(url: str, dialect: str, run: Run | None = None, **options: Any) -> Any:
    from agno.agent import Agent

    from unimeter.integrations.agno import meter

    model = _model(Asked(url, "gpt-x", False, get_weather), dialect)
    return meter(Agent(name="guide", model=model, tools=[get_weather], telemetry=False, **options), run)


@pytest.mark.parametrize(("dialect", "agnos", "ours"), [("anthropic", (82, 152), (250, 320)), ("gemini", (250, 286), (250, 320))])
@pytest.mark.parametrize("captured", [True, False])
def test_right_where_agnos_own_are_not(
    dialect: str, agnos: tuple[int, int], ours: tuple[int, int], captured: bool, url: str
) -> None:
    from unimeter.export.agno import run_metrics, session_metrics

    session = Session()
    agent = an_agent(url, dialect)
    with unimeter.capture(session=session) if captured else Run(session=session) as run:
        output = agent.run(QUESTION)
    assert (output.metrics.input_tokens, output.metrics.total_tokens) == agnos
    output.metrics = run_metrics(run)
    assert (output.metrics.input_tokens, output.metrics.total_tokens) == ours
    assert type(output.metrics.details["model"][0]).__module__ == "agno.metrics"
    assert output.to_dict()["metrics"]["total_tokens"] == ours[1]
    assert session_metrics(session).total_tokens == ours[1]


@pytest.mark.parametrize("captured", [True, False])
def test_each_model_in_its_role(captured: bool, url: str) -> None:
    from agno.db.in_memory import InMemoryDb

    output_model = _model(Asked(url, "gpt-y", False, get_weather), "chat")
    run = unimeter.capture() if captured else Run()
    own = None if captured else run  # Agno remembers in a thread of its own
    options = {"db": InMemoryDb(), "enable_session_summaries": True, "update_memory_on_run": True}
    agent = an_agent(url, "chat", own, output_model=output_model, **options)
    with run:
        output = agent.run(QUESTION, session_id="s", user_id="u")
    ours = {role: [(one.id, one.input_tokens) for one in models] for role, models in (run.metrics.details or {}).items()}
    agnos = {role: [(one.id, one.input_tokens) for one in models] for role, models in output.metrics.details.items()}
    assert set(agnos) >= {"model", "output_model", "memory_model"}
    assert {role: ours[role] for role in agnos} == agnos


def test_a_teams_members_are_metered(url: str) -> None:
    from agno.agent import Agent
    from agno.team import Team

    from unimeter.integrations.agno import meter

    asked = Asked(url, "gpt-x", False, get_weather)
    member = Agent(name="member", model=_model(asked, "chat"), tools=[get_weather], telemetry=False)
    team = meter(Team(name="team", members=[member], model=_model(asked, "chat"), telemetry=False))
    with Run() as run:
        member.run(QUESTION)
        team.run(QUESTION)
    assert [message.agent for message in run.messages] == ["member", "member", "team"]
    assert [tool.agent for tool in run.tools] == ["member"]


def test_metering_twice_counts_once(url: str) -> None:
    from unimeter.integrations.agno import meter

    with Run() as run:
        meter(an_agent(url, "chat")).run(QUESTION)
    assert len(run.messages) == 2
    assert len(run.tools) == 1


@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_tool_that_is_a_generator_is_timed_to_its_end(asynchronous: bool, url: str) -> None:
    from agno.agent import Agent

    from unimeter.integrations.agno import meter

    def get_weather(city: str) -> Iterator[str]:
        """The weather in a city."""
        yield "sun"
        time.sleep(0.05)
        yield "ny"

    async def get_weather_later(city: str) -> AsyncIterator[str]:
        """The weather in a city."""
        yield "sun"
        await asyncio.sleep(0.05)
        yield "ny"

    tool = get_weather_later if asynchronous else get_weather
    model = _model(Asked(url, "gpt-x", False, str), "chat")
    agent = meter(Agent(name="guide", model=model, tools=[tool], telemetry=False))
    with Run() as run:
        asyncio.run(agent.arun(QUESTION)) if asynchronous else agent.run(QUESTION)
    (used,) = run.tools
    of_calls = sum(message.duration or 0.0 for message in run.messages)
    assert 0.05 <= used.metrics.duration <= run.metrics.duration - of_calls
    assert run.metrics.input_tokens == 250
