"""The checks of the contract. The docstring of each says what it means, and how to mend what breaks it."""

from __future__ import annotations

import copy
import gzip
import json
import pickle
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from unimeter.adapter import METRICS, Adapter
from unimeter.drift import drift_of, unread
from unimeter.errors import MalformedUsage, UnimeterError
from unimeter.fixture import Expected, Fixture
from unimeter.metrics import MessageMetrics
from unimeter.objects import fields_of
from unimeter.reading import Reading
from unimeter.registry import registry
from unimeter.shape import conditions
from unimeter.testing.subject import Subject, changed, objects, paths, told
from unimeter.values import Refused
from unimeter.wire.body import Body, BodyDecoder, read_body
from unimeter.wire.json import loads

WRONG_COUNTS: tuple[Any, ...] = ("12", True, -1, float("nan"), 1.5, 2**63, [1], {"a": 1})
"""None of these is a count."""


class Broken(AssertionError):
    """An adapter does not keep its contract."""


class NotNow(Exception):
    """A check that cannot be made here, and why."""


Check = Callable[[Subject], None]


def figures(subject: Subject) -> None:
    """Every fixture reads as its `expected` says: figures, provider, model, what was reported, whether it was complete.

    Mend: correct the table: `provider`, `model`, `places` (also a stream's), `final` and `start`, `camel_case`, the paths; a
    stream's usages are not calls of their own (`calls_add`). Correct `expected` only from the provider's documents, never
    from what was read.
    """
    if not subject.fixtures:
        raise Broken(f"there is no fixture of {subject.adapter.__name__} ({subject.adapter.provider}) in {subject.folder}")
    for fixture in subject.fixtures:
        if fixture.source.lower().startswith("to do"):
            raise Broken(f"{fixture.name}: where its figures are from is still to do")
        try:
            got: Any = told(subject.read(fixture, fixture.bytes()))
        except UnimeterError as error:
            got = type(error).__name__
            if got == fixture.expected.error:
                whose = getattr(error, "provider", "")
                if fixture.expected.provider not in ("", whose):
                    raise Broken(f"{fixture.name}: {got} of {whose or 'nobody'}, expected {fixture.expected.provider}") from None
                continue
        if got != fixture.expected:
            raise Broken(f"{fixture.name}: {_difference(got, fixture.expected)}")


def _difference(got: Expected | str, expected: Expected) -> str:
    if isinstance(got, str) or expected.error:
        return f"read {got if isinstance(got, str) else got.metrics}, expected {expected.error or expected.metrics}"
    pairs = [(name, getattr(got, name), getattr(expected, name)) for name in Expected.model_fields if name != "metrics"]
    pairs += [(name, got.metrics.get(name), expected.metrics.get(name)) for name in {**expected.metrics, **got.metrics}]
    return "; ".join(f"{name}: read {one!r}, expected {other!r}" for name, one, other in pairs if one != other)


def identities(subject: Subject) -> None:
    """The total is input and output; what is a part of a count is no more than it, and the provider's own total agrees.

    Mend: add to `input_tokens`, and to `output_tokens`, what the provider counts apart (`+ cache_read_tokens`,
    `+ reasoning_tokens`), and use `if_outside` where only the total tells. Where the provider itself contradicts its total,
    state the gap in the fixture: `unaccounted`.
    """
    for fixture, reading in _readings(subject):
        metrics = reading.metrics
        if metrics.total_tokens != metrics.input_tokens + metrics.output_tokens:
            raise Broken(f"{fixture.name}: {metrics.total_tokens} is not {metrics.input_tokens} + {metrics.output_tokens}")
        if metrics.audio_total_tokens != metrics.audio_input_tokens + metrics.audio_output_tokens:
            raise Broken(f"{fixture.name}: the audio tokens do not add up")
        if reading.unaccounted != fixture.expected.unaccounted:
            raise Broken(
                f"{fixture.name}: the provider's total is {reading.total}, ours {metrics.total_tokens}; "
                "something is counted twice, or not at all"
            )
        if reading.odd and not fixture.expected.unaccounted and not _says_odd(fixture):
            raise Broken(f"{fixture.name}: {', '.join(reading.odd)}; is a part counted outside of its whole?")
        for name in METRICS[:7]:
            if name not in reading.reported and getattr(metrics, name):
                raise Broken(f"{fixture.name}: {name} is {getattr(metrics, name)}, and was never reported")


