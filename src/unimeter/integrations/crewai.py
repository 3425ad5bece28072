"""CrewAI: a listener on its event bus.

    import unimeter
    from crewai import Agent, Crew, Task
    from crewai.tools import tool
    from unimeter.integrations.crewai import UnimeterListener

    @tool
    def get_weather(city: str) -> str:
        '''The weather in a city.'''
        return "sunny"

    listener = UnimeterListener()
    about = {"goal": "to help", "backstory": "none"}
    agent = Agent(role="guide", llm="openai/gpt-5-mini", tools=[get_weather], **about)
    task = Task(description="Weather in Paris?", expected_output="a word", agent=agent)
    with unimeter.capture() as run:
        Crew(agents=[agent], tasks=[task]).kickoff()
        listener.flush()
    print(run)

It hears every call to a model and every tool, with the agent's role, each call once, whoever shares its `LLM`. The bus
tells of them in a thread of its own: `flush` waits for it. Without `capture` the figures are CrewAI's `UsageMetrics`,
without audio, cost and, of OpenAI's, cache writes.

Tested with crewai 1.15.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from unimeter import blocks
from unimeter.extras import needs
from unimeter.integrations.listener import Listener
from unimeter.run import Run

with needs("crewai"):
    from crewai.events import (
        BaseEventListener,
        LLMCallCompletedEvent,
        LLMCallFailedEvent,
        LLMCallStartedEvent,
        LLMStreamChunkEvent,
        ToolUsageErrorEvent,
        ToolUsageFinishedEvent,
        ToolUsageStartedEvent,
        crewai_event_bus,
    )
    from crewai.llms.base_llm import _current_call_id
    from crewai.types.usage_metrics import UsageMetrics


class UnimeterListener(BaseEventListener):
    """Counts CrewAI's calls and tools in a run: the current one, or the one that is given."""

    def __init__(self, run: Run | None = None) -> None:
        self._listener = Listener(run, __name__)
        self._tools_began: dict[str, datetime] = {}
        super().__init__()
        blocks.FINDERS.append(self._call_here)

    def setup_listeners(self, crewai_event_bus: Any) -> None:
        handlers = {
            LLMCallStartedEvent: self._begins,
            LLMStreamChunkEvent: self._chunk,
            LLMCallCompletedEvent: self._ends,
            LLMCallFailedEvent: self._fails,
            ToolUsageStartedEvent: self._tool_begins,
            ToolUsageFinishedEvent: self._tool_ends,
            ToolUsageErrorEvent: self._tool_ends,
        }
        for event, handler in handlers.items():
            crewai_event_bus.on(event)(handler)

    @staticmethod
    def flush(timeout: float = 30.0) -> bool:
        """Wait until the bus has told of all that happened; whether it has within so many seconds."""
        return bool(crewai_event_bus.flush(timeout))

    def _call_here(self) -> blocks.Call | None:
        """The call that this context makes: the bus may not have told of it yet."""
        call_id = _current_call_id.get()
        if call_id is None:
            return None
        if self._listener.call_of(call_id) is None:
            self._listener.call_begins(call_id)
        return self._listener.call_of(call_id)

    # Asynchronous, since the bus runs such handlers in the order of the events; the others as its threads come.

    async def _begins(self, source: Any, event: LLMCallStartedEvent) -> None:
        self._listener.call_begins(event.call_id, agent=event.agent_role)

    async def _chunk(self, source: Any, event: LLMStreamChunkEvent) -> None:
        if event.chunk or event.tool_call:
            self._listener.first_token(event.call_id)

    async def _ends(self, source: Any, event: LLMCallCompletedEvent) -> None:
        usage = UsageMetrics.from_provider_dict(event.usage) if event.usage and any(event.usage.values()) else None
        told = {"usage_metrics": usage, "model": event.model, "response_id": event.response_id}
        self._listener.call_ends(event.call_id, told if usage else None, provider=getattr(source, "provider", None))

    async def _fails(self, source: Any, event: LLMCallFailedEvent) -> None:
        self._listener.call_fails(event.call_id)

    async def _tool_begins(self, source: Any, event: ToolUsageStartedEvent) -> None:
        self._tools_began[event.event_id] = event.timestamp

    async def _tool_ends(self, source: Any, event: ToolUsageFinishedEvent | ToolUsageErrorEvent) -> None:
        began = self._tools_began.pop(event.started_event_id or "", event.timestamp)
        if (run := self._listener.run) is not None and not getattr(event, "from_cache", False):
            error = getattr(event, "error", None)
            run.record_tool(
                event.tool_name,
                (event.timestamp - began).total_seconds(),
                agent=event.agent_role,
                error=type(error).__name__ if isinstance(error, BaseException) else error and "Error",
                end_time=event.timestamp.timestamp(),
            )
