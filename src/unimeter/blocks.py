"""What a run times: blocks that are entered and left, for a call to a model and for a tool."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from contextvars import ContextVar
from enum import Enum
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, Protocol, Self, TypeVar

from unimeter.metrics import ModelType, ToolCallMetrics, role
from unimeter.pairing import RECORD, Observation, ObservedCall, joined
from unimeter.reading import Reading

if TYPE_CHECKING:
    from unimeter.run import Run

_T = TypeVar("_T")

_calling: ContextVar[Call | None] = ContextVar("unimeter.call", default=None)
FINDERS: list[Callable[[], Call | None]] = []
"""What tells the call that this context is in, for frameworks whose hooks run elsewhere than their calls."""


class Observer(Protocol):
    """What observes the same call as a block around it: an exchange on the wire, or another block."""

    @property
    def counts(self) -> bool:
        """Whether it was counted, or will be."""
        ...

    @property
    def observed(self) -> Sequence[ObservedCall]:
        """The calls that it counted so far."""
        ...

    def join(self, seen: ObservedCall) -> bool:
        """Take in what the block observed; whether it was not yet observed on the block's channel."""
        ...


class Block(Generic[_T]):
    """Something that is entered and left, by `with` and by `async with`."""

    def _enter(self) -> _T:
        raise NotImplementedError

    def _leave(self, error: BaseException | str | None) -> None: ...

    def __enter__(self) -> _T:
        return self._enter()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._leave(error)

    async def __aenter__(self) -> _T:
        return self._enter()

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._leave(error)


class Timed(Block[_T]):
    """A block whose beginning and end may also be two functions, as a framework's hooks are."""

    def start(self) -> _T:
        """Begin, as `with` does."""
        return self._enter()

    def stop(self, error: BaseException | str | None = None) -> None:
        """End, as the end of `with` does, with the error that ended it, or its name."""
        self._leave(error)