def _says_odd(fixture: Fixture) -> bool:
    """Whether a fixture's own figures are such that a part exceeds its whole."""
    expected = MessageMetrics.from_dict(fixture.expected.metrics)
    return bool(Reading("", None, None, expected).odd)


def stream_as_plain(subject: Subject) -> None:
    """A plain response's usage, sent in the last event of a stream, gives the same figures.

    Mend: name in `places` every place where an event carries usage, and do not sum events in `merge`.
    """
    adapter = subject.adapter
    for fixture in subject.plain:
        located = adapter.locate(fixture.response)
        if located is None or adapter.places == ("",) or adapter.calls_add or adapter.ready_if:
            continue
        usage = located[0]
        plain = adapter.measure(usage, {})
        for place in filter(None, adapter.places):
            rest = {name: value for name, value in fixture.response.items() if value is not usage}
            event = _put(rest, place.split("."), usage)
            found = adapter.locate(event)
            if found is None:
                raise Broken(f"{fixture.name}: usage at {place} is not found")
            stream = adapter.measure(adapter.merge([(event, found[0]), (event, found[0])]), {})
            if plain is not None and (stream is None or stream[1] != plain[1]):
                raise Broken(f"{fixture.name}: {plain[0]} as a response, {stream and stream[0]} in a stream, at {place}")


def repeated_events(subject: Subject) -> None:
    """Any event that comes twice changes nothing: usage in a stream is cumulative, and is never summed.

    Mend: leave `merge` as it is, or overwrite in it; `calls_add` is only for events that are calls of their own.
    """
    for fixture, whole in _streams(subject):
        for at, event in enumerate(fixture.events or ()):
            if not isinstance(event, dict) or any(starts(event) for starts in subject.adapter.start_tests):
                continue
            if len(fixture.events or ()) == 1 and any(test(event) for test in subject.adapter.whole_tests):
                continue  # twice, it is two whole responses
            twice = [*(fixture.events or ())[: at + 1], event, *(fixture.events or ())[at + 1 :]]
            if subject.read(fixture, twice).told != whole.told:
                raise Broken(f"{fixture.name}: event {at}, sent twice, changes the figures")


def null_and_zero(subject: Subject) -> None:
    """In a stream the last figure counts: a null never overwrites it, and an explicit 0 does.

    Mend: leave `merge` as it is, or overwrite in it. Where a provider's events are running parts, `merge` says so, and 0 is
    not asked.
    """
    for fixture, whole in _streams(subject):
        carriers = [event for event in fixture.events or () if isinstance(event, dict) and subject.adapter.locate(event)]
        alone = len(carriers) == 1 and any(test(carriers[0]) for test in subject.adapter.whole_tests)
        if alone and len(fixture.events or ()) == 1:
            continue  # with another event before it, it would be two whole responses
        if not carriers or subject.adapter.stop_tests or subject.adapter.usage_is_list:
            continue
        usage, _ = subject.adapter.locate(carriers[-1]) or ({}, {})
        lower = _with_usage(subject.adapter, carriers[-1], _numbers_as(usage, 1))
        if lower is not None and not any(starts(lower) for starts in subject.adapter.start_tests) and whole.complete:
            last = max(at for at, event in enumerate(fixture.events or ()) if event is carriers[-1])
            before = [*(fixture.events or ())[:last], lower, *(fixture.events or ())[last:]]
            if subject.read(fixture, before).told != whole.told:
                raise Broken(f"{fixture.name}: figures of an earlier event are kept against those of the last")
        nulls = _with_usage(subject.adapter, carriers[-1], _numbers_as(usage, None))
        if nulls is not None and subject.read(fixture, [*(fixture.events or ()), nulls]).told != whole.told:
            raise Broken(f"{fixture.name}: an event whose usage is all null changes the figures")
        zeros = _with_usage(subject.adapter, carriers[-1], _numbers_as(usage, 0))
        if zeros is not None and _merges_as_all(subject.adapter):
            after = subject.read(fixture, [*(fixture.events or ()), zeros])
            if after.metrics.output_tokens and "output_tokens" in after.reported:
                raise Broken(f"{fixture.name}: a last event that says 0 leaves {after.metrics.output_tokens} output tokens")


