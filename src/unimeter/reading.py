"""`read` and `normalize`: any response of any provider in, a `Reading` or its metrics out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec

from unimeter import envelope, several
from unimeter.adapter import Adapter
from unimeter.compiler import TOLD
from unimeter.errors import MalformedUsage, MissingUsage, UnknownProvider
from unimeter.merge import laid_over
from unimeter.metrics import MessageMetrics
from unimeter.payload import Event, Payload, opened
from unimeter.recognise import FromUrl, Recogniser, from_url, usage_adapter
from unimeter.registry import registry
from unimeter.shape import predicate
from unimeter.values import Refused, as_tree, fields_of
from unimeter.wire.body import Loads, NotABody, Unreadable
from unimeter.wire.headers import invocation_metrics
from unimeter.wire.json import loads as loads_json

NO_FIGURES: tuple[Any, ...] = (None,) * len(TOLD)
_NO_URL = FromUrl(None, None, None)


class Reading(msgspec.Struct, eq=False, repr_omit_defaults=True):
    """What one response says about its usage.

    `metrics` are the numbers. Everything else tells how far to trust them: what was really sent (`reported`), whether
    the stream was whole (`complete`), whether the provider's own total agrees (`unaccounted`), what is strange (`odd`).
    """

    provider: str
    """The provider's label, such as `Anthropic`."""
    model: str | None
    """The model's id in the response, else the one in the url, else the one the caller named."""
    id: str | None
    """The response's id."""
    metrics: MessageMetrics
    """The numbers. A field that was not sent is 0 here and missing in `reported`."""
    complete: bool = True
    """Whether the response was whole: False for a stream that ended before its final usage."""
    parts: tuple[Reading, ...] = ()
    """Calls of other models inside this response. `metrics` does not include them."""
    calls: tuple[Reading, ...] = ()
    """The single calls, where one body holds several (a batch, an agent's trace). `metrics` is their sum."""
    told: tuple[Any, ...] = NO_FIGURES
    """The raw figures, in the order of `unimeter.compiler.TOLD`; None where none was sent."""
    total: int | None = None
    """The provider's own total, where it sends one."""
    raw: Any = None
    """The usage object as it came."""

    @property
    def reported(self) -> frozenset[str]:
        """The metrics that the provider really sent; `total_tokens` is among them where it sends a total of its own."""
        names = {name for name, value in zip(TOLD, self.told, strict=True) if value is not None}
        if self.total is not None:
            names.add("total_tokens")
        return frozenset(names)

    @property
    def unaccounted(self) -> int:
        """The provider's own total less ours; 0 where they agree or it gives none."""
        return 0 if self.total is None else self.total - self.metrics.total_tokens

    @property
    def odd(self) -> tuple[str, ...]:
        """Where the provider's own figures contradict each other. They are kept as they came."""
        metrics = self.metrics
        told = (
            (metrics.cache_read_tokens + metrics.cache_write_tokens > metrics.input_tokens, "more tokens cached than read"),
            (metrics.reasoning_tokens > metrics.output_tokens, "more reasoning than output"),
            (metrics.audio_input_tokens > metrics.input_tokens, "more audio heard than input"),
            (metrics.audio_output_tokens > metrics.output_tokens, "more audio spoken than output"),
            (self.unaccounted != 0, "the provider's own total differs"),
        )
        return tuple(text for holds, text in told if holds)

    @property
    def usage(self) -> Any:
        """The provider's usage object as plain JSON data, unknown keys and all."""
        return as_tree(self.raw, "usage")

    def to_dict(self) -> dict[str, Any]:
        """The reading as JSON-safe data, without the raw usage."""
        told = {
            "provider": self.provider,
            "model": self.model,
            "id": self.id,
            "metrics": self.metrics.to_dict(),
            "reported": sorted(self.reported),
            "complete": self.complete,
            "unaccounted": self.unaccounted,
            "odd": list(self.odd),
        }
        for name in ("parts", "calls"):
            if readings := getattr(self, name):
                told[name] = [reading.to_dict() for reading in readings]
        return told

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Reading):
            return NotImplemented
        return self.to_dict() == other.to_dict() and self.usage == other.usage

    __hash__ = None  # type: ignore[assignment]


def normalize(
    payload: Any,
    provider: str | None = None,
    *,
    url: str | None = None,
    headers: Mapping[str, Any] | None = None,
    model: str | None = None,
) -> MessageMetrics:
    """The metrics of a response. Takes and raises what `read` does.

    >>> normalize({"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}})
    MessageMetrics(input_tokens=9, output_tokens=2, total_tokens=11)
    """
    return read(payload, provider, url=url, headers=headers, model=model).metrics


