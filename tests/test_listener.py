"""What the integrations are made of: a framework's hooks as calls and tools of a run."""

from __future__ import annotations

import contextvars
import importlib
import logging
import sys
import time
from collections.abc import Iterator
from itertools import count
from threading import Thread
from typing import Any

import httpx
import pytest

import unimeter
from unimeter import Run, Session, blocks, unharmed
from unimeter.integrations.listener import Listener, label_of

ANSWER = {"id": "chatcmpl-1", "choices": [], "model": "gpt-x", "usage": {"prompt_tokens": 10, "completion_tokens": 2}}


@pytest.fixture(autouse=True)
def _nothing_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unharmed, "_said", set())


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    ids = count()

    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={**ANSWER, "id": f"wire-{next(ids)}"})

    with httpx.Client(transport=httpx.MockTransport(answer)) as client:
        yield client


def ask(client: httpx.Client) -> None:
    client.post("https://api.openai.com/v1/chat/completions")


def counts(run: Run) -> tuple[int, int]:
    told = run.metrics.additional_metrics or {}
    return told.get("calls", 0), told.get("calls_without_usage", 0)


def test_a_call_with_its_agent_its_role_and_its_times() -> None:
    listener = Listener()
    with Run() as run:
        listener.call_begins("a", "memory_model", agent="guide")
        listener.first_token("a")
        listener.call_ends("a", ANSWER)
    (message,) = run.messages
    assert (message.model_type, message.agent) == ("memory_model", "guide")
    assert message.reading is not None
    assert 0 <= (message.time_to_first_token or -1) <= (message.duration or 0)
    assert message.start_time == pytest.approx(time.time(), abs=5)
    assert blocks.Call.current() is None


def test_what_the_wire_tells_counts_instead(client: httpx.Client) -> None:
    listener = Listener()
    with unimeter.capture() as run:
        listener.call_begins("a", "memory_model", agent="guide")
        ask(client)
        listener.call_ends("a", {**ANSWER, "id": "another", "usage": {"prompt_tokens": 99, "completion_tokens": 9}})
    assert counts(run) == (1, 0)
    assert run.metrics.input_tokens == 10
    assert [(message.model_type, message.agent) for message in run.messages] == [("memory_model", "guide")]


def test_an_agent_that_is_told_later_is_the_calls(client: httpx.Client) -> None:
    listener = Listener()
    with unimeter.capture() as run:
        listener.call_begins("a")
        ask(client)
        listener.call_begins("a", agent="guide")
        listener.call_ends("a")
    assert [message.agent for message in run.messages] == ["guide"]


def test_a_call_that_is_told_by_two_listeners_is_one(client: httpx.Client) -> None:
    one, two = Listener(), Listener()
    for captured in (True, False):
        with unimeter.capture() if captured else Run() as run:
            for listener in (one, two):
                listener.call_begins("a")
            ask(client)
            for listener in (two, one):
                listener.call_ends("a", ANSWER)
        assert counts(run) == (1, 0)


def test_a_call_around_another_counts_only_if_that_does_not() -> None:
    for inner in (True, False):
        listener = Listener()
        with Run() as run:
            with listener.calling(agent="outer") as outer:
                if inner:
                    with listener.calling(agent="inner") as key:
                        listener.call_ends(key, ANSWER)
                listener.call_ends(outer, ANSWER)
            listener.call_begins("next")
            listener.call_ends("next", {**ANSWER, "id": "2"})
        assert [message.agent for message in run.messages] == ["inner" if inner else "outer", None]


def test_what_stands_around_a_call_says_whose_it_is_and_what_for() -> None:
    listener = Listener()
    with Run() as run:
        with listener.calling("memory_model", agent="guide") as outer:
            with listener.calling() as key:
                listener.call_ends(key, ANSWER)
            listener.call_ends(outer, ANSWER)
        with listener.using("search", agent="guide"), listener.using("search"), listener.using("search"):
            pass  # the second is the first, told of again; the third is another
        with listener.using("search"):
            pass
    assert [(message.model_type, message.agent) for message in run.messages] == [("memory_model", "guide")]
    assert [tool.agent for tool in run.tools] == [None, "guide", None]


def test_what_each_agent_used_and_what_is_shown() -> None:
    with Run() as run:
        run.record(ANSWER, agent="guide")
        run.record({**ANSWER, "id": "2"}, agent="cook")
        run.record({**ANSWER, "id": "3"}, agent="guide")
        run.record(None)
        run.record_tool("search", 0.5, agent="guide", error="KeyError")
    assert {agent: metrics.input_tokens for agent, metrics in run.by_agent().items()} == {"guide": 20, "cook": 10, None: 0}
    shown = str(run)
    assert "agent" in shown
    assert "cook" in shown
    assert "KeyError" in shown
    with Run() as plain:
        plain.record(ANSWER)
    assert "agent" not in str(plain)


def test_what_is_no_run_is_refused() -> None:
    with pytest.raises(TypeError, match="a Run"):
        Listener("run")  # type: ignore[arg-type]