def _merges_as_all(adapter: type[Adapter]) -> bool:
    return getattr(adapter.merge, "__func__", None) is getattr(Adapter.merge, "__func__", None)


def prefixes(subject: Subject) -> None:
    """A stream that is cut anywhere is an error, or says that it is not complete, or has told all its figures already.

    Mend: say in `final` what only the last events of a whole stream hold.
    """
    for fixture, whole in _streams(subject):
        events = fixture.events or []
        for end in range(len(events)):
            try:
                reading = subject.read(fixture, events[:end])
            except UnimeterError:
                continue
            if reading.complete and reading.told != whole.told:
                raise Broken(f"{fixture.name}: after {end} of {len(events)} events it is complete, with other figures")


def boundaries(subject: Subject) -> None:
    """Where the network cuts a body into pieces changes nothing, down to single bytes.

    Mend: nothing in an adapter; report it to unimeter.
    """
    for fixture, _ in _readings(subject):
        body = fixture.bytes()
        decoder = BodyDecoder(loads)
        events = [event for at in range(len(body)) for event in decoder.feed(body[at : at + 1])] + decoder.close()
        if Body(events, decoder.framing, decoder.done, decoder.cut) != read_body(body, loads):
            raise Broken(f"{fixture.name}: other events when it comes byte by byte")


def keys_gone(subject: Subject) -> None:
    """Whatever key is missing or null: an error, or the figures of the rest. Nothing becomes a 0 that was reported.

    Mend: use the words of `unimeter.fields` only; a method that reads a key itself must expect it to be missing.
    """
    for fixture in subject.plain:
        empty = _with_usage(subject.adapter, fixture.response, [] if subject.adapter.usage_is_list else {})
        told_beside = _counts_beside(subject.adapter) or fixture.wire.headers
        if empty is not None and not told_beside and isinstance(_outcome(subject, fixture, empty), Reading):
            raise Broken(f"{fixture.name}: an empty usage reads as figures; it is missing")
        for path in paths(fixture.response):
            for new in (None, ...):
                mutated = changed(fixture.response, path, new)
                outcomes = [_outcome(subject, fixture, form) for form in (mutated, json.dumps(mutated).encode())]
                where = f"{fixture.name}: without {'.'.join(map(str, path))}"
                if outcomes[0] != outcomes[1]:
                    raise Broken(f"{where} a dict reads {outcomes[0]}, bytes {outcomes[1]}")
                reading = outcomes[0]
                if not isinstance(reading, Reading):
                    continue
                metrics = reading.metrics
                if metrics.total_tokens != metrics.input_tokens + metrics.output_tokens:
                    raise Broken(f"{where} the total is not input and output")
                for name in METRICS[:7]:
                    if name not in reading.reported and getattr(metrics, name):
                        raise Broken(f"{where} {name} is {getattr(metrics, name)}, and was never reported")


def unknown_keys(subject: Subject) -> None:
    """A key that nobody knows, at any level of the usage, changes nothing, is kept in `Reading.usage`, and is listed.

    Mend: if it is listed and should be read, add it to the table; if not, to `ignored`, with the reason.
    """
    for fixture, reading in _readings(subject):
        whole = isinstance(fixture.response, dict)
        for event in [fixture.response] if whole else fixture.events or ():
            located = subject.adapter.locate(event) if isinstance(event, dict) else None
            if located is None or subject.adapter.places == ("",) or not isinstance(located[0], dict):
                continue
            if any(is_aside(event) for is_aside in subject.adapter.aside_tests):
                continue
            if missed := unread(subject.adapter, located[0]):
                raise Broken(f"{fixture.name}: {', '.join(missed)} is neither read nor ignored")
            usage = _with_unknown(located[0])
            new = _with_usage(subject.adapter, event, usage) if whole else None
            if new is None:
                continue
            again = subject.read(fixture, new)
            if again.told != reading.told:
                raise Broken(f"{fixture.name}: an unknown key in the usage changes the figures")
            if (fields_of(again.usage) or {}).get(UNKNOWN) != 7:
                raise Broken(f"{fixture.name}: an unknown key in the usage is lost")
            if UNKNOWN not in unread(subject.adapter, usage):
                raise Broken(f"{fixture.name}: an unknown key in the usage is not listed")


