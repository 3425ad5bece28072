"""Pydantic AI: a capability.

    import unimeter
    from pydantic_ai import Agent
    from unimeter.integrations.pydantic_ai import Unimeter

    def get_weather(city: str) -> str:
        '''The weather in a city.'''
        return "sunny"

    agent = Agent("openai:gpt-5-mini", name="guide", tools=[get_weather], capabilities=[Unimeter()])
    with unimeter.capture() as run:
        agent.run_sync("Weather in Paris?")
    print(run)

It hears the model requests and the tools of the agents that have it. Without `capture` the figures are Pydantic AI's
`RequestUsage`, without a cost (its own is mostly computed) and without the first token.

Tested with pydantic-ai-slim 2.68.
"""

from __future__ import annotations

from contextvars import ContextVar
from enum import Enum
from typing import Any

from unimeter.blocks import FINDERS, Call
from unimeter.extras import needs
from unimeter.integrations.listener import Listener, api_of
from unimeter.metrics import ModelType
from unimeter.run import Run

with needs("pydantic-ai"):
    from pydantic_ai import RunContext
    from pydantic_ai.capabilities import AbstractCapability
    from pydantic_ai.messages import ModelResponse


class _Step:
    """What one step of an agent's run is doing; its tasks share it."""

    def __init__(self) -> None:
        self.call: Call | None = None


_step: ContextVar[_Step | None] = ContextVar("unimeter.pydantic_ai.step", default=None)


def _call_of_step() -> Call | None:
    """The call of this step: a stream is opened in another task than the one in which the hook around it runs."""
    step = _step.get()
    return None if step is None else step.call


FINDERS.append(_call_of_step)


class Unimeter(AbstractCapability[Any]):
    """Counts an agent's calls and tools in a run: the current one, or the one that is given."""

    def __init__(self, run: Run | None = None, *, model_type: str | Enum = ModelType.MODEL) -> None:
        """
        Args:
            run: what counts.
            model_type: what the agent's model is called for.
        """
        self._listener = Listener(run, __name__)
        self._model_type = model_type

    async def before_node_run(self, ctx: RunContext[Any], *, node: Any) -> Any:
        _step.set(_Step())
        return node

    async def wrap_model_request(self, ctx: RunContext[Any], *, request_context: Any, handler: Any) -> ModelResponse:
        with self._listener.calling(self._model_type, agent=_agent(ctx)) as key:
            step = _step.get() or _Step()
            step.call = self._listener.call_of(key)
            response: ModelResponse = await handler(request_context)
            told = response if response.usage.has_values() else None
            self._listener.call_ends(key, told, provider=api_of(response.provider_name, response.provider_response_id))
            return response

    async def wrap_tool_execute(self, ctx: RunContext[Any], *, call: Any, tool_def: Any, args: Any, handler: Any) -> Any:
        with self._listener.using(call.tool_name, agent=_agent(ctx)):
            return await handler(args)


def _agent(ctx: RunContext[Any]) -> str | None:
    return getattr(getattr(ctx, "agent", None), "name", None)
