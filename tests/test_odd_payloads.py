"""What providers really send and was once misread: wrong names, figures outside of others, pages of responses."""

from __future__ import annotations

from typing import Any

import pytest

import unimeter
from unimeter import MalformedUsage, MissingUsage, Run
from unimeter.reading import FailedRequest

VERTEX = "https://us-east5-aiplatform.googleapis.com/v1/projects/p/locations/us-east5/publishers"
CLAUDE = {"id": "msg_vrtx_1", "type": "message", "role": "assistant", "model": "claude-x", "content": []}
CHAT = {"object": "chat.completion", "model": "m", "choices": []}
STEP = {"id": "step_1", "object": "thread.run.step", "run_id": "run_1", "type": "message_creation"}
RUN = {"id": "run_1", "object": "thread.run", "model": "gpt-4o", "status": "completed"}
USED = {"prompt_tokens": 20, "completion_tokens": 11, "total_tokens": 31}


def figures(raw: Any, provider: str | None = None, *, url: str | None = None) -> tuple[str, int, int, int]:
    reading = unimeter.read(raw, provider, url=url)
    return reading.provider, reading.metrics.input_tokens, reading.metrics.output_tokens, reading.unaccounted


@pytest.mark.parametrize("method", ["rawPredict", "streamRawPredict"])
def test_claude_on_vertex_is_anthropics(method: str) -> None:
    body = {**CLAUDE, "usage": {"input_tokens": 10, "output_tokens": 5}}
    url = f"{VERTEX}/anthropic/models/claude-x@1:{method}"
    assert figures(body, url=url) == ("Anthropic", 10, 5, 0)
    with pytest.raises(MissingUsage) as counted:
        unimeter.read({"input_tokens": 14}, url=f"{VERTEX}/anthropic/models/count-tokens:rawPredict")
    assert (counted.value.provider, counted.value.due) == ("Anthropic", False)


def test_the_publisher_in_a_vertex_url_is_the_provider() -> None:
    chat = {**CHAT, "usage": USED}
    assert figures(chat, url=f"{VERTEX}/mistralai/models/mistral-large:rawPredict")[0] == "Mistral"
    assert figures(chat, url=f"{VERTEX}/google/models/gemini-x:generateContent")[0] == "Google Gemini"
    assert figures(chat, url=f"{VERTEX}/nobody/models/x:rawPredict")[0] == "Google Gemini"


def test_a_cache_outside_the_prompt_is_added_where_the_total_proves_it() -> None:
    """As gateways that put Anthropic's counts into OpenAI's names send it."""
    cache = {"cache_read_input_tokens": 1000, "cache_creation_input_tokens": 5}
    outside = {"prompt_tokens": 10, "completion_tokens": 20, "total_tokens": 1035, **cache}
    assert figures({**CHAT, "usage": outside}, "portkey") == ("Portkey", 1015, 20, 0)
    inside = {"prompt_tokens": 1010, "completion_tokens": 20, "total_tokens": 1030, **cache}
    assert figures({**CHAT, "usage": inside}, "portkey") == ("Portkey", 1010, 20, 0)


@pytest.mark.parametrize("usage", [{"total_tokens": 182}, {"prompt_tokens": None, "total_tokens": 182}])
@pytest.mark.parametrize("body", [CHAT, {"choices": None, "base_resp": {"status_code": 1008}}, {"object": "response"}])
def test_a_total_alone_says_nothing_of_the_input(body: dict[str, Any], usage: dict[str, Any]) -> None:
    with pytest.raises(MissingUsage):
        unimeter.read({**body, "usage": usage})


def test_of_embeddings_it_does() -> None:
    body = {"object": "list", "data": [{"object": "embedding", "embedding": []}], "usage": {"total_tokens": 7}}
    assert figures(body) == ("OpenAI Chat", 7, 0, 0)
    assert figures({"total_tokens": 7}, "voyage") == ("Voyage", 7, 0, 0)


def test_a_gateways_word_is_no_routers_mark() -> None:
    body = {**CHAT, "provider": "anthropic", "usage": USED}
    assert figures(body)[0] == "OpenAI Chat"
    assert figures({**body, "id": "gen-1762"})[0] == "OpenRouter"


def test_what_copilot_passes_on_of_azure_is_copilots() -> None:
    body = {"choices": [], "model": "m", "usage": USED, "prompt_filter_results": []}
    assert figures({**body, "copilot_usage": {"total_nano_aiu": 2}})[0] == "GitHub Copilot"
    assert figures(body)[0] == "OpenAI Chat"  # an older one
    assert figures({**body, "object": "chat.completion"})[0] == "Azure OpenAI"


