"""A stream's events as one usage: what carries it, what stands beside it, and whether the end was reached."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from unimeter.adapter import Adapter
from unimeter.fields import camel_case, parse
from unimeter.merge import laid_over
from unimeter.payload import Event, Payload
from unimeter.shape import predicate
from unimeter.values import fields_of


class Gathered(NamedTuple):
    """What all events of a payload say together."""

    carriers: list[tuple[Event, Any]]
    """Each event that carries usage, and the usage."""
    beside: dict[str, Any]
    """What stands beside it: of the model and the id the first value, of everything else the last."""
    complete: bool


def gathered(adapter: type[Adapter], payload: Payload) -> Gathered:
    """What the events say, read by an adapter."""
    locate = adapter.locate
    carriers = [(event, located[0]) for event in payload.events if (located := locate(event)) is not None]
    complete = not payload.cut and (not payload.is_stream or payload.done or _ended(adapter, payload.events))
    return Gathered(carriers, _beside(adapter, payload.events), complete)


class _Beside(NamedTuple):
    holders: tuple[tuple[tuple[str, str], ...], ...]
    """Where the objects that hold usage stand: each name in both spellings."""
    names: frozenset[str]
    first_counts: frozenset[str]


@lru_cache(maxsize=256)
def _names_beside(adapter: Any) -> _Beside:
    holders = dict.fromkeys(
        tuple((step.name, step.camel) for step in parse(place)[:-1]) if place else () for place in adapter.places
    )
    firsts = {parse(path)[0].name for path in (*adapter.model, *adapter.id)}
    names = {leaf.steps[0].name for leaf in adapter.leaves() if leaf.beside} | firsts
    return _Beside(tuple(holders), _both_spellings(names), _both_spellings(firsts))


def _both_spellings(names: set[str]) -> frozenset[str]:
    return frozenset(names | {camel_case(name) for name in names})


def _beside(adapter: type[Adapter], events: Sequence[Event]) -> dict[str, Any]:
    holders, names, first_counts = _names_beside(adapter)
    beside: dict[str, Any] = {}
    for event in events:
        for path in holders:
            holder: Event | None = event
            for name, camel in path:
                value = holder.get(name, holder.get(camel)) if holder is not None else None
                holder = fields_of(value)
            if holder is None:
                continue
            for name in names:
                value = holder.get(name)
                if value is None:
                    continue
                if name not in first_counts:
                    beside[name] = laid_over(beside.get(name), value, 0)
                elif value and name not in beside:
                    beside[name] = value
    return beside


@lru_cache(maxsize=256)
def _final_tests(adapter: Any) -> tuple[Callable[[Any], bool], ...]:
    return tuple(map(predicate, adapter.final))


def _ended(adapter: type[Adapter], events: Sequence[Event]) -> bool:
    """Whether some event says that the answer was finished."""
    tests = _final_tests(adapter)
    return not tests or any(holds(event) for event in reversed(events) for holds in tests)
