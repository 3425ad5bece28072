"""A ledger: readings added up as they come, under a lock, at a cost that does not grow with their number."""

from __future__ import annotations

import os
from collections.abc import Callable
from decimal import Decimal
from threading import RLock
from typing import TYPE_CHECKING, Any, get_args
from weakref import WeakSet

from unimeter.adding import EXACT, decimal_of, fold, folded, taken_out
from unimeter.metrics import MessageMetrics, ModelMetrics, RunMetrics, SessionMetrics, TokenField, call_counts, fold_details
from unimeter.reading import COST, Reading

if TYPE_CHECKING:
    from unimeter.pairing import ObservedCalls

TOKEN_FIELDS: tuple[str, ...] = get_args(TokenField)


class _Entry:
    """One model in one role. Dollars are kept exact, as floats do not add up."""

    __slots__ = ("added", "dollars", "metrics", "priced")

    def __init__(self, provider: str, model: str) -> None:
        self.metrics = ModelMetrics(provider=provider, id=model)
        self.dollars: Decimal | None = None
        self.added = self.priced = 0
        """How many calls or aggregates were added, and of how many the cost is known."""

    def add(self, metrics: MessageMetrics | ModelMetrics, dollars: Decimal | None) -> None:
        """Add a call of the model, or an aggregate of its calls, and what it cost."""
        self.added += 1
        self.metrics.add_tokens(metrics)
        if metrics.provider_metrics is not None:
            self.metrics.provider_metrics = fold(self.metrics.provider_metrics, metrics.provider_metrics)
        if dollars is not None:
            self.dollars = _sum(self.dollars, dollars)
            self.priced += 1

    def take_out(self, metrics: MessageMetrics, dollars: Decimal | None) -> None:
        """The opposite of `add`, of what was added. A label that it told stays: there is no knowing what stood there before."""
        self.added -= 1
        for name in TOKEN_FIELDS:
            setattr(self.metrics, name, getattr(self.metrics, name) - getattr(metrics, name))
        self.metrics.provider_metrics = taken_out(self.metrics.provider_metrics, metrics.provider_metrics)
        if dollars is not None and self.dollars is not None:
            self.priced -= 1
            self.dollars = EXACT.subtract(self.dollars, dollars) if self.priced else None


class Ledger:
    """Adds up readings and other metrics. Safe in any number of threads.

    The lock may be taken again by the thread that has it: the garbage collector or a signal may run a program's code,
    and that code record, in the middle of anything.
    """

    def __init__(self) -> None:
        self._lock = RLock()
        self._entries: dict[tuple[str, str, str], _Entry] = {}
        self._calls = self._without_usage = self._without_cost = self._computed = 0
        self._extras: dict[str, Any] | None = None
        self._rest: dict[str, Any] = dict.fromkeys(TOKEN_FIELDS, 0)
        """What the totals of other runs hold beyond their details; the same for dollars, None where none told any."""
        self._rest_dollars: Decimal | None = None
        self.calls: Callable[[], ObservedCalls | None] = _no_calls
        """The calls of the run whose ledger this is, held weakly, as they hold the ledger."""
        _ledgers.add(self)

    def record(self, reading: Reading | None, model_type: str) -> None:
        """Add a call, or one that told no usage."""
        if reading is None:
            with self._lock:
                self._calls += 1
                self._without_usage += 1
                self._without_cost += 1
            return
        metrics = reading.metrics
        dollars = None if metrics.cost is None else decimal_of(metrics.cost)
        parts = _figures(*reading.parts) if reading.parts else ()
        with self._lock:
            self._calls += 1
            if dollars is None:
                self._without_cost += 1
            elif reading.told[COST] is None:
                self._computed += 1
            self._entry(model_type, reading.provider, reading.model or "").add(metrics, dollars)
            for part, cost in parts:
                self._entry(model_type, part.provider, part.model or "").add(part.metrics, cost)

    def replace(self, old: Reading | None, old_type: str, new: Reading | None, new_type: str) -> None:
        """Count a recorded call by another observation of it: with usage instead of without, or as the wire told it."""
        if new is not None:
            _figures(new, *new.parts)  # what is wrong with them is said before anything changes
        with self._lock:
            self._take_out(old, old_type)
            self.record(new, new_type)

    def _take_out(self, reading: Reading | None, model_type: str) -> None:
        self._calls -= 1
        if reading is None:
            self._without_usage -= 1
            self._without_cost -= 1
            return
        figures = _figures(reading, *reading.parts)
        if figures[0][1] is None:
            self._without_cost -= 1
        elif reading.told[COST] is None:
            self._computed -= 1
        for told, dollars in figures:
            key = (model_type, told.provider, told.model or "")
            entry = self._entries[key]
            entry.take_out(told.metrics, dollars)
            if not entry.added:
                del self._entries[key]

    def merge(self, metrics: RunMetrics | SessionMetrics) -> None:
        """Add the metrics of a run or a session."""
        entries = [(model_type, entry) for model_type, models in (metrics.details or {}).items() for entry in models]
        costs = [None if one.cost is None else decimal_of(one.cost) for one in (metrics, *(entry for _, entry in entries))]
        with self._lock:
            self._extras = folded(self._extras, metrics.additional_metrics)
            for (model_type, entry), cost in zip(entries, costs[1:], strict=True):
                self._entry(model_type, entry.provider, entry.id).add(entry, cost)
            for name in TOKEN_FIELDS:
                self._rest[name] += getattr(metrics, name) - sum(getattr(entry, name) for _, entry in entries)
            if costs[0] is not None:
                beyond = costs[0]
                for cost in costs[1:]:
                    beyond = beyond if cost is None else EXACT.subtract(beyond, cost)
                self._rest_dollars = _sum(self._rest_dollars, beyond)

    def metrics(self) -> RunMetrics:
        """All of it, as it is at this moment. Nothing in it is shared with the ledger."""
        with self._lock:
            total = RunMetrics(**self._rest)
            dollars = self._rest_dollars
            details: dict[str, list[ModelMetrics]] = {}
            for (model_type, _, _), entry in list(self._entries.items()):
                total.add_tokens(entry.metrics)
                entry.metrics.cost = None if entry.dollars is None else float(entry.dollars)
                details.setdefault(model_type, []).append(entry.metrics)
                dollars = _sum(dollars, entry.dollars)
            total.details = fold_details(None, details or None)
            total.cost = None if dollars is None else float(dollars)
            total.additional_metrics = fold(None, self._extras)
            if self._calls:
                counts = call_counts(self._calls, self._without_usage, self._without_cost, self._computed)
                total.additional_metrics = fold(total.additional_metrics, counts)
            return total

    def _entry(self, model_type: str, provider: str, model: str) -> _Entry:
        key = (model_type, provider, model)
        entry = self._entries.get(key)
        if entry is None:
            entry = self._entries[key] = _Entry(provider, model)
        return entry


def _no_calls() -> None:
    """What a session's ledger has."""


def _figures(*readings: Reading) -> list[tuple[Reading, Decimal | None]]:
    """Readings, each with its exact cost."""
    return [(reading, None if (cost := reading.metrics.cost) is None else decimal_of(cost)) for reading in readings]


_ledgers: WeakSet[Ledger] = WeakSet()


def _unlock_in_child() -> None:
    """A process that is forked has no thread that could release a lock which was held."""
    for ledger in _ledgers:
        ledger._lock = RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_unlock_in_child)


def _sum(one: Decimal | None, two: Decimal | None) -> Decimal | None:
    if one is None or two is None:
        return two if one is None else one
    return EXACT.add(one, two)
