"""`Run` and `Session`: recorders of what is called, with clocks and locks; what they give out is plain data.

    >>> session = Session()
    >>> with Run(session=session) as run:
    ...     reading = run.record({"choices": [], "model": "m", "usage": {"prompt_tokens": 9, "completion_tokens": 2}})
    ...     with run.tool("search") as call:
    ...         pass
    >>> run.metrics.input_tokens, session.metrics.total_tokens, run.tools[0].name
    (9, 11, 'search')

A run that begins inside another, in the same thread or task or in one that inherits its context, is nested: what it
records, the outer run has as well. A plain thread inherits nothing: hand it `run.bound(function)`.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import replace
from enum import Enum
from functools import wraps
from inspect import isasyncgenfunction, iscoroutinefunction, isgeneratorfunction
from typing import Any, NamedTuple, ParamSpec, Self, TypeVar, cast
from weakref import ref

from unimeter import pairing
from unimeter.blocks import Block, Call, Tool, ToolCall
from unimeter.errors import MissingUsage
from unimeter.ledger import Ledger
from unimeter.meter import read
from unimeter.metrics import MessageMetrics, ModelType, RunMetrics, SessionMetrics, ToolCallMetrics, role
from unimeter.pairing import RECORD, UNKNOWN, CallInfo, Observation, ObservedCall, ObservedCalls, join
from unimeter.prices import Price, priced
from unimeter.reading import Reading, calls_without_usage, counted_calls
from unimeter.summary import Section, section, sections_of, tables_of, text_of, without_usage
from unimeter.unharmed import say_once

_P = ParamSpec("_P")
_T = TypeVar("_T")

_current: ContextVar[Run | None] = ContextVar("unimeter.run", default=None)


class Message(NamedTuple):
    """One call to a model, as a run recorded it."""

    model_type: str
    """What the model was called for."""
    reading: Reading | None
    """What the response says; None where it carries no usage."""
    duration: float | None
    """Seconds from the request to the end of the answer."""
    time_to_first_token: float | None
    """Seconds from the request to the first token."""
    agent: str | None = None
    """The agent that made it, where that is known."""
    start_time: float = 0.0
    """When it was made, in seconds since 1970."""
    provider: str | None = None
    """The label of the provider that was called, as far as it is known."""
    model: str | None = None
    """The id of the model, as far as it is known."""
    url: str | None = None
    """Of a call without usage that was observed on the wire: where it went, without user, query and fragment."""
    hint: str | None = None
    """Of a call without usage: how to ask the provider for it, where there is a way."""

    @property
    def metrics(self) -> MessageMetrics:
        """The metrics of the call, with its times."""
        metrics = MessageMetrics()
        if self.reading is not None:
            metrics.accumulate(self.reading.metrics)
        metrics.duration, metrics.time_to_first_token = self.duration, self.time_to_first_token
        return metrics


class Session:
    """Adds up runs. Safe in any number of threads and tasks.

    >>> session = Session.from_dict({"input_tokens": 5, "total_tokens": 5})
    >>> session.add(RunMetrics(input_tokens=2, total_tokens=2))
    >>> session.metrics
    SessionMetrics(input_tokens=7, total_tokens=7)
    """

    def __init__(self, metrics: SessionMetrics | None = None) -> None:
        self._ledger = Ledger()
        if metrics is not None:
            self._ledger.merge(metrics)

    @property
    def metrics(self) -> SessionMetrics:
        """What all runs recorded so far: a copy, consistent in itself."""
        total = SessionMetrics()
        total.accumulate(self._ledger.metrics())
        return total

    def add(self, run: Run | RunMetrics) -> None:
        """Take in a run that was measured elsewhere. A `Run(session=...)` does so by itself, and is refused."""
        if isinstance(run, Run) and self._ledger in run._ledgers():
            raise ValueError("a run of this session is counted in it already")
        self._ledger.merge(_metrics_of(run))

    def __reduce__(self) -> tuple[Any, ...]:
        return Session.from_dict, (self.to_dict(),)

    def __repr__(self) -> str:
        return f"Session({self.metrics})"

    def __str__(self) -> str:
        return text_of(sections_of(self.metrics))

    def __rich__(self) -> Any:
        return tables_of(sections_of(self.metrics))

    def to_dict(self) -> dict[str, Any]:
        """The session's metrics as JSON-safe values; `from_dict` goes on from there."""
        return self.metrics.to_dict()

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Session:
        """A session that goes on from what `to_dict` made. Raises as `SessionMetrics.from_dict` does."""
        return cls(SessionMetrics.from_dict(data))

    def to_json(self) -> str:
        """`to_dict` as JSON text."""
        return self.metrics.to_json()

    @classmethod
    def from_json(cls, text: str | bytes) -> Session:
        """A session that goes on from what `to_json` made. Raises as `SessionMetrics.from_json` does."""
        return cls(SessionMetrics.from_json(text))


