"""Realtime sessions: several answers, what was heard, and ends that never came."""

from __future__ import annotations

from typing import Any

import unimeter
from unimeter import Reading, Run

BEGUN = {"type": "session.created", "event_id": "0", "session": {"object": "realtime.session", "model": "gpt-realtime"}}
SPOKEN = {"type": "response.output_audio.delta", "event_id": "1", "delta": "aGVsbG8="}


def created(name: str) -> dict[str, Any]:
    response = {"object": "realtime.response", "id": name, "usage": None}
    return {"type": "response.created", "event_id": f"created {name}", "response": response}


def done(name: str, read: int, generated: int) -> dict[str, Any]:
    usage = {"input_tokens": read, "output_tokens": generated, "total_tokens": read + generated}
    return {
        "type": "response.done",
        "event_id": f"done {name}",
        "response": {"object": "realtime.response", "id": name, "usage": usage},
    }


def heard(usage: dict[str, Any]) -> dict[str, Any]:
    return {"type": "conversation.item.input_audio_transcription.completed", "event_id": "2", "usage": usage}


HEARD = heard({"type": "tokens", "input_tokens": 13, "output_tokens": 9, "total_tokens": 22})
HEARD_LONG = heard({"type": "duration", "seconds": 3.2})


def figures(reading: Reading) -> tuple[int, int, bool]:
    return reading.metrics.input_tokens, reading.metrics.output_tokens, reading.complete


def test_each_answer_is_a_call() -> None:
    """Each counts the conversation so far again, and is billed for it."""
    reading = unimeter.read([BEGUN, created("a"), SPOKEN, done("a", 100, 20), created("b"), SPOKEN, done("b", 150, 30)])
    assert figures(reading) == (250, 50, True)
    assert [(call.id, call.model, figures(call)) for call in reading.calls] == [
        ("a", "gpt-realtime", (100, 20, True)),
        ("b", "gpt-realtime", (150, 30, True)),
    ]
    run = Run()
    run.record(reading)
    assert (run.metrics.input_tokens, run.metrics.additional_metrics["calls"]) == (250, 2)


def test_an_answer_that_comes_twice_is_one() -> None:
    assert figures(unimeter.read([BEGUN, done("a", 100, 20), done("a", 100, 20)])) == (100, 20, True)


def test_an_answer_that_did_not_end() -> None:
    assert figures(unimeter.read([BEGUN, created("a"), done("a", 100, 20), created("b"), SPOKEN])) == (100, 20, False)


def test_what_was_heard_is_another_models() -> None:
    reading = unimeter.read([BEGUN, created("a"), HEARD, done("a", 100, 20), HEARD_LONG, done("b", 150, 30)])
    assert figures(reading) == (250, 50, True)
    tokens, seconds = reading.parts
    assert (figures(tokens), tokens.model) == ((13, 9, True), None)
    assert (figures(seconds), seconds.metrics.provider_metrics) == ((0, 0, True), {"seconds": 3.2})
    assert seconds.metrics.duration is None
    assert figures(unimeter.read([HEARD, HEARD_LONG])) == (13, 9, True)


def test_a_session_that_is_watched() -> None:
    events = [BEGUN, created("a"), SPOKEN, SPOKEN, HEARD, done("a", 100, 20), created("b"), SPOKEN, done("b", 150, 30)]
    stream = unimeter.watch(iter(events))
    assert list(stream) == events
    watched, whole = stream.reading, unimeter.read(events)
    assert (figures(watched), watched.calls, watched.parts) == (figures(whole), whole.calls, whole.parts)


def live(read: int, generated: int, **more: Any) -> dict[str, Any]:
    usage = {"promptTokenCount": read, "responseTokenCount": generated, "totalTokenCount": read + generated}
    return {"serverContent": more or {"modelTurn": {}}, "usageMetadata": usage}


def test_gemini_tells_each_turn_and_repeats_itself_within_one() -> None:
    turn = [live(20, 3), live(20, 10), live(20, 10, turnComplete=True)]
    assert figures(unimeter.read(turn)) == (20, 10, True)
    assert figures(unimeter.read([*turn, live(50, 12, turnComplete=True)])) == (70, 22, True)
    assert figures(unimeter.read([*turn, live(50, 5)])) == (70, 15, False)


def test_xai_tells_it_beside_the_response() -> None:
    told = done("a", 10, 277)
    usage = told["response"]["usage"] | {"output_audio_seconds": 5.134, "billable_audio_seconds": 3}
    told = {**told, "response_id": "a", "response": {**told["response"], "usage": {}}, "usage": usage}
    reading = unimeter.read(told)
    assert (reading.provider, reading.id, figures(reading)) == ("xAI", "a", (10, 277, True))