def test_a_step_belongs_to_its_run() -> None:
    step, run = {**STEP, "usage": USED}, {**RUN, "usage": USED}
    assert figures(step) == ("OpenAI Chat", 20, 11, 0)
    reading = unimeter.read([step, run])
    assert (reading.id, reading.model, reading.metrics.total_tokens, reading.calls) == ("run_1", "gpt-4o", 31, ())


def test_steps_are_calls_of_their_own_until_their_run_is_told() -> None:
    steps = [{**STEP, "id": "step_1", "usage": USED}, {**STEP, "id": "step_2", "usage": USED}]
    run = Run()
    for step in steps:
        run.record(step)
    assert run.metrics.total_tokens == 62
    reading = unimeter.read([steps[0], *steps])  # each step is told again when it ends
    assert (reading.metrics.total_tokens, reading.complete) == (62, False)
    events = [
        {"event": "thread.run.step.completed", "data": steps[0]},
        {"event": "thread.run.completed", "data": {**RUN, "usage": USED}},
    ]
    reading = unimeter.read(events)
    assert (reading.id, reading.metrics.total_tokens, reading.complete) == ("run_1", 31, True)


def test_a_bad_figure_of_a_step_is_in_no_sum() -> None:
    bad = {**STEP, "id": "step_2", "usage": {**USED, "prompt_tokens": -1}}
    with pytest.raises(MalformedUsage):
        unimeter.read([{**STEP, "usage": USED}, bad])


def test_a_mark_is_of_its_own_response_alone() -> None:
    copilots = {**CHAT, "id": "a", "usage": USED, "copilot_usage": {"total_nano_aiu": 2}}
    mine = {**CHAT, "id": "b", "usage": USED}
    for pair in ([copilots, mine], [mine, copilots]):
        assert {call.id: call.provider for call in unimeter.read(pair).calls} == {"a": "GitHub Copilot", "b": "OpenAI Chat"}
    line = {"recordId": "1", "modelOutput": {**CLAUDE, "usage": {"input_tokens": 17, "output_tokens": 33}}}
    other = {"custom_id": "2", "response": {"body": mine}}
    failed = {"recordId": "3", "error": {"errorCode": 400}}
    for lines in ([line, other, failed], [failed, other, line]):
        calls = unimeter.read(lines).calls
        assert {call.provider for call in calls if call.reported} == {"AWS Bedrock", "OpenAI Chat"}
        assert [call.error for call in calls if not call.reported] == [FailedRequest(400, code=400)]


def test_one_response_of_a_page_may_be_on_its_way() -> None:
    page = {"object": "list", "data": [{**RUN, "usage": USED}, {**RUN, "id": "run_2", "status": "in_progress", "usage": None}]}
    reading = unimeter.read(page)
    assert (reading.metrics.total_tokens, reading.complete) == (31, False)


def test_a_page_of_what_is_kept_is_read_response_by_response() -> None:
    page = {"object": "list", "data": [{**RUN, "usage": USED}, {**RUN, "id": "run_2", "usage": USED}], "has_more": False}
    reading = unimeter.read(page)
    assert (reading.metrics.total_tokens, [call.id for call in reading.calls]) == (62, ["run_1", "run_2"])


def test_a_batchs_line_says_whose_it_is() -> None:
    line = {"recordId": "1", "modelInput": {}, "modelOutput": {**CLAUDE, "usage": {"input_tokens": 17, "output_tokens": 33}}}
    assert figures(line) == ("AWS Bedrock", 17, 33, 0)
    gemini = {"candidates": [{"finishReason": "STOP"}], "usageMetadata": {"promptTokenCount": 6, "candidatesTokenCount": 5}}
    assert figures({"status": "", "processed_time": "t", "request": {}, "response": gemini}) == ("Google Gemini", 6, 5, 0)


def test_vectors_are_no_usage() -> None:
    with pytest.raises(MissingUsage):
        unimeter.read({"embeddings": [[0.1]], "response_type": "embeddings_floats"}, "bedrock")


def test_mistral_transcribes_a_stream_of_sound() -> None:
    usage = {"prompt_tokens": 7, "completion_tokens": 9, "total_tokens": 16, "prompt_audio_seconds": 12}
    begun = {"type": "session.created", "session": {"request_id": "r", "model": "voxtral"}}
    reading = unimeter.read([begun, {"type": "transcription.done", "model": "voxtral", "text": "", "usage": usage}])
    assert (reading.provider, reading.complete, reading.metrics.provider_metrics) == (
        "Mistral",
        True,
        {"prompt_audio_seconds": 12},
    )


