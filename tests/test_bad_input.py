"""Bad input, for every adapter: never a wrong number, never an error that is not documented."""

from __future__ import annotations

import copy
import json
from email.message import Message
from functools import reduce
from operator import getitem
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import unimeter
from unimeter import MalformedUsage, MissingUsage, UnimeterError, UnknownProvider
from unimeter.adapter import Adapter
from unimeter.fixture import Fixture
from unimeter.registry import registry
from unimeter.testing.subject import changed, paths

from .conftest import FIXTURES
from .reading_of import reading_of

PLAIN = {name: fixture for name, fixture in FIXTURES.items() if fixture.response is not None and fixture.expected.error is None}
WRONG_COUNTS = {
    "text": "12",
    "true": True,
    "negative": -3,
    "NaN": float("nan"),
    "infinite": float("inf"),
    "a part": 1.5,
    "too large": 10**30,
    "2**63": 2**63,
    "2.0**63": 2.0**63,
    "a list": [],
    "an object": {"a": 1},
}


def adapters() -> list[type[Adapter]]:
    return [adapter for adapter in registry().adapters if adapter.usage_names]


def count_paths(fixture: Fixture) -> list[tuple[Any, ...]]:
    """Where the counts of a response stand that its adapter reads: those whose change changes the reading."""
    before = reading_of(fixture, fixture.response)
    found = []
    for path in paths(fixture.response):
        value = fixture.response
        for key in path:
            value = value[key]
        if isinstance(value, (int, float)) and not isinstance(value, bool) and path[-1] != "modality":
            try:
                after = reading_of(fixture, changed(fixture.response, path, value + 1000))
            except UnimeterError:
                continue
            if after.told[:7] != before.told[:7]:
                found.append(path)
    return found


@pytest.mark.parametrize("wrong", WRONG_COUNTS.values(), ids=WRONG_COUNTS)
@pytest.mark.parametrize("name", PLAIN)
def test_wrong_counts_are_refused_with_the_path(name: str, wrong: Any) -> None:
    fixture = PLAIN[name]
    for path in count_paths(fixture):
        payload = changed(fixture.response, path, wrong)
        for form in (payload, json.dumps(payload).encode()):
            with pytest.raises(MalformedUsage) as raised:
                reading_of(fixture, form)
            assert raised.value.provider == fixture.expected.provider
            assert raised.value.path
            with pytest.raises(MalformedUsage):
                unimeter.normalize(form, fixture.wire.provider, url=fixture.url, headers=fixture.wire.headers or None)


@pytest.mark.parametrize("name", PLAIN)
def test_every_plain_fixture_has_counts(name: str) -> None:
    """So that the test above cannot pass over a fixture in silence."""
    fixture = PLAIN[name]
    if fixture.expected.metrics.get("total_tokens") and not fixture.wire.headers:
        assert count_paths(fixture)


@pytest.mark.parametrize("usage", [None, ..., {}], ids=["null", "absent", "empty"])
@pytest.mark.parametrize("name", PLAIN)
def test_no_usage_is_missing(name: str, usage: Any) -> None:
    fixture = PLAIN[name]
    adapter = adapter_of(fixture)
    if adapter.places == ("",) or fixture.wire.headers or "token_count" in fixture.response:
        return
    if usage == {} and adapter.usage_is_list:
        usage = []
    for place in adapter.places:
        path = tuple(place.split("."))
        if path in set(paths(fixture.response)):
            if reduce(getitem, path, fixture.response) == {}:  # it stands in another place
                continue
            payload = changed(fixture.response, path, usage)
            for form in (payload, json.dumps(payload).encode()):
                with pytest.raises(MissingUsage):
                    reading_of(fixture, form)


@pytest.mark.parametrize("usage", ["oops", 7, True, [1], "", 0], ids=repr)
@pytest.mark.parametrize("name", PLAIN)
def test_wrong_containers_are_refused(name: str, usage: Any) -> None:
    fixture = PLAIN[name]
    adapter = adapter_of(fixture)
    if len(adapter.places[0].split(".")) > 1 or adapter.places == ("",) or adapter.places[0] not in fixture.response:
        return
    payload = changed(fixture.response, (adapter.places[0],), usage)
    for form in (payload, json.dumps(payload).encode()):
        with pytest.raises(MalformedUsage):
            reading_of(fixture, form)


