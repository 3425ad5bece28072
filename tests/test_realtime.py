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
    for events in ([HEARD, done("a", 100, 20)], [HEARD, BEGUN, done("a", 100, 20)], [BEGUN, done("a", 100, 20), HEARD]):
        reading = unimeter.read(events)
        assert (figures(reading), len(reading.parts)) == ((100, 20, True), 1)


def test_a_run_counts_what_was_heard() -> None:
    for events in ([BEGUN, HEARD, done("a", 100, 20)], [BEGUN, done("a", 60, 10), HEARD, done("b", 40, 10)]):
        run = Run()
        run.record(events)
        assert (run.metrics.input_tokens, run.metrics.output_tokens) == (113, 29)


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
    assert figures(unimeter.read([*turn, {"serverContent": {"modelTurn": {"parts": []}}}])) == (20, 10, False)


def test_xai_tells_it_beside_the_response() -> None:
    told = done("a", 10, 277)
    usage = told["response"]["usage"] | {"output_audio_seconds": 5.134, "billable_audio_seconds": 3}
    told = {**told, "response_id": "a", "response": {**told["response"], "usage": {}}, "usage": usage}
    reading = unimeter.read(told)
    assert (reading.provider, reading.id, figures(reading)) == ("xAI", "a", (10, 277, True))


def test_an_answer_that_is_told_again_later_is_one() -> None:
    assert figures(unimeter.read([done("a", 100, 20), done("b", 150, 30), done("a", 100, 20)])) == (250, 50, True)
    assert len(unimeter.read([HEARD, done("a", 100, 20), HEARD]).parts) == 1


def test_a_session_may_change_its_model() -> None:
    other = {**BEGUN, "type": "session.updated", "session": {"model": "gpt-other"}}
    reading = unimeter.read([BEGUN, done("a", 1, 1), other, done("b", 2, 2), done("c", 3, 3)])
    assert [call.model for call in reading.calls] == ["gpt-realtime", "gpt-other", "gpt-other"]


def test_what_was_heard_may_be_all() -> None:
    assert figures(unimeter.read([BEGUN, HEARD, HEARD_LONG])) == (13, 9, True)
    assert figures(unimeter.read([BEGUN, created("a"), HEARD])) == (13, 9, False)


def test_responses_by_themselves() -> None:
    assert figures(unimeter.read([done("a", 100, 20)["response"], done("b", 150, 30)["response"]])) == (250, 50, True)


def test_an_event_id_is_nobodys_mark() -> None:
    message = {"type": "message", "event_id": "x", "id": "m", "model": "claude"}
    usage = {"input_tokens": 3, "output_tokens": 2, "cache_read_input_tokens": 50, "cache_creation_input_tokens": 7}
    assert figures(unimeter.read(message | {"usage": usage})) == (60, 2, True)
    response = {"object": "response", "id": "r", "model": "m", "service_tier": "default"}
    usage = {"input_tokens": 5, "output_tokens": 2, "total_tokens": 7}
    stream = [
        {"type": "response.created", "event_id": "1", "response": response | {"usage": None}},
        {"type": "response.completed", "event_id": "2", "response": response | {"usage": usage}},
    ]
    reading = unimeter.read(stream)
    assert (figures(reading), reading.metrics.provider_metrics) == ((5, 2, True), {"service_tier": "default"})


def test_gemini_tells_usage_in_events_of_any_kind() -> None:
    usage = {"promptTokenCount": 10, "responseTokenCount": 2, "totalTokenCount": 12}
    for bare in ({"usageMetadata": usage}, {"toolCall": {}, "usageMetadata": usage}):
        assert figures(unimeter.read([{"serverContent": {"modelTurn": {}}}, bare, live(10, 5, turnComplete=True)])) == (
            10,
            5,
            True,
        )


def test_the_last_answer_says_how_much_of_the_context_is_used() -> None:
    """More was billed: each answer counts again what was said before. A run adds the calls, and not the context."""
    reading = unimeter.read([BEGUN, done("a", 100, 20), done("b", 150, 30)])
    assert (reading.metrics.provider_metrics or {})["context_tokens"] == 150
    assert [call.metrics.provider_metrics for call in reading.calls] == [None, None]