def test_what_a_program_calls_while_a_stream_waits_is_another_call(client: httpx.Client) -> None:
    """A generator that waits leaves its call open in its caller's context."""
    other = {**ANSWER, "id": "2", "usage": {"prompt_tokens": 99, "completion_tokens": 9}}
    for heard in (True, False):
        listener = Listener()
        with unimeter.capture() as run:
            listener.call_begins("a", "memory_model", agent="guide")
            if heard:
                ask(client)
            listener.answers("a")
            client.post("https://api.anthropic.com/v1/messages")  # by the program itself
            listener.call_ends("a", other)
        told = sorted((message.agent or "", message.model_type) for message in run.messages)
        assert told == [("", "model"), ("guide", "memory_model")]


def test_calls_of_a_batch_that_all_begin_first(client: httpx.Client) -> None:
    for captured in (True, False):
        listener = Listener()
        heard: list[Any] = []
        with unimeter.capture() if captured else Run() as run:
            for key in "abc":
                listener.call_begins(key, heard=heard)
            for _ in "ab" if captured else ():
                ask(client)
            for at, key in enumerate("abc"):
                usage = {"prompt_tokens": 10, "completion_tokens": at}
                listener.call_ends(key, {"choices": [], "usage": usage})
        assert counts(run) == (3, 0)


def test_a_call_that_was_left_does_not_take_the_next_ones_place(client: httpx.Client) -> None:
    listener = Listener()
    with unimeter.capture() as run:
        listener.call_begins("agent")
        listener.call_fails("agent")
        listener.call_begins("agent")
        ask(client)
        listener.call_ends("agent", {**ANSWER, "id": "2"})
    assert counts(run) == (1, 0)


def test_a_run_within_the_capture_that_is_given_counts_there_once(client: httpx.Client) -> None:
    session = Session()
    with unimeter.capture(session=session) as outer:
        inner = Run(parent=outer)
        for given in (inner, Run(session=session)):
            listener = Listener(given)
            listener.call_begins("a", agent="guide")
            ask(client)
            listener.call_ends("a", {**ANSWER, "id": None})
            assert given.metrics.input_tokens == 10
    assert session.metrics.input_tokens == outer.metrics.input_tokens == 20


def test_calls_that_overlap_in_one_context_are_two() -> None:
    listener = Listener()
    with Run() as run:
        listener.call_begins("a")
        listener.answers("a")
        listener.call_begins("b")
        listener.call_ends("a", ANSWER)
        assert blocks.Call.current() is listener.call_of("b")
        listener.call_ends("b", {**ANSWER, "id": "2"})
        assert blocks.Call.current() is None
    assert counts(run) == (2, 0)


def test_a_call_that_ends_in_another_thread_is_over_here_as_well() -> None:
    listener = Listener()
    with Run() as run:
        listener.call_begins("a")
        thread = Thread(target=listener.call_ends, args=("a", ANSWER))
        thread.start()
        thread.join()
        assert blocks.Call.current() is None
    assert counts(run) == (1, 0)


def test_a_call_that_fails_is_none_unless_it_had_begun_to_answer() -> None:
    listener = Listener()
    with Run() as run:
        listener.call_begins("a")
        listener.call_fails("a")
        assert counts(run) == (0, 0)
        listener.call_begins("b")
        listener.first_token("b")
        listener.call_fails("b")
        assert counts(run) == (1, 1)
        with pytest.raises(ValueError, match="no"), listener.calling():
            raise ValueError("no")
    assert counts(run) == (1, 1)


def test_a_call_that_was_answered_from_a_cache_is_none() -> None:
    listener = Listener()
    with Run() as run:
        listener.call_begins("a")
        listener.call_was_none("a")
    assert counts(run) == (0, 0)


def test_a_call_without_usage_is_counted_as_such(caplog: pytest.LogCaptureFixture) -> None:
    listener = Listener()
    with Run() as run:
        for key, response in {"a": None, "b": {"choices": []}, "c": {"nobody": "knows"}, "d": object()}.items():
            listener.call_begins(key)
            listener.call_ends(key, response)
    assert counts(run) == (4, 4)
    assert len(caplog.records) == 2


def test_what_could_not_be_read_is_not_itself_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    listener = Listener()
    with Run():
        listener.call_begins("a")
        listener.call_ends("a", {**ANSWER, "usage": {"prompt_tokens": "a secret", "completion_tokens": 1}})
    assert "prompt_tokens" in caplog.text
    assert "a secret" not in caplog.text


def test_what_nobody_counts_is_said(caplog: pytest.LogCaptureFixture) -> None:
    listener = Listener()
    listener.call_begins("a")
    listener.call_ends("a", ANSWER)
    with listener.using("search"):
        pass
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "outside of any run" in caplog.text


def test_a_run_that_is_given_counts_wherever_the_call_is_made(client: httpx.Client) -> None:
    run = unimeter.capture()
    with run:
        listener = Listener(run)

        def elsewhere() -> None:
            listener.call_begins("a", agent="guide")
            ask(client)
            listener.call_ends("a")
            with listener.using("search", agent="guide"):
                pass

        contextvars.Context().run(elsewhere)
    assert counts(run) == (1, 0)
    assert [tool.agent for tool in run.tools] == ["guide"]


