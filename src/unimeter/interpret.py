"""From a payload to its reading: one response, a stream's events, or several responses, each by its adapter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

import msgspec

from unimeter import envelope, several
from unimeter.adapter import Adapter
from unimeter.alone import reader_of
from unimeter.errors import MalformedUsage, MissingUsage, UnimeterError, UnknownProvider
from unimeter.metrics import MessageMetrics
from unimeter.objects import fields_of
from unimeter.payload import Event, Payload, opened
from unimeter.reading import FailedRequest, Reading, has_usage
from unimeter.reasons import hint_of, nothing_known, why_missing
from unimeter.recognise import NO_URL, FromUrl, Recogniser, recogniser, url_text
from unimeter.registry import Registry
from unimeter.streams import Gathered, begins, ended, gathered, telling
from unimeter.values import MOST_VALUES, Refused, as_fields, spend
from unimeter.wire.framing import NotABody, Unreadable
from unimeter.wire.headers import invocation_metrics
from unimeter.wire.json import loads

_DEEPEST = 8
"""No body holds responses in responses; what nests deeper is refused, so that no payload can exhaust the stack."""
_NAMED_BY = 4
"""Events at the beginning of a stream that may name its model and its id."""

Found = tuple[type[Adapter], Any, Event]
"""Who reads the usage of a response, the usage, and the object that holds it."""


class Call:
    """The reading of one payload: what is known of its sender so far."""

    __slots__ = ("_depth", "_left", "hints", "label", "model", "named", "recogniser")

    def __init__(self, provider: str | None, url: str | None, model: str | None, known: Recogniser | None = None) -> None:
        self.recogniser: Recogniser = known or recogniser()
        self.named = None if provider is None else self.recogniser.label(provider)
        self.hints: FromUrl = NO_URL if url is None else self.recogniser.from_url(url if type(url) is str else url_text(url))
        self.label = self.named or self.hints.label
        self.model = model
        self._depth = 0
        self._left: list[int] | None = None
        """How many more responses within responses are read; those that hold each other have no end."""

    # a single response, straight through --------------------------------------------------------------------------

    def found(self, payload: Any) -> Found | None:
        """The usage of a response that needs no second look: one object of a known shape, with usage in its place."""
        kind = type(payload)
        if kind is bytes or kind is str:
            fields, kind = envelope_of(payload, self.recogniser.registry), dict
        else:
            fields = payload if kind is dict else fields_of(payload)
        if fields is None:
            return None
        found = self.recogniser.whose(fields, kind, self.named, self.hints)
        if found is None:
            return None
        located = found[1].locate(fields)
        if located is None or begins(found[1], fields):
            return None
        self.label, adapter = found
        return adapter, *located

    def reading(self, found: Found, complete: bool = True) -> Reading | None:
        """The reading of a usage; None where it says nothing."""
        adapter, usage, holder = found
        ready: Any = usage
        parts: tuple[tuple[str, Any, str | None], ...] = ()
        if adapter.ready_if and (fields := as_fields(usage, "usage")) and fields.get(adapter.ready_if) is not None:
            ready, parts = adapter.ready(fields)
        measured = adapter.measure(ready, holder)
        if measured is None:
            return None
        metrics, told, total = measured
        model, response_id = adapter.identify(holder)
        return Reading(
            self.label or "",
            model or self.hints.model or self.model,
            response_id,
            metrics,
            complete,
            tuple(self._part(adapter, *part) for part in parts),
            (),
            told,
            total,
            adapter.evidence(usage),
        )

    def _part(self, adapter: type[Adapter], kind: str, usage: Any, model: str | None) -> Reading:
        measured = adapter.measure(usage, {})
        if measured is None:
            raise MissingUsage(self.label or "", f"a call of the kind {kind} inside the response carries no usage")
        metrics, told, total = measured
        return Reading(self.label or "", model, None, metrics, told=told, total=total, usage=adapter.evidence(usage))

    # anything else --------------------------------------------------------------------------------------------------

    def read(self, payload: Any, headers: Mapping[str, Any] | None) -> Reading:
        """The reading of any payload."""
        if isinstance(payload, (list, tuple)) and payload:
            quick = self.read_chunks(payload, headers) or self._usage_as_list(payload)
            if quick is not None:
                return quick
        return self.read_opened(self._open(payload), headers)

    def read_opened(self, held: Payload, headers: Mapping[str, Any] | None = None) -> Reading:
        """The reading of a payload whose events are at hand."""
        self._take_headers(held, headers)
        found = several.responses_in_all(held.events)
        if found is None and not held.one_call and len(held.events) > 1:
            whole = several.whole_responses(held.events, self.recogniser.by_shape)
            found = None if whole is None else several.Several([several.Held(response, {}) for response in whole])
        try:
            reading = self._read_one(held) if found is None else self._sum_of(found)
        except MissingUsage as missing:
            self._say_whose(missing, held)
            raise
        reading.complete = reading.complete and not held.cut
        return reading

    def _say_whose(self, missing: MissingUsage, held: Payload) -> None:
        """Add to the error which model answered and under which id, and how to ask for usage."""
        if missing.due and missing.model is None and missing.id is None and held.events:
            try:
                adapter = self.adapter_of(held.events, held.kind)
            except UnimeterError:
                return
            named = [adapter.identify(event) for event in (gathered(adapter, held.events).beside, *held.events[:_NAMED_BY])]
            missing.model = next((model for model, _ in named if model), None)
            missing.id = next((response_id for _, response_id in named if response_id), None)
            missing.hint = hint_of(adapter, is_stream=held.is_stream) or None
        missing.model = missing.model or self.hints.model or self.model

    def _read_one(self, held: Payload) -> Reading:
        """The reading of a payload that is one call: a response or a stream."""
        adapter = self.adapter_of(held.events, held.kind)
        asides = several.set_aside(adapter, held.events) if adapter.asides else []
        if self._of_two_dialects(held.events, adapter):
            raise MalformedUsage(self.label or "", "the events", "of one dialect", "usage in several: read each call on its own")
        parts = [part for event in asides for part in self._calls_in(event)]
        try:
            reading = self._read_events(adapter, held)
        except MissingUsage:
            if not parts:
                raise
            began = any(begins(adapter, event) for event in held.events)
            return self._added(parts, complete=not began)  # they are all that there is
        for one in (reading, *reading.calls[-1:]):  # a sum has the parts of its calls
            one.parts += tuple(parts)
        reading.complete = reading.complete and all(event.get("error") is None for event in asides)
        return reading

    def _read_events(self, adapter: type[Adapter], held: Payload) -> Reading:
        if len(held.events) == 1 and not held.is_stream:
            return self._read_response(adapter, held.events[0])
        if (following := several.one_after_another(held.events, adapter, adapter.stop_tests)) is not None:
            return self._read_session(adapter, following)
        found = gathered(adapter, held.events)
        whole = not held.is_stream or (not found.error and (held.done or ended(adapter, held.events)))
        return self._read_stream(adapter, found, held.events, whole and not held.cut)

    def _usage_as_list(self, payload: Any) -> Reading | None:
        """The usage alone of a provider whose usage is a list of figures."""
        own = self.recogniser.registry.by_label.get(self.label or "", ())
        adapter = next((adapter for adapter in own if adapter.usage_is_list), None)
        try:
            return None if adapter is None else self.reading((adapter, payload, {}))
        except Refused:
            return None  # a list of events

    def read_chunks(self, chunks: Any, headers: Mapping[str, Any] | None) -> Reading | None:
        """The reading of a list of chunks of one kind; None where each has to be looked at."""
        first = fields_of(chunks[0])
        root = None if first is None else self.recogniser.main_dialect(first)
        if root is None or headers is not None or root.stop_tests or several.responses_in(first or {}) is not None:
            return None
        events = telling(root, chunks)
        if events is None or self._may_be_several(root, events):
            return None
        adapter = self.adapter_of(events, type(chunks[0]), root)
        if _looks_elsewhere(adapter, root) and (events := telling(adapter, chunks)) is None:
            return None
        found = gathered(adapter, events)
        if not found.carriers:
            return None
        return self._read_stream(adapter, found, events, not found.error and ended(adapter, chunks))

    def _may_be_several(self, root: type[Adapter], events: list[Event]) -> bool:
        """Whether whole responses may stand in a list: two that carry usage, or a last one in another dialect."""
        if self.recogniser.by_shape(events[-1]) not in (root, None):
            return True
        carriers = [event for event in events if root.locate(event) is not None]
        if len(events) > 2 and self._of_two_dialects(events, root):
            return True
        return len(carriers) > 1 and several.whole_responses(carriers, self.recogniser.by_shape) is not None

    def _of_two_dialects(self, events: list[Event], adapter: type[Adapter]) -> bool:
        """Whether events carry usage, each in the place of its own dialect, in more than one."""
        roots = set()
        for event in events:
            root = self.recogniser.by_shape(event)
            if root is not None and root.locate(event) is not None and root.first_place not in self.recogniser.trailers:
                roots.add(root)
        own = self.recogniser.registry.root_of(adapter)
        return len(roots - {*own.__bases__} if own.speaks_its_base else roots) > 1

    def _open(self, payload: Any) -> Payload:
        decode = envelope.decoder(self.recogniser.registry)
        try:
            return opened(payload, lambda raw: loads(raw, decode))
        except Unreadable as error:
            raise MalformedUsage(self.label or "", "the body", "whole", f"cut or broken ({error})") from None
        except NotABody as error:
            if self.label:
                raise MissingUsage(self.label, f"the response is {error}") from None
            raise UnknownProvider(f"the payload is {error}; name the provider or give the url") from None

    def _take_headers(self, held: Payload, headers: Mapping[str, Any] | None) -> None:
        """Usage that stands in the headers, as one more event."""
        if headers is None and held.events and isinstance(metadata := held.events[0].get("ResponseMetadata"), Mapping):
            headers = metadata.get("HTTPHeaders")
        if headers is not None and (metrics := invocation_metrics(headers)) is not None:
            held.events.append(metrics)

    def adapter_of(self, events: list[Event], kind: type | None, root: type[Adapter] | None = None) -> type[Adapter]:
        """Who sent the events (`self.label`), and the adapter that reads them."""
        known = self.recogniser.registry
        if not events and self.label is None:
            raise UnknownProvider("the payload holds no events")
        if root is None:
            root = self.recogniser.dialect_of(events, self.hints.dialect)
        alone = None if kind is None or root is not None else self.recogniser.usage_adapter(kind)
        if alone is not None and alone.free:
            root = alone
        if self.named is None and root is not None:
            self.label = self.recogniser.label_of_hints(root, kind or dict, self.hints)
            self.label = self.label or self.recogniser.marked_in(root, events) or root.provider
        elif self.label is None and kind is not None:
            self.label = self.recogniser.package_label(kind)
        if self.label is None:
            if alone is None:
                raise UnknownProvider(nothing_known(events, kind))
            self.label = alone.provider
            return alone
        adapter = self.recogniser.adapter(self.label, root) if root else known.main_adapter(self.label)
        for event in reversed(events):
            if adapter.locate(event) is not None:
                return adapter
        own = known.by_label[self.label]  # the label's in other dialects; else its own that would refuse; else who speaks alike
        others = (other for other in own if any(_reads(other, event) for event in events))
        family = (other for other in known.adapters if known.root_of(other) is root and "" not in other.places)
        elsewhere = (other for other in family if any(_reads(other, event) for event in events))
        refusing = (other for other in own if "" not in other.places and any(other.locate(event) for event in events))
        return next(others, None) or next(refusing, None) or next(elsewhere, adapter)

    def _read_response(self, adapter: type[Adapter], event: Event) -> Reading:
        located = adapter.locate(event)
        if located is None and adapter.free and event.get("error") is None:
            raise MissingUsage(self.label or "", f"no usage is due: {adapter.free}", due=False)
        reading = None if located is None else self.reading((adapter, *located), not begins(adapter, event))
        if reading is None and located is not None and (usage := fields_of(located[0])):
            other = self._usage_alone(adapter, usage)  # where this dialect has its usage, in another's words
            reading = None if other is None else self.reading((other[0], located[0], located[1]))
        if reading is None and (alone := self._usage_alone(adapter, event)) is not None:
            reading = self.reading(alone)
        if reading is None:
            raise MissingUsage(self.label or "", why_missing(adapter, event, is_stream=False))
        return reading

    def _usage_alone(self, adapter: type[Adapter], event: Event) -> Found | None:
        """A payload that is itself a usage object."""
        if self.named is None and self.recogniser.by_shape(event) is not None:
            return None
        known = self.recogniser.registry
        reader = reader_of(event, adapter, (*known.by_label.get(self.label or "", ()), *known.roots))
        return None if reader is None else (reader, event, {})

    def _read_stream(self, adapter: type[Adapter], found: Gathered, events: list[Event], complete: bool) -> Reading:
        carriers, beside, _ = found
        if adapter.calls_add:
            calls = (self.reading((adapter, usage, beside), complete) for _, usage in carriers)
            return self._added([call for call in calls if call is not None], complete)
        own_ids = adapter.start_tests or adapter.parts_have_ids
        if len(carriers) > 1 and not own_ids and len(several.ids(adapter, carriers)) > 1:
            if all(any(test(event) for test in adapter.final_tests) for event, _ in carriers):
                following = several.one_after_another(events, adapter, adapter.final_tests)
                return self._read_session(adapter, following or [])  # one was steered away from, and another took its place
            raise MalformedUsage(
                self.label or "", "the stream", "the events of one call", "usage under several ids: read each call on its own"
            )
        if adapter.parts_have_ids and carriers and (located := adapter.locate(carriers[-1][0])) is not None:
            beside |= located[1]
        reading = self.reading((adapter, adapter.merge(carriers), beside), complete) if carriers else None
        if reading is None and adapter.free and not found.error:
            raise MissingUsage(self.label or "", f"no usage is due: {adapter.free}", due=False)
        if reading is None:
            raise MissingUsage(
                self.label or "", why_missing(adapter, events[-1] if events else {}, is_stream=True, complete=complete)
            )
        if reading.unaccounted and len(carriers) > 1:
            alone = (self.reading((adapter, usage, beside), complete) for _, usage in reversed(carriers))
            last = next((one for one in alone if one is not None), None)
            if last is not None and last.total is not None and not last.unaccounted:
                return last  # the last event tells the whole, and the earlier ones something else
        return reading

    # several responses -----------------------------------------------------------------------------------------------

    def _read_session(self, adapter: type[Adapter], answers: Iterable[list[Event]]) -> Reading:
        """The sum of several answers in one session, whose model is told when it begins; one may be told again."""
        calls: dict[Any, Reading] = {}
        complete = True
        for events in answers:
            found = gathered(adapter, events)
            self.model = adapter.identify(found.beside)[0] or self.model
            complete = complete and len(several.ends(events, adapter)) < 2  # else one of them told no usage
            try:
                answer = self._read_stream(adapter, found, events, not found.error and ended(adapter, events))
            except MissingUsage:  # it was cancelled
                complete = False
                silent = Reading(self.label or "", self.model, adapter.identify(found.beside)[1], MessageMetrics())
                calls.setdefault(silent.id or len(calls), silent)
                continue
            answer.id = (answer.id, *several.ids(adapter, found.carriers))[-1]  # and not that of one that told no usage
            if (before := calls.get(answer.id)) is not None and has_usage(before):
                answer.model = before.model
            calls[answer.id or len(calls)] = answer
        reading = self._added([*calls.values()], complete)
        read = [call.metrics.input_tokens for call in calls.values() if call.metrics.input_tokens]
        if "context_tokens" in adapter.provider_metrics and read:  # each answer counts again what was said before
            own = reading.metrics.provider_metrics or {}
            reading.metrics.provider_metrics = {**own, "context_tokens": read[-1]}
        return reading

    def _sum_of(self, found: several.Several) -> Reading:
        """The sum of several responses. Each is read by itself: none spoils the others."""
        if self._depth == _DEEPEST:
            raise MalformedUsage(self.label or "", "the body", f"nested at most {_DEEPEST} responses deep", "nested deeper")
        if self._left is None:
            self._left = [MOST_VALUES]
        else:
            spend(self._left, len(found.held), "the body")
        calls: list[Reading] = []
        complete, free = True, 0
        unknown: UnknownProvider | None = None
        for held in found.held:
            call = self._call_for(held)
            if held.response is None:
                calls.append(call.without_usage(held.failure))
                complete = complete and held.failure is not None
                continue
            try:
                calls.append(call.read(held.response, None))
            except MissingUsage as missing:
                fields = fields_of(held.response) or {}
                if not missing.due:
                    free += 1
                    continue
                failure = several.failure_in(fields)
                calls.append(call.without_usage(failure, fields))
                complete = complete and failure is not None
            except MalformedUsage as malformed:
                # a new one: that which was raised holds its frames, and in them the response
                error = MalformedUsage(malformed.provider, malformed.path, malformed.expected, malformed.got)
                calls.append(call.without_usage(error, fields_of(held.response) or {}))
            except Refused as refused:
                error = MalformedUsage(call.label or "", refused.path, refused.expected, refused.got)
                calls.append(call.without_usage(error, fields_of(held.response) or {}))
            except UnknownProvider as nobody:
                unknown, complete = unknown or nobody, False
                calls.append(call.without_usage(None))
        providers = {call.provider for call in calls if has_usage(call)}
        if not providers:
            self._refuse(calls, free, unknown)
        if len(providers) == 1:  # a failed request names nobody, but was made to the same provider
            for reading in calls:
                reading.provider = reading.provider or next(iter(providers))
        notes = (f"{found.repeated} result lines come twice and count once",) if found.repeated else ()
        return several.added(calls, complete, notes)

    def _refuse(self, calls: list[Reading], free: int, unknown: UnknownProvider | None) -> NoReturn:
        """Say why none of several responses has usage."""
        malformed = next((call.error for call in calls if isinstance(call.error, MalformedUsage)), None)
        if malformed is not None:
            raise malformed
        failures = Counter(str(call.error) for call in calls if isinstance(call.error, FailedRequest))
        if unknown is not None and not failures:
            raise unknown
        if free and not calls:
            raise MissingUsage(self.label or "", "no usage is due for any of the responses in the body", due=False)
        silent = len(calls) - failures.total()
        reasons = [f"{count} failed ({words})" for words, count in failures.items()]
        reasons += [f"{silent} have none"] * bool(silent)
        label = self.label or next((call.provider for call in calls if call.provider), "")
        message = f"none of the {len(calls)} responses in the body carries usage: {', '.join(reasons)}"
        raise MissingUsage(label, message, calls=tuple(calls))

    def _call_for(self, held: several.Held) -> Call:
        """The reading of one of several responses. Its result line may name the provider."""
        call = self.another()
        call._depth, call._left = self._depth + 1, self._left
        if held.around and call.hints.label is None:
            call.hints = call.hints._replace(label=self.recogniser.marked(Adapter, held.around, None))
        return call

    def without_usage(self, error: FailedRequest | MalformedUsage | None, response: Event | None = None) -> Reading:
        """The reading of one of several responses that tells no usage; of the response, whose it is and its names."""
        model = response_id = None
        label = self.label or self.hints.label
        if response:
            try:
                adapter = self.adapter_of([response], None)
                label = self.label
                model, response_id = adapter.identify(response)
            except UnimeterError:
                pass
        return Reading(label or "", model or self.model, response_id, MessageMetrics(), error=error)

    def _calls_in(self, event: Event) -> list[Reading]:
        """The reading of an event that belongs to another model's call; none where it lacks its usage."""
        call = self.another()
        call.model = None
        try:
            return [call.read(event, None)]
        except MissingUsage as missing:
            if not missing.due:
                raise
            return []

    def another(self) -> Call:
        """The reading of another payload, of whose sender as much is known."""
        call = Call(None, None, self.model, self.recogniser)
        call.label, call.named, call.hints = self.label, self.named, self.hints
        return call

    def _added(self, calls: list[Reading], complete: bool) -> Reading:
        if not any(map(has_usage, calls)):
            raise MissingUsage(self.label or "", "none of the responses in the body carries usage")
        return several.added(calls, complete)


def _looks_elsewhere(adapter: type[Adapter], root: type[Adapter]) -> bool:
    """Whether an adapter needs events that its dialect's root does not."""
    return adapter.places != root.places or adapter.names_that_come_last != root.names_that_come_last


def _reads(adapter: type[Adapter], event: Event) -> bool:
    """Whether an adapter finds usage in an event; what it refuses is not its own."""
    try:
        located = adapter.locate(event)
        return located is not None and adapter.measure(*located) is not None
    except Refused:
        return False


def envelope_of(raw: bytes | str, known: Registry) -> Mapping[str, Any] | None:
    """The envelope of a body that is one JSON object; None for any other body."""
    try:
        value = envelope.decoder(known)(raw)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    return value if type(value) is dict else None
