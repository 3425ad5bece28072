"""Bodies that hold several responses: each is read by itself, and what was cut or failed is shown."""

from __future__ import annotations

import gzip
import json
import random
from typing import Any

import pytest

import unimeter
from unimeter import MalformedUsage, MissingUsage, Reading, Run
from unimeter.reading import FailedRequest
from unimeter.wire.body import inflate


def chat(response_id: str | None = "a", prompt: int = 10, completion: int = 2) -> dict[str, Any]:
    """A whole Chat Completions response."""
    usage = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
    choice = {"index": 0, "message": {"role": "assistant", "content": "x"}, "finish_reason": "stop"}
    return {"id": response_id, "object": "chat.completion", "model": "m", "choices": [choice], "usage": usage}


def line(number: int, body: Any, status: int = 200, error: Any = None) -> dict[str, Any]:
    """A result line of OpenAI's batch API."""
    return {"id": f"b{number}", "custom_id": str(number), "response": {"status_code": status, "body": body}, "error": error}


def lines(values: list[Any]) -> bytes:
    """JSON lines."""
    return b"".join(json.dumps(value).encode() + b"\n" for value in values)


# equal ids --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("response_id", ["fixed", None])
def test_equal_responses_in_one_body_are_one_each(response_id: str | None) -> None:
    bodies = [chat(response_id)] * 40
    for payload in (bodies, lines(bodies), json.dumps(bodies), gzip.compress(lines(bodies))):
        reading = unimeter.read(payload)
        assert (reading.metrics.total_tokens, len(reading.calls), reading.complete) == (480, 40, True)


def test_snapshots_of_one_object_are_one_by_id() -> None:
    usage = {"prompt_tokens": 20, "completion_tokens": 11, "total_tokens": 31}
    polled = {"id": "run_1", "object": "thread.run", "model": "m", "status": "in_progress", "usage": usage}
    assert unimeter.read([polled, {**polled, "status": "completed"}]).metrics.total_tokens == 31


def test_equal_result_lines_are_one_and_warn() -> None:
    one, two = line(1, chat()), line(1, chat(prompt=11))
    reading = unimeter.read(lines([one, one, two]))
    assert (reading.metrics.total_tokens, len(reading.calls), reading.complete) == (25, 2, True)
    assert any("come twice" in warning for warning in reading.odd)
    with pytest.raises(MalformedUsage, match="twice"):
        unimeter.read(lines([one, one]), strict=True)


# cut and broken bodies --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrap", [chat, lambda name: line(int(name), chat(name))])
@pytest.mark.parametrize("broken", range(4))
def test_a_cut_or_broken_line_makes_the_body_incomplete(wrap: Any, broken: int) -> None:
    texts = [json.dumps(wrap(str(number))) for number in range(4)]
    texts[broken] = texts[broken][:-9]
    for payload in ("\n".join(texts), "\n".join(texts) + "\n"):
        reading = unimeter.read(payload)
        assert (reading.metrics.total_tokens, reading.complete) == (36, False)
    assert unimeter.read(texts).complete is False


def test_a_cut_array_and_a_cut_single_body_are_malformed() -> None:
    bodies = [chat("a"), chat("b")]
    for text in (json.dumps(bodies)[:-9], json.dumps(chat())[:-9], json.dumps(chat(), indent=1)[:-9]):
        with pytest.raises(MalformedUsage):
            unimeter.read(text)
    # Printed without indentation, nested objects begin a line: they are no responses of their own.
    with pytest.raises(MalformedUsage):
        unimeter.read('{\n"object": "chat.completion",\n"usage":\n{\n"prompt_tokens": 9,\n"completion_tokens": 2\n},\n"id": "a')


def test_a_gzip_body_without_its_trailer_is_incomplete() -> None:
    for body in (json.dumps(chat()).encode(), lines([chat("a"), chat("b")])):
        assert unimeter.read(gzip.compress(body)).complete is True
        assert unimeter.read(gzip.compress(body)[:-8]).complete is False


def test_pretty_printed_objects_in_a_row_are_read() -> None:
    text = "\n".join(json.dumps(chat(str(number)), indent=2) for number in range(3))
    assert (unimeter.read(text).metrics.total_tokens, unimeter.read(text).complete) == (36, True)
    reading = unimeter.read(text[:-40])
    assert (reading.metrics.total_tokens, reading.complete) == (24, False)


# failed requests --------------------------------------------------------------------------------------------------------

OPENAI_ERROR = {"error": {"message": "violets", "type": "invalid_request_error", "code": None}}


@pytest.mark.parametrize(
    ("failed", "error"),
    [
        (line(9, OPENAI_ERROR, 400), FailedRequest(400, "invalid_request_error")),
        (line(9, None, 500, {"message": "violets"}), FailedRequest(500)),
        (line(9, None, 500), FailedRequest(500)),
        ({"custom_id": "9", "response": None, "error": {"code": "batch_expired"}}, FailedRequest(code="batch_expired")),
        (
            {"custom_id": "9", "result": {"type": "errored", "error": {"error": {"type": "api_error", "message": "violets"}}}},
            FailedRequest(type="api_error"),
        ),
        ({"custom_id": "9", "result": {"type": "expired"}}, FailedRequest(type="expired")),
        ({"recordId": "9", "error": {"errorCode": 400, "errorMessage": "violets"}}, FailedRequest(400, code=400)),
        ({"status": "Bad: violets", "processed_time": "t", "request": {}, "response": {}}, FailedRequest()),
        ({"key": "9", "error": {"code": 429, "message": "violets", "status": "RESOURCE_EXHAUSTED"}}, None),
    ],
)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_failed_request_spoils_nothing(failed: dict[str, Any], error: FailedRequest | None, place: int) -> None:
    good = [line(1, chat("a")), line(2, chat("b"))]
    good.insert(place, failed)
    for payload in (good, lines(good)):
        reading = unimeter.read(payload)
        assert (reading.provider, reading.metrics.total_tokens, reading.complete) == ("OpenAI Chat", 24, True)
        response = reading.calls[place]
        assert response.error == (error or FailedRequest(429, "RESOURCE_EXHAUSTED", 429))
        assert not response.reported
        assert "violets" not in repr(reading) + reading.to_json()