def adapter_of(fixture: Fixture) -> type[Adapter]:
    from unimeter.interpret import Call

    call = Call(fixture.wire.provider, fixture.url, None)
    found = call.found(fixture.response)
    if found is not None:
        return found[0]
    held = call._open(fixture.response)
    return call.adapter_of(held.events, held.kind)


@pytest.mark.parametrize("details", ["oops", [1], 7, True], ids=repr)
@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("openai_chat/cache_write", ("usage", "prompt_tokens_details")),
        ("openai_responses/cache_write", ("usage", "input_tokens_details")),
        ("cohere/floats", ("usage", "tokens")),
        ("anthropic_claude/advisor", ("usage", "output_tokens_details")),
    ],
)
def test_wrong_details_are_refused(name: str, path: tuple[str, ...], details: Any) -> None:
    fixture = FIXTURES[name]
    payload = changed(fixture.response, path, details)
    with pytest.raises(MalformedUsage) as raised:
        reading_of(fixture, payload)
    assert path[-1] in raised.value.path


@pytest.mark.parametrize("adapter", adapters(), ids=lambda adapter: adapter.__name__)
@pytest.mark.parametrize("wrong", WRONG_COUNTS.values(), ids=WRONG_COUNTS)
def test_every_count_of_every_table_is_checked(adapter: type[Adapter], wrong: Any) -> None:
    """Not only those that some fixture has."""
    from unimeter.values import Refused

    for leaf in adapter.leaves():
        if leaf.kind != "count" or any(step.each for step in leaf.steps):
            continue
        usage: Any = wrong
        for step in reversed(leaf.steps):
            usage = {step.name: usage}
        usage, holder = ({}, usage) if leaf.beside else (usage, {})
        with pytest.raises(Refused) as raised:
            adapter.measure(usage, holder)
        assert raised.value.path == leaf.path


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_key_may_be_gone_or_null(fixture: Fixture, data: st.DataObject) -> None:
    """Whatever is taken out of a response or a stream: a documented error, or figures that are the rest's."""
    payload = fixture.response if fixture.response is not None else fixture.events
    places = list(paths(payload))
    if not places:
        return
    path = data.draw(st.sampled_from(places))
    new = data.draw(st.sampled_from([None, ...]))
    mutated = changed(payload, path, new)
    before = copy.deepcopy(mutated)
    try:
        reading = reading_of(fixture, mutated)
    except UnimeterError:
        assert mutated == before
        return
    assert mutated == before
    metrics = reading.metrics
    assert metrics.total_tokens == metrics.input_tokens + metrics.output_tokens
    for name in ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens"):
        assert name in reading.reported or getattr(metrics, name) == 0


def test_every_key_of_every_response_gone_or_null_gives_the_same_from_bytes(fixture: Fixture) -> None:
    """Exhaustively: dict and bytes agree on every mutation, figure by figure or error by error."""
    if fixture.response is None:
        return
    for path in paths(fixture.response):
        for new in (None, ...):
            mutated = changed(fixture.response, path, new)
            outcomes = []
            for form in (mutated, json.dumps(mutated).encode()):
                try:
                    outcomes.append(reading_of(fixture, form).to_dict())
                except UnimeterError as error:
                    outcomes.append(type(error).__name__)
            assert outcomes[0] == outcomes[1], path


@pytest.mark.parametrize("name", PLAIN)
def test_cut_json_is_refused(name: str) -> None:
    fixture = PLAIN[name]
    body = fixture.bytes()
    for end in range(1, len(body), 7):
        with pytest.raises((MalformedUsage, MissingUsage, UnknownProvider)):
            reading_of(fixture, body[:end])


STREAMS = {name: fixture for name, fixture in FIXTURES.items() if fixture.is_stream}


@pytest.mark.parametrize("name", STREAMS)
def test_cut_streams_never_lie(name: str) -> None:
    """Cut anywhere: an error, or figures that say they are not complete, or the very figures of the whole."""
    fixture = STREAMS[name]
    body = fixture.bytes()
    if name in ("openai_chat/stream_usage_twice", "openai_chat/stream_later_null"):
        return  # a second usage follows after the end of the answer: that it is missing cannot be told
    whole = None if fixture.expected.error else reading_of(fixture, body)
    for end in range(1, len(body), 11):
        try:
            reading = reading_of(fixture, body[:end])
        except UnimeterError:
            continue
        assert whole is not None
        assert not reading.complete or reading.told == whole.told


