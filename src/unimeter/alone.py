"""A usage object without its response, or in a place where another dialect has its own: in whose words it is."""

from __future__ import annotations

from collections.abc import Iterable

from unimeter.adapter import Adapter
from unimeter.payload import Event
from unimeter.values import Refused


def reader_of(usage: Event, adapter: type[Adapter], others: Iterable[type[Adapter]]) -> type[Adapter] | None:
    """The adapter that reads most in a usage; None where none reads anything.

    Args:
        usage: the object.
        adapter: whose it should be: what it refuses is read in nobody else's words, and what others read as well it reads.
        others: who else may read it, the likelier first.
    """
    if _refuses(adapter, usage):
        return adapter
    candidates = dict.fromkeys((adapter, *others))
    named = [candidate for candidate in candidates if _names_in(candidate, usage, total_is_enough=candidate is adapter)]
    best = max(named, key=lambda candidate: _told_in(candidate, usage), default=None)
    return best if best is not None and _told_in(best, usage) else None


def _refuses(adapter: type[Adapter], usage: Event) -> bool:
    """Whether a usage has an adapter's own names, and one of its figures is refused."""
    if usage.keys().isdisjoint((*adapter.usage_names, adapter.ready_if)):
        return False
    try:
        adapter.measure(usage, {})
    except Refused:
        return True
    return False


def _names_in(adapter: type[Adapter], usage: Event, *, total_is_enough: bool) -> bool:
    """Whether a usage has an adapter's own names. What a total is made of, another's words do not tell."""
    names = {name for name in usage.keys() & adapter.usage_names if usage[name] is not None}
    return bool(names if total_is_enough else names - {"total_tokens"})


def _told_in(adapter: type[Adapter], usage: Event) -> int:
    """How many figures an adapter reads in a usage; one that it refuses counts, so that it is refused with its path."""
    try:
        measured = adapter.measure(usage, {})
    except Refused as refused:
        return int(refused.expected != "an object")  # what holds no figures is another thing of the same name
    if measured is None or (measured[1][0] is None and measured[1][1] is None):
        return 0
    return sum(value is not None for value in measured[1])