def wrong_counts(subject: Subject) -> None:
    """A count that is text, a truth value, negative, NaN, 1.5, too large or an object is refused, with its path.

    Mend: read counts with `count`, not with `number` or `tree`.
    """
    for metric in METRICS:
        if metric == "cost":
            continue
        for leaf in subject.adapter.table[metric].leaves():
            if any(step.each for step in leaf.steps):
                continue
            for wrong in WRONG_COUNTS:
                nested: Any = wrong
                for step in reversed(leaf.steps):
                    nested = {step.name: nested}
                usage, holder = ({}, nested) if leaf.beside else (nested, {})
                try:
                    subject.adapter.measure(usage, holder)
                except Refused as refused:
                    if refused.path != leaf.path:
                        raise Broken(f"{leaf.path}: {wrong!r} is refused as {refused.path}") from None
                else:
                    raise Broken(f"{leaf.path}: {wrong!r} is taken for a count")

    for fixture in subject.plain:
        located = subject.adapter.locate(fixture.response)
        if _counts_beside(subject.adapter) or not {"input_tokens", "output_tokens"} & set(fixture.expected.reported):
            continue
        texts = None if located is None else _with_usage(subject.adapter, fixture.response, _numbers_as(located[0], "12"))
        outcome = None if texts is None else _outcome(subject, fixture, texts)
        if texts is not None and not isinstance(outcome, tuple):
            raise Broken(f"{fixture.name}: counts that are text give {outcome}; is it taken for another's?")


def forms(subject: Subject) -> None:
    """Bytes, text, gzip, a dict, objects and generators of the same response read the same, and none is changed.

    Mend: a method of the adapter must not change what it is given, and take objects as well as dicts (`fields_of`).
    """
    for fixture, reading in _readings(subject):
        if fixture.body is not None:
            continue
        data = fixture.events if fixture.events is not None else fixture.response
        before = copy.deepcopy(data)
        forms_of = {"gzip": gzip.compress(fixture.bytes()), "data": data, "objects": objects(data)}
        if fixture.wire.content_type != "application/vnd.amazon.eventstream":
            forms_of["text"] = fixture.bytes().decode()
        if fixture.events is not None:
            forms_of["a generator"] = (event for event in fixture.events)
            forms_of["objects"] = [event if isinstance(event, str) else objects(event) for event in fixture.events]
        for name, form in forms_of.items():
            if name == "objects" and not _attributes(data):
                continue
            if subject.read(fixture, form).told != reading.told:
                raise Broken(f"{fixture.name}: as {name} it reads otherwise than as bytes")
        if data != before:
            raise Broken(f"{fixture.name}: reading changed what was read")


def declared(subject: Subject) -> None:
    """Every metric that the table declares is not 0 in some fixture, and no other ever is.

    Mend: add a fixture for the metric, or say `absent`.
    """
    seen: set[str] = set()
    for _, reading in _readings(subject):
        seen |= {name for name in (*METRICS, "audio_total_tokens") if getattr(reading.metrics, name)}
        seen |= {f"provider_metrics.{name}" for name, value in (reading.metrics.provider_metrics or {}).items() if value}
    own = {name for name, field in subject.adapter.table.items() if field.leaves() and name != "total_tokens"}
    own |= {f"provider_metrics.{name}" for name in subject.adapter.provider_metrics}
    if unproven := own - seen:
        raise Broken(f"no fixture has a figure for {', '.join(sorted(unproven))}")
    if strays := seen - own - {"total_tokens", "audio_total_tokens"}:
        raise Broken(f"{', '.join(sorted(strays))} is filled, and the table does not declare it")