def test_a_first_answer_that_was_cancelled_takes_nothing_from_the_second() -> None:
    """Neither the session's model nor its dialect, which an event that only begins an answer does not tell."""
    cancelled = {"type": "response.done", "response": {"id": "a", "status": "cancelled", "usage": None}}
    begun = {"type": "response.created", "response": {"id": "b"}}
    second = done("b", 100, 20)
    second["response"]["usage"]["input_token_details"] = {"cached_tokens": 64}
    reading = unimeter.read([BEGUN, created("a"), cancelled, begun, second])
    assert (reading.model, figures(reading), reading.metrics.cache_read_tokens) == ("gpt-realtime", (100, 20, False), 64)


def cancelled(name: str) -> dict[str, Any]:
    response = {"object": "realtime.response", "id": name, "status": "cancelled", "usage": None}
    return {"type": "response.done", "event_id": f"done {name}", "response": response}


def test_an_answer_has_its_own_id_and_not_that_of_one_before_it_that_was_cancelled() -> None:
    for events in ([BEGUN, cancelled("b"), done("c", 30, 7)], [BEGUN, done("c", 30, 7), cancelled("b")]):
        reading = unimeter.read(events)
        assert ([call.id for call in reading.calls], figures(reading)) == (["c"], (30, 7, False))
    events = [BEGUN, done("a", 10, 5), cancelled("b"), done("c", 30, 7), done("d", 40, 7), done("c", 30, 7)]
    assert [(call.id, call.metrics.total_tokens) for call in unimeter.read(events).calls] == [("a", 15), ("c", 37), ("d", 47)]
    run = Run()
    run.record([BEGUN, done("a", 10, 5), cancelled("b"), done("c", 30, 7)])
    run.record([BEGUN, done("c", 30, 7)])
    assert run.metrics.total_tokens == 89  # two observations on one channel are two calls


def test_an_answer_that_is_told_again_keeps_its_model() -> None:
    changed = {"type": "session.updated", "event_id": "3", "session": {"model": "gpt-realtime-mini"}}
    reading = unimeter.read([BEGUN, done("a", 10, 5), changed, done("b", 11, 5), done("a", 10, 5)])
    assert [(call.id, call.model) for call in reading.calls] == [("a", "gpt-realtime"), ("b", "gpt-realtime-mini")]


def test_a_turn_without_usage_takes_none_from_the_next() -> None:
    ends = {"serverContent": {"turnComplete": True}}
    says = {"serverContent": {"modelTurn": {"parts": [{"text": "a"}]}}}
    so_far = {"promptTokenCount": 20, "responseTokenCount": 3, "totalTokenCount": 23}
    in_all = {"promptTokenCount": 20, "responseTokenCount": 6, "totalTokenCount": 26}
    reading = unimeter.read([says, ends, {**says, "usageMetadata": so_far}, {**ends, "usageMetadata": in_all}])
    assert figures(reading) == (20, 6, False)


def test_a_live_session_is_billed_by_seconds_and_what_it_asks_others_by_tokens() -> None:
    usage = {"input_tokens": 100, "output_tokens": 20, "total_tokens": 120}
    response = {"id": "resp_1", "object": "response", "model": "gpt-5.6", "usage": usage}
    delegated = {"type": "response.event", "event_id": "1", "event": {"type": "response.completed", "response": response}}
    seconds = [{"type": "session.usage.updated", "event_id": str(at), "usage": {"seconds": at}} for at in (3, 7)]
    reading = unimeter.read([{"type": "session.started", "session": {"model": "gpt-live-1"}}, *seconds, delegated])
    assert (reading.model, reading.metrics.provider_metrics, reading.complete) == ("gpt-live-1", {"seconds": 7}, False)
    assert [(part.model, figures(part)) for part in reading.parts] == [("gpt-5.6", (100, 20, True))]
