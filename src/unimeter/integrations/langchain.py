"""LangChain and LangGraph: a callback handler.

    import unimeter
    from langchain.agents import create_agent
    from unimeter.integrations.langchain import UnimeterHandler

    def get_weather(city: str) -> str:
        '''The weather in a city.'''
        return "sunny"

    agent = create_agent("openai:gpt-5-mini", tools=[get_weather], name="guide")
    with unimeter.capture() as run:
        agent.invoke({"messages": [("user", "Weather in Paris?")]}, config={"callbacks": [UnimeterHandler()]})
    print(run)

It hears every model and tool that is called with it: their times, the first token of a stream, the agent's name.
Without `capture` the figures are LangChain's `usage_metadata`, which has no cost in a stream, and nothing at all for an
OpenAI-style stream that was not asked for usage: `ChatOpenAI(stream_usage=True)` asks, or `capture(inject_usage=True)`.
It cannot hear embeddings, which have no callbacks.

Tested with langchain-core 1.7, langchain 1.4, langgraph 1.2, langchain-openai 1.7 and langchain-anthropic 1.7.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any
from uuid import UUID

from unimeter.extras import needs
from unimeter.integrations.listener import Listener, api_of
from unimeter.run import Run

with needs("langchain"):
    from langchain_core.callbacks import BaseCallbackHandler
    from langchain_core.outputs import LLMResult


class UnimeterHandler(BaseCallbackHandler):
    """Counts the calls of LangChain's models and tools in a run: the current one, or the one that is given."""

    run_inline = True  # in the caller's own context: what is then heard on the wire is known to be this call

    def __init__(self, run: Run | None = None) -> None:
        self._listener = Listener(run, __name__)

    def on_chat_model_start(
        self, serialized: Any, messages: Any, *, run_id: UUID, metadata: Mapping[str, Any] | None = None, **more: Any
    ) -> None:
        self._listener.call_begins(run_id, agent=_agent(metadata), heard=_heard_of(more.get("batch_size")))

    def on_llm_start(
        self, serialized: Any, prompts: list[str], *, run_id: UUID, metadata: Mapping[str, Any] | None = None, **more: Any
    ) -> None:
        self._listener.call_begins(run_id, agent=_agent(metadata), heard=_heard_of(more.get("batch_size")))

    def on_llm_new_token(self, token: Any, *, chunk: Any = None, run_id: UUID, **_: Any) -> None:
        self._listener.answers(run_id)
        message = getattr(chunk, "message", None)
        if token or getattr(message, "content", None) or getattr(message, "tool_call_chunks", None):
            self._listener.first_token(run_id)

    def on_llm_end(self, response: LLMResult, *, run_id: UUID, **_: Any) -> None:
        generation = response.generations[0][0] if response.generations and response.generations[0] else None
        message: Any = getattr(generation, "message", None)
        if message is not None:
            if (message.usage_metadata or {}).get("total_cost") == 0:
                self._listener.call_was_none(run_id)
            else:
                told = message if message.usage_metadata else None
                self._listener.call_ends(run_id, told, provider=provider_of(message))
        else:
            usage = (response.llm_output or {}).get("token_usage")
            self._listener.call_ends(
                run_id, {"usage": usage} if usage else None, model=(response.llm_output or {}).get("model_name")
            )

    def on_llm_error(self, error: BaseException, *, run_id: UUID, **_: Any) -> None:
        self._listener.call_fails(run_id)

    def on_tool_start(
        self, serialized: Mapping[str, Any], input_str: str, *, run_id: UUID, metadata: Mapping[str, Any] | None = None, **_: Any
    ) -> None:
        self._listener.tool_begins(run_id, serialized.get("name") or "tool", agent=_agent(metadata))

    def on_tool_end(self, output: Any, *, run_id: UUID, **_: Any) -> None:
        self._listener.tool_ends(run_id)

    def on_tool_error(self, error: BaseException, *, run_id: UUID, **_: Any) -> None:
        self._listener.tool_ends(run_id, error)


_batch: ContextVar[tuple[int, list[Any]]] = ContextVar("unimeter.langchain.batch", default=(0, []))
"""How many calls of a batch have yet to begin, and what is heard of them."""


def _heard_of(batch_size: Any) -> list[Any] | None:
    """What is heard of the calls of a batch: LangChain lets all begin before it makes the first."""
    if not isinstance(batch_size, int) or batch_size < 2:
        return None
    left, heard = _batch.get()
    if left == 0:
        left, heard = batch_size, []
    _batch.set((left - 1, heard))
    return heard


def provider_of(message: Any) -> str | None:
    """The provider of a message, as LangChain names it."""
    metadata = message.response_metadata
    return api_of(metadata.get("model_provider"), metadata.get("id") or message.id)


def _agent(metadata: Mapping[str, Any] | None) -> str | None:
    return (metadata or {}).get("lc_agent_name")