def recognition(subject: Subject) -> None:
    """Each fixture is this provider's: by the body alone, or else by its url; and this adapter reads it.

    Mend: give the host in `hosts`, a `mark` that no other body has, or a `shape` of its own, which no other body has. Of two
    dialects that both know a body, the one whose module is named first has it; an adapter of another package comes last.
    """
    for taken, body in _bodies_of_others(subject):
        if subject.known.dialect_of([body], None) is subject.adapter:
            raise Broken(f"it takes the bodies of {taken.__name__}, such as {body}; its `shape` is too wide")
    hosts = {fixture.wire.host for fixture in subject.readable if fixture.wire.host and fixture.wire.provider is None}
    if subject.adapter.hosts and hosts and not any(subject.known.from_url(f"https://{host}/").label for host in hosts):
        raise Broken(f"{', '.join(sorted(hosts))}: nobody's `hosts` names where the fixtures came from")
    for fixture, _ in _readings(subject):
        label = ""
        for alone in (False,) if fixture.wire.headers else (True, False):
            try:
                reading, adapter = subject.watched(fixture, fixture.bytes(), alone=alone)
            except UnimeterError as error:
                whose = getattr(error, "provider", fixture.expected.provider)
                if not alone or whose != fixture.expected.provider:
                    raise Broken(f"{fixture.name}: {'by its body alone, ' if alone else ''}{error}") from None
                continue
            label = reading.provider
            if label == fixture.expected.provider:
                if adapter is not subject.adapter:
                    raise Broken(f"{fixture.name}: {adapter.__name__} reads it")
                break
        else:
            raise Broken(f"{fixture.name}: it is taken for {label}'s, not {fixture.expected.provider}'s")


def identified(subject: Subject) -> None:
    """A response that has an id is known by it: a run counts it once, however often it hears of it.

    Mend: say in `id` where the id stands; of a response with ids of other things only, say so by `id = ()`.
    """
    if not subject.adapter.id:
        return
    for fixture, reading in _readings(subject):
        if reading.id is not None and reading.id == reading.model:
            raise Broken(f"{fixture.name}: {reading.id} is the model's name, and no id of a response")
        if reading.id is None and not reading.calls and isinstance(fixture.response, dict):
            ids = [name for name, value in fixture.response.items() if _ID.fullmatch(name) and isinstance(value, str) and value]
            if ids:
                raise Broken(f"{fixture.name}: the reading has no id, and the response {', '.join(ids)}")


def first_token(subject: Subject) -> None:
    """In a stream the events that hold something generated are known: the first of them is the first token.

    Mend: say in `content` where a stream's events hold text, reasoning and the calls of tools, or add a fixture of a stream
    with such an event.
    """
    events = [event for fixture in subject.streams for event in fixture.events or () if isinstance(event, dict)]
    if events and not any(holds(event) for event in events for holds in subject.adapter.content_tests):
        raise Broken("no event of any stream holds something generated")


def _bodies_of_others(subject: Subject) -> Iterator[tuple[type[Adapter], dict[str, Any]]]:
    """For every other dialect the least that it is known by: a usage in its place, and each of its shapes."""
    for other in registry().adapters:
        own = {*subject.adapter.__mro__, subject.instead_of}
        leaf = next((leaf for leaf in other.input_tokens.leaves() if not leaf.beside), None)
        if own & set(other.__mro__) - set(Adapter.__mro__) or other.provider == subject.adapter.provider or leaf is None:
            continue
        usage = _put({}, [step.name for step in leaf.steps if step.name], 1)
        for place in filter(None, other.places):
            yield other, _put({}, place.split("."), usage)
        for text in vars(other).get("shape", ()):
            body: dict[str, Any] = {}
            for condition in conditions(text):
                value = (condition.wanted or "1").removesuffix("*")
                body = _put(body, [step.name for step in condition.steps], value)
            yield other, body


