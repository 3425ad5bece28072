"""Work that is bounded, whatever comes: objects without an end, and the work that C code hides from a count of instructions."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from decimal import Decimal
from fractions import Fraction
from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock, MagicMock, Mock, sentinel

import httpx
import pytest

import unimeter
from unimeter import MalformedUsage, MessageMetrics, Run, RunMetrics, Session, UnimeterError
from unimeter.adapter import Adapter
from unimeter.drift import Watched
from unimeter.fixture import Fixture
from unimeter.hearing import MOST
from unimeter.recognise import url_text
from unimeter.testing.subject import objects
from unimeter.wire import coding
from unimeter.wire.body import BodyDecoder

from .conftest import FIXTURES

USAGE = {"prompt_tokens": 3, "completion_tokens": 1}
CHAT = {"object": "chat.completion", "choices": [], "usage": USAGE}


# objects without an end ------------------------------------------------------------------------------------------------


def cycle_of_dicts() -> Any:
    held: dict[str, Any] = {}
    held |= {"a": held, "b": held}
    return held


def dicts_that_share() -> Any:
    held: dict[str, Any] = {}
    for _ in range(31):
        held = {"a": held, "b": held}
    return held


def lists_that_share() -> Any:
    held: list[Any] = []
    for _ in range(31):
        held = [held, held]
    return held


def cycle_of_objects() -> Any:
    held = SimpleNamespace()
    held.a = held.b = held
    return held


class Endless:
    """Answers to every name with another of its kind."""

    def __getattr__(self, name: str) -> Endless:
        return Endless()


def cycle_of_lists() -> Any:
    held: list[Any] = []
    held += [held, held]
    return held


def a_sentinel() -> Any:
    return sentinel.odd


CYCLES = [cycle_of_dicts, cycle_of_lists, cycle_of_objects, dicts_that_share, lists_that_share]
ENDLESS = [*CYCLES, Endless, Mock, MagicMock, AsyncMock, a_sentinel]
PLACES: dict[str, Callable[[Any], Any]] = {
    "the response": lambda odd: odd,
    "the usage": lambda odd: {**CHAT, "usage": odd},
    "in the usage, unknown": lambda odd: {**CHAT, "usage": {**USAGE, "unknown": odd}},
    "in the usage, read": lambda odd: {**CHAT, "usage": {**USAGE, "prompt_tokens_details": odd}},
    "a count": lambda odd: {**CHAT, "usage": {"prompt_tokens": odd, "completion_tokens": 1}},
    "a tree": lambda odd: {"type": "message", "role": "assistant", "usage": {"input_tokens": 1, "server_tool_use": odd}},
    "words": lambda odd: {**CHAT, "type": odd, "object": odd, "model": odd, "id": odd, "finish_reason": odd, "error": odd},
    "a modality": lambda odd: {"usageMetadata": {"promptTokensDetails": [{"modality": odd, "tokenCount": 1}]}},
    "beside the usage": lambda odd: {**CHAT, "choices": [odd], "unknown": odd},
    "in an object": lambda odd: SimpleNamespace(**{**CHAT, "usage": SimpleNamespace(**USAGE, unknown=odd)}),
}


def watched(response: Any) -> Any:
    stream = unimeter.watch(iter([response, response]))
    for _ in stream:
        pass
    return stream.reading


@pytest.mark.parametrize("make", ENDLESS)
def test_what_has_no_end_is_read_or_refused_at_once(make: Callable[[], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unimeter.values.MOST_VALUES", 300)
    monkeypatch.setattr("unimeter.evidence.MOST_VALUES", 300)
    monkeypatch.setattr("unimeter.merge.MOST_VALUES", 300)
    monkeypatch.setattr("unimeter.equality.MOST_VALUES", 300)
    for name, place in PLACES.items():
        for how in (unimeter.read, unimeter.normalize, Run().record, watched, lambda response: unimeter.read([response] * 2)):
            odd = place(make())
            with suppress(UnimeterError):
                told = how(odd)  # type: ignore[operator]  # each takes a response
                assert told is None or name not in ("the response", "the usage")  # these tell nothing


def test_a_mock_is_read_by_what_was_set_on_it() -> None:
    answer = Mock(object="chat.completion", choices=[], model="m", id="x", service_tier=None, usage=Mock(**USAGE))
    reading = unimeter.read(answer)
    assert (reading.metrics.total_tokens, reading.model, reading.usage) == (4, "m", USAGE)
    with pytest.raises(MalformedUsage, match="prompt_tokens"):  # and not 1, which a MagicMock says it is
        unimeter.read({**CHAT, "usage": {"prompt_tokens": MagicMock(), "completion_tokens": 1}})


def test_a_watched_mock_is_a_stream_as_any_other() -> None:
    chunk = {**CHAT, "object": "chat.completion.chunk"}
    manager, chunks = MagicMock(), MagicMock()
    manager.__enter__.return_value.__iter__.return_value = [chunk]
    chunks.__aiter__.return_value = [chunk]

    async def read_all() -> Any:
        stream = unimeter.watch(chunks)
        assert [one async for one in stream] == [chunk]
        return stream.reading

    with unimeter.watch(manager) as stream:
        assert list(stream) == [chunk]
    assert stream.reading.metrics.total_tokens == asyncio.run(read_all()).metrics.total_tokens == 4


START = {"type": "message_start", "message": {"type": "message", "id": "m", "usage": {"input_tokens": 9}}}
DELTA = {"type": "message_delta", "usage": {"output_tokens": 7}}
LANGCHAIN = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}
EVENTS: dict[str, Callable[[Any], list[Any]]] = {
    "ends": lambda odd: [START, DELTA, *({"type": "message_stop", "odd": odd()} for _ in range(300))],
    "chunks": lambda odd: [{**CHAT, "object": "chat.completion.chunk", "odd": odd()} for _ in range(MOST + 1)],
    "usages": lambda odd: [{"object": "chat.completion.chunk", "usage": {**USAGE, "odd": odd()}} for _ in range(3)],
    "beside": lambda odd: [{**CHAT, "object": "chat.completion.chunk", "service_tier": odd()} for _ in range(MOST + 1)],
    "in choices": lambda odd: [{"object": "chat.completion.chunk", "choices": [{"usage": odd()}, {"usage": odd()}]}],
    "added": lambda odd: [{"usage_metadata": {**LANGCHAIN, "odd": odd()}, "response_metadata": {}} for _ in range(2)],
    "result lines": lambda odd: [{"custom_id": "a", "odd": odd(), "response": {"body": CHAT}} for _ in range(2)],
}


@pytest.mark.parametrize("make", [*CYCLES, Endless])
@pytest.mark.parametrize("name", EVENTS)
def test_events_that_hold_what_has_no_end_are_compared_at_once(
    name: str, make: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("values", "evidence", "merge", "equality", "adapters.langchain"):
        monkeypatch.setattr(f"unimeter.{module}.MOST_VALUES", 300)
    for how in (unimeter.read, watched_all):
        with suppress(UnimeterError):
            assert how(EVENTS[name](make)).metrics.input_tokens  # type: ignore[operator]  # each takes events


def watched_all(events: list[Any]) -> Any:
    stream = unimeter.watch(iter(events))
    for _ in stream:
        pass
    return stream.reading


def held_by(response: Any, levels: int, width: int = 1) -> Any:
    for _ in range(levels):
        response = {"outputs": [{"custom_id": str(at), "response": {"body": response}} for at in range(width)]}
    return response


def test_responses_within_responses_have_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unimeter.interpret.MOST_VALUES", 300)
    endless: dict[str, Any] = {"custom_id": "a"}
    endless["response"] = endless
    for held in (held_by(CHAT, 2), json.dumps(held_by(CHAT, 2))):
        assert unimeter.read(held).metrics.total_tokens == 4
    for held in (endless, held_by(CHAT, 300), json.dumps(held_by(CHAT, 100))):
        for how in (unimeter.read, unimeter.normalize, Run().record):
            with pytest.raises(MalformedUsage, match="the body must be"):
                how(held)  # type: ignore[operator]  # each takes a response
    wide = unimeter.read(held_by(CHAT, 7, 20))
    assert not wide.complete
    assert wide.metrics.total_tokens < 4 * 300


def test_large_result_lines_that_come_twice_are_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a plain body holds has an end, however much it is: only what it holds twice counts."""
    monkeypatch.setattr("unimeter.equality.MOST_VALUES", 100)
    body = {**CHAT, "choices": [{"logprobs": [{"token": "a", "bytes": [1]} for _ in range(300)]}]}
    line = json.dumps({"custom_id": "a", "response": {"status_code": 200, "body": body}})
    reading = unimeter.read(f"{line}\n{line}\n")
    assert (reading.metrics.total_tokens, len(reading.odd)) == (4, 1)


