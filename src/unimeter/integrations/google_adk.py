"""Google ADK: a plugin.

    import asyncio

    import unimeter
    from google.adk.agents import LlmAgent
    from google.adk.runners import InMemoryRunner
    from unimeter.integrations.google_adk import UnimeterPlugin

    def get_weather(city: str) -> str:
        '''The weather in a city.'''
        return "sunny"

    agent = LlmAgent(name="guide", model="gemini-2.5-flash", tools=[get_weather])
    runner = InMemoryRunner(agent=agent, app_name="tour", plugins=[UnimeterPlugin()])
    with unimeter.capture() as run:
        asyncio.run(runner.run_debug("Weather in Paris?"))
    print(run)

It hears the model calls and the tools of all agents that the runner runs, and the first token where ADK streams. It cannot
hear live (bidirectional) sessions. Without `capture` the figures are ADK's `LlmResponse`, without a cost.

Tested with google-adk 2.13 and google-genai 2.34.
"""

from __future__ import annotations

from typing import Any

from unimeter.extras import needs
from unimeter.integrations.listener import Listener
from unimeter.run import Run

with needs("google-adk"):
    from google.adk.plugins.base_plugin import BasePlugin


class UnimeterPlugin(BasePlugin):
    """Counts the agents' calls and tools in a run: the current one, or the one that is given."""

    def __init__(self, run: Run | None = None) -> None:
        super().__init__(name="unimeter")
        self._listener = Listener(run, __name__)

    async def before_model_callback(self, *, callback_context: Any, llm_request: Any) -> None:
        key = _key(callback_context)
        self._listener.call_fails(key)  # one that was left: nobody says so
        self._listener.call_begins(key, agent=callback_context.agent_name)

    async def after_model_callback(self, *, callback_context: Any, llm_response: Any) -> None:
        key = _key(callback_context)
        if llm_response.partial:  # a chunk, with the usage so far
            self._listener.answers(key)
            if llm_response.content is not None:
                self._listener.first_token(key)
        else:
            self._listener.call_ends(key, llm_response if llm_response.usage_metadata else None)

    async def on_model_error_callback(self, *, callback_context: Any, llm_request: Any, error: Exception) -> None:
        self._listener.call_fails(_key(callback_context))

    async def before_tool_callback(self, *, tool: Any, tool_args: Any, tool_context: Any) -> None:
        self._listener.tool_begins(tool_context.function_call_id, tool.name, agent=tool_context.agent_name)

    async def after_tool_callback(self, *, tool: Any, tool_args: Any, tool_context: Any, result: Any) -> None:
        self._listener.tool_ends(tool_context.function_call_id)

    async def on_tool_error_callback(self, *, tool: Any, tool_args: Any, tool_context: Any, error: Exception) -> None:
        self._listener.tool_ends(tool_context.function_call_id, error)


def _key(context: Any) -> tuple[str, str]:
    """An agent makes one call at a time."""
    return context.invocation_id, context.agent_name