def read(
    payload: Any,
    provider: str | None = None,
    *,
    url: str | None = None,
    headers: Mapping[str, Any] | None = None,
    model: str | None = None,
) -> Reading:
    """What a response says about its usage.

    Args:
        payload: an SDK's object, a dict, JSON bytes or text, a raw HTTP body (JSON, server-sent events, JSON lines, an
            AWS event stream; gzip'd or not), a list or stream of events or chunks; the usage object alone if the
            provider is named.
        provider: its label or slug, such as "Anthropic" or "aws-bedrock"; needed only if nothing else tells.
        url: the url of the call, whole or only its path; the strongest hint after the name.
        headers: the response's headers, for providers that put usage there (Bedrock InvokeModel).
        model: the model's id, for responses that do not name it.

    Raises:
        UnknownProvider: nothing recognises the payload.
        MissingUsage: it carries no usage.
        MalformedUsage: a value is not what it must be; the message gives its path.

    >>> reading = read({"type": "message", "model": "claude-x", "usage": {"input_tokens": 3, "cache_read_input_tokens": 7}})
    >>> reading.provider, reading.metrics.input_tokens, sorted(reading.reported)
    ('Anthropic', 10, ['cache_read_tokens', 'input_tokens'])
    """
    known = registry()
    recogniser = _recogniser()
    label = None if provider is None else known.label(provider)
    hints = _NO_URL if url is None else from_url(url, known)
    held = _open(payload, envelope.decoder(known), label or hints.label or "")
    if headers is None and not held.is_stream and held.events:
        headers = _boto3_headers(held.events[0])
    if headers is not None and (metrics := invocation_metrics(headers)) is not None:
        held.events.append(metrics)
    call = _Call(recogniser, label or hints.label, label is not None, hints, model)
    try:
        return call.read(held)
    except Refused as refused:
        raise MalformedUsage(call.label or "", refused.path, refused.expected, refused.got) from None


@lru_cache(maxsize=1)
def _recogniser() -> Recogniser:
    return Recogniser(registry())


def _open(payload: Any, decode: Loads, label: str) -> Payload:
    try:
        return opened(payload, lambda raw: loads_json(raw, decode))
    except Unreadable as error:
        raise MalformedUsage(label, "the body", "whole", f"cut or broken ({error})") from None
    except NotABody as error:
        if label:
            raise MissingUsage(label, f"the response is {error}") from None
        raise UnknownProvider(f"the payload is {error}; name the provider or give the url") from None


def _boto3_headers(response: Event) -> Mapping[str, Any] | None:
    metadata = response.get("ResponseMetadata")
    headers = metadata.get("HTTPHeaders") if isinstance(metadata, Mapping) else None
    return headers if isinstance(headers, Mapping) else None