@pytest.mark.parametrize("make", [cycle_of_dicts, dicts_that_share, lists_that_share])
def test_saved_metrics_that_have_no_end_are_refused(make: Callable[[], Any]) -> None:
    for how in (Session.from_dict, MessageMetrics.from_dict, RunMetrics.from_dict):
        with pytest.raises(MalformedUsage, match="must be a tree, not objects that hold each other"):
            how({"provider_metrics": make(), "additional_metrics": make()})  # type: ignore[operator]  # each takes data
    deep: dict[str, Any] = {}
    for _ in range(100):
        deep = {"a": deep}
    with pytest.raises(MalformedUsage, match="additional_metrics must be nested at most"):
        Session.from_dict({"additional_metrics": deep})


# values of other types -----------------------------------------------------------------------------------------------------


class Whole:
    """An integer of another type, as numpy has."""

    def __init__(self, value: int) -> None:
        self.value = value

    def __index__(self) -> int:
        return self.value


def test_integers_of_other_types_are_counts() -> None:
    reading = unimeter.read({**CHAT, "usage": {"prompt_tokens": Whole(3), "completion_tokens": Fraction(2), "unknown": Whole(5)}})
    assert (reading.metrics.input_tokens, reading.metrics.output_tokens, reading.usage["unknown"]) == (3, 2, 5)
    assert type(reading.metrics.input_tokens) is int
    for wrong in (Whole(2**63), Whole(-1), 2**63, float(2**63), Fraction(1, 2), True, Decimal("NaN"), "3"):
        with pytest.raises(MalformedUsage, match="prompt_tokens must be"):
            unimeter.read({**CHAT, "usage": {"prompt_tokens": wrong, "completion_tokens": 1}})


