"""A call that is heard event by event: what it has told so far, in a memory that does not grow with its length."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from unimeter.adapter import Adapter
from unimeter.equality import comparable, equal
from unimeter.errors import MalformedUsage, UnimeterError
from unimeter.interpret import Call
from unimeter.merge import laid_over
from unimeter.objects import fields_of, is_pydantic
from unimeter.payload import Event, Payload
from unimeter.reading import Reading
from unimeter.values import Refused

MOST = 256
"""Events that are held before those that tell nothing are let go."""
LAST = 64
"""Events at the end that are held in any case: the last of a stream say that it is whole."""

_FIRST = 4
"""Events at the beginning that tell who sends them."""

_KINDS = ("type", "event_type", "object")
"""Words by which events of one stream differ in kind."""


class Hearing:
    """The events of one call. Add each to `recent`, and `tidy` when there are `MOST`."""

    __slots__ = ("_adapter", "_before", "_beside", "_dull", "_kept", "call", "recent")

    def __init__(self, call: Call) -> None:
        self.call = call
        self.recent: list[Any] = []
        self._kept: list[Any] = []
        self._adapter: type[Adapter] | None = None
        self._before: Any = None
        """The last event that was looked at."""
        self._beside: dict[str, Any] = {}
        """What counts beside the usage, as last heard."""
        self._dull: set[type] = set()
        """Classes of an SDK's whose objects tell nothing."""

    @property
    def events(self) -> list[Any]:
        """All events that tell something, and the last ones; as good to read as all that were heard."""
        return self._kept + self.recent

    def reading(self, *, is_stream: bool = True, done: bool = False, cut: bool = False, one_call: bool = False) -> Reading:
        """What the events tell, with the flags of a `Payload`. Raises as `unimeter.read` does."""
        call = self.call.another()
        try:
            quick = call.read_chunks(self.events, None) if is_stream and not cut and self.recent else None
            if quick is not None and (quick.complete or not done):
                return quick
            if len(self.recent) > 2 * LAST:
                self.tidy()
            events = [fields for event in self.events if (fields := fields_of(event)) is not None]
            kind = next((type(event) for event in self.events if type(event) is not dict), None)
            call = self.call.another()
            return call.read_opened(Payload(events, is_stream, done, cut, kind, one_call))
        except Refused as refused:
            raise MalformedUsage(call.label or "", refused.path, refused.expected, refused.got) from None

    def holds_content(self, event: Any) -> bool:
        """Whether an event holds something that was generated, be it reasoning or the name of a tool."""
        fields = event if type(event) is dict else fields_of(event)
        if fields is None:
            return False
        known = self.call.recogniser
        root = known.dialect_of((fields,), self.call.hints.dialect)
        adapter = root if root is None or self.call.label is None else known.adapter(self.call.label, root)
        return adapter is not None and any(holds(fields) for holds in adapter.content_tests)

    def tidy(self) -> None:
        """Let go of the events that tell nothing, and lay those that carry usage over one another."""
        older, self.recent = self.recent[:-LAST], self.recent[-LAST:]
        adapter = self._adapter = self._adapter or self._recognised(older)
        if adapter is None:  # nobody can read it, so far
            room = MOST - len(self._kept)
            self._kept += older[:room] + [event for event in older[room:] if (fields_of(event) or {}).get("error") is not None]
            return
        if not self._kept:
            self._kept.append(older[0])
            self._before = older.pop(0)
            fields = fields_of(self._before) or {}
            self._beside = {name: value for name in adapter.names_that_come_last if (value := fields.get(name)) is not None}
        if not older:
            return
        before, at = self._before, 0
        for event in self._telling(adapter, older):
            while older[at] is not event:
                before, at = older[at], at + 1
            self._keep(adapter, event, before)
            before, at = event, at + 1
        self._before = older[-1]

    def _recognised(self, events: list[Any]) -> type[Adapter] | None:
        """The adapter that reads the events, as far as they tell: by the first, and the first that has a shape."""
        found = [fields for event in events[:_FIRST] if (fields := fields_of(event)) is not None]
        if not any(map(self.call.recogniser.main_dialect, found)):
            all_fields = (fields for event in events[_FIRST:] if (fields := fields_of(event)) is not None)
            found += [fields for fields in all_fields if self.call.recogniser.main_dialect(fields)][:1]
        try:
            return self.call.another().adapter_of(found, type(events[0])) if found else None
        except UnimeterError:
            return None

    def _telling(self, adapter: type[Adapter], events: list[Any]) -> Iterable[Any]:
        """The events that may carry usage, or say something new beside it, or begin or end a response."""
        dicts = type(events[0]) is dict
        if dicts or not adapter.landmark_tests:
            try:
                known = {name: comparable(value) for name, value in self._beside.items()}
                found = adapter.carriers(events, dicts, known)
                if found and adapter.names_that_come_last:
                    before = self._beside.copy()
                    for event in found:
                        fields = fields_of(event) or {}
                        self._beside |= {
                            name: value for name in adapter.names_that_come_last if (value := fields.get(name)) is not None
                        }
                    if before and not equal(before, self._beside):  # it changes: only all its values tell which is the last
                        return adapter.carriers(events, dicts, {})
                return found
            except (AttributeError, TypeError):
                pass  # they are of several classes
        dull = self._dull
        return [event for event in events if event.__class__ not in dull and self._object_tells(adapter, event)]

    def _object_tells(self, adapter: type[Adapter], event: Any) -> bool:
        fields = fields_of(event)
        if fields is None:
            return False
        if self._tells(adapter, fields):
            return True
        names = {name for path in adapter.holders for name, _ in path[:1]} | {adapter.first_place, "usage", "error"}
        declared = is_pydantic(event.__class__)
        if declared and names.isdisjoint(fields) and adapter.names_that_come_last.isdisjoint(fields) and "" not in adapter.places:
            self._dull.add(event.__class__)  # an SDK has a class for each kind of event
        return False

    @staticmethod
    def _tells(adapter: type[Adapter], event: Event) -> bool:
        if "" in adapter.places:
            names: Iterable[str] = adapter.usage_names
            carries = any(event.get(name) is not None for name in names) or adapter.usage_is_list
        else:
            carries = adapter.locate(event) is not None
        return (
            carries
            or event.get("error") is not None
            or any(event.get(name) is not None for name in adapter.names_that_come_last)
            or any(holds(event) for holds in adapter.landmark_tests)
        )

    def _keep(self, adapter: type[Adapter], event: Any, before: Any) -> None:
        """Keep an event. The first and the last of those kept stay as they are; what lies between is laid together."""
        kept = self._kept
        if not adapter.calls_add and equal(event, kept[-1]):
            if equal(event, before):
                return  # an event that comes twice adds nothing
            kept.append(before)  # what lies between makes it the end of another response
        kept.append(event)
        if len(kept) > 3 and (laid := _laid_together(adapter, kept[-3], kept[-2])) is not None:
            kept[-3:-1] = [laid]