@pytest.mark.parametrize("name", STREAMS)
def test_repeating_any_event_changes_nothing(name: str) -> None:
    fixture = STREAMS[name]
    if fixture.expected.error or name == "aws_bedrock/agent_stream" or name.startswith("langchain/"):  # their events add
        return
    whole = reading_of(fixture, fixture.events)
    if name == "google_gemini/stream_tool":  # its only event is a whole response, and a list of two holds two
        assert len(reading_of(fixture, fixture.events * 2).calls) == 2
        return
    for i, event in enumerate(fixture.events):
        if isinstance(event, dict) and event.get("type") != "message_start":
            repeated = [*fixture.events[: i + 1], event, *fixture.events[i + 1 :]]
            assert reading_of(fixture, repeated).told == whole.told


@pytest.mark.parametrize("name", [name for name, fixture in STREAMS.items() if not fixture.expected.error])
def test_an_error_in_any_event_makes_a_stream_incomplete(name: str) -> None:
    fixture = STREAMS[name]
    whole = reading_of(fixture, fixture.events)
    middle = len(fixture.events) // 2
    broken = fixture.events[:]
    broken[middle] = {**broken[middle], "error": {"code": 502, "message": "Hello"}}
    lines = "".join(f"data: {json.dumps(event)}\n\n" for event in broken)
    for payload in (broken, iter(broken), lines, lines.encode()):
        reading = reading_of(fixture, payload)
        assert (reading.complete, reading.told) == (False, whole.told)


def test_deep_nesting() -> None:
    deep = "[" * 10_000 + "]" * 10_000
    body = '{"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2, "x": %s}}'
    for payload in (deep, "{}", body % deep, body % ('{"a":' * 10_000 + "1" + "}" * 10_000)):
        with pytest.raises(UnimeterError):
            unimeter.read(payload.encode())
    tree: Any = 1
    for _ in range(10_000):
        tree = {"a": tree}
    with pytest.raises(MalformedUsage):
        unimeter.read({"type": "message", "usage": {"input_tokens": 1, "output_tokens": 1, "server_tool_use": tree}})
    assert unimeter.normalize({"choices": [tree], "usage": {"prompt_tokens": 1, "completion_tokens": 1}}).total_tokens == 2


def test_large_bodies() -> None:
    text = "word " * 10_000_000
    body = json.dumps({"choices": [{"message": {"content": text}}], "usage": {"prompt_tokens": 3, "completion_tokens": 4}})
    assert len(body) > 50_000_000
    assert unimeter.normalize(body.encode()).total_tokens == 7


def test_a_gzip_bomb_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    import gzip

    from unimeter.wire import body

    monkeypatch.setattr(body, "LARGEST_INFLATED", 1000)
    with pytest.raises(MalformedUsage):
        unimeter.read(gzip.compress(b"{" + b" " * 2000 + b"}"), "openai")


@pytest.mark.parametrize(
    ("raw", "reads"),
    [
        (b'{"choices": [], "usage": {"prompt_tokens": 2000.0, "completion_tokens": 1}}', 2001),
        (b'\xef\xbb\xbf{"choices": [], "usage": {"prompt_tokens": 2, "completion_tokens": 1}}', 3),
        (b'{"choices": [{"message": {"content": "\\ud83d"}}], "usage": {"prompt_tokens": 2, "completion_tokens": 1}}', 3),
        (b'{"choices": [{"message": {"content": "\xed\xa0\xbd"}}], "usage": {"prompt_tokens": 2, "completion_tokens": 1}}', 3),
        (b'{"model": "\xff", "choices": [], "usage": {"prompt_tokens": 2, "completion_tokens": 1}}', 3),
        (b'{"choices": [{"logprobs": NaN}], "usage": {"prompt_tokens": 2, "completion_tokens": 1}}', 3),
    ],
    ids=["2000.0", "byte order mark", "lone surrogate", "raw surrogate", "no UTF-8", "NaN"],
)
def test_what_strict_json_refuses_is_read_all_the_same(raw: bytes, reads: int) -> None:
    assert unimeter.normalize(raw).total_tokens == unimeter.read(raw).metrics.total_tokens == reads


