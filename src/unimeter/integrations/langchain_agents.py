"""LangChain's agents: a middleware, for an agent that is to be heard wherever it is invoked.

    import unimeter
    from langchain.agents import create_agent
    from unimeter.integrations.langchain_agents import UnimeterMiddleware

    def get_weather(city: str) -> str:
        '''The weather in a city.'''
        return "sunny"

    agent = create_agent("openai:gpt-5-mini", tools=[get_weather], middleware=[UnimeterMiddleware("guide")])
    with unimeter.capture() as run:
        agent.invoke({"messages": [("user", "Weather in Paris?")]})
    print(run)

It hears the agent's own model and its tools. What these call in turn it does not: give those a `UnimeterHandler`. Where
both hear a call it counts once. Without `capture` it knows no first token, and of a stream what LangChain has added up.

Tested with langchain 1.4, langgraph 1.2, langchain-openai 1.7 and langchain-anthropic 1.7.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable
from enum import Enum
from typing import Any

from unimeter.extras import needs
from unimeter.integrations.listener import Listener
from unimeter.metrics import ModelType
from unimeter.run import Run

with needs("langchain-agents"):
    from langchain.agents.middleware import AgentMiddleware


class UnimeterMiddleware(AgentMiddleware[Any, Any, Any]):
    """Counts an agent's calls and tools in a run: the current one, or the one that is given."""

    def __init__(self, agent: str | None = None, *, model_type: str | Enum = ModelType.MODEL, run: Run | None = None) -> None:
        """
        Args:
            agent: the agent's name.
            model_type: what its model is called for.
            run: what counts.
        """
        super().__init__()
        self._agent = agent
        self._model_type = model_type
        self._listener = Listener(run, __name__)

    def wrap_model_call(self, request: Any, handler: Callable[[Any], Any]) -> Any:
        with self._listener.calling(self._model_type, agent=self._agent) as key:
            return self._answered(key, handler(request))

    async def awrap_model_call(self, request: Any, handler: Callable[[Any], Awaitable[Any]]) -> Any:
        with self._listener.calling(self._model_type, agent=self._agent) as key:
            return self._answered(key, await handler(request))

    def wrap_tool_call(self, request: Any, handler: Callable[[Any], Any]) -> Any:
        with self._listener.using(request.tool_call["name"], agent=self._agent):
            return handler(request)

    async def awrap_tool_call(self, request: Any, handler: Callable[[Any], Awaitable[Any]]) -> Any:
        with self._listener.using(request.tool_call["name"], agent=self._agent):
            return await handler(request)

    def _answered(self, key: Hashable, response: Any) -> Any:
        from unimeter.integrations.langchain import provider_of

        messages = getattr(response, "result", None) or [response]
        message = next((one for one in reversed(messages) if getattr(one, "usage_metadata", None)), None)
        self._listener.call_ends(key, message, provider=None if message is None else provider_of(message))
        return response
