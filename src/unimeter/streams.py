"""A stream's events as one usage: what carries it, what stands beside it, and whether the end was reached."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from unimeter.adapter import Adapter
from unimeter.merge import laid_over
from unimeter.objects import fields_of
from unimeter.payload import Event, Payload


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
    broken = payload.cut or (payload.is_stream and any(event.get("error") is not None for event in payload.events))
    complete = not broken and (not payload.is_stream or payload.done or ended(adapter, payload.events))
    return Gathered(carriers, _beside(adapter, payload.events), complete)


def telling(adapter: type[Adapter], events: Sequence[Any]) -> list[Event] | None:
    """Of a list of chunks, the fields of those that tell something: the first, the last, and what carries usage.

    None where the chunks are of several kinds and have to be looked at one by one.
    """
    try:
        carriers = adapter.carriers(events, type(events[0]) is dict)
    except AttributeError:
        return None
    told = [events[0], *carriers] if not carriers or carriers[0] is not events[0] else list(carriers)
    if told[-1] is not events[-1]:
        told.append(events[-1])
    found = [fields_of(event) for event in told]
    return None if None in found else found  # type: ignore[return-value]


def _beside(adapter: type[Adapter], events: Sequence[Event]) -> dict[str, Any]:
    beside: dict[str, Any] = {}
    for path in adapter.holders:
        holders = events if not path else [holder for event in events if (holder := _holder(event, path)) is not None]
        for name in adapter.names_beside:
            if name in adapter.names_that_come_first:
                value = next((value for holder in holders if (value := holder.get(name))), None)
                if value is not None:
                    beside.setdefault(name, value)
            elif (value := _last(holders, name)) is not None:
                beside[name] = laid_over(beside.get(name), value, 0)
    return beside


def _last(holders: Sequence[Event], name: str) -> Any:
    """The last value under a name; of objects, all laid over one another."""
    last = next((value for holder in reversed(holders) if (value := holder.get(name)) is not None), None)
    if last is None or fields_of(last) is None:
        return last
    whole = None
    for holder in holders:
        whole = laid_over(whole, holder.get(name), 0)
    return whole


def _holder(event: Event, path: tuple[tuple[str, str], ...]) -> Event | None:
    holder: Event | None = event
    for name, camel in path:
        holder = None if holder is None else fields_of(holder.get(name, holder.get(camel)))
    return holder


def begins(adapter: type[Adapter], event: Event) -> bool:
    """Whether an event only begins a stream: alone, it does not tell the final usage."""
    return any(holds(event) for holds in adapter.start_tests)


def ended(adapter: type[Adapter], events: Sequence[Any]) -> bool:
    """Whether some event says that the answer was finished."""
    return not adapter.final or any(holds(event) for event in reversed(events) for holds in adapter.final_tests)
