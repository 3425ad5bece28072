"""OpenAI Agents SDK: a tracing processor.

    import unimeter
    from agents import Agent, Runner, add_trace_processor, function_tool
    from unimeter.integrations.openai_agents import UnimeterProcessor

    @function_tool
    def get_weather(city: str) -> str:
        '''The weather in a city.'''
        return "sunny"

    add_trace_processor(UnimeterProcessor())
    with unimeter.capture() as run:
        Runner.run_sync(Agent(name="guide", model="gpt-5-mini", tools=[get_weather]), "Weather in Paris?")
    print(run)

It hears every agent, model and tool that the SDK traces; none where tracing is disabled. A processor is the process's, so
it counts in the run that is current where the agent works. Without `capture` the figures are the SDK's `Usage`, which
has neither audio nor cost nor the first token, and nothing at all for a chat stream that was not asked for usage.

Tested with openai-agents 0.24 and openai 3.54.
"""

from __future__ import annotations

from typing import Any

from unimeter.extras import needs
from unimeter.integrations.listener import Listener
from unimeter.run import Run

with needs("openai-agents"):
    from agents.tracing import (
        AgentSpanData,
        FunctionSpanData,
        GenerationSpanData,
        ResponseSpanData,
        Span,
        Trace,
        TracingProcessor,
    )


class UnimeterProcessor(TracingProcessor):
    """Counts the agents' calls and tools in a run: the current one, or the one that is given."""

    def __init__(self, run: Run | None = None) -> None:
        self._listener = Listener(run, __name__)
        self._agents: dict[str, str] = {}
        """The agent that each open span belongs to."""

    def on_span_start(self, span: Span[Any]) -> None:
        data = span.span_data
        agent = data.name if isinstance(data, AgentSpanData) else self._agents.get(span.parent_id or "")
        if agent is not None:
            self._agents[span.span_id] = agent
        if isinstance(data, (GenerationSpanData, ResponseSpanData)):
            self._listener.call_begins(span.span_id, agent=agent)
        elif isinstance(data, FunctionSpanData):
            self._listener.tool_begins(span.span_id, data.name, agent=agent)

    def on_span_end(self, span: Span[Any]) -> None:
        data = span.span_data
        self._agents.pop(span.span_id, None)
        if isinstance(data, FunctionSpanData):
            self._listener.tool_ends(span.span_id, span.error and "Error")
        elif isinstance(data, ResponseSpanData) and data.response is not None:
            self._listener.call_ends(span.span_id, data.response)
        elif isinstance(data, (GenerationSpanData, ResponseSpanData)):
            if data.usage:
                usage = {"usage": data.usage, "model": getattr(data, "model", None)}
                self._listener.call_ends(span.span_id, usage, provider="openai-agents")
            elif span.error:
                self._listener.call_fails(span.span_id)
            else:
                self._listener.call_ends(span.span_id)

    def on_trace_start(self, trace: Trace) -> None: ...

    def on_trace_end(self, trace: Trace) -> None: ...

    def shutdown(self) -> None: ...

    def force_flush(self) -> None: ...