def travels(subject: Subject) -> None:
    """A reading survives pickling, its metrics JSON, and threads read the same.

    Mend: provider metrics hold JSON data only; an adapter keeps no state.
    """
    with ThreadPoolExecutor(4) as pool:
        for fixture, reading in _readings(subject):
            if pickle.loads(pickle.dumps(reading)) != reading:  # noqa: S301  # what was just made
                raise Broken(f"{fixture.name}: pickling changes the reading")
            if MessageMetrics.from_json(reading.metrics.to_json()) != reading.metrics:
                raise Broken(f"{fixture.name}: JSON changes the metrics")
            body = fixture.bytes()
            if any(one != reading for one in pool.map(lambda _: subject.read(fixture, body), range(4))):  # noqa: B023  # mapped here
                raise Broken(f"{fixture.name}: threads read it differently")


def sdk_leaves(subject: Subject) -> None:
    """The SDK's own usage types have no leaf that is neither read nor ignored.

    Mend: read the leaf, or put it in `ignored` with the reason.
    """
    drift = drift_of(subject.adapter)
    if drift is None:
        raise NotNow("the adapter names no sdk_types")
    if not drift.installed:
        raise NotNow(drift.sdk)
    if drift.unread:
        raise Broken(f"{drift.sdk} has {', '.join(drift.unread)}, which is neither read nor ignored")


CHECKS: tuple[Check, ...] = (
    figures,
    identities,
    stream_as_plain,
    repeated_events,
    null_and_zero,
    prefixes,
    boundaries,
    keys_gone,
    unknown_keys,
    wrong_counts,
    forms,
    declared,
    recognition,
    identified,
    first_token,
    travels,
    sdk_leaves,
)

UNKNOWN = "unimeter_unknown_key"
_ID = re.compile(r"((response|request|generation|message)_?)?id", re.IGNORECASE)


def _readings(subject: Subject) -> Iterator[tuple[Fixture, Reading]]:
    for fixture in subject.readable:
        try:
            yield fixture, subject.read(fixture, fixture.bytes())
        except UnimeterError as error:
            raise Broken(f"{fixture.name}: {type(error).__name__}: {error}") from None


def _streams(subject: Subject) -> Iterator[tuple[Fixture, Reading]]:
    for fixture in subject.streams:
        if subject.adapter.calls_add:
            continue
        yield fixture, subject.read(fixture, fixture.events)


def _counts_beside(adapter: type[Adapter]) -> bool:
    """Whether an adapter finds counts outside of the usage as well."""
    return any(leaf.beside for leaf in adapter.input_tokens.leaves())


def _outcome(subject: Subject, fixture: Fixture, payload: Any) -> Any:
    try:
        return subject.read(fixture, payload)
    except MalformedUsage as error:
        return type(error).__name__, error.path
    except UnimeterError as error:
        return type(error).__name__


def _attributes(data: Any) -> bool:
    """Whether every name in some data can be an attribute's."""
    return all(key.isidentifier() for path in paths(data) for key in path if isinstance(key, str))


def _put(holder: dict[str, Any], steps: list[str], value: Any) -> dict[str, Any]:
    step, *rest = steps
    name = step.removesuffix("[]")
    inner = holder.get(name)
    put = _put(inner if isinstance(inner, dict) else {}, rest, value) if rest else value
    return {**holder, name: [put] if name != step else put}


def _with_usage(adapter: type[Adapter], event: dict[str, Any], usage: Any) -> dict[str, Any] | None:
    """An event with another usage in the place of its own."""
    located = adapter.locate(event)
    for path in paths(event):
        value: Any = event
        for key in path:
            value = value[key]
        if located is not None and value is located[0]:
            found: dict[str, Any] = changed(event, path, usage)
            return found
    return None


def _numbers_as(value: Any, new: Any) -> Any:
    if isinstance(value, dict):
        return {name: _numbers_as(item, new) for name, item in value.items()}
    if isinstance(value, list):
        return [_numbers_as(item, new) for item in value]
    return new if isinstance(value, (int, float)) and not isinstance(value, bool) else value


def _with_unknown(value: Any) -> Any:
    if isinstance(value, dict):
        return {**{name: _with_unknown(item) for name, item in value.items()}, UNKNOWN: 7}
    return [_with_unknown(item) for item in value] if isinstance(value, list) else value
