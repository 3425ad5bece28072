"""LlamaIndex: handlers for its dispatcher.

    import asyncio

    import unimeter
    from llama_index.core.agent.workflow import FunctionAgent
    from llama_index.llms.openai import OpenAI
    from unimeter.integrations.llama_index import listen

    def get_weather(city: str) -> str:
        '''The weather in a city.'''
        return "sunny"

    async def ask(question: str) -> None:
        await FunctionAgent(name="guide", tools=[get_weather], llm=OpenAI("gpt-5-mini")).run(question)

    listen()
    with unimeter.capture(inject_usage=True) as run:  # a stream tells no usage unless it is asked for
        asyncio.run(ask("Weather in Paris?"))
    print(run)

It hears every chat, completion and tool of LlamaIndex's, in the run that is current where it is made; the first token of
a stream; the name of the agent. Without `capture` the figures are the provider's own, from the response that LlamaIndex
keeps: of a stream the last chunk, which tells usage only if the request asked for it. It cannot hear embeddings.

Tested with llama-index-core 0.14 and llama-index-llms-openai 0.8.
"""

from __future__ import annotations

from typing import Any

from unimeter.extras import needs
from unimeter.integrations.listener import Listener
from unimeter.run import Run

with needs("llama-index"):
    from llama_index.core.agent.workflow import BaseWorkflowAgent
    from llama_index.core.instrumentation import get_dispatcher
    from llama_index.core.instrumentation.event_handlers import BaseEventHandler
    from llama_index.core.instrumentation.events import BaseEvent
    from llama_index.core.instrumentation.events.exception import ExceptionEvent
    from llama_index.core.instrumentation.events.llm import (
        LLMChatEndEvent,
        LLMChatInProgressEvent,
        LLMChatStartEvent,
        LLMCompletionEndEvent,
        LLMCompletionInProgressEvent,
        LLMCompletionStartEvent,
    )
    from llama_index.core.instrumentation.span_handlers import BaseSpanHandler
    from llama_index.core.tools import BaseTool


def listen(run: Run | None = None) -> None:
    """Hear what LlamaIndex calls from now on, and count it in a run: the current one, or the one that is given."""
    listener, agents = Listener(run, __name__), Agents()
    dispatcher = get_dispatcher()
    dispatcher.add_span_handler(UnimeterSpanHandler(listener, agents))
    dispatcher.add_event_handler(UnimeterEventHandler(listener, agents))


class Agents(dict[str, str]):
    """The agent that each open span belongs to."""


class UnimeterEventHandler(BaseEventHandler):
    """Hears the models."""

    def __init__(self, listener: Listener, agents: Agents) -> None:
        super().__init__()
        self._listener, self._agents = listener, agents

    @classmethod
    def class_name(cls) -> str:
        return "UnimeterEventHandler"

    def handle(self, event: BaseEvent, **_: Any) -> None:
        key = event.span_id
        if isinstance(event, (LLMChatStartEvent, LLMCompletionStartEvent)):
            self._listener.call_begins(key, agent=self._agents.get(key or ""))
        elif isinstance(event, (LLMChatInProgressEvent, LLMCompletionInProgressEvent)):
            self._listener.answers(key)
            if event.response.delta or event.response.additional_kwargs.get("tool_calls"):
                self._listener.first_token(key)
        elif isinstance(event, (LLMChatEndEvent, LLMCompletionEndEvent)):
            self._listener.call_ends(key, None if event.response is None else event.response.raw)
        elif isinstance(event, ExceptionEvent):
            self._listener.call_fails(key)


class UnimeterSpanHandler(BaseSpanHandler[Any]):
    """Hears the tools, and whose they are."""

    def __init__(self, listener: Listener, agents: Agents) -> None:
        super().__init__()
        self._listener, self._agents = listener, agents
        self._tools: dict[str, BaseTool] = {}

    @classmethod
    def class_name(cls) -> str:
        return "UnimeterSpanHandler"

    def new_span(
        self, id_: str, bound_args: Any, instance: Any = None, parent_span_id: str | None = None, tags: Any = None, **_: Any
    ) -> None:
        agent = getattr(bound_args.arguments.get("ev"), "current_agent_name", None)  # in a workflow of several
        if agent is None:
            agent = instance.name if isinstance(instance, BaseWorkflowAgent) else self._agents.get(parent_span_id or "")
        if agent is not None:
            self._agents[id_] = agent
        if isinstance(instance, BaseTool) and self._tools.get(parent_span_id or "") is not instance:
            self._tools[id_] = instance
            self._listener.tool_begins(id_, instance.metadata.name or "tool", agent=agent)

    def prepare_to_exit_span(self, id_: str, *_: Any, **__: Any) -> None:
        self._ends(id_)

    def prepare_to_drop_span(self, id_: str, *_: Any, err: BaseException | None = None, **__: Any) -> None:
        self._ends(id_, err)

    def _ends(self, id_: str, error: BaseException | None = None) -> None:
        self._agents.pop(id_, None)
        self._tools.pop(id_, None)
        self._listener.tool_ends(id_, error)
