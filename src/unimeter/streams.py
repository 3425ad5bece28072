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
    complete = not payload.cut and (not payload.is_stream or payload.done or _ended(adapter, payload.events))
    return Gathered(carriers, _beside(adapter, payload.events), complete)


def _beside(adapter: type[Adapter], events: Sequence[Event]) -> dict[str, Any]:
    names, first_counts = adapter.names_beside, adapter.names_that_come_first
    beside: dict[str, Any] = {}
    for event in events:
        for path in adapter.holders:
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


def _ended(adapter: type[Adapter], events: Sequence[Event]) -> bool:
    """Whether some event says that the answer was finished."""
    return not adapter.final or any(holds(event) for event in reversed(events) for holds in adapter.final_tests)