@pytest.mark.parametrize(
    "payload",
    [
        *(None, 7, 1.5, True, Ellipsis, {}, {"hello": 1}),
        *(b"", "", b"\xff\xf3\xc4", "plain text", b"[]", b"[1, 2]", b"null"),
        *([], [1, 2], [[]]),
    ],
    ids=repr,
)
def test_what_is_no_response_is_unknown(payload: Any) -> None:
    with pytest.raises(UnknownProvider):
        unimeter.read(payload)


def test_another_providers_body_is_never_misread() -> None:
    """Named wrongly, a body gives the figures it holds or an error, never other figures unless its own total tells so."""
    labels = sorted({fixture.expected.provider for fixture in PLAIN.values()} - {"AutoGen"})  # whose type has two figures only
    for fixture in PLAIN.values():
        if fixture.wire.headers or "agno" in fixture.name:  # in Agno's type the name alone tells what the input holds
            continue
        right = reading_of(fixture, fixture.response).metrics
        for label in labels:
            try:
                reading = unimeter.read(fixture.response, label)
            except UnimeterError:
                continue
            same = (reading.metrics.input_tokens, reading.metrics.output_tokens) == (right.input_tokens, right.output_tokens)
            assert same or reading.unaccounted, (fixture.name, label)


def test_what_stands_beside_the_usage_tells_of_none() -> None:
    """llama.cpp's timings; but what it had in its cache is usage, and then nothing is looked for in another's words."""
    body = {"object": "chat.completion", "model": "m", "choices": [], "timings": {"cache_n": 17}}
    with pytest.raises(MissingUsage):
        unimeter.read({**body, "usage": {}})
    reading = unimeter.read({**body, "usage": {"prompt_tokens_details": {"cached_tokens": 17}, "total_tokens": 19}})
    assert (reading.provider, reading.reported) == ("llama.cpp", {"cache_read_tokens", "total_tokens"})


def test_of_several_choices_with_usage_none_is_guessed() -> None:
    """Moonshot's stands in a choice."""
    one, two = {"prompt_tokens": 10, "completion_tokens": 1}, {"prompt_tokens": 10, "completion_tokens": 7}
    choices = [{"index": 0, "usage": one}, {"index": 1, "usage": two}]
    same = [{"index": 0, "usage": one}, {"index": 1, "usage": one}]
    body = {"object": "chat.completion", "model": "kimi"}
    assert unimeter.read({**body, "choices": same}, "moonshot").metrics.output_tokens == 1
    assert unimeter.read({**body, "choices": choices, "usage": two}, "moonshot").metrics.output_tokens == 7
    chunks = [{"object": "chat.completion.chunk", "choices": [choice]} for choice in choices]
    for payload in ({**body, "choices": choices}, json.dumps({**body, "choices": choices}), chunks, iter(chunks)):
        with pytest.raises(MalformedUsage):
            unimeter.read(payload, "moonshot")