class _Call:
    """Reading one payload: what is known of it so far."""

    def __init__(self, recogniser: Recogniser, label: str | None, named: bool, hints: FromUrl, model: str | None) -> None:
        self.recogniser = recogniser
        self.label = label
        self.named = named
        self.hints = hints
        self.model = model

    def read(self, held: Payload) -> Reading:
        events = held.events
        if responses := self._several(events):
            return self._sum(responses)
        if self.label is None and held.kind is not None:
            self.label = self.recogniser.package_label(held.kind)
        adapter = self._adapter(held)
        if len(events) == 1 and not held.is_stream:
            return self._one(adapter, held)
        return self._stream(adapter, held)

    # whose it is, and how it is read ------------------------------------------------------------------------------

    def _adapter(self, held: Payload) -> type[Adapter]:
        events, known = held.events, self.recogniser.registry
        root = self.recogniser.dialect_of(events, self.hints.dialect)
        if self.label is None:
            self.label = self.recogniser.marked(root, events) if root is not None and events else None
        elif root is not None and not self.named and self.hints.label is not None:
            self._prefer_dialect_of_same_host(root)
        if self.label is None and root is not None:
            self.label = root.provider
        if self.label is None:
            alone = None if held.kind is None else usage_adapter(held.kind, known)
            if alone is None:
                raise UnknownProvider(_nothing_known(events, held.kind))
            self.label = alone.provider
            return alone
        adapter = known.adapter_for(self.label, root)
        if adapter is not None and any(adapter.locate(event) is not None for event in events):
            return adapter
        return self._other_adapter(root, events) or adapter or known.adapters[0]

    def _prefer_dialect_of_same_host(self, root: type[Adapter]) -> None:
        """One host may answer under two labels: api.openai.com is OpenAI Chat and OpenAI Responses."""
        own = self.recogniser.registry.by_label[self.label or ""]
        if own and set(vars(root).get("hosts", ())) & set(own[0].hosts):
            self.label = root.provider

    def _other_adapter(self, root: type[Adapter] | None, events: Sequence[Event]) -> type[Adapter] | None:
        """Of the provider's other dialects, one that finds usage where the response's own has none."""
        known = self.recogniser.registry
        for adapter in known.by_label.get(self.label or "", ()):
            if any(located is not None and adapter.measure(*located) for event in events if (located := _try(adapter, event))):
                return adapter
        return None

    # one response --------------------------------------------------------------------------------------------------

    def _one(self, adapter: type[Adapter], held: Payload) -> Reading:
        event = held.events[0]
        located = adapter.locate(event)
        if located is None:
            alone = self._usage_alone(adapter, event)
            if alone is None:
                raise MissingUsage(self.label or "", _missing(adapter, event, False))
            adapter, located = alone, (event, {})
        return self._reading(adapter, *located, True, located[1], held)

    def _usage_alone(self, adapter: type[Adapter], event: Event) -> type[Adapter] | None:
        """The adapter for a payload that is itself a usage object."""
        if self.recogniser.by_shape(event) is not None:
            return None
        own = self.recogniser.registry.by_label.get(self.label or "", ())
        for candidate in (adapter, *own, *self.recogniser.registry.roots):
            if event.keys().isdisjoint(candidate.usage_names):
                continue
            measured = candidate.measure(event, {})
            if measured is not None and (measured[1][0] is not None or measured[1][1] is not None):
                return candidate
        return None

    def _reading(
        self, adapter: type[Adapter], usage: Any, holder: Event, complete: bool, beside: Event, held: Payload
    ) -> Reading:
        ready, parts = adapter.ready(usage)
        measured = adapter.measure(ready, beside)
        if measured is None:
            raise MissingUsage(self.label or "", _missing(adapter, held.events[-1], held.is_stream))
        metrics, told, total = measured
        return Reading(
            self.label or "",
            _text(beside, adapter.model) or self.hints.model or self.model,
            _text(beside, adapter.id),
            metrics,
            complete,
            tuple(self._part(adapter, *part) for part in parts) if parts else (),
            (),
            told,
            total,
            usage,
        )

    def _part(self, adapter: type[Adapter], kind: str, usage: Any, model: str | None) -> Reading:
        measured = adapter.measure(usage, {})
        if measured is None:
            raise MissingUsage(self.label or "", f"a call of the kind {kind} inside the response carries no usage")
        metrics, told, total = measured
        return Reading(self.label or "", model, None, metrics, told=told, total=total, raw=usage)

    # a stream ------------------------------------------------------------------------------------------------------

    def _stream(self, adapter: type[Adapter], held: Payload) -> Reading:
        found = [(event, located[0]) for event in held.events if (located := adapter.locate(event)) is not None]
        beside = _beside(adapter, held.events)
        if not found:
            raise MissingUsage(self.label or "", _missing(adapter, held.events[-1] if held.events else {}, True))
        complete = not held.cut and (not held.is_stream or held.done or _ended(adapter, held.events))
        if adapter.calls_add:
            calls = tuple(self._reading(adapter, usage, event, True, beside, held) for event, usage in found)
            return self._added(calls, complete)
        reading = self._reading(adapter, adapter.merge(found), {}, complete, beside, held)
        if reading.unaccounted and len(found) > 1:
            last = self._reading(adapter, found[-1][1], {}, complete, beside, held)
            if last.total is not None and not last.unaccounted:
                return last  # the last event tells the whole, and the earlier ones something else
        return reading

    # several responses ---------------------------------------------------------------------------------------------

    def _several(self, events: Sequence[Event]) -> list[Any] | None:
        found = [responses for event in events if (responses := several.responses_in(event)) is not None]
        return [response for responses in found for response in responses] if found else None

    def _sum(self, responses: list[Any]) -> Reading:
        calls = []
        complete = True
        for response in responses:
            call = _Call(self.recogniser, self.label, self.named, self.hints, self.model)
            try:
                calls.append(call.read(opened(response, loads_json)))
            except MissingUsage:
                complete = False
        if not calls:
            raise MissingUsage(self.label or "", "none of the responses in the body carries usage")
        return self._added(tuple(calls), complete)

    def _added(self, calls: tuple[Reading, ...], complete: bool) -> Reading:
        """Several calls as one reading: their sum, under the model that they share."""
        metrics = calls[0].metrics
        for call in calls[1:]:
            metrics = metrics + call.metrics
        told = tuple(
            None if all(value is None for value in values) else sum(value or 0 for value in values)
            for values in zip(*(call.told for call in calls), strict=True)
        )
        totals = [call.total for call in calls]
        return Reading(
            provider=_shared([call.provider for call in calls]) or calls[0].provider,
            model=_shared([call.model for call in calls]),
            id=None,
            metrics=metrics,
            complete=complete and all(call.complete for call in calls),
            parts=tuple(part for call in calls for part in call.parts),
            calls=calls,
            told=told,
            total=None if None in totals else sum(total or 0 for total in totals),
            raw=[call.raw for call in calls],
        )