def test_a_framework_may_tell_which_call_a_context_is_in(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    listener = Listener()
    monkeypatch.setattr(blocks, "FINDERS", [lambda: listener.call_of("a")])
    with unimeter.capture() as run:
        contextvars.copy_context().run(listener.call_begins, "a", agent="guide")
        ask(client)
        contextvars.copy_context().run(listener.call_ends, "a", ANSWER)
        ask(client)
    assert [message.agent for message in run.messages] == ["guide", None]
    assert blocks.Call.current() is None


def test_tools() -> None:
    listener = Listener()
    with Run() as outer, Run() as run:
        listener.tool_begins("a", "search", agent="guide")
        listener.tool_ends("a", "Error")
        with pytest.raises(KeyError), listener.using("look up"):
            raise KeyError("x")
        with listener.using("forgotten") as key:
            listener.forget_tool(key)
        run.record_tool("elsewhere", 0.5, agent="guide", end_time=1000.0)
    assert [(tool.name, tool.agent, tool.error) for tool in run.tools] == [
        ("search", "guide", "Error"),
        ("look up", None, "KeyError"),
        ("elsewhere", "guide", None),
    ]
    assert run.tools == outer.tools
    assert (run.tools[-1].metrics.start_time, run.tools[-1].metrics.duration) == (999.5, 0.5)
    with pytest.raises(ValueError, match="seconds"):
        run.record_tool("x", -1)


def test_what_ends_twice_or_never_began_is_no_matter() -> None:
    listener = Listener()
    with Run() as run:
        listener.call_ends("a", ANSWER)
        listener.call_fails("a")
        listener.call_was_none("a")
        listener.first_token("a")
        listener.tool_ends("a")
    assert counts(run) == (0, 0)
    assert not run.tools


@pytest.mark.parametrize(
    ("name", "label"),
    [("openai", "OpenAI Chat"), ("google_genai", "Google Gemini"), ("Anthropic", "Anthropic"), ("nobody", None), (None, None)],
)
def test_a_provider_by_the_name_that_a_framework_has_for_it(name: str | None, label: str | None) -> None:
    assert label_of(name) == label


@pytest.mark.parametrize(
    ("module", "package", "extra"),
    [
        ("agno", "agno", "agno"),
        ("crewai", "crewai", "crewai"),
        ("google_adk", "google", "google-adk"),
        ("langchain", "langchain_core", "langchain"),
        ("langchain_agents", "langchain", "langchain-agents"),
        ("litellm", "litellm", "litellm"),
        ("llama_index", "llama_index", "llama-index"),
        ("openai_agents", "agents", "openai-agents"),
        ("pydantic_ai", "pydantic_ai", "pydantic-ai"),
        ("strands", "strands", "strands"),
    ],
)
def test_without_its_framework_an_integration_says_what_to_install(
    module: str, package: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name == package or name.startswith(f"{package}.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.delitem(sys.modules, f"unimeter.integrations.{module}", raising=False)
    with pytest.raises(ImportError, match=rf"pip install 'unimeter\[{extra}\]'"):
        importlib.import_module(f"unimeter.integrations.{module}")


def test_an_instrumentation_over_a_tap_goes_on(client: httpx.Client) -> None:
    """OpenTelemetry wraps methods in objects that say they are functions and want to be bound; a later tap goes over them."""
    from concurrent.futures import ThreadPoolExecutor

    class Wrapper:
        def __init__(self, wrapped: Any) -> None:
            self.wrapped = wrapped
            self.__name__ = "submit"

        @property
        def __class__(self) -> Any:
            return type(lambda: None)

        def __get__(self, instance: Any, owner: Any) -> Any:
            return lambda *arguments, **keywords: self.wrapped.__get__(instance, owner)(*arguments, **keywords)

        def __call__(self, *_: Any, **__: Any) -> Any:
            raise AssertionError("it was not bound")

    original = ThreadPoolExecutor.submit
    try:
        with unimeter.capture():
            ThreadPoolExecutor.submit = Wrapper(vars(ThreadPoolExecutor)["submit"])  # type: ignore[method-assign,assignment]
        with unimeter.capture() as run, ThreadPoolExecutor() as pool:
            pool.submit(ask, client).result()
        assert counts(run) == (1, 0)
    finally:
        ThreadPoolExecutor.submit = original  # type: ignore[method-assign]


def test_listeners_of_one_integration_are_one_channel() -> None:
    """A program makes a new handler for each call, and its server gives every answer one id: each is a call."""
    answer = {"id": "fixed", "choices": [], "model": "m", "usage": {"prompt_tokens": 10, "completion_tokens": 2}}
    with Run() as run:
        for number in range(5):
            listener = Listener(channel="one")
            listener.call_begins(number)
            listener.call_ends(number, answer)
    assert run.metrics.total_tokens == 60
