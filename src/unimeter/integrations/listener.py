"""What a framework's hooks tell, as calls and tools of a run. Whatever fails in here, the framework never learns of it."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from enum import Enum
from typing import Any

from unimeter.blocks import Call, Tool
from unimeter.errors import MalformedUsage, UnimeterError, UnknownProvider
from unimeter.metrics import ModelType
from unimeter.registry import registry
from unimeter.run import Run
from unimeter.unharmed import say_once, unharmed


class Listener:
    """Turns hooks into calls and tools. A key is whatever the framework tells one call from another by."""

    def __init__(self, run: Run | None = None, channel: str = "integration") -> None:
        """
        Args:
            run: what counts; by default the run that is current where the framework makes its call.
            channel: the integration's name. All listeners of one integration observe on one channel.
        """
        if run is not None and not isinstance(run, Run):
            raise TypeError(f"what counts is a Run, not a {type(run).__name__}")
        self._run = run
        self._channel = channel
        self._calls: dict[Hashable, Call] = {}
        self._tools: dict[Hashable, Tool] = {}

    @property
    def run(self) -> Run | None:
        """The run that counts, here and now."""
        run = self._run or Run.current()
        if run is None:
            say_once("a framework made a call outside of any run; it is not counted")
        return run

    def call_of(self, key: Hashable) -> Call | None:
        """A call that goes on."""
        return self._calls.get(key)

    @unharmed
    def call_begins(
        self,
        key: Hashable,
        model_type: str | Enum = ModelType.MODEL,
        *,
        agent: str | None = None,
        heard: list[Any] | None = None,
    ) -> None:
        """A model is called. What is heard on the wire from here on, in this context, is this call.

        Args:
            key: tells this call from others.
            model_type: what the model is called for.
            agent: the agent that calls it.
            heard: a list for calls that all begin before the first is made: what is heard of them.
        """
        run, current = self.run, Call.begun_here()
        if run is None:
            return
        if current is not None and current.key == key:  # told of twice, perhaps by another of the same integration
            current.agent = current.agent or agent
            return
        call = Call(run, model_type, agent, around=True, key=key, heard=heard, channel=self._channel).start()
        known = self._calls.setdefault(key, call)
        if known is not call:  # told of twice, in two threads
            call.discard()
            call.stop()
            known.agent = known.agent or agent

    @unharmed
    def answers(self, key: Hashable) -> None:
        """A chunk came, be it empty: the program may go on, and what it calls now is another call."""
        call = self._calls.get(key)
        if call is not None:
            call.answers = True

    @unharmed
    def first_token(self, key: Hashable, *, after: float | None = None) -> None:
        """Something was generated: text, reasoning, a tool's call; now, or so many seconds after the call began."""
        call = self._calls.get(key)
        if call is not None:
            call.first_token(after)

    @unharmed
    def call_ends(self, key: Hashable, response: Any = None, *, provider: str | None = None, model: str | None = None) -> None:
        """A model has answered.

        Args:
            key: tells this call from others.
            response: what `read` knows: the provider's payload, or the framework's own type; None if it tells no usage.
            provider: the provider's name, as the framework has it.
            model: the model's, for a response that does not name it.
        """
        call = self._calls.pop(key, None)
        if call is None:
            return
        try:
            call.record(response, provider=label_of(provider), model=model)
        except UnimeterError as error:
            where = f"at {error.path}" if isinstance(error, MalformedUsage) else str(error)  # and not what stands there
            say_once(f"a framework's usage could not be read, and its call counts as one without: {type(error).__name__} {where}")
        finally:
            call.stop()

    @unharmed
    def call_fails(self, key: Hashable) -> None:
        """A call came to nothing. It counts, without usage, only if it had begun to answer."""
        call = self._calls.pop(key, None)
        if call is not None:
            if not call.answers:
                call.discard()
            call.stop()

    @unharmed
    def call_was_none(self, key: Hashable) -> None:
        """A call was answered from a cache of the framework's."""
        call = self._calls.pop(key, None)
        if call is not None:
            call.discard()
            call.stop()

    @unharmed
    def tool_begins(self, key: Hashable, name: str, *, agent: str | None = None) -> None:
        """A tool is called."""
        if _told_around.get() in (key, name):  # what is around it has told of it, or another of the same integration
            _told_around.set(key)
            return
        run = self.run
        if run is not None:
            _told_around.set(key)
            tool = self._tools[key] = run.tool(name, agent=agent)
            tool.start()

    @unharmed
    def tool_ends(self, key: Hashable, error: BaseException | str | None = None) -> None:
        """A tool has answered, or failed: with an error, or what the framework calls one."""
        tool = self._tools.pop(key, None)
        if tool is not None:
            tool.stop(error)
        if _told_around.get() == key:
            _told_around.set(None)

    def forget_tool(self, key: Hashable) -> None:
        """It was no tool's call after all."""
        self._tools.pop(key, None)

    # where a framework has one hook around it all ------------------------------------------------------------------

    @contextmanager
    def calling(self, model_type: str | Enum = ModelType.MODEL, *, agent: str | None = None) -> Iterator[Hashable]:
        """Around a call: `call_begins`, and `call_fails` unless it was said how it ended. Gives the call's key."""
        key = object()
        self.call_begins(key, model_type, agent=agent)
        try:
            yield key
        finally:
            self.call_fails(key)

    @contextmanager
    def using(self, name: str, *, agent: str | None = None) -> Iterator[Hashable]:
        """Around a tool, of which another hook may tell within. Gives the key of its call."""
        key = object()
        self.tool_begins(key, name, agent=agent)
        token = _told_around.set(name if key in self._tools else None)
        try:
            yield key
        except BaseException as error:
            self.tool_ends(key, error)
            raise
        finally:
            with suppress(ValueError):  # whoever closes a task that waits does so in another context
                _told_around.reset(token)
        self.tool_ends(key)


_told_around: ContextVar[Hashable] = ContextVar("unimeter.integrations.told_around", default=None)
"""The tool that was told of just now, by its name or its key: another hook may tell of it again."""


def api_of(provider: str | None, response_id: Any) -> str | None:
    """Which of OpenAI's two APIs has answered, where a framework names the provider alone."""
    responses = provider == "openai" and isinstance(response_id, str) and response_id.startswith("resp_")
    return "openai-responses" if responses else provider


def label_of(name: str | None) -> str | None:
    """The label of a provider that a framework names; None for one that we do not know by that name."""
    try:
        return None if name is None else registry().label(name)
    except UnknownProvider:
        return None
