"""Strands: a hook provider.

    import unimeter
    from strands import Agent, tool
    from strands.models.openai import OpenAIModel
    from unimeter.integrations.strands import UnimeterHooks

    @tool
    def get_weather(city: str) -> str:
        '''The weather in a city.'''
        return "sunny"

    model = OpenAIModel(model_id="gpt-5-mini")
    agent = Agent(name="guide", model=model, tools=[get_weather], hooks=[UnimeterHooks()])
    with unimeter.capture() as run:
        agent("Weather in Paris?")
    print(run)

It hears the model calls and the tools of the agents that have it; not `structured_output`, for which Strands fires no
hooks. Without `capture` the figures are Strands' `Usage`, without reasoning, audio, cost and first token.

Tested with strands-agents 1.62.
"""

from __future__ import annotations

from typing import Any

from unimeter.extras import needs
from unimeter.integrations.listener import Listener
from unimeter.run import Run

with needs("strands"):
    from strands.hooks import (
        AfterModelCallEvent,
        AfterToolCallEvent,
        BeforeModelCallEvent,
        BeforeToolCallEvent,
        HookProvider,
        HookRegistry,
    )


class UnimeterHooks(HookProvider):
    """Counts an agent's calls and tools in a run: the current one, or the one that is given."""

    def __init__(self, run: Run | None = None) -> None:
        self._listener = Listener(run, __name__)

    def register_hooks(self, registry: HookRegistry, **_: Any) -> None:
        registry.add_callback(BeforeModelCallEvent, self._model_begins)
        registry.add_callback(AfterModelCallEvent, self._model_ends)
        registry.add_callback(BeforeToolCallEvent, self._tool_begins)
        registry.add_callback(AfterToolCallEvent, self._tool_ends)

    def _model_begins(self, event: BeforeModelCallEvent) -> None:
        self._listener.call_fails(id(event.agent))  # one that was left: nobody says so
        self._listener.call_begins(id(event.agent), agent=event.agent.name)

    def _model_ends(self, event: AfterModelCallEvent) -> None:
        if event.stop_response is None:
            self._listener.call_fails(id(event.agent))
            return
        metadata: Any = event.stop_response.message.get("metadata")
        if metadata is None:  # a hook has answered in the model's place
            self._listener.call_was_none(id(event.agent))
            return
        model: Any = event.agent.model
        provider = type(model).__module__.rpartition(".")[2]
        told = {"accumulated_usage": metadata["usage"]} if metadata.get("usage") else None
        self._listener.call_ends(id(event.agent), told, provider=provider, model=model.get_config().get("model_id"))

    def _tool_begins(self, event: BeforeToolCallEvent) -> None:
        self._listener.tool_begins(_key(event), event.tool_use["name"], agent=event.agent.name)

    def _tool_ends(self, event: AfterToolCallEvent) -> None:
        failed = "Error" if event.result.get("status") == "error" else None
        self._listener.tool_ends(_key(event), event.exception or failed)


def _key(event: BeforeToolCallEvent | AfterToolCallEvent) -> tuple[int, str]:
    """Some servers number the tools' calls anew in each answer."""
    return id(event.agent), event.tool_use["toolUseId"]