def test_integers_of_other_types_are_no_objects() -> None:
    """They have fields of their own, which are no figures."""
    usage = {"input_tokens": Whole(9), "output_tokens": 1, "server_tool_use": {"web_search_requests": Whole(2)}}
    started = {**START, "message": {**START["message"], "usage": usage}}
    reading = unimeter.read([started, DELTA, {**DELTA, "usage": {"output_tokens": Whole(8)}}, {"type": "message_stop"}])
    assert (reading.metrics.total_tokens, reading.complete) == (17, True)
    assert reading.metrics.provider_metrics == {"server_tool_use": {"web_search_requests": 2}}
    assert reading.usage == {"input_tokens": 9, "output_tokens": 8, "server_tool_use": {"web_search_requests": 2}}
    body = {"model": "l", "done": True, "prompt_eval_count": Whole(3), "eval_count": Whole(4), "unknown_count": Whole(5)}
    assert unimeter.read(body).usage == {"prompt_eval_count": 3, "eval_count": 4, "unknown_count": 5, "done": True, "model": "l"}


def test_choices_whose_number_is_none_are_read() -> None:
    chunk = {"object": "chat.completion.chunk", "choices": [{"index": {"a": 1}, "usage": USAGE}]}
    assert unimeter.read([chunk, chunk], "Moonshot").metrics.total_tokens == 4


