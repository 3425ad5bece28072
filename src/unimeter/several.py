"""Bodies that hold several responses: a batch's result lines, a job with its outputs inline, responses one a line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any, NamedTuple

import msgspec

from unimeter.adapter import Adapter
from unimeter.equality import equal, is_bounded
from unimeter.errors import MalformedUsage
from unimeter.metrics import MessageMetrics
from unimeter.objects import fields_of
from unimeter.reading import FailedRequest, Reading, has_usage

ITEMS = ("custom_id", "batch_request_id", "recordId")
"""What a result line has, and no response."""

KEYS = ("key", "processed_time")
"""What Gemini's have."""

TELLING = (*ITEMS, *KEYS, "result", "outputs", "results", "data")
"""Names at the top of a body that may hold several responses."""

LISTS = (
    "outputs",  # Mistral's job
    "results",  # xAI's page
    "metadata.output.inlinedResponses.inlinedResponses",  # Gemini's operation
    "response.inlinedResponses.inlinedResponses",
    "dest.inlined_responses",  # Gemini's SDK
)
"""Where a job holds its result lines."""

RESPONSES = (
    "response.body",  # OpenAI, Mistral, Groq
    "result.message",  # Anthropic
    "batch_result.response.chat_get_completion",  # xAI
    "response",  # Gemini
    "modelOutput",  # Bedrock
)
"""Where a result line holds its response."""


_HELD = frozenset((*(path.partition(".")[0] for path in RESPONSES), "error", "errors"))
TOPS = frozenset((*TELLING, *(path.partition(".")[0] for path in LISTS)))
"""Names of which one stands at the top of every body that holds several responses."""


class Held(NamedTuple):
    """One of several responses in a body."""

    response: Any
    """The response; None if the request failed, or its line holds none."""
    around: Mapping[str, Any]
    """The result line, page or job that holds it."""
    line: Any = None
    """Its result line, if it has one."""
    failure: FailedRequest | None = None
    """Why the request failed."""


class Several(NamedTuple):
    """The responses in a body that holds several."""

    held: list[Held]
    repeated: int = 0
    """Result lines that were left out, being equal to the letter to one before them."""


def responses_in_all(events: Iterable[Mapping[str, Any]]) -> Several | None:
    """The responses in all events; None where no event is a result line or a job."""
    found = [responses for event in events if (responses := responses_in(event)) is not None]
    if not found:
        return None
    held: list[Held] = []
    lines = _Lines()
    for responses in found:
        held += [one for one in responses if one.line is None or not lines.holds(fields_of(one.line) or {})]
    return Several(held, lines.repeated)


def responses_in(event: Mapping[str, Any]) -> list[Held] | None:
    """The responses in a result line or a job; None where the event is neither."""
    if TOPS.isdisjoint(event) or event.get("usage") is not None:
        return None
    if _is_result(event):
        return [_of_line(event, event)]
    if event.get("object") == "list" and _have_usage(event.get("data")):
        return [Held(response, event) for response in event["data"]]
    for path in LISTS:
        lines = _at(event, path)
        if isinstance(lines, (list, tuple)) and lines and all(map(_is_line, lines)):
            return [_of_line(line, event) for line in lines]
    return None


class _Lines:
    """Result lines by their ids, to find those that come twice. A line is compared only if its id was seen before."""

    def __init__(self) -> None:
        self.repeated = 0
        self._first: dict[Any, Any] = {}
        self._texts: dict[Any, set[Any]] = {}

    def holds(self, line: Mapping[str, Any]) -> bool:
        """Whether an equal line under the same id was here before; remembers it if not."""
        key = next(((name, value) for name in (*ITEMS, KEYS[0]) if isinstance(value := line.get(name), (str, int))), None)
        if key is None:
            return False
        first = self._first.setdefault(key, line)
        if first is line and key not in self._texts:
            return False
        texts = self._texts.setdefault(key, {fingerprint(first)})
        if (text := fingerprint(line)) in texts:
            self.repeated += 1
            return True
        texts.add(text)
        return False


def fingerprint(event: Any) -> Any:
    """A value that equal events share and others do not. One that would be endless is like no other."""
    if not is_bounded(event):
        return object()
    try:
        text = msgspec.json.encode(event, enc_hook=lambda value: fields_of(value) or repr(value), order="deterministic")
    except RecursionError:
        return object()
    except Exception:  # what JSON has no word for, such as a lone surrogate; or an object that answers to every name
        try:
            text = repr(event).encode("utf-8", "surrogatepass")
        except RecursionError:
            return object()
    return sha256(text).digest()


