"""The calls of a run, and the pairing of what several channels observe of one call.

A call may be observed on the wire, by a framework's hook and by the program. Each of these is a channel. What one channel
observes twice is two calls; what two channels observe is one, if it looks the same (`_keys`, `_candidates`).

Most runs have one channel. Their calls are a plain list; an index is made when a second channel observes something.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import product
from threading import RLock
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from unimeter.reading import Reading
from unimeter.registry import registry

if TYPE_CHECKING:
    from unimeter.blocks import Call
    from unimeter.ledger import Ledger

WIRE = "wire"
"""The channel of what is observed in an HTTP library."""
RECORD = "record"
"""The channel of what the program records."""


class CallInfo(NamedTuple):
    """What is known of a call without usage."""

    provider: str | None = None
    """The provider's label."""
    model: str | None = None
    """The model's id."""
    id: str | None = None
    """The response's id."""
    url: str | None = None
    """Where the request went, without user, query and fragment."""
    hint: str | None = None
    """How to ask for usage, where the provider has a way."""

    def filled_from(self, other: CallInfo) -> CallInfo:
        """The same, and what another observation knows beyond it."""
        return CallInfo(*(mine if mine is not None else its for mine, its in zip(self, other, strict=True)))


UNKNOWN = CallInfo()


class Observation:
    """How something was observed that a run records, and the calls that came of it."""

    __slots__ = ("calls", "channels", "info")

    def __init__(self, channels: tuple[str, ...], info: CallInfo = UNKNOWN) -> None:
        self.channels = channels
        """All channels that observed it; none for what is never paired."""
        self.info = info
        """What is known of a call without usage."""
        self.calls: list[ObservedCall] = []
        """The calls, as they are counted: new ones, or those that another channel had observed."""


class ObservedCall(msgspec.Struct, eq=False):
    """One call to a model, as the channels that observed it tell of it."""

    channels: tuple[str, ...]
    model_type: str
    reading: Reading | None
    info: CallInfo
    duration: float | None
    first_token: float | None
    agent: Any
    """The agent's name, or the block whose agent may be told later."""
    at: float
    """When it was observed, by `time.monotonic()`."""
    made_in: Any = None
    """The ledger of the innermost run that is known to have made it."""
    ledgers: tuple[Any, ...] = ()
    """The ledgers of all runs and sessions that count it."""

    @property
    def identity(self) -> tuple[str | None, str | None, str | None]:
        """Provider, model and the response's id, as far as they are known."""
        told = self.info if self.reading is None else self.reading
        return told.provider, told.model, told.id


def join(call: ObservedCall, other: ObservedCall) -> None:
    """Take in what another channel observed of a call, which is counted. Usage is better than none, and the wire's is the best.

    `LOCK` is held by the caller.
    """
    reading, model_type = call.reading, call.model_type
    is_better = other.reading is not None and (reading is None or WIRE in other.channels)
    new_reading = other.reading if is_better else reading
    new_type = other.model_type if model_type == "model" else model_type
    if new_reading is not reading or new_type != model_type:
        for ledger in call.ledgers:
            ledger.replace(reading, model_type, new_reading, new_type)  # raises before anything is changed
    call.reading, call.model_type = new_reading, new_type
    call.channels = _united(call.channels, other.channels)
    call.info = call.info.filled_from(other.info)
    if not _is_named(call.agent):
        call.agent = other.agent or call.agent
    if other.duration is not None and (call.duration is None or WIRE in other.channels):
        call.duration, call.first_token = other.duration, other.first_token or call.first_token
    elif call.first_token is None:
        call.first_token = other.first_token
    if reading is None and new_reading is not None:
        for ledger in call.ledgers:
            if (calls := ledger.calls()) is not None:
                calls.enter(call)


def joined(calls: Sequence[ObservedCall], other: ObservedCall) -> bool:
    """Take in what a block observed of the calls that were heard in it; False if the program recorded them already.

    A framework's block tells of what was heard in it, even if that is known from a block of the same framework.
    """
    with LOCK:
        if not calls or (RECORD in other.channels and any(RECORD in call.channels for call in calls)):
            return False
        if len(calls) == 1:
            join(calls[0], other)
        else:
            for call in calls:  # which of them it tells of, it does not say
                call.channels = _united(call.channels, other.channels)
        return True


def _united(one: tuple[str, ...], two: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*one, *two)))


class _Queue:
    """Calls that look alike to some observation, in order. Each channel goes through it once."""

    __slots__ = ("calls", "next")

    def __init__(self) -> None:
        self.calls: list[ObservedCall] = []
        self.next: dict[Any, int] = {}

    def first(self, channels: tuple[str, ...], made_in: Ledger | None, without_usage: bool) -> ObservedCall | None:
        """The first call that none of the channels has observed. What is passed over can never be one again."""
        key = (channels, made_in is not None)
        at = self.next.get(key, 0)
        while at < len(self.calls):
            call = self.calls[at]
            if (
                not any(channel in call.channels for channel in channels)
                and (made_in is None or call.made_in is made_in)
                and not (without_usage and call.reading is not None)
            ):
                self.next[key] = at
                return call
            at += 1
        self.next[key] = at
        return None