def test_gemini_may_tell_a_turns_usage_after_its_end() -> None:
    said = {"serverContent": {"modelTurn": {"parts": [{"text": "a"}]}}}
    usage = {"usageMetadata": {"promptTokenCount": 25, "responseTokenCount": 5, "totalTokenCount": 30}}
    ends = {"serverContent": {"turnComplete": True}}
    for events in ([said, ends, usage], [said, usage, ends]):
        reading = unimeter.read(events)
        assert (reading.metrics.total_tokens, reading.complete) == (30, True)


def test_a_live_session_may_begin_with_a_tools_call() -> None:
    called = {"toolCall": {"functionCalls": []}, "usageMetadata": {"promptTokenCount": 13, "totalTokenCount": 13}}
    ends = {"serverContent": {"turnComplete": True}, "usageMetadata": {"promptTokenCount": 12, "totalTokenCount": 12}}
    assert figures([called, ends])[:2] == ("Google Gemini", 12)


@pytest.mark.parametrize(
    ("provider", "usage"),
    [
        ("anthropic", {"input_tokens": 5, "output_tokens": 1, "cache_read_input_tokens": -1}),
        ("openai", {"prompt_tokens": 5, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": "3"}}),
        ("groq", {"prompt_tokens": 5, "completion_tokens": 1, "prompt_tokens_details": "3"}),
        ("openai-responses", {"input_tokens": 5, "output_tokens": 1, "input_tokens_details": {"cached_tokens": 1.5}}),
        ("xai", {"prompt_tokens": 5, "completion_tokens": 1, "completion_tokens_details": {"reasoning_tokens": -1}}),
    ],
)
def test_a_usage_alone_with_a_bad_figure_is_read_in_nobodys_words(provider: str, usage: dict[str, Any]) -> None:
    with pytest.raises(MalformedUsage):
        unimeter.read(usage, provider)


def test_a_finish_reason_makes_no_gateway() -> None:
    usage = {"input_tokens": 10, "output_tokens": 5, "cache_read_input_tokens": 100}
    assert figures({"content": [], "finishReason": "stop", "usage": usage}) == ("Anthropic", 110, 5, 0)
    assert figures({"type": "finish", "usage": usage}, "anthropic") == ("Anthropic", 110, 5, 0)


def test_a_users_id_beside_a_response_makes_no_batch() -> None:
    body = {"model": "m", "prompt_eval_count": 3, "eval_count": 4, "done": True, "custom_id": "mine", "processed_time": "t"}
    for raw in (body, [body]):
        assert figures(raw) == ("Ollama", 3, 4, 0)


def test_a_response_that_was_steered_away_from_is_billed_as_well() -> None:
    """Over a WebSocket: it ends incomplete, and another takes its place."""

    def ended(name: str, how: str, read: int, generated: int) -> dict[str, Any]:
        usage = {"input_tokens": read, "output_tokens": generated, "total_tokens": read + generated}
        return {"type": f"response.{how}", "response": {"id": name, "object": "response", "model": "m", "usage": usage}}

    events = [ended("a", "incomplete", 10, 3), ended("b", "completed", 15, 7)]
    watched = unimeter.watch(iter(events))
    assert list(watched) == events
    for reading in (unimeter.read(events), watched.reading):
        assert reading is not None
        assert [(call.id, call.metrics.total_tokens) for call in reading.calls] == [("a", 13), ("b", 22)]


def test_what_goes_on_after_an_end_is_not_whole() -> None:
    """Another choice, or the response that took another's place."""
    usage = {"input_tokens": 10, "output_tokens": 3, "total_tokens": 13}
    response = {"id": "a", "object": "response", "model": "m", "usage": usage}
    steered = {"type": "response.incomplete", "response": response}
    assert unimeter.read([steered]).complete
    assert not unimeter.read([steered, {"type": "response.output_text.delta", "delta": "He"}]).complete

    def said(choice: int, text: str, reason: str | None) -> dict[str, Any]:
        choices = [{"index": choice, "delta": {"content": text}, "finish_reason": reason}]
        return {"object": "chat.completion.chunk", "model": "m", "choices": choices, "usage": USED}

    chunks = [said(0, "a", None), said(1, "b", None), said(0, "", "stop"), said(1, "c", None)]
    assert not unimeter.read(chunks).complete
    assert unimeter.read([*chunks, said(1, "", "stop")]).complete