def test_responses_without_usage_say_why() -> None:
    with pytest.raises(MissingUsage, match=r"2 failed \(400 invalid_request_error\), 1 have none"):
        unimeter.read([line(1, OPENAI_ERROR, 400), line(2, OPENAI_ERROR, 400), line(3, None)])


def test_malformed_usage_of_one_response_is_shown() -> None:
    payload = [line(1, chat()), line(2, {**chat("b"), "usage": {"prompt_tokens": "many"}})]
    reading = unimeter.read(payload)
    assert (reading.metrics.total_tokens, reading.complete) == (12, False)
    error = reading.calls[1].error
    assert isinstance(error, MalformedUsage)
    assert error.path.endswith("prompt_tokens")
    assert reading.odd
    with pytest.raises(MalformedUsage, match="prompt_tokens"):
        unimeter.read(payload, strict=True)


# a reading there and back -----------------------------------------------------------------------------------------------


def test_a_reading_survives_json() -> None:
    payload = [line(1, chat()), line(2, {**chat("b"), "usage": {"prompt_tokens": -1}}), line(3, OPENAI_ERROR, 400)]
    reading = unimeter.read(payload)
    again = Reading.from_json(reading.to_json())
    assert again == reading
    assert [type(call.error) for call in again.calls] == [type(None), MalformedUsage, FailedRequest]
    assert again != unimeter.read(payload[:2])


@pytest.mark.parametrize("data", [None, {}, {"provider": 1, "metrics": {}}, {"provider": "x", "metrics": {}, "calls": 3}])
def test_what_is_no_reading_is_refused(data: Any) -> None:
    with pytest.raises(MalformedUsage):
        Reading.from_dict(data)


# wherever a stream is cut -----------------------------------------------------------------------------------------------


def test_a_watched_body_reads_the_same_however_it_is_cut() -> None:
    chunk = {"id": "s", "object": "chat.completion.chunk", "model": "m"}
    events = [
        {**chunk, "choices": [{"index": 0, "delta": {"content": "a: {"}, "finish_reason": None}]},
        {**chunk, "choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}},
    ]
    body = b": ping\n\n" + b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events) + b"data: [DONE]\n\n"
    chance = random.Random(1)
    for count in (1, 2, 3, 8) * 100:
        cuts = sorted(chance.choices(range(len(body)), k=count))
        stream = unimeter.watch(iter([body[one:two] for one, two in zip([0, *cuts], [*cuts, len(body)], strict=True)]))
        list(stream)
        reading = stream.reading
        assert (reading.metrics.total_tokens, reading.complete) == (10, True)


# bounded work -----------------------------------------------------------------------------------------------------------


def test_gzip_members_are_inflated_without_copying_the_rest_each_time() -> None:
    """What follows a member is copied by zlib: at most a slice of it."""
    one = gzip.compress(b"x")
    for members in (1_000, 4_000):
        assert inflate(one * members) == (b"x" * members, True)


def test_text_that_is_no_utf8_is_refused_as_ours() -> None:
    with pytest.raises(unimeter.UnimeterError):
        unimeter.read(["\ud800"])
    with Run() as run, pytest.raises(unimeter.UnimeterError):
        run.record(["\udcff", "x"])


def test_lines_without_the_blank_ones_are_events_as_they_come() -> None:
    chunk = {"id": "s", "object": "chat.completion.chunk", "model": "m", "choices": []}
    events = [{**chunk, "usage": {"prompt_tokens": 7, "completion_tokens": n, "total_tokens": 7 + n}} for n in (1, 2, 3)]
    stream = unimeter.watch(iter([f"data: {json.dumps(event)}" for event in events]))
    seen = []
    for _ in stream:
        try:
            seen.append(stream.reading.metrics.output_tokens)
        except MissingUsage:  # one chunk alone may be a piece
            seen.append(0)
    assert (seen, stream.reading.metrics.output_tokens) == ([0, 2, 3], 3)


def test_a_failed_request_that_is_recorded_alone_is_no_call() -> None:
    failed = {"custom_id": "a", "response": {"status_code": 400, "body": {"error": {"type": "invalid"}}}}
    silent = {"custom_id": "b", "response": {"status_code": 200, "body": {"object": "chat.completion", "choices": []}}}
    for lines, calls in (
        ([failed], 0),
        ([failed, failed], 0),
        ([failed, silent], 1),
        ([silent, {**silent, "custom_id": "c"}], 2),
    ):
        run = Run()
        assert run.record("\n".join(map(json.dumps, lines))) is None
        assert (run.metrics.additional_metrics or {}).get("calls_without_usage", 0) == calls