def _shared(values: list[Any]) -> Any:
    return values[0] if all(value == values[0] for value in values) else None


def _try(adapter: type[Adapter], event: Event) -> Any:
    try:
        return adapter.locate(event)
    except Refused:
        return None


def _text(fields: Event, paths: tuple[str, ...]) -> str | None:
    """The first non-empty text at some paths."""
    for path in paths:
        value: Any = fields
        for name in path.split("."):
            inner = fields_of(value)
            value = None if inner is None else inner.get(name, inner.get(_camel(name)))
        if isinstance(value, str) and value:
            return value
    return None


@lru_cache(maxsize=256)
def _camel(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(word[:1].upper() + word[1:] for word in tail)


@lru_cache(maxsize=256)
def _names_beside(adapter: type[Adapter]) -> tuple[tuple[tuple[str, ...], ...], frozenset[str], frozenset[str]]:
    """Where objects that hold usage stand, which names beside it matter, and of these the ones whose first value counts."""
    holders = dict.fromkeys(tuple(place.split(".")[:-1]) for place in adapter.places if place)
    firsts = {path.split(".")[0] for path in (*adapter.model, *adapter.id)}
    names = {leaf.path.split(".")[0] for leaf in adapter.leaves() if leaf.beside} | firsts
    return (
        tuple(holders) or ((),),
        frozenset(names | {_camel(name) for name in names}),
        frozenset(firsts | {_camel(name) for name in firsts}),
    )


def _beside(adapter: type[Adapter], events: Sequence[Event]) -> dict[str, Any]:
    """What stands beside the usage over a whole stream: the first model and id, of everything else the last."""
    holders, names, firsts = _names_beside(adapter)
    beside: dict[str, Any] = {}
    for event in events:
        for path in holders:
            holder: Any = event
            for name in path:
                inner = fields_of(holder)
                holder = None if inner is None else inner.get(name, inner.get(_camel(name)))
            fields = fields_of(holder)
            if fields is None:
                continue
            for name in names & fields.keys():
                value = fields[name]
                if name in firsts:
                    if not beside.get(name) and value:
                        beside[name] = value
                elif value is not None:
                    beside[name] = laid_over(beside.get(name), value, 0)
    return beside


@lru_cache(maxsize=256)
def _final_tests(adapter: type[Adapter]) -> tuple[Any, ...]:
    return tuple(map(predicate, adapter.final))


def _ended(adapter: type[Adapter], events: Sequence[Event]) -> bool:
    """Whether some event says that the answer was finished."""
    tests = _final_tests(adapter)
    return not tests or any(holds(event) for event in reversed(events) for holds in tests)


def _missing(adapter: type[Adapter], event: Event, is_stream: bool) -> str:
    error = "; it holds an error" if event.get("error") is not None else ""
    hint = f"; {adapter.hint}" if adapter.hint and (is_stream or adapter.hint[:2] != "a ") else ""
    return f"the {'stream' if is_stream else 'response'} carries no usage{error}{hint}"


def _nothing_known(events: Sequence[Event], kind: type | None) -> str:
    names = ", ".join(sorted(map(str, events[0]))[:12]) if events else "no events"
    what = f"{kind.__module__}.{kind.__qualname__}" if kind is not None and kind is not dict else "a payload"
    return f"nothing recognises {what} with {names or 'no keys'}; name the provider (provider='anthropic') or give the url"
