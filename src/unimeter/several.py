"""Bodies that hold several responses: a batch's result lines, a job with its outputs inline, responses one a line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from unimeter.adapter import Adapter
from unimeter.metrics import MessageMetrics
from unimeter.objects import fields_of
from unimeter.reading import Reading

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


def responses_in_all(events: Iterable[Mapping[str, Any]]) -> list[tuple[Any, Mapping[str, Any]]] | None:
    """The responses in all events, each with the event around it; None where no event is a result line or a job."""
    found = [(responses, event) for event in events if (responses := responses_in(event)) is not None]
    return [(response, event) for responses, event in found for response in responses] if found else None


def responses_in(event: Mapping[str, Any]) -> list[Any] | None:
    """The responses in a result line or a job; None where the event is neither. A line that failed holds none."""
    if TOPS.isdisjoint(event) or event.get("usage") is not None:
        return None
    if _is_result(event):
        return list(_of_lines([event]))
    if event.get("object") == "list" and _have_usage(event.get("data")):
        return list(event["data"])
    for path in LISTS:
        lines = _at(event, path)
        if isinstance(lines, (list, tuple)) and lines and all(map(_is_line, lines)):
            return list(_of_lines(lines))
    return None


def _is_result(event: Mapping[str, Any]) -> bool:
    """Whether an event is a result line."""
    names = event.keys()
    if not names.isdisjoint(ITEMS) and not names.isdisjoint(_HELD):
        return True
    if "result" in event and fields_of(_at(event, "result.message")) is not None:
        return True
    return not names.isdisjoint(KEYS) and fields_of(event.get("response")) is not None


def place_in_line(event: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Where in a result line its response stands; None where the event is none, or holds none."""
    if event.get("usage") is not None or not _is_result(event):
        return None
    return next((tuple(path.split(".")) for path in RESPONSES if fields_of(_at(event, path)) is not None), None)


def whole_responses(events: Sequence[Mapping[str, Any]], dialect: Callable[[Any], Any]) -> list[Any] | None:
    """The whole responses among some events, if they are of several calls; None for what belongs to one.

    Whoever saves responses one a line, or gathers them in a list, has several calls and not a stream. One that comes
    twice, under the same id or to the letter, is one.
    """
    found: dict[Any, Any] = {}
    unnamed: list[Any] = []
    for event in events:
        root = dialect(event)
        if root is None or not any(test(event) for test in root.whole_tests):
            continue
        response_id = root.identify(event)[1]
        if response_id is not None:
            found[root, response_id] = event
        elif event not in unnamed:
            unnamed.append(event)
    responses = [*found.values(), *unnamed]
    return responses if len(responses) > 1 else None


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
        if stopped and (after_stop or event != responses[-1][-1]):  # the same event again adds nothing
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
    found: list[Mapping[str, Any]] = []
    for event in events:
        if event not in found and any(test(event) for test in adapter.stop_tests):
            found.append(event)
    return found


def added(calls: Sequence[Reading], complete: bool) -> Reading:
    """Several calls as one reading: their sum, under the model that they share. Of one alone it has the id as well."""
    columns = zip(*(call.told for call in calls), strict=True)
    totals = [call.total for call in calls]
    return Reading(
        provider=_shared([call.provider for call in calls]) or calls[0].provider,
        model=_shared([call.model for call in calls]),
        id=calls[0].id if len(calls) == 1 else None,
        metrics=sum((call.metrics for call in calls), MessageMetrics()),
        complete=complete and all(call.complete for call in calls),
        parts=tuple(part for call in calls for part in call.parts),
        calls=tuple(calls),
        told=tuple(_sum_of_known(column) for column in columns),
        total=None if None in totals else _sum_of_known(totals),
        usage=[call.usage for call in calls],
    )


def set_aside(adapter: type[Adapter], events: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Take the events out that belong to calls of other models, and return them; none where there is nothing else."""
    asides: list[Mapping[str, Any]] = []
    others: list[Mapping[str, Any]] = []
    for event in events:
        if not any(test(event) for test in adapter.aside_tests):
            others.append(event)
        elif event not in asides:  # one that comes twice is one
            asides.append(event)
    if not others:
        return []
    events[:] = others
    return asides


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


def _of_lines(lines: Any) -> Iterator[Any]:
    for line in lines:
        found = next((response for path in RESPONSES if fields_of(response := _at(line, path)) is not None), None)
        if found is not None:
            yield found


def _at(value: Any, path: str) -> Any:
    for name in path.split("."):
        fields = fields_of(value)
        value = None if fields is None else fields.get(name)
    return value