WHOLE = [
    {
        "object": "chat.completion",
        "id": "1",
        "model": "a",
        "choices": [],
        "usage": {"prompt_tokens": 100, "completion_tokens": 50},
    },
    {"object": "chat.completion", "id": "2", "model": "a", "choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 3}},
    {"type": "message", "id": "3", "model": "b", "usage": {"input_tokens": 20, "output_tokens": 4}},
    {"object": "response", "id": "4", "model": "c", "usage": {"input_tokens": 30, "output_tokens": 5, "total_tokens": 35}},
    {
        "candidates": [{"finishReason": "STOP"}],
        "responseId": "5",
        "usageMetadata": {"promptTokenCount": 8, "candidatesTokenCount": 1},
    },
    {"model": "d", "done": True, "prompt_eval_count": 6, "eval_count": 2},
    {"object": "list", "data": [], "usage": {"prompt_tokens": 9, "total_tokens": 9}},
]


@pytest.mark.parametrize("first", WHOLE, ids=range(len(WHOLE)))
@pytest.mark.parametrize("second", WHOLE, ids=range(len(WHOLE)))
def test_whole_responses_in_a_list_are_added_as_calls(first: dict[str, Any], second: dict[str, Any]) -> None:
    """Saved one a line, or collected in a list: each is a call of its own, even if it is equal to another."""
    totals = [unimeter.normalize(body).total_tokens for body in (first, second)]
    lines = "\n".join(map(json.dumps, (first, second))).encode()
    for payload in ([first, second], iter([first, second]), lines, json.dumps([first, second]).encode()):
        reading = unimeter.read(payload)
        assert reading.metrics.total_tokens == sum(totals)
        assert len(reading.calls) == 2


def test_a_message_after_another_in_one_stream_is_another_call() -> None:
    def message(count: int) -> list[dict[str, Any]]:
        return [
            {"type": "message_start", "message": {"id": str(count), "usage": {"input_tokens": count, "output_tokens": 1}}},
            {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": count // 10}},
            {"type": "message_stop"},
        ]

    reading = unimeter.read([*message(100), {"type": "ping"}, *message(200)])
    assert (reading.metrics.input_tokens, reading.metrics.output_tokens, len(reading.calls)) == (300, 30, 2)
    assert reading.complete


def test_an_event_that_only_begins_a_stream_is_not_complete() -> None:
    start = {"type": "message_start", "message": {"model": "claude-x", "usage": {"input_tokens": 10, "output_tokens": 1}}}
    for form in (start, json.dumps(start), [start]):
        for provider in (None, "anthropic"):
            reading = unimeter.read(form, provider=provider)
            assert (reading.metrics.input_tokens, reading.complete) == (10, False)


@pytest.mark.parametrize("payload", [[], iter([]), b"data: [DONE]\n\n", b"[]"], ids=["list", "iterator", "server-sent", "JSON"])
@pytest.mark.parametrize(
    "hints", [{"url": "/v1/chat/completions"}, {"url": "https://x.example/v1/messages"}, {"provider": "groq"}]
)
def test_empty_streams(payload: Any, hints: dict[str, str]) -> None:
    for how in (unimeter.read, unimeter.normalize):
        with pytest.raises((MissingUsage, UnknownProvider)):
            how(payload, **hints)


def test_headers_of_any_kind() -> None:
    pairs = [("X-Amzn-Bedrock-Input-Token-Count", "3"), ("x-amzn-bedrock-output-token-count", "4")]
    message = Message()
    for name, value in pairs:
        message[name] = value
    for headers in (dict(pairs), pairs, message):
        assert unimeter.normalize({"completion": "Hello"}, "aws-bedrock", headers=headers).total_tokens == 7


def test_an_async_stream_says_what_to_do() -> None:
    class Stream:
        def __aiter__(self) -> Any: ...

    with pytest.raises(UnknownProvider, match="asynchronous"):
        unimeter.read(Stream())


def test_streams_joined_in_one_body_are_refused() -> None:
    def stream(count: int) -> str:
        usage = {"prompt_tokens": count, "completion_tokens": 5, "total_tokens": count + 5}
        chunk = {"id": str(count), "object": "chat.completion.chunk", "model": "gpt-x", "choices": [], "usage": usage}
        return f"data: {json.dumps(chunk)}\n\ndata: [DONE]\n\n"

    assert unimeter.read(stream(10)).metrics.input_tokens == 10
    with pytest.raises(MalformedUsage, match="several streams are joined"):
        unimeter.read(stream(10) + stream(20))
    with pytest.raises(MalformedUsage, match="several ids"):
        unimeter.read((stream(10) + stream(20)).replace("data: [DONE]\n\n", ""))


def test_chunks_of_several_streams_in_one_list_are_refused() -> None:
    def chunks(count: int) -> list[dict[str, Any]]:
        head = {"id": str(count), "object": "chat.completion.chunk", "model": "gpt-x"}
        usage = {"prompt_tokens": count, "completion_tokens": 5, "total_tokens": count + 5}
        end = {**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
        return [end, {**head, "choices": [], "usage": usage}]

    assert unimeter.read(chunks(10)).metrics.input_tokens == 10
    with pytest.raises(MalformedUsage, match="several ids"):
        unimeter.read([*chunks(10), *chunks(20)])


def renamed(value: Any, name: str = "") -> Any:
    """A copy of some events with other ids."""
    if isinstance(value, dict):
        return {key: renamed(item, key) for key, item in value.items()}
    if isinstance(value, list):
        return [renamed(item) for item in value]
    return f"{value}-2" if isinstance(value, str) and name.lower().endswith("id") and name != "model_id" else value


WHOLE_STREAMS = [
    name
    for name, fixture in STREAMS.items()
    if fixture.expected.complete and not fixture.expected.error and len(fixture.events) > 1
    if name != "google_adk/stream"  # its events bear no id, which alone could tell the two apart
]


@pytest.mark.parametrize("name", WHOLE_STREAMS)
def test_a_stream_after_another_is_added_or_refused(name: str) -> None:
    fixture = STREAMS[name]
    once = reading_of(fixture, fixture.events).metrics
    events = [*fixture.events, *renamed(fixture.events)]
    for payload in (events, iter(events), "\n".join(map(json.dumps, events))):
        try:
            metrics = reading_of(fixture, payload).metrics
        except MalformedUsage:
            continue
        assert (metrics.input_tokens, metrics.output_tokens) == (2 * once.input_tokens, 2 * once.output_tokens)


def test_streams_of_two_dialects_are_refused() -> None:
    head = {"id": "x", "object": "chat.completion.chunk"}
    chat = [
        {**head, "choices": [{"finish_reason": "stop"}]},
        {**head, "choices": [], "usage": {"prompt_tokens": 17, "completion_tokens": 19}},
    ]
    claude = [
        {"type": "message_start", "message": {"id": "m", "usage": {"input_tokens": 1000, "output_tokens": 1}}},
        {"type": "message_delta", "usage": {"output_tokens": 500, "cache_read_input_tokens": 9000}},
        {"type": "message_stop"},
    ]
    for events in ([*chat, *claude], [*claude, *chat], [*chat, *claude, *chat]):
        for payload in (events, iter(events), "\n".join(map(json.dumps, events))):
            with pytest.raises(MalformedUsage, match=r"one dialect|joined|several ids"):
                unimeter.read(payload)


def test_whatever_follows_a_trailer_does_not_hide_it() -> None:
    fixture = FIXTURES["aws_bedrock/invoke_claude_trailer"]
    whole = unimeter.read(fixture.events)
    for more in ({"type": "ping"}, {}):
        reading = unimeter.read([*fixture.events, more])
        assert (reading.provider, reading.told) == (whole.provider, whole.told)


def test_both_spellings_of_a_name_in_one_stream_are_one_name() -> None:
    wire = {"candidates": [], "usageMetadata": {"promptTokenCount": 8, "candidatesTokenCount": 16, "totalTokenCount": 24}}
    sdk = {"candidates": [], "usage_metadata": {"prompt_token_count": 8, "candidates_token_count": 400, "total_token_count": 408}}
    assert unimeter.read([wire, sdk]).metrics.output_tokens == 400
    assert unimeter.read([sdk, wire]).metrics.output_tokens == 16


def test_subclasses_of_plain_types_become_plain() -> None:
    class Dollars(float): ...

    class Word(str): ...

    usage = {
        "input_tokens": 1,
        "output_tokens": 2,
        "cost": Dollars(0.5),
        "speed": Word("fast"),
        "server_tool_use": {"n": Dollars(2)},
    }
    reading = unimeter.read({"type": "message", "usage": usage})
    own = {"speed": "fast", "server_tool_use": {"n": 2.0}}
    assert reading.to_dict()["metrics"] == {
        "input_tokens": 1,
        "output_tokens": 2,
        "total_tokens": 3,
        "cost": 0.5,
        "provider_metrics": own,
    }
    assert type(reading.metrics.cost) is float
    assert json.loads(json.dumps(reading.usage)) == reading.usage


def test_a_part_that_cannot_be_read_is_refused_by_both_ways() -> None:
    usage = {"input_tokens": 3, "output_tokens": 2, "iterations": [{"type": "advisor_message", "input_tokens": "x"}]}
    for how in (unimeter.read, unimeter.normalize):
        with pytest.raises(MalformedUsage):
            how({"type": "message", "usage": usage})


class _Array:
    """What pandas gives for a list in Parquet."""

    def __bool__(self) -> bool:
        raise ValueError("the truth value of an array is ambiguous")


def test_what_is_an_array_instead_of_a_list_is_no_list() -> None:
    usage = {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}
    assert unimeter.read({"usage": usage, "results": _Array()}).metrics.total_tokens == 3
    with pytest.raises(UnknownProvider):
        unimeter.read({"id": "x", "model": "m", "results": _Array()})