def test_what_names_a_modality_is_a_word() -> None:
    for name, value in (("modality", {"a": "secret"}), ("tokenCount", {"a": 1}), ("tokenCount", "secret")):
        detail = {"modality": "TEXT", "tokenCount": 1, name: value}
        with pytest.raises(MalformedUsage) as refused:
            unimeter.read({"candidates": [], "usageMetadata": {"promptTokenCount": 3, "promptTokensDetails": [detail]}})
        assert refused.value.path.startswith("prompt_tokens_details[].")
        assert "secret" not in str(refused.value)


def test_a_path_begins_at_the_usage() -> None:
    usage = {"input_tokens": 3, "output_tokens": 1, "iterations": [{"type": "message", "input_tokens": -1}]}
    chunk = {"usage_metadata": {"input_tokens": 1, "output_tokens": "x", "total_tokens": 2}, "response_metadata": {}}
    for payload, path in (
        ({"type": "message", "role": "assistant", "usage": usage}, "iterations[0].input_tokens"),
        ([chunk, chunk], "output_tokens"),
        ({**CHAT, "usage": {"prompt_tokens": -1}}, "prompt_tokens"),
    ):
        with pytest.raises(MalformedUsage) as refused:
            unimeter.read(payload)
        assert refused.value.path == path


def places_of_numbers(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, (dict, list)):
        for name, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places_of_numbers(inner, (*place, name))
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield place


def written(place: tuple[Any, ...]) -> str:
    """A place as a path of a table writes it."""
    names = [f"[{name}]" if isinstance(name, int) else re.sub(r"(?<=[a-z0-9])[A-Z]", r"_\g<0>", name).lower() for name in place]
    return re.sub(r"\.?\[\d+\]", "[]", ".".join(names))


def path_of_error(how: Callable[..., object], *arguments: Any, **hints: Any) -> str | None:
    try:
        how(*arguments, **hints)
    except MalformedUsage as malformed:
        return malformed.path
    return None


def with_negative(data: Any, place: tuple[Any, ...]) -> Any:
    changed = holder = json.loads(json.dumps(data))
    for name in place[:-1]:
        holder = holder[name]
    holder[place[-1]] = -1
    return changed


def richest_fixtures() -> Iterator[Fixture]:
    """Of each provider, the response and the stream with most figures."""
    richest: dict[Any, tuple[int, Fixture]] = {}
    for fixture in FIXTURES.values():
        if fixture.body is None and not fixture.expected.error and not fixture.wire.headers:
            kind = fixture.name.partition("/")[0], fixture.is_stream
            figures = sum(1 for _ in places_of_numbers(fixture.events or fixture.response))
            if figures > richest.get(kind, (0, None))[0] and figures < 40:
                richest[kind] = figures, fixture
    return (fixture for _, fixture in richest.values())


def paths_from_usage(adapters: set[type[Adapter]], path: str) -> tuple[str, ...]:
    """How the place of a figure may end if it has this path in the usage, or is one of those that stand beside it."""
    places = {place for adapter in adapters for place in adapter.places}
    if "" in places or any(leaf.beside and leaf.path == path for adapter in adapters for leaf in adapter.leaves()):
        return (f".{path}",)
    return tuple(f".{place}{'' if path[:1] == '[' else '.'}{path}" for place in places)


