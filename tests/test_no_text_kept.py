"""No text of a response is kept: a marker in every text that no table reads shows up in nothing that unimeter gives out."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest

import unimeter
from unimeter import Session
from unimeter.cli.show import Shown, show_json, show_table
from unimeter.cli.sources import sources
from unimeter.errors import MalformedUsage, UnimeterError, UnknownProvider
from unimeter.export import langfuse, openinference
from unimeter.fields import camel_case
from unimeter.fixture import Fixture
from unimeter.registry import registry
from unimeter.shape import conditions
from unimeter.testing import record
from unimeter.testing.subject import objects
from unimeter.unharmed import unharmed

from .conftest import FIXTURES
from .reading_of import reading_of

MARK = "the violets are blue"
TOKENS = [31415926, 27182818]
"""Token ids, which spell a text."""
ANSWER = {"object": "chat.completion", "choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 2}}


@cache
def read_names() -> frozenset[str]:
    """Names under which some table reads a name, an id, a label, or what kind of object it is."""
    names = {"role", "ttl", "created", "created_at", "status"}
    for adapter in registry().adapters:
        tests = (*adapter.shape, *adapter.final, *adapter.whole, *adapter.start, *adapter.stop, *adapter.partial)
        names |= {part.steps[-1].name for test in tests for part in conditions(test) if part.wanted is not None}
        names |= {path.rpartition(".")[2] for path in (*adapter.model, *adapter.id)}
        for leaf in adapter.leaves():
            names |= {step.key for step in leaf.steps if step.key} | {leaf.key, *leaf.labels}
            names |= {leaf.steps[-1].name} if leaf.kind == "label" else set()
    names |= {part.steps[-1].name for marks in registry().marks.values() for _, mark, _ in marks for part in conditions(mark)}
    return frozenset((*names, *map(camel_case, names)))


def marked(value: Any, name: str = "") -> Any:
    """The same with a marker for every text that no table reads, and more of them in every object."""
    if isinstance(value, dict):
        more = {"x_note": MARK, "x_list": [MARK, {"x_text": MARK}], "x_ids": TOKENS, "x_more": {"x_text": MARK}, MARK: 7}
        return {**{key: marked(item, key) for key, item in value.items()}, **more}
    if isinstance(value, list):
        return [marked(item, name) for item in value]
    if isinstance(value, str) and name not in read_names() and value != "[DONE]" and not value.replace(".", "").isdigit():
        return MARK
    return value


def all_of(error: BaseException) -> Iterator[str]:
    """Whatever an error says, and the errors behind it."""
    seen: list[BaseException] = []
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop()
        if one is not None and one not in seen:
            seen.append(one)
            yield f"{one} {one!r} {one.args!r} {vars(one)!r} {getattr(one, 'doc', '')!r} {getattr(one, 'object', '')!r}"
            yield "".join(traceback.format_exception_only(one))
            waiting += [one.__cause__, one.__context__]


def outcome(read: Callable[[], unimeter.Reading]) -> unimeter.Reading | UnimeterError:
    """A reading, or the error in its place."""
    try:
        return read()
    except UnimeterError as error:
        return error


def seen_of(reading: unimeter.Reading | UnimeterError) -> str:
    """Everything that can be seen of a reading, or of an error."""
    if isinstance(reading, UnimeterError):
        return " ".join(all_of(reading))
    exports = (openinference.attributes(reading), langfuse.usage_details(reading), langfuse.cost_details(reading))
    errors = [text for inner in reading.calls if isinstance(inner.error, BaseException) for text in all_of(inner.error)]
    return f"{reading!r} {reading.to_json()} {reading.metrics} {exports} {errors}"


def shows_text(seen: str) -> bool:
    return MARK in seen


def shows_tokens(reading: unimeter.Reading | UnimeterError) -> bool:
    usages = [inner.usage for inner in (reading, *reading.calls, *reading.parts)] if isinstance(reading, unimeter.Reading) else []
    return any(str(token) in str(usages) for token in TOKENS)


def payloads(fixture: Fixture) -> Iterator[Any]:
    """A fixture with the marker, in the forms that are read by different ways."""
    changed = fixture.model_copy(
        update={"response": marked(fixture.response), "events": None if fixture.events is None else marked(fixture.events)}
    )
    yield changed.bytes()
    data = changed.events if fixture.is_stream else changed.response
    yield data
    yield objects(data)


def test_no_text_of_any_fixture_is_in_its_reading() -> None:
    changed = []
    for fixture in FIXTURES.values():
        if fixture.body is not None:
            continue
        expected = outcome(lambda fixture=fixture: reading_of(fixture, fixture.bytes()))  # type: ignore[misc]
        for payload in payloads(fixture):
            again = outcome(lambda fixture=fixture, payload=payload: reading_of(fixture, payload))  # type: ignore[misc]
            assert not shows_text(seen_of(again)), f"{fixture.name}: {seen_of(again)[:2000]}"
            assert not shows_tokens(again), f"{fixture.name}: {seen_of(again)[:2000]}"
            changed += [fixture.name] * (getattr(again, "told", None) != getattr(expected, "told", None))
    assert set(changed) == {
        "langchain/stream_adds",  # it adds whatever stands in the details, and refuses what is no count
        "pydantic_ai/missing",  # figures that are added, where there are none
        "openai_agents/missing",
    }


def test_no_text_in_place_of_a_number_is_in_the_error() -> None:
    refused = 0
    for fixture in FIXTURES.values():
        for path in paths_of_numbers(fixture.response):
            again = outcome(lambda fixture=fixture, path=path: reading_of(fixture, replaced(fixture.response, path)))  # type: ignore[misc]
            assert not shows_text(seen_of(again)), f"{fixture.name} {path}: {seen_of(again)[:2000]}"
            refused += isinstance(again, MalformedUsage)
    assert refused > 900


def paths_of_numbers(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value[:3]) if isinstance(value, list) else ()
    for name, item in items:
        if isinstance(item, (int, float)) and not isinstance(item, bool):
            yield from [(*path, name)] if name not in read_names() else ()
        else:
            yield from paths_of_numbers(item, (*path, name))


def replaced(value: Any, path: tuple[Any, ...]) -> Any:
    """The same with the marker at a path."""
    if not path:
        return MARK
    copied = value.copy()
    copied[path[0]] = replaced(value[path[0]], path[1:])
    return copied


STREAMS = [
    "ollama/stream",
    "openai_chat/stream",
    "anthropic_claude/stream",
    "aws_bedrock/invoke_titan_stream",
    "aws_bedrock/invoke_llama_stream",
    "llamacpp/completion_stream_cached",
]


@pytest.mark.parametrize("name", STREAMS)
def test_no_text_of_a_watched_stream_is_kept(name: str) -> None:
    fixture = FIXTURES[name]
    payload, events, _ = payloads(fixture)
    for chunks in (events, [payload[at : at + 37] for at in range(0, len(payload), 37)]):
        stream = unimeter.watch(iter(chunks), fixture.wire.provider, url=fixture.url)
        assert sum(1 for _ in stream) == len(chunks)
        assert not shows_text(seen_of(stream.reading))


@pytest.mark.parametrize("name", [*STREAMS, "ollama/generate", "aws_bedrock/invoke_titan", "huggingface/tgi_generate"])
def test_no_text_of_a_captured_call_is_kept(name: str, caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    fixture = FIXTURES[name]
    body = next(payloads(fixture))

    def answer(request: httpx.Request) -> httpx.Response:
        content = body[: len(body) // 2] if request.url.query else body
        return httpx.Response(200, headers={"content-type": fixture.wire.content_type, "x-secret": MARK}, content=content)

    session = Session()
    url = f"https://{fixture.wire.host or 'localhost'}{fixture.wire.path}"
    with (
        caplog.at_level(logging.DEBUG, "unimeter"),
        httpx.Client(transport=httpx.MockTransport(answer)) as client,
        record(tmp_path, hosts={"localhost": "llama.cpp"}) as recording,
        unimeter.capture(session=session, hosts={"localhost": "llama.cpp"}) as run,
    ):
        for query in ("", "?cut=1"):
            client.post(f"{url}{query}", json={"prompt": MARK})
    assert run.metrics.total_tokens
    written = "".join(file.read_text() for file in tmp_path.iterdir())
    assert written
    seen = (repr(run), str(run), run.messages, run.metrics, run.metrics.to_json(), session.to_json(), repr(session), str(session))
    for given in (seen, vars(recording), written, caplog.text, [vars(one) for one in caplog.records]):
        assert not shows_text(str(given)), str(given)


def test_a_failure_of_ours_is_logged_without_what_it_says(caplog: pytest.LogCaptureFixture) -> None:
    """Nor are its frames in the record: some handlers show what stands in them."""

    @unharmed
    def fails() -> None:
        raise ValueError(MARK) from KeyError(MARK)

    fails()
    said = caplog.records[0]
    assert MARK not in caplog.text
    assert said.exc_info is None
    assert "ValueError" in caplog.text
    assert "test_no_text_kept.py" in caplog.text


def test_errors_in_a_reading_hold_no_frames() -> None:
    bad = {"object": "response", "usage": {"input_tokens": MARK}}
    pages = ([{"object": "response", "usage": {"input_tokens": 1}}], [bad])
    lines = [
        {"custom_id": str(at), "response": {"status_code": 200, "body": {"object": "list", "data": page}}}
        for at, page in enumerate(pages)
    ]
    reading = unimeter.read(lines)
    error = reading.calls[1].error
    assert isinstance(error, MalformedUsage)
    assert (error.__traceback__, error.__context__, error.__cause__) == (None, None, None)
    assert MARK not in seen_of(reading)


UNREADABLE = (
    b'{"object": "chat.completion", "usage": {"prompt_tokens": 1}, "text": "the violets are blue',
    b'data: {"text": "the violets are blue\n\ndata: {"text": "the violets are blue"}\n\n',
    b"the violets are blue",
    {MARK: 1, "text": MARK},
    [{MARK: {MARK: 1}}],
    [MARK],
    MARK,
)


def test_no_text_of_what_cannot_be_read_is_in_the_error() -> None:
    for payload in UNREADABLE:
        for provider in (None, "ollama"):
            with pytest.raises(UnimeterError) as raised:
                unimeter.read(payload, provider)
            assert not shows_text("".join(all_of(raised.value)))


def test_a_text_in_place_of_a_provider_is_not_in_the_error() -> None:
    with pytest.raises(UnknownProvider) as raised:
        unimeter.read(ANSWER, f"{MARK} " * 5)
    assert MARK not in str(raised.value)


def test_a_stream_that_fails_keeps_neither_texts_nor_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any) -> None:
        try:
            raise KeyError(MARK)
        except KeyError:
            raise ValueError(MARK)  # noqa: B904  # the context is part of the case

    stream = unimeter.watch(iter([{"object": "chat.completion.chunk", "choices": []}]))
    monkeypatch.setattr("unimeter.watching.Hearing.holds_content", fails)
    assert len([*stream]) == 1
    with pytest.raises(MalformedUsage, match="ValueError") as raised:
        _ = stream.reading
    assert MARK not in "".join(all_of(raised.value))


# what is kept of a usage -----------------------------------------------------------------------------------------------

ROOTS: list[tuple[dict[str, Any] | list[Any], Any]] = [
    (
        {"model": "l", "response": MARK, "context": TOKENS, "done": True, "prompt_eval_count": 4, "eval_count": 6, "total": 5},
        {"model": "l", "done": True, "prompt_eval_count": 4, "eval_count": 6, "total": 5},
    ),
    (
        {
            "model": "l",
            "message": {"content": "42", "tool_calls": [{"function": {"arguments": {"account": 12345}}}]},
            "done": True,
            "prompt_eval_count": 4,
            "eval_count": 6,
        },
        {"model": "l", "done": True, "prompt_eval_count": 4, "eval_count": 6},
    ),
    (
        {
            "tokens_predicted": 5,
            "tokens_evaluated": 7,
            "prompt": MARK,
            "tokens": TOKENS,
            "timings": {"prompt_n": 7, "note": MARK},
        },
        {"tokens_predicted": 5, "tokens_evaluated": 7, "timings": {"prompt_n": 7}},
    ),
    (
        {"inputTextTokenCount": 5, "results": [{"tokenCount": 3, "outputText": "42", "x": 1}], "other": {"x": 1}},
        {"inputTextTokenCount": 5, "results": [{"tokenCount": 3, "x": 1}]},
    ),
    (
        {"generated_text": MARK, "details": {"generated_tokens": 5, "seed": 3, "tokens": [{"id": 314, "text": MARK}]}},
        {"generated_tokens": 5, "seed": 3},
    ),
    (
        {"model_id": "g", "results": [{"generated_text": "42", "generated_token_count": 5, "input_token_count": 3}]},
        {"model_id": "g", "results": [{"generated_token_count": 5, "input_token_count": 3}]},
    ),
    (
        {"completions": [{"completion": MARK}], "num_tokens_generated": 2, "num_tokens_prompt_total": 3},
        {"num_tokens_generated": 2, "num_tokens_prompt_total": 3},
    ),
    (
        {"key": "1", "response": {"candidates": [], "usageMetadata": {"promptTokenCount": 3, "x": [MARK]}}, "request": MARK},
        [{"promptTokenCount": 3}],
    ),
]


@pytest.mark.parametrize(("payload", "usage"), ROOTS)
def test_of_a_body_only_its_own_figures_are_kept(payload: Any, usage: Any) -> None:
    assert unimeter.read(payload).usage == usage


def test_unknown_numbers_of_a_usage_object_are_kept_and_unknown_texts_are_not() -> None:
    usage = {
        "prompt_tokens": 9,
        "completion_tokens": 2,
        "service_tier": "flex",
        "completion_tokens_details": {"note": MARK, "dream_tokens": 1, "reasoning_tokens": None},
        "shards": [{"dream_tokens": 3, "note": MARK}, MARK],
        "token_ids": TOKENS,
        "notes": [MARK],
        "answer": "42",
    }
    assert unimeter.read({**ANSWER, "usage": usage}, "mistral").usage == {
        "prompt_tokens": 9,
        "completion_tokens": 2,
        "service_tier": "flex",
        "completion_tokens_details": {"dream_tokens": 1, "reasoning_tokens": None},
        "shards": [{"dream_tokens": 3}],
    }


def test_a_name_that_may_be_a_text_is_replaced_and_its_figure_kept() -> None:
    first, second = "Where is it?", "Who was she?"
    usage = {"input_tokens": 1, "output_tokens": 2, first: 3, "server_tool_use": {first: 3, second: 4}, "n" * 80: 5}
    reading = unimeter.read({"type": "message", "usage": usage})
    tools = {"name_of_12_characters": 3, "name_of_12_characters_2": 4}
    assert reading.metrics.provider_metrics == {"server_tool_use": tools}
    assert reading.usage == {
        "input_tokens": 1,
        "output_tokens": 2,
        "name_of_12_characters": 3,
        "server_tool_use": tools,
        "name_of_80_characters": 5,
    }


def test_a_tree_keeps_the_texts_that_its_table_names() -> None:
    usage = {
        "input_tokens": 1,
        "output_tokens": 2,
        "iterations": [{"type": "message", "model": "claude-x", "note": MARK, "input_tokens": 1, "output_tokens": 2}],
        "server_tool_use": {
            "web_search_requests": 1,
            "query": MARK,
            "queries": [MARK],
            "pages": [{"title": MARK}],
        },
    }
    reading = unimeter.read({"type": "message", "usage": usage})
    own = {
        "iterations": [{"type": "message", "model": "claude-x", "input_tokens": 1, "output_tokens": 2}],
        "server_tool_use": {"web_search_requests": 1},
    }
    assert reading.metrics.provider_metrics == own
    assert reading.usage["iterations"] == own["iterations"]
    assert not shows_text(seen_of(reading))


def test_no_text_is_printed(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    files = []
    for name in ("ollama/generate", "aws_bedrock/invoke_titan", "huggingface/tgi_generate", "anthropic_claude/server_tool_use"):
        files.append(tmp_path / f"{name.partition('/')[2]}.json")
        files[-1].write_bytes(next(payloads(FIXTURES[name])))
    mistaken = {"source": MARK, "wire": {"host": 5, MARK: MARK}, "response": MARK, "expected": {"provider": 1, "model": [MARK]}}
    for name, body in (("mistaken", mistaken), ("unknown", {MARK: MARK})):
        files.append(tmp_path / f"{name}.json")
        files[-1].write_text(json.dumps(body))
    shown = [Shown.of(source, None, None) for source in sources(map(str, files), None)]
    assert [show(shown) for show in (show_json, show_table)] == [2, 2]
    out, err = capfd.readouterr()
    assert "total_tokens" in out
    assert not shows_text(out + err)