def _laid_together(adapter: type[Adapter], one: Any, two: Any) -> Event | None:
    """Two events of a stream as one that tells the same; None where that cannot be."""
    first, second = fields_of(one), fields_of(two)
    if first is None or second is None or adapter.calls_add:
        return None
    if any(holds(event) for event in (first, second) for holds in adapter.landmark_tests):
        return None
    if any(first.get(name) != second.get(name) for name in _KINDS) or (
        _is_last(adapter, first) and not _is_last(adapter, second)
    ):
        return None
    carried = adapter.locate(first), adapter.locate(second)
    if carried[0] is not None and carried[1] is not None and _ids_differ(adapter, carried[0][1], carried[1][1]):
        return None
    laid = laid_over(first, second, 0)
    if carried[0] is None or carried[1] is None:
        return laid  # type: ignore[no-any-return]  # two events with fields make one
    try:
        usage = adapter.merge([(first, carried[0][0]), (second, carried[1][0])])
    except Refused:
        return None
    if carried[0][0] is first:  # an event that is its own usage
        return {**laid, **usage}
    located = adapter.locate(laid)
    return laid if located is not None and equal(located[0], usage) else None


def _is_last(adapter: type[Adapter], event: Event) -> bool:
    return any(holds(event) for holds in adapter.final_tests)


def _ids_differ(adapter: type[Adapter], one: Event, two: Event) -> bool:
    return any(first != second for first, second in zip(adapter.identify(one), adapter.identify(two), strict=True))