def test_a_path_is_the_same_in_each_form() -> None:
    """Each figure is made negative in turn."""
    checked = 0
    for fixture in richest_fixtures():
        hints: dict[str, Any] = {"provider": fixture.wire.provider, "url": fixture.url}
        call = Watched(model=None, **hints)
        call.read(fixture.events or fixture.response, None)
        adapters = {adapter for adapter, *_ in call.seen}
        for place in places_of_numbers(fixture.events or fixture.response):
            data = with_negative(fixture.events or fixture.response, place)
            path = path_of_error(unimeter.read, data, **hints)
            if path is None:
                continue
            checked += 1
            in_table = re.sub(r"\[(\d+|\w+=[^]]*)\]", "[]", path)  # which items of a list the table takes
            is_alone = written(place) == in_table
            assert is_alone or f".{written(place)}".endswith(paths_from_usage(adapters, in_table)), (fixture.name, path)
            body = fixture.model_copy(update={"events" if fixture.is_stream else "response": data}).bytes()
            for form in (data, body, objects(data)):
                for how in (unimeter.read, unimeter.normalize):
                    assert path_of_error(how, form, **hints) == path, fixture.name
            if not fixture.is_stream:
                assert path_of_error(unimeter.read, {"custom_id": "a", "response": data}, **hints) == path, fixture.name
    assert checked > 200


def test_a_saved_reading_has_no_negative_counts() -> None:
    saved = unimeter.read(CHAT).to_dict()
    for changed, path in (
        ({"told": {"input_tokens": -1}}, "told.input_tokens"),
        ({"told": {"cost": float("nan")}}, "told.cost"),
        ({"total": -1}, "total"),
        ({"began": float("nan")}, "began"),
        ({"calls": [saved | {"total": 2**63}]}, "calls[0].total"),
    ):
        with pytest.raises(MalformedUsage) as refused:
            unimeter.Reading.from_dict(saved | changed)
        assert refused.value.path == path


@pytest.mark.parametrize(
    ("data", "path"),
    [
        ({"input_tokens": -1}, "input_tokens"),
        ({"total_tokens": 2**63}, "total_tokens"),
        ({"cost": float("nan")}, "cost"),
        ({"input_tokens": True}, "input_tokens"),
        ({"input_tokens": 1.5}, "input_tokens"),
        ({"additional_metrics": {"calls": -1}}, "additional_metrics.calls"),
        ({"additional_metrics": {"calls_without_usage": 1.5}}, "additional_metrics.calls_without_usage"),
        ({"additional_metrics": {"own": [float("inf")]}}, "additional_metrics.own"),
        ({"details": {"model": [{"id": "m", "provider": "p", "output_tokens": -5}]}}, "details.model[0].output_tokens"),
    ],
)
def test_what_was_saved_has_no_negative_counts(data: dict[str, Any], path: str) -> None:
    with pytest.raises(MalformedUsage) as refused:
        Session.from_dict(data)
    assert refused.value.path == path


def test_a_url_is_a_text_or_a_url_of_an_http_library() -> None:
    url = "https://api.groq.com/openai/v1/chat/completions"
    for given in (url, httpx.URL(url)):
        assert unimeter.read(CHAT, url=given).provider == "Groq"  # type: ignore[arg-type]  # a URL is taken as well
    for wrong in (url.encode(), 5, ["x"]):
        for how in (unimeter.read, unimeter.normalize):
            with pytest.raises(TypeError, match="a url is a text"):
                how(CHAT, url=wrong)  # type: ignore[operator]
    assert url_text(url) == url


# work that C code hides ----------------------------------------------------------------------------------------------------

SIZES = (1_000, 4_000)


def grows_linearly(work: Callable[[int], int]) -> bool:
    """Whether four times as much takes about four times the work."""
    small, large = map(work, SIZES)
    return small > 0 and large <= 5 * small


def test_responses_without_ids_are_compared_with_few_others() -> None:
    def comparisons(count: int) -> int:
        compared = 0

        class Model(str):
            __slots__ = ()
            __hash__ = str.__hash__

            def __eq__(self, other: object) -> bool:
                nonlocal compared
                compared += 1
                return str.__eq__(self, other)

        responses = [{"model": Model("m"), **CHAT, "usage": {**USAGE, "prompt_tokens": at}} for at in range(count)]
        assert unimeter.read(responses).metrics.output_tokens == count
        return compared + count

    assert grows_linearly(comparisons)


