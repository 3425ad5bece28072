"""LangChain: batches, models within models, both hooks at once, a cache."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import unimeter
from unimeter import Run

from .programs import QUESTION, Asked
from .programs.langchain import _model
from .provider import provider

pytestmark = [pytest.mark.frameworks, pytest.mark.langchain]

CAPTURED = pytest.mark.parametrize("captured", [True, False])


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with provider() as url:
        yield url


def a_model(url: str, dialect: str = "anthropic", **options: Any) -> Any:
    model = _model(Asked(url, "gpt-x", False, str), dialect)
    for name, value in options.items():
        setattr(model, name, value)
    return model


def calls(run: Run) -> tuple[int, int, int]:
    told = run.metrics.additional_metrics or {}
    return told.get("calls", 0), told.get("calls_without_usage", 0), run.metrics.input_tokens


@CAPTURED
@pytest.mark.parametrize("streaming", [True, False])
@pytest.mark.parametrize("dialect", ["chat", "anthropic"])
def test_several_prompts_in_one(dialect: str, streaming: bool, captured: bool, url: str) -> None:
    from langchain_core.messages import HumanMessage

    from unimeter.integrations.langchain import UnimeterHandler

    model = a_model(url, dialect, streaming=streaming)
    with unimeter.capture() if captured else Run() as run:
        model.generate([[HumanMessage("a")], [HumanMessage("b")], [HumanMessage("c")]], callbacks=[UnimeterHandler()])
    assert calls(run) == (3, 0, 450)


@CAPTURED
def test_a_model_that_asks_another_counts_once(captured: bool, url: str) -> None:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.outputs import ChatGeneration, ChatResult
    from langchain_core.runnables import RunnableLambda

    from unimeter.integrations.langchain import UnimeterHandler

    class Wrapper(BaseChatModel):
        inner: Any

        @property
        def _llm_type(self) -> str:
            return "wrapper"

        def _generate(self, messages: Any, stop: Any = None, run_manager: Any = None, **options: Any) -> ChatResult:
            return ChatResult(generations=[ChatGeneration(message=self.inner.invoke(messages))])

    outer = RunnableLambda(lambda question: Wrapper(inner=a_model(url, streaming=True)).invoke(question))
    with unimeter.capture() if captured else Run() as run:
        outer.invoke(QUESTION, config={"callbacks": [UnimeterHandler()]})
    assert calls(run) == (1, 0, 150)


@CAPTURED
def test_handler_and_middleware_together_count_each_once_and_keep_the_name(captured: bool, url: str) -> None:
    from langchain.agents import create_agent
    from langchain_core.tools import tool

    from unimeter.integrations.langchain import UnimeterHandler
    from unimeter.integrations.langchain_agents import UnimeterMiddleware

    @tool
    def get_weather(city: str) -> str:
        """The weather in a city."""
        return "sunny"

    agent = create_agent(a_model(url), [get_weather], middleware=[UnimeterMiddleware("guide", model_type="memory_model")])
    with unimeter.capture() if captured else Run() as run:
        agent.invoke({"messages": [("user", QUESTION)]}, config={"callbacks": [UnimeterHandler(), UnimeterHandler()]})
    assert calls(run) == (2, 0, 250)
    assert [(message.agent, message.model_type) for message in run.messages] == [("guide", "memory_model")] * 2
    assert [(tool.name, tool.agent) for tool in run.tools] == [("get_weather", "guide")]


@CAPTURED
def test_what_comes_from_a_cache_is_no_call(captured: bool, url: str) -> None:
    from langchain_core.caches import InMemoryCache

    from unimeter.integrations.langchain import UnimeterHandler

    model = a_model(url, cache=InMemoryCache())
    with unimeter.capture() if captured else Run() as run:
        for _ in range(3):
            model.invoke(QUESTION, config={"callbacks": [UnimeterHandler()]})
    assert calls(run) == (1, 0, 150)


@CAPTURED
def test_what_the_program_asks_while_a_stream_goes_on_is_not_its_call(captured: bool, url: str) -> None:
    from unimeter.integrations.langchain import UnimeterHandler

    class Named(UnimeterHandler):
        """As an agent has a name."""

    own = a_model(url)
    with unimeter.capture() if captured else Run() as run:
        config = {"callbacks": [Named()], "metadata": {"lc_agent_name": "guide"}}
        for at, _ in enumerate(a_model(url, "chat").stream(QUESTION, config=config)):
            if at == 1:
                own.invoke(QUESTION)
    assert calls(run) == ((2, 0, 300) if captured else (1, 0, 150))  # without capture nobody hears the program's own
    assert sorted(message.agent or "" for message in run.messages) == (["", "guide"] if captured else ["guide"])


def test_openais_two_apis_have_two_labels(url: str) -> None:
    from unimeter.integrations.langchain import UnimeterHandler

    for dialect, label in (("chat", "OpenAI Chat"), ("responses", "OpenAI Responses")):
        with Run() as run:
            a_model(url, dialect).invoke(QUESTION, config={"callbacks": [UnimeterHandler()]})
        assert [message.reading and message.reading.provider for message in run.messages] == [label]