class Run(Block["Run"]):
    """Records what a run calls: its models, its tools, the runs within it.

    Safe in any number of threads and tasks; no lock is held while a response is read or user code runs.
    The clock runs from `with` (or `start`) to its end (or `stop`), and is monotonic.
    """

    def __init__(
        self,
        *,
        session: Session | None = None,
        parent: Run | None = None,
        nested: bool = True,
        price: Price | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """
        Args:
            session: what the run belongs to.
            parent: the run that it is nested in; by default the one that is current when it begins.
            nested: False for a run of its own, though it begins inside another: one that is merged later.
            price: what a call costs whose provider does not say, such as `unimeter.prices.genai_price`; by default that of
                the run around. A cost that is computed is in no reading's `reported`. Where the function fails, the call
                is counted without a cost, and that is logged.
            clock: seconds that never go back.
        """
        for value, kind in ((session, Session), (parent, Run)):
            if value is not None and not isinstance(value, kind):
                raise TypeError(f"a run belongs to a {kind.__name__}, not to a {type(value).__name__}")
        if price is not None and not callable(price):
            raise TypeError(f"a price is a function of a reading, not a {type(price).__name__}")
        self._ledger = Ledger()
        self._session = session
        self._parent = parent
        self._outer: Run | None = None
        self._nested = nested
        self._merged: list[Run] = []
        self._price = price
        self._clock = clock
        self._began: float | None = None
        self._ended: float | None = None
        self._first_token: float | None = None
        self._calls = ObservedCalls()
        self._ledger.calls = ref(self._calls)
        self._tools: list[ToolCall] = []
        self._entered = False

    # its time --------------------------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        return self._enter()

    async def __aenter__(self) -> Self:
        return self._enter()

    def start(self) -> Self:
        """Start the clock, once; `with` does so by itself."""
        self._start_clock()
        return self

    def _start_clock(self) -> None:
        if self._began is None:
            self._began = self._clock()

    def stop(self) -> None:
        """Stop the clock, once; `with` does so by itself. What is recorded later still counts."""
        self._stop_clock()

    def _stop_clock(self) -> None:
        if self._began is not None and self._ended is None:
            self._ended = self._clock()

    def _enter(self) -> Self:
        if self._entered or self._ended is not None:
            raise RuntimeError("a run is entered once; in another thread, call what Run.bound makes of a function")
        outer = self._outer = Run.current()
        if self._parent is None and self._nested and outer is not None and outer._takes(self):
            self._parent = outer
        _current.set(self)
        self._entered = True
        self._start_clock()
        return self

    def _leave(self, error: BaseException | str | None) -> None:  # noqa: ARG002  # a run that failed has run
        self._stop_clock()
        if _current.get() is self:  # and not in another context, or while a run that began later goes on
            _current.set(self._outer)

    def _around(self) -> Iterator[Run]:
        """This run, and those that it began in, whether it is nested in them or not."""
        run: Run | None = self
        while run is not None:
            yield run
            run = run._parent or run._outer

    def _takes(self, other: Run) -> bool:
        """Whether another run, begun now, is nested in this one: not in itself, and not in what is of another session."""
        sessions = [run._session for run in self._lineage() if run._session is not None]
        return other not in self._lineage() and (other._session is None or not sessions or other._session in sessions)

    @staticmethod
    def current() -> Run | None:
        """The innermost run that this thread or task is in, and that has not ended."""
        run = _current.get()
        while run is not None and run._ended is not None:  # a generator that was left may have left its run behind
            run = run._parent or run._outer
        return run

    def bound(self, function: Callable[_P, _T]) -> Callable[_P, _T]:
        """A function that calls another inside this run, wherever it is called: in a plain thread, in a pool."""
        if isgeneratorfunction(function) or isasyncgenfunction(function):
            raise TypeError("a generator runs where it is iterated: bind the function that iterates it")
        if iscoroutinefunction(function):

            @wraps(function)
            async def awaited(*arguments: _P.args, **keywords: _P.kwargs) -> Any:
                with self._being_current():
                    return await cast(Awaitable[Any], function(*arguments, **keywords))

            return cast(Callable[_P, _T], awaited)

        return wraps(function)(self._doing(function))

    @contextmanager
    def _being_current(self) -> Iterator[None]:
        """Be the current run for a while."""
        token = _current.set(self)
        try:
            yield
        finally:
            with suppress(ValueError):  # whoever closes a task that waits does so in another context
                _current.reset(token)

    def _doing(self, function: Callable[_P, _T]) -> Callable[_P, _T]:
        """What calls a function inside this run."""

        def called(*arguments: _P.args, **keywords: _P.kwargs) -> _T:
            with self._being_current():
                return function(*arguments, **keywords)

        return called

    # its calls -------------------------------------------------------------------------------------------------------

    def record(
        self,
        response: Any,
        model_type: str | Enum = ModelType.MODEL.value,
        *,
        provider: str | None = None,
        url: str | None = None,
        headers: Mapping[str, Any] | None = None,
        model: str | None = None,
        agent: str | Call | None = None,
        duration: float | None = None,
        time_to_first_token: float | None = None,
        also: Sequence[Run] = (),
        channel: str | Observation = RECORD,
    ) -> Reading | None:
        """Count a call to a model, by its response or by the reading of one.

        Each response that is recorded is a call, whatever its id: some servers reuse ids. A call that was observed on
        another channel as well (on the wire by `capture`, by a framework's hook) counts once: calls are paired one to one by
        their id, input and output, and those without an id by provider and model as well. So a response without an id that
        was received elsewhere, and looks like one on the wire, is taken for that. A response without usage is counted as a
        call without usage, unless none is due (a moderation, a count of tokens): that is not counted. Nor is a failed request.

        Args:
            response: whatever `unimeter.read` takes, or a `Reading`.
            model_type: what the model was called for, a `ModelType` or any other word.
            provider, url, headers, model: as for `unimeter.read`.
            agent: the agent that made the call; or its `run.call`, whose agent may be told later.
            duration: seconds that the call took, by the caller's clock; by default what the reading of a watched stream says.
            time_to_first_token: seconds from the request to the first token; the run's own is told only with `duration`,
                unless the call was made before the run's clock went.
            also: other runs that it is counted in; what they share with this one counts it once.
            channel: how the call was observed. What two channels observe is paired, what one observes is not; "" is never.
                An `Observation` is told which calls came of it.

        Returns:
            The reading; None for a response without usage.

        Raises:
            UnknownProvider, MalformedUsage: as `unimeter.read` does. Nothing is counted then.
            TypeError, ValueError: the model type is no word, a time no time.
        """
        reading: Reading | None = response
        info, without_usage = UNKNOWN, 1
        if response is not None and response.__class__ is not Reading:
            hints = {"provider": provider, "url": url, "headers": headers, "model": model}
            reading, info, without_usage = self._told(response, hints)
        if duration is None and time_to_first_token is None and reading is not None:  # a stream's, that was watched
            duration, time_to_first_token = reading.metrics.duration, reading.metrics.time_to_first_token
        word = model_type if type(model_type) is str and model_type else role(model_type)
        if duration is not None or time_to_first_token is not None:
            for seconds in (duration, time_to_first_token):
                if seconds is not None and not 0 <= seconds < float("inf"):
                    raise ValueError(f"a time is in seconds, not {seconds!r}")
        began = None
        if reading is not None:
            if (self._price is not None or self._parent is not None) and (price := self._pricing()) is not None:
                reading = _priced(reading, price)
            began = reading.began
        observation: Observation | None = None
        if isinstance(channel, str):
            channels: tuple[str, ...] = (channel,) if channel else ()
        elif isinstance(channel, Observation):
            observation, channels, info = channel, channel.channels, info.filled_from(channel.info)
        else:
            raise TypeError(f"a channel has a name, not a {type(channel).__name__}")
        at = time.monotonic()
        responses: tuple[Reading | None, ...] = (reading,) * without_usage
        for response in responses if reading is None or not reading.calls else counted_calls(reading):
            seen = ObservedCall(channels, word, response, info, duration, time_to_first_token, agent, at)
            call = self._count(seen, began, also)
            if observation is not None:
                observation.calls.append(call)
        return reading

    @staticmethod
    def _told(response: Any, hints: Mapping[str, Any]) -> tuple[Reading | None, CallInfo, int]:
        """What a response tells: its reading; or what is known of one without usage, and how many calls without usage it is.

        It is none if no usage is due, or if the request failed.
        """
        if response is None or isinstance(response, Reading):
            return response, UNKNOWN, 1
        try:
            return read(response, **hints), UNKNOWN, 1
        except MissingUsage as missing:
            info = CallInfo(missing.provider or None, missing.model, missing.id, None, missing.hint)
            return None, info, calls_without_usage(missing)

    def _pricing(self) -> Price | None:
        """What prices the run's calls: its own price function, or that of the nearest run around."""
        run: Run | None = self
        while run is not None:
            if run._price is not None:
                return run._price
            run = run._parent
        return None

    def _count(self, seen: ObservedCall, began: float | None, also: Sequence[Run]) -> ObservedCall:
        """Count a call here, in the runs around and in the sessions, each once; or pair it with what is counted already."""
        if self._parent is None and not also:
            with pairing.LOCK:
                if self._calls.add_to(self._ledger, seen):
                    if self._session is not None:
                        self._session._ledger.record(seen.reading, seen.model_type)
                        seen.ledgers += (self._session._ledger,)
                    if seen.first_token is not None:
                        self._note_first_token(seen.duration, seen.first_token, began)
                    return seen
        runs = list(dict.fromkeys(run for one in (self, *also) for run in one._lineage())) if also else self._lineage()
        with pairing.LOCK:
            call = self._paired(seen, runs) if seen.channels else None
            tells_first_token = seen.first_token is not None and (call is None or call.first_token is None)
            if call is None:
                call = seen
                call.made_in = self._ledger
            else:
                join(call, seen)
            for run in runs:
                is_new = run._ledger not in call.ledgers
                if is_new:
                    run._ledger.record(call.reading, call.model_type)
                    call.ledgers += (run._ledger,)
                    run._calls.add(call)
                if call.first_token is not None and (is_new or tells_first_token):
                    run._note_first_token(call.duration, call.first_token, began)
                if run._session is not None and (ledger := run._session._ledger) not in call.ledgers:
                    ledger.record(call.reading, call.model_type)
                    call.ledgers += (ledger,)
        return call

    def _paired(self, seen: ObservedCall, runs: Sequence[Run]) -> ObservedCall | None:
        """The call that another channel observed: here, in a run within, or in one around; never in one beside this."""
        call = self._calls.find(seen, self._ledger) or self._calls.find(seen)
        if call is None:
            for run in runs[1:]:
                call = run._calls.find(seen, run._ledger)
                if call is not None:
                    call.made_in = self._ledger
                    break
        return call

    def _lineage(self) -> list[Run]:
        """This run, the one that it is nested in, and so on."""
        runs: list[Run] = []
        run: Run | None = self
        while run is not None:
            runs.append(run)
            run = run._parent
        return runs

    def _ledgers(self) -> list[Ledger]:
        """The run's own ledger and those of all that it belongs to, each once."""
        ledgers = [run._ledger for run in self._lineage()]
        return list(dict.fromkeys([*ledgers, *(run._session._ledger for run in self._lineage() if run._session is not None)]))

    def _note_first_token(self, duration: float | None, after: float, began: float | None) -> None:
        """Set the time from the run's beginning to its first token: the earliest, where calls overlap.

        When a call began is told by its reading, or else by its duration: then it is taken to have ended just now, and with
        the run if its clock does not go. When one without either began, while the clock goes, cannot be told: it sets nothing.
        """
        if began is not None and self._began is not None and self._clock is time.monotonic:
            first = max(began + after - self._began, 0.0)
            if self._ended is None or self._began + first <= self._ended:
                self._first_token = first if self._first_token is None else min(first, self._first_token)
            return
        elapsed = 0.0 if self._began is None else self._clock() - self._began
        if duration is None and elapsed > after:
            return
        before = 0.0 if duration is None else elapsed - duration
        if self._first_token is None or (before > 0.0 and before + after < self._first_token):
            self._first_token = max(before, 0.0) + after

    def call(self, model_type: str | Enum = ModelType.MODEL.value, *, agent: str | None = None) -> Call:
        """A block that times a call: `with run.call() as call: ...; call.record(response)`."""
        return Call(self, model_type, agent)

    def tool(self, name: str, *, agent: str | None = None) -> Tool:
        """A block that times a tool: `with run.tool("search") as call: ...`; an exception is timed as well."""
        return Tool(self, name, agent)

    def record_tool(
        self, name: str, duration: float, *, agent: str | None = None, error: str | None = None, end_time: float | None = None
    ) -> None:
        """Note a tool that was timed elsewhere.

        Args:
            name: the tool's.
            duration: seconds that it took.
            agent: the agent that called it.
            error: the class of the error that it raised.
            end_time: when it ended, in seconds since 1970; by default now.

        Raises:
            ValueError: the duration is no time.
        """
        if not 0 <= duration < float("inf"):
            raise ValueError(f"a time is in seconds, not {duration!r}")
        ended = time.time() if end_time is None else end_time
        metrics = ToolCallMetrics(start_time=ended - duration, end_time=ended, duration=duration)
        for run in self._lineage():
            run._tools.append(ToolCall(name, metrics, agent, error))

    def merge(self, other: Run | RunMetrics) -> None:
        """Take in a run that was measured apart and passed within this one, such as a background task's.

        Raises:
            ValueError: it is counted here already, being nested in this run or merged before.
        """
        self._merge(other, _metrics_of(other))

    def merge_eval(self, other: Run | RunMetrics, prefix: str = "eval") -> None:
        """Take in an evaluator's run, as `RunMetrics.merge_eval` does. Raises as `merge` does."""
        evaluated = RunMetrics()
        evaluated.merge_eval(_metrics_of(other), prefix)
        self._merge(other, evaluated)

    def _merge(self, other: Run | RunMetrics, metrics: RunMetrics) -> None:
        counted: list[Ledger] = []
        if isinstance(other, Run):
            if self in other._lineage() or other in self._lineage():
                raise ValueError("a run that is nested in another is counted there already; Run(nested=False) is not nested")
            if other in self._merged:
                raise ValueError("this run is merged already")
            counted = other._ledgers()  # such as that of a session that both belong to
        for ledger in self._ledgers():
            if ledger not in counted:
                ledger.merge(metrics)
        if isinstance(other, Run):
            self._merged.append(other)

    # what came of it -------------------------------------------------------------------------------------------------

    @property
    def metrics(self) -> RunMetrics:
        """What was recorded so far, here and in the runs within: a copy, consistent in itself."""
        metrics = self._ledger.metrics()
        metrics.time_to_first_token = self._first_token
        if self._began is not None:
            metrics.duration = (self._clock() if self._ended is None else self._ended) - self._began
        return metrics

    @property
    def start_time(self) -> float | None:
        """When the run began, in seconds since 1970; None for a run that has not begun, or that has a clock of its own."""
        if self._began is None or self._clock is not time.monotonic:
            return None
        return time.time() - time.monotonic() + self._began

    @property
    def messages(self) -> list[Message]:
        """The calls that were recorded, here and in the runs within, in order."""
        since = time.time() - time.monotonic()
        in_seconds = self._clock is time.monotonic
        return [message for call in self._calls.calls.copy() for message in _messages(call, since, in_seconds)]

    @property
    def tools(self) -> list[ToolCall]:
        """The tools that were called, here and in the runs within, in the order in which they ended."""
        return [call._replace(metrics=replace(call.metrics)) for call in self._tools.copy()]

    def __repr__(self) -> str:
        return f"<Run {self.metrics}>"

    def __str__(self) -> str:
        return text_of(self._sections())

    def __rich__(self) -> Any:
        return tables_of(self._sections())

    def by_agent(self) -> dict[str | None, MessageMetrics]:
        """What each agent's calls add up to; None stands for the calls of no agent that is known.

        A call without usage adds nothing: `messages` tells which those are.
        """
        agents: dict[str | None, MessageMetrics] = {}
        for message in self.messages:
            metrics = agents.setdefault(message.agent, MessageMetrics())
            if message.reading is not None:
                metrics.accumulate(message.reading.metrics)
        return agents

    def _sections(self) -> list[Section]:
        """The calls and the tools, with their agents and errors where there are any; then the models and the total."""
        messages, tools = self.messages, self.tools
        of_agents = any(message.agent for message in messages) or any(tool.agent for tool in tools)
        of_errors = any(tool.error for tool in tools)
        labels = ("for", *(("agent",) * of_agents), "provider", "model")
        calls = [(_who(message, of_agents), message.metrics) for message in messages]
        used = ("tool", *(("agent",) * of_agents), *(("error",) * of_errors))
        names = [(tool.name, *((tool.agent or "",) * of_agents), *((tool.error or "",) * of_errors)) for tool in tools]
        uses = list(zip(names, (tool.metrics for tool in tools), strict=True))
        silent = Counter((call.provider or "", call.model or "", call.hint or "") for call in messages if call.reading is None)
        return sections_of(self.metrics, section("messages", labels, calls), section("tools", used, uses), without_usage(silent))


def _priced(reading: Reading, price: Price) -> Reading:
    """A reading with its price; without where the function fails: its tokens must not be lost for that."""
    try:
        return priced(reading, price)
    except Exception as error:
        say_once(f"a price function failed, and its calls count without a cost: {type(error).__name__}: {error}")
        return reading


def _messages(call: ObservedCall, since: float, in_seconds: bool) -> Iterator[Message]:
    """A call and those of other models in it, with the time that it began: where a run's own clock may tell no seconds, that
    it was observed. `since` is what `time.time()` is ahead of `time.monotonic()`."""
    reading, info, agent = call.reading, call.info, call.agent
    name = agent.agent if isinstance(agent, Call) else agent
    if reading is None:
        began = call.at - (call.duration or 0.0 if in_seconds else 0.0)
        times = (call.duration, call.first_token, name, since + began)
        yield Message(call.model_type, None, *times, info.provider, info.model, info.url, info.hint)
        return
    began = call.at - (call.duration or 0.0 if in_seconds else 0.0) if reading.began is None else reading.began
    times = (call.duration, call.first_token, name, since + began)
    yield Message(call.model_type, reading, *times, reading.provider, reading.model)
    for part in reading.parts:
        began = call.at if part.began is None else part.began
        yield Message(call.model_type, part, None, None, name, since + began, part.provider, part.model)


def _metrics_of(other: Run | RunMetrics) -> RunMetrics:
    metrics = other.metrics if isinstance(other, Run) else other
    if not isinstance(metrics, RunMetrics):
        raise TypeError(f"a Run or RunMetrics is merged, not a {type(other).__name__}")
    return metrics


def _who(message: Message, with_agent: bool) -> tuple[str, ...]:
    whose = "no usage" if message.reading is None else message.provider or ""
    return (message.model_type, *((message.agent or "",) * with_agent), whose, message.model or "")