def test_leading_blanks_in_small_pieces_are_not_kept() -> None:
    """What is kept is joined to each further piece, and copied."""
    decoder = BodyDecoder(json.loads)
    for blank in (b" " * 16, b"\n", b"\r\n"):
        for _ in range(100):
            assert decoder.feed(blank) == []
            assert len(decoder._head) <= 16
    assert decoder.feed(json.dumps(CHAT).encode()) + decoder.close() == [CHAT]


def test_the_members_of_a_gzip_body_are_inflated_once(monkeypatch: pytest.MonkeyPatch) -> None:
    real = zlib.decompressobj

    def bytes_inflated(count: int) -> int:
        fed = 0

        class Counting:
            def __init__(self, *arguments: Any, **named: Any) -> None:
                self.inner = real(*arguments, **named)

            def decompress(self, data: bytes, *limit: int) -> bytes:
                nonlocal fed
                fed += len(data)
                return self.inner.decompress(data, *limit)

            def __getattr__(self, name: str) -> Any:
                return getattr(self.inner, name)

        monkeypatch.setattr(coding.zlib, "decompressobj", Counting)
        body = gzip.compress(b"") * count + gzip.compress(json.dumps(CHAT).encode())
        assert unimeter.read(body).metrics.total_tokens == 4
        return fed

    assert grows_linearly(bytes_inflated)


@pytest.mark.parametrize("kind", ["ends", "transcriptions"])
def test_repeated_events_are_looked_at_once_each(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def events(count: int) -> Iterable[dict[str, Any]]:
        if kind == "ends":
            yield {"type": "message_start", "message": {"type": "message", "id": "m", "usage": {"input_tokens": 9}}}
            yield {"type": "message_delta", "usage": {"output_tokens": 7}}
            yield from ({"type": "message_stop", "at": at} for at in range(count))
            return
        usage = {"total_tokens": 7, "input_tokens": 3, "output_tokens": 4}
        for at in range(count):
            transcribed = {"type": "conversation.item.input_audio_transcription.completed", "event_id": f"t{at}"}
            yield {**transcribed, "usage": {"type": "tokens", "total_tokens": 5, "input_tokens": 3, "output_tokens": 2}}
        yield {"type": "response.done", "response": {"object": "realtime.response", "id": "r", "output": [], "usage": usage}}

    def looked_at(count: int) -> int:
        looked = 0

        class Event(dict[str, Any]):
            """Counts how often it is compared or searched."""

            def __eq__(self, other: object) -> bool:
                nonlocal looked
                looked += 1
                return dict.__eq__(self, other)

            def get(self, name: str, default: Any = None) -> Any:
                nonlocal looked
                looked += 1
                return dict.get(self, name, default)

            __hash__ = None  # type: ignore[assignment]  # as a dict

        reading = unimeter.read([Event(event) for event in events(count)])
        assert reading.metrics.output_tokens == (7 if kind == "ends" else 4)
        return looked

    assert grows_linearly(looked_at)


def test_what_a_run_pairs_is_found_at_once() -> None:
    def passed_over(count: int) -> int:
        compared = 0

        class Channel(str):
            __slots__ = ()
            __hash__ = str.__hash__

            def __eq__(self, other: object) -> bool:
                nonlocal compared
                compared += 1
                return str.__eq__(self, other)

        run = Run()
        reading = unimeter.read({**CHAT, "id": "same"})
        for channel in ("wire", "record"):
            for _ in range(count):
                run.record(reading, channel=Channel(channel))
        assert run.metrics.additional_metrics["calls"] == count  # type: ignore[index]  # there are calls
        return compared

    assert grows_linearly(passed_over)