class ObservedCalls:
    """The calls that one run counts, in the order in which they were observed."""

    __slots__ = ("__weakref__", "_queues", "calls", "channels")

    def __init__(self) -> None:
        self.calls: list[ObservedCall] = []
        self.channels: tuple[str, ...] | None = None
        """The channels of the first call. Until there is an index, every call was observed on them."""
        self._queues: dict[Any, _Queue] | None = None

    def add(self, call: ObservedCall) -> None:
        """Add a call that this run counts."""
        self.calls.append(call)
        if call.channels:
            if self.channels is None:
                self.channels = call.channels
            if self._queues is not None:
                self.enter(call)
            elif call.channels != self.channels:
                self._make_queues()

    def add_to(self, ledger: Ledger, call: ObservedCall) -> bool:
        """Count a call of a run that stands alone, if there is nothing to pair it with; whether there was not."""
        channels = call.channels
        if self._queues is None and (self.channels == channels or self.channels is None):
            ledger.record(call.reading, call.model_type)
            call.made_in = ledger
            call.ledgers = (ledger,)
            if channels:
                self.channels = channels
            self.calls.append(call)
            return True
        return False

    def find(self, seen: ObservedCall, made_in: Ledger | None = None) -> ObservedCall | None:
        """The call that another channel observed already; None if this one is new.

        Args:
            seen: what is observed now.
            made_in: only a call that was made in the run of this ledger, and in none of the runs within.
        """
        if self._queues is None:
            if self.channels == seen.channels or self.channels is None:
                return None
            self._make_queues()
        for key, without_usage in _candidates(seen):
            queue = (self._queues or {}).get(key)
            if queue is not None and (call := queue.first(seen.channels, made_in, without_usage)) is not None:
                return call
        return None

    def enter(self, call: ObservedCall) -> None:
        """Enter a call in the index, if there is one: a new call, or one whose usage has become known."""
        if self._queues is not None:
            for key in _keys(call):
                self._queues.setdefault(key, _Queue()).calls.append(call)

    def _make_queues(self) -> None:
        self._queues = {}
        for call in self.calls:
            if call.channels:
                self.enter(call)


# What looks alike. With an id, calls are told apart by it, their input and their output. Without one, provider and model
# come in, of which either may be unknown to one of the channels.

_ANY, _DIALECT = object(), object()
"""Any provider or model; any provider whose label is a dialect's."""


def _keys(call: ObservedCall) -> Iterator[Any]:
    """Where a call is found."""
    provider, model, response_id = call.identity
    if call.reading is None:
        if response_id is not None:
            yield "silent", response_id
        for who in _who(provider, model):
            yield "silent, any id", *who
            if response_id is None:
                yield "silent, no id", *who
        return
    counts = (call.reading.metrics.input_tokens, call.reading.metrics.output_tokens)
    if response_id is not None:
        yield counts, response_id
        yield "usage", response_id
        return
    for who in _who(provider, model):
        yield counts, None, *who
        yield "usage, no id", *who


def _candidates(seen: ObservedCall) -> Iterator[tuple[Any, bool]]:
    """Where to look for the call that an observation may be of, the most alike first; and whether it must be without usage."""
    provider, model, response_id = seen.identity
    if seen.reading is not None:
        counts = (seen.reading.metrics.input_tokens, seen.reading.metrics.output_tokens)
        if response_id is not None:
            yield (counts, response_id), False
            yield ("silent", response_id), True
            return
        for who in _whom(provider, model):
            yield (counts, None, *who), False
        for who in _whom(provider, model):
            yield ("silent, no id", *who), True
        return
    if response_id is not None:
        yield ("silent", response_id), True
        yield ("usage", response_id), False
        for who in _whom(provider, model):
            yield ("silent, no id", *who), True
        return
    for who in _whom(provider, model):
        yield ("silent, any id", *who), True
    if provider is not None:
        for who in _whom(provider, model):
            yield ("usage, no id", *who), False


def _who(provider: str | None, model: str | None) -> Iterator[tuple[Any, Any]]:
    """What a call of a provider and a model is found under: their names, and whatever leaves one of them open."""
    dialect = () if provider is None or not _is_dialect(provider) else (_DIALECT,)
    return product((provider, *dialect, _ANY), (model, _ANY))


def _whom(provider: str | None, model: str | None) -> Iterator[tuple[Any, Any]]:
    """What an observation looks under. A dialect's label, read off a body alone, stands for whoever speaks it."""
    anyone = provider is None or _is_dialect(provider)
    return product((_ANY,) if anyone else (provider, _DIALECT, None), (_ANY,) if model is None else (model, None))


@lru_cache(maxsize=256)
def _is_dialect(label: str) -> bool:
    """Whether a label is that of a dialect, which others speak as well."""
    return any(root.provider == label and registry().main_adapter(label) is root for root in registry().roots)


def _is_named(agent: str | Call | None) -> bool:
    return bool(agent if agent is None or isinstance(agent, str) else agent.agent)


LOCK = RLock()
"""Held while a call is looked for and counted: one for all runs, as a call may be counted in any of them.

The thread that holds it may take it again: the garbage collector and signals run a program's code, and that code record, in
the middle of anything.
"""


def _renew_lock() -> None:
    """A process that is forked has no thread that could release a lock which was held."""
    global LOCK  # it is looked up here by all that take it
    LOCK = RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)
