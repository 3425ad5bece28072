"""A ledger: readings added up as they come, under a lock, at a cost that does not grow with their number."""

from __future__ import annotations

from decimal import Decimal
from threading import Lock

from unimeter.metrics import BaseMetrics, ModelMetrics, RunMetrics, call_counts, fold, fold_details
from unimeter.reading import Reading


class _Entry:
    """One model in one role. Dollars are kept exact, as a float can only be read and not added up."""

    __slots__ = ("dollars", "metrics")

    def __init__(self, provider: str, model: str) -> None:
        self.metrics = ModelMetrics(provider=provider, id=model)
        self.dollars: Decimal | None = None


class Ledger:
    """Adds up readings and other metrics. Safe in any number of threads."""

    def __init__(self, *, once: bool = False) -> None:
        """
        Args:
            once: whether a reading whose id and figures were recorded before is the same call again.
        """
        self._lock = Lock()
        self._entries: dict[tuple[str, str, str], _Entry] = {}
        self._calls = self._without_usage = self._without_cost = 0
        self._merged = RunMetrics()
        self._seen: set[tuple[str, int, int]] | None = set() if once else None

    def record(self, reading: Reading | None, model_type: str) -> bool:
        """Add a call, or one that told no usage; whether it is new."""
        with self._lock:
            if reading is not None and reading.id is not None and self._seen is not None:
                # Some servers number their responses and begin anew: the figures have to agree as well.
                key = (reading.id, reading.metrics.input_tokens, reading.metrics.output_tokens)
                if key in self._seen:
                    return False
                self._seen.add(key)
            self._calls += 1
            if reading is None:
                self._without_usage += 1
                self._without_cost += 1
                return True
            if reading.metrics.cost is None:
                self._without_cost += 1
            self._add(reading, model_type)
            for part in reading.parts:
                self._add(part, model_type)
            return True

    def merge(self, metrics: BaseMetrics) -> None:
        """Add the metrics of a run or a session."""
        with self._lock:
            self._merged.merge(metrics)

    def metrics(self) -> RunMetrics:
        """All of it, as it is at this moment. Nothing in it is shared with the ledger."""
        with self._lock:
            total = RunMetrics()
            dollars = None
            for (model_type, _, _), entry in self._entries.items():
                total.add_tokens(entry.metrics)
                entry.metrics.cost = None if entry.dollars is None else float(entry.dollars)
                total.details = fold_details(total.details, {model_type: [entry.metrics]})
                dollars = _sum(dollars, entry.dollars)
            if self._calls:
                total.additional_metrics = call_counts(self._calls, self._without_usage, self._without_cost)
            if self._merged.cost is not None:
                dollars = _sum(dollars, Decimal(repr(self._merged.cost)))
            total.merge(self._merged)
            total.cost = None if dollars is None else float(dollars)
            return total

    def _add(self, reading: Reading, model_type: str) -> None:
        key = (model_type, reading.provider, reading.model or "")
        entry = self._entries.get(key)
        if entry is None:
            entry = self._entries[key] = _Entry(reading.provider, reading.model or "")
        metrics = reading.metrics
        entry.metrics.add_tokens(metrics)
        if metrics.provider_metrics is not None:
            entry.metrics.provider_metrics = fold(entry.metrics.provider_metrics, metrics.provider_metrics)
        if metrics.cost is not None:
            entry.dollars = _sum(entry.dollars, Decimal(repr(metrics.cost)))


def _sum(one: Decimal | None, two: Decimal | None) -> Decimal | None:
    if one is None or two is None:
        return two if one is None else one
    return one + two