def _is_result(event: Mapping[str, Any]) -> bool:
    """Whether an event is a result line."""
    names = event.keys()
    if not names.isdisjoint(ITEMS) and not names.isdisjoint(_HELD):
        return True
    if "result" in event and fields_of(_at(event, "result.message")) is not None:
        return True
    if names.isdisjoint(KEYS):
        return False
    return fields_of(event.get("response")) is not None or event.get("error") is not None or _vertex_failure(event)


def _vertex_failure(event: Mapping[str, Any]) -> bool:
    """Whether a line is a failed request of Vertex's: its status says so, and it may hold no response."""
    return "processed_time" in event and "request" in event and bool(event.get("status"))


def place_in_line(event: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Where in a result line its response stands; None where the event is none, or holds none."""
    if event.get("usage") is not None or not _is_result(event) or _of_line(event, event).failure is not None:
        return None
    return next((tuple(path.split(".")) for path in RESPONSES if fields_of(_at(event, path)) is not None), None)


def whole_responses(events: Sequence[Mapping[str, Any]], dialect: Callable[[Any], Any]) -> list[Any] | None:
    """The whole responses among some events, if they are of several calls; None for what belongs to one.

    Responses that were saved one a line, or collected in a list, are several calls and not a stream: each is one, whatever
    its id, since some servers reuse ids. Two kinds are one call by their id, and the last counts: snapshots of one object,
    and the events of a stream that look like whole responses, of which only some end it.
    """
    if sum(_is_whole(event, dialect(event)) for event in events) < 2:
        return None
    whole: list[tuple[tuple[type[Adapter], Any], Any]] = []
    ends: dict[tuple[type[Adapter], Any], set[bool | None]] = {}
    last_usage: dict[tuple[type[Adapter], Any], Any] = {}
    for event in events:
        root = dialect(event)
        if root is None or not root.whole_tests:
            continue
        key = root, root.identify(event)[1]
        if root.locate(event) is not None:
            last_usage[key] = event
        is_whole = _is_whole(event, root)
        ends.setdefault(key, set()).add(any(test(event) for test in root.final_tests) if is_whole else None)
        if is_whole:
            whole.append((key, event))
    found: dict[Any, Any] = {}
    for place, (key, event) in enumerate(whole):
        root, response_id = key
        if len(ends[key]) > 1 and response_id is not None:
            found[key] = last_usage.get(key, event)
        elif len(ends[key]) > 1:
            found[root, fingerprint(event)] = event
        else:
            found[key if root.has_snapshots and response_id is not None else place] = event
    return [*found.values()] if len(found) > 1 else None


def _is_whole(event: Mapping[str, Any], root: type[Adapter] | None) -> bool:
    """Whether an event is a whole response, and no piece of one that looks like it."""
    if root is None:
        return False
    for test in root.whole_tests:
        if test(event):
            return not any(partial(event) for partial in root.partial_tests)
    return False


def one_after_another(
    events: Sequence[Mapping[str, Any]], adapter: type[Adapter], stop_tests: Sequence[Callable[[Any], bool]]
) -> list[list[Mapping[str, Any]]] | None:
    """The events of each response in a stream that holds several, each up to one that stops it; None where it holds one."""
    if not stop_tests:
        return None
    responses: list[list[Mapping[str, Any]]] = [[]]
    stopped = False
    after_stop: list[Mapping[str, Any]] = []
    for event in events:
        stops = any(test(event) for test in stop_tests)
        if stopped and (after_stop or not equal(event, responses[-1][-1])):  # the same event again adds nothing
            after_stop.append(event)
            if not _tells_usage(event, adapter):
                continue
            follows = len(after_stop) == 1 and not any(test(event) for test in (*adapter.start_tests, *adapter.content_tests))
            if follows and not any(_tells_usage(one, adapter) for one in responses[-1]):
                responses[-1].append(event)  # it comes after the end of what it is of
            else:
                responses.append(after_stop)
                stopped = stops
            after_stop = []
        else:
            responses[-1].append(event)
            stopped = stopped or stops
    responses[-1] += after_stop
    return responses if len(responses) > 1 or len(ends(responses[0], adapter)) > 1 else None


def ends(events: Sequence[Mapping[str, Any]], adapter: type[Adapter]) -> list[Mapping[str, Any]]:
    """The events that each end a response; one that comes twice is one."""
    found = {fingerprint(event): event for event in events if any(test(event) for test in adapter.stop_tests)}
    return [*found.values()]


def added(calls: Sequence[Reading], complete: bool, notes: tuple[str, ...] = ()) -> Reading:
    """Several responses as one reading: their sum, under the model that they share. Of one alone it has the id as well."""
    known = [call for call in calls if has_usage(call)]
    columns = zip(*(call.told for call in known), strict=True)
    totals = [call.total for call in known]
    malformed = sum(isinstance(call.error, MalformedUsage) for call in calls)
    if malformed:
        notes += (f"the usage of {malformed} of {len(calls)} responses is malformed",)
    return Reading(
        provider=_shared([call.provider for call in known]) or known[0].provider,
        model=_shared([call.model for call in known]),
        id=calls[0].id if len(calls) == 1 else None,
        metrics=sum((call.metrics for call in known), MessageMetrics()),
        complete=complete and not malformed and all(call.complete for call in calls),
        parts=tuple(part for call in known for part in call.parts),
        calls=tuple(calls),
        told=tuple(_sum_of_known(column) for column in columns),
        total=None if None in totals else _sum_of_known(totals),
        usage=[call.usage for call in known],
        notes=notes,
    )


def set_aside(adapter: type[Adapter], events: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Take the events out that belong to calls of other models, and return them; none where there is nothing else."""
    asides: dict[Any, Mapping[str, Any]] = {}  # an event that comes twice is one
    others: list[Mapping[str, Any]] = []
    for event in events:
        if any(test(event) for test in adapter.aside_tests):
            asides.setdefault(fingerprint(event), event)
        else:
            others.append(event)
    if not others:
        return []
    events[:] = others
    return [*asides.values()]


def _tells_usage(event: Mapping[str, Any], adapter: type[Adapter]) -> bool:
    """Whether an event carries usage; of one that is its own usage, whether it has a count."""
    located = adapter.locate(event)
    return located is not None and (located[0] is not event or any(event.get(name) is not None for name in adapter.usage_names))


def ids(adapter: type[Adapter], carriers: Iterable[tuple[Mapping[str, Any], Any]]) -> list[str]:
    """The ids that the events with usage bear, each once: more than one, and streams of several calls were joined."""
    located = (adapter.locate(event) for event, _ in carriers)
    found = (adapter.identify(place[1])[1] for place in located if place is not None)
    return [*dict.fromkeys(one for one in found if one is not None)]


def _shared(values: list[Any]) -> Any:
    return values[0] if all(value == values[0] for value in values) else None


def _sum_of_known(values: Iterable[Any]) -> Any:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _is_line(value: Any) -> bool:
    fields = fields_of(value)
    return fields is not None and ("response" in fields or "batch_result" in fields or "error" in fields)


def _have_usage(values: Any) -> bool:
    """Whether values are responses: what OpenAI keeps, a page at a time. Some may still be on their way."""
    if not isinstance(values, (list, tuple)):
        return False
    fields = [fields_of(value) or {} for value in values]
    return all("usage" in one for one in fields) and any(fields_of(one["usage"]) is not None for one in fields)


def _of_line(line: Any, around: Mapping[str, Any]) -> Held:
    """The response in a result line, or why there is none."""
    fields = fields_of(line) or {}
    answer = fields_of(fields.get("response")) or {}
    body: Any = None
    if "body" in answer or "status_code" in answer:  # whatever the status: a failed request has a body of its own
        body = answer.get("body")
    else:
        body = next((response for path in RESPONSES[1:] if fields_of(response := _at(line, path))), None)
    error = next((error for place in _ERRORS if (error := _at(line, place)) is not None), None)
    error = error or (fields_of(body) or {}).get("error")
    status = answer.get("status_code")
    result = _at(line, "result.type")
    failed = error is not None or (isinstance(status, int) and 400 <= status <= 599)
    if failed or (body is None and (_vertex_failure(fields) or result not in (None, "succeeded"))):
        return Held(None, around, line, _failure(status, error, result))
    return Held(body, around, line)


def failure_in(response: Mapping[str, Any]) -> FailedRequest | None:
    """Why a request failed, if its response is an error body."""
    error = response.get("error")
    return None if error is None else _failure(None, error, None)


_ERRORS = ("result.error.error", "result.error", "error", "errors")
"""Where a result line says why its request failed."""


def _failure(status: Any, error: Any, result: Any) -> FailedRequest:
    fields = fields_of(error) or {}
    code = next((fields[name] for name in ("code", "errorCode", "error_code") if fields.get(name) is not None), None)
    kinds = (fields.get("type"), fields.get("status"), result)
    kind = next((kind for kind in kinds if isinstance(kind, str)), None)
    if status is None and isinstance(code, int):  # Bedrock and Google give the HTTP status as the code
        status = code
    return FailedRequest.of(status, kind, code)


def _at(value: Any, path: str) -> Any:
    for name in path.split("."):
        fields = fields_of(value)
        value = None if fields is None else fields.get(name)
    return value