class Call(Timed["Call"]):
    """A call to a model that is being made; made by `Run.call`."""

    def __init__(
        self,
        run: Run,
        model_type: str | Enum,
        agent: str | None = None,
        *,
        around: bool = False,
        key: Hashable = None,
        heard: list[Any] | None = None,
        channel: str = "",
    ) -> None:
        """
        Args:
            run: what counts it.
            model_type, agent: what it is for, and who makes it.
            around: whether the calls within tell of the same call, and count instead of it.
            key: what a framework tells its calls from one another by.
            heard: what is heard of calls that cannot be told apart, as they all begin before the first is made.
            channel: how the call is observed, to pair it with what another channel observes outside of this block; "" for a
                block of the program's own, which is paired with what is heard inside it and with nothing else.
        """
        self._run = run
        self._channel = channel
        self._around = around
        self.key = key
        self._model_type = role(model_type)
        self.agent = agent
        self._began = run._clock()
        self._first_token: float | None = None
        self._recorded = self._counted = self._ended = False
        self.answers = False
        """Whether it has begun to answer: the program may go on, and what it calls now is another's."""
        self._outer: Call | None = None
        self._shared = heard
        self._heard: list[Observer] = [] if heard is None else heard
        """What a capture heard of it, and what else tells of it: that counts by itself."""
        self._paired: list[Observer] = []
        """Those of them that a record of this block was paired with."""
        self._observed: list[ObservedCall] = []
        self._joined: list[ObservedCall] = []
        """What a block around this one observed, before anything was counted here."""

    @staticmethod
    def current() -> Call | None:
        """The innermost call that this thread or task is in, and that has not begun to answer."""
        call = Call.begun_here()
        if call is None:
            call = next((found for find in FINDERS if (found := find()) is not None and not found._is_over), None)
        return call

    @staticmethod
    def begun_here() -> Call | None:
        """The same, of the calls that began in this context."""
        call = _calling.get()
        while call is not None and call._is_over:  # a hook that ended it elsewhere could not take it away here
            call = call._outer
        return call

    @property
    def _is_over(self) -> bool:
        return self._ended or self.answers

    @property
    def counts(self) -> bool:
        """Whether it was counted, or will be, here or by what was heard of it."""
        return self._counted or any(heard.counts for heard in self._heard)

    def first_token(self, after: float | None = None) -> None:
        """Say that the first token came: of an answer, of reasoning or of a tool's call, not an empty first chunk.

        Args:
            after: so many seconds after the call began; by default now.
        """
        self.answers = True
        if self._first_token is None:
            self._first_token = self._run._clock() if after is None else self._began + after

    @property
    def observed(self) -> Sequence[ObservedCall]:
        """The calls that it counted, or that what was heard of it did."""
        return [*self._observed, *(call for heard in self._heard for call in heard.observed)]

    def record(self, response: Any, **hints: Any) -> Reading | None:
        """Count the call by its response, with the time that it took until now. Takes and raises what `Run.record` does.

        What was heard of the call within the block counts instead; the first record is of the first that was heard, and so
        on. Where the wire told no usage, the record's is counted.
        """
        self._recorded = True
        try:
            return self._record(response, hints)
        except BaseException:
            self._recorded = False
            raise

    def _record(self, response: Any, hints: Mapping[str, Any], *, nobody_looked: bool = False) -> Reading | None:
        reading, info, made = self._run._told(response, hints)
        if not made:  # it failed, or no usage is due: it is no call
            self._counted = True
            return None
        channels = () if nobody_looked else (self._channel or RECORD,)
        if self._is_heard(ObservedCall(channels, self._model_type, reading, info, None, None, self.agent, 0.0)):
            return reading
        duration = self._run._clock() - self._began
        after = None if self._first_token is None else self._first_token - self._began
        if after is None and reading is not None and reading.began is not None and self._run._clock is time.monotonic:
            told_after = reading.metrics.time_to_first_token
            after = None if told_after is None else max(reading.began + told_after - self._began, 0.0)
        channels = (self._channel,) if self._channel else ()  # a program's block is paired with what is in it alone
        observation = Observation(channels, info)
        self._run.record(
            reading, self._model_type, agent=self.agent, duration=duration, time_to_first_token=after, channel=observation
        )
        self._observed += observation.calls
        for seen in self._joined:
            joined(self._observed, seen)
        self._counted = True
        return reading

    def join(self, seen: ObservedCall) -> bool:
        """Take in what a block around this one observed of the same call."""
        if self._observed:
            return joined(self._observed, seen)
        heard = next((heard for heard in self._heard if heard.counts), None)
        if heard is not None:
            return heard.join(seen)
        self._joined.append(seen)
        return True

    def _is_heard(self, seen: ObservedCall) -> bool:
        """Whether something that was heard counts instead; each counts for one record."""
        left = [heard for heard in self._heard if heard.counts and not any(heard is paired for paired in self._paired)]
        for heard in sorted(left, key=lambda heard: _unlikeness(heard, seen)):
            if heard.join(seen):
                if self._shared is None:
                    self._paired.append(heard)
                else:
                    self._shared.remove(heard)
                return True
        return False

    def discard(self) -> None:
        """Say that it was no call after all: it was answered from a cache."""
        self._recorded = True

    def _enter(self) -> Self:
        self._began = self._run._clock()
        self._first_token = None
        self._recorded = self._counted = self._ended = self.answers = False
        self._heard = [] if self._shared is None else self._shared
        self._paired, self._observed, self._joined = [], [], []
        outer = self._outer = Call.begun_here()
        if outer is not None and outer._around and outer._run in self._run._lineage() and outer._heard is not self._heard:
            outer._heard.append(self)
            self.agent = self.agent or outer.agent
            self._model_type = outer._model_type if self._model_type == ModelType.MODEL else self._model_type
        _calling.set(self)
        return self

    def _leave(self, error: BaseException | str | None) -> None:  # noqa: ARG002  # it is a call that tells no usage, whatever failed
        self._ended = True
        if _calling.get() is self:
            _calling.set(self._outer)
        if not self._recorded:  # it failed, or nobody looked: what it used is not known
            self._recorded = True
            self._record(None, {}, nobody_looked=True)


def _unlikeness(heard: Observer, seen: ObservedCall) -> int:
    """How far what was heard is from looking like a record: one that tells another usage may be of another attempt."""
    calls = heard.observed
    if seen.reading is None or not calls:
        return 1
    readings = [call.reading for call in calls if call.reading is not None]
    figures = [(reading.id, reading.metrics.input_tokens, reading.metrics.output_tokens) for reading in readings]
    if (seen.reading.id, seen.reading.metrics.input_tokens, seen.reading.metrics.output_tokens) in figures:
        return 0
    return 1 if readings else 2


class ToolCall(NamedTuple):
    """One call of a tool, as a run recorded it."""

    name: str
    metrics: ToolCallMetrics
    agent: str | None = None
    """The agent that called it, where that is known."""
    error: str | None = None
    """The class of the error that it raised, or what its framework calls it."""


class Tool(Timed[ToolCallMetrics]):
    """A tool that is being called; made by `Run.tool`."""

    def __init__(self, run: Run, name: str, agent: str | None = None) -> None:
        if not isinstance(name, str):
            raise TypeError(f"a tool has a name, not a {type(name).__name__}")
        self._run = run
        self._name = name
        self._agent = agent
        self._began = 0.0
        self._metrics = ToolCallMetrics()

    def _enter(self) -> ToolCallMetrics:
        self._metrics = ToolCallMetrics(start_time=time.time())
        self._began = self._run._clock()
        return self._metrics

    def _leave(self, error: BaseException | str | None) -> None:
        duration = self._run._clock() - self._began
        self._metrics.duration = duration
        self._metrics.end_time = (self._metrics.start_time or 0.0) + duration
        call = ToolCall(
            self._name, self._metrics, self._agent, error if error is None or isinstance(error, str) else type(error).__name__
        )
        for run in self._run._lineage():
            run._tools.append(call)
