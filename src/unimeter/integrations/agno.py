"""Agno: the models and tools of an agent or a team, metered.

    import unimeter
    from agno.agent import Agent
    from agno.models.openai import OpenAIChat
    from unimeter.export.agno import run_metrics
    from unimeter.integrations.agno import meter

    def get_weather(city: str) -> str:
        '''The weather in a city.'''
        return "sunny"

    agent = meter(Agent(name="guide", model=OpenAIChat(id="gpt-5-mini"), tools=[get_weather]))
    with unimeter.capture() as run:
        output = agent.run("Weather in Paris?")
    output.metrics = run_metrics(run)  # by model and role, as Agno has them
    print(run)

It hears each request of the agent's models, in the role that each plays (`details`), and each tool; Agno has no hook for
models, so those of this one agent get a subclass of their class. Without `capture` the figures are Agno's own, read by the
convention of each provider: Claude's cache is added to the input, Gemini's thoughts to the output; and what Agno does in
threads of its own (memories) is heard only by `meter(agent, run)`. What is set afterwards (a team's new member, a manager)
has to be metered as well.

Tested with agno 3.1.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from inspect import isasyncgen, isawaitable, isgenerator
from typing import Any, TypeVar

from unimeter.extras import needs
from unimeter.integrations.agno_models import Role, metered
from unimeter.integrations.listener import Listener
from unimeter.metrics import ModelType
from unimeter.run import Run

with needs("agno"):
    from agno.agent import Agent
    from agno.models.base import Model
    from agno.team import Team

_T = TypeVar("_T", bound="Agent | Team")

_MODELS = {
    "model": ModelType.MODEL,
    "reasoning_model": ModelType.REASONING_MODEL,
    "parser_model": ModelType.PARSER_MODEL,
    "output_model": ModelType.OUTPUT_MODEL,
    "followup_model": ModelType.FOLLOWUP_MODEL,
}
_MANAGERS = {
    "memory_manager": ModelType.MEMORY_MODEL,
    "session_summary_manager": ModelType.SESSION_SUMMARY_MODEL,
    "compression_manager": ModelType.COMPRESSION_MODEL,
    "learning": ModelType.LEARNING_MODEL,
    "compaction": "compaction_model",
}


def meter(agent: _T, run: Run | None = None) -> _T:
    """Count the calls and tools of an agent or a team, its members among them, in a run; gives the agent back.

    Args:
        agent: the agent or the team. It is initialised by this, and its models are replaced by metered copies.
        run: what counts; by default the run that is current where the agent makes a call.
    """
    listener = Listener(run, __name__)
    agent.initialize_team() if isinstance(agent, Team) else agent.initialize_agent()
    for holders in (_MANAGERS, _MODELS):  # a manager may share the agent's model, which then plays two roles
        for name, role in holders.items():
            holder, attribute = (agent, name) if holders is _MODELS else (getattr(agent, name, None), "model")
            model = getattr(holder, attribute, None)
            if isinstance(model, Model):
                setattr(holder, attribute, metered(model, Role(listener, role, agent.name)))
    others = [hook for hook in agent.tool_hooks or () if getattr(hook, "__module__", "") != __name__]
    agent.tool_hooks = [*others, _tool_hook(listener, agent.name)]
    members = agent.members if isinstance(agent, Team) else ()
    for member in members if isinstance(members, (list, tuple)) else ():
        meter(member, run)
    return agent


def _tool_hook(listener: Listener, agent: str | None) -> Callable[..., Any]:
    """A hook around each tool, of any kind: Agno awaits or iterates what a hook returns."""

    def unimeter(function_name: str, function_call: Callable[..., Any], arguments: dict[str, Any]) -> Any:
        with listener.using(function_name, agent=agent) as key:
            result = function_call(**arguments)
            if not _goes_on(result):
                return result
            listener.forget_tool(key)  # it has yet to begin
        return iterated(function_name, result) or awaited(function_name, result)

    async def awaited(name: str, result: Any) -> Any:
        with listener.using(name, agent=agent) as key:
            value = await result
            if not _goes_on(value):
                return value
            listener.forget_tool(key)
        return iterated(name, value)

    def iterated(name: str, result: Any) -> Any:
        return now(name, result) if isgenerator(result) else later(name, result) if isasyncgen(result) else None

    def now(name: str, result: Iterator[Any]) -> Iterator[Any]:
        with listener.using(name, agent=agent):
            yield from result

    async def later(name: str, result: AsyncIterator[Any]) -> AsyncIterator[Any]:
        with listener.using(name, agent=agent):
            async for piece in result:
                yield piece

    return unimeter


def _goes_on(result: Any) -> bool:
    return isgenerator(result) or isasyncgen(result) or isawaitable(result)
