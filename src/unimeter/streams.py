"""A stream's events as one usage: what carries it, what stands beside it, and whether the end was reached."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from unimeter.adapter import Adapter
from unimeter.merge import laid_over
from unimeter.objects import fields_of
from unimeter.payload import Event


class Gathered(NamedTuple):
    """What all events of a payload say together."""

    carriers: list[tuple[Event, Any]]
    """Each event that carries usage, and the usage."""
    beside: dict[str, Any]
    """What stands beside it: of the model and the id the first value, of everything else the last."""
    error: bool
    """Whether some event tells of an error."""


def gathered(adapter: type[Adapter], events: Sequence[Event]) -> Gathered:
    """What the events say, read by an adapter."""
    locate = adapter.locate
    carriers, error = [], False
    for event in events:
        if (located := locate(event)) is not None:
            carriers.append((event, located[0]))
        if event.get("error") is not None:
            error = True
    return Gathered(carriers, _beside(adapter, events), error)


def telling(adapter: type[Adapter], events: Sequence[Any]) -> list[Event] | None:
    """Of a list of chunks, the fields of those that tell something: the first, the last, and what carries usage.

    None where the chunks are of several kinds and have to be looked at one by one.
    """
    dicts = type(events[0]) is dict
    try:
        told = adapter.carriers(events, dicts, None)
    except AttributeError:
        return None
    told = list(told) if told and told[0] is events[0] else [events[0], *told]
    if told[-1] is not events[-1]:
        told.append(events[-1])
    if dicts:
        return told
    found = [fields_of(event) for event in told]
    return None if None in found else found  # type: ignore[return-value]  # none of them is None


def _beside(adapter: type[Adapter], events: Sequence[Event]) -> dict[str, Any]:
    beside: dict[str, Any] = {}
    for path in adapter.holders:
        holders = events if not path else [holder for event in events if (holder := _holder(event, path)) is not None]
        for name in adapter.names_that_come_first:
            for holder in holders:
                if value := holder.get(name):
                    beside.setdefault(name, value)
                    break
        for name in adapter.names_that_come_last:
            if (value := _last(holders, name)) is not None:
                beside[name] = laid_over(beside.get(name), value, 0)
    return beside


def _last(holders: Sequence[Event], name: str) -> Any:
    """The last value under a name; of objects, all laid over one another."""
    last: Any = None
    for holder in holders:
        if (value := holder.get(name)) is not None:
            last = value if type(value) is str else laid_over(last, value, 0)
    return last


def _holder(event: Event, path: tuple[tuple[str, str], ...]) -> Event | None:
    holder: Event | None = event
    for name, camel in path:
        holder = None if holder is None else fields_of(holder.get(name, holder.get(camel)))
    return holder


def begins(adapter: type[Adapter], event: Event) -> bool:
    """Whether an event only begins a stream: alone, it does not tell the final usage."""
    return any(holds(event) for holds in adapter.start_tests)


def ended(adapter: type[Adapter], events: Sequence[Any]) -> bool:
    """Whether some event says that the answer was finished, and none after it that another began, or goes on."""
    begun = (*adapter.start_tests, *(adapter.content_tests if adapter.final else ()))
    for event in reversed(events):
        for holds in adapter.final_tests:
            if holds(event):
                return True
        for holds in begun:
            if holds(event):
                return False
    return not adapter.final
