"""What reads many bodies of one form at once reads nothing else: bodies that are changed a little are read as `read` does."""

from __future__ import annotations

import json
import random
import sys
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from typing import Any

import pyarrow as pa
import pytest

import unimeter
from unimeter.batch import bodies, normalize_batch, parts, texts
from unimeter.batch.normalize import bodies_within
from unimeter.registry import registry
from unimeter.shape import conditions

from ..conftest import FIXTURES
from .test_batch import expected, rows_in

pytestmark = pytest.mark.batch

WHOLE = {
    name: fixture.response
    for name, fixture in FIXTURES.items()
    if isinstance(fixture.response, dict) and not fixture.wire.headers and not fixture.expected.error
}


def names_that_matter() -> list[str]:
    """Every name that a table looks for, in both spellings."""
    found: set[str] = set()
    for adapter in registry().adapters:
        steps = [step for leaf in adapter.leaves() for step in leaf.steps]
        steps += [step for text in adapter.shape for condition in conditions(text) for step in condition.steps]
        found |= {name for step in steps for name in (step.name, step.camel) if name}
        found |= {adapter.ready_if, *adapter.first_place.split(".")}
    for marks in registry().marks.values():
        found |= {mark.partition(".")[0] for _, mark, _ in marks}
    return sorted(found - {""})


NAMES = names_that_matter()
VALUES: list[Any] = [
    None,
    0,
    7,
    7.0,
    0.5,
    -1,
    2**63,
    "7",
    "message",
    "",
    True,
    [],
    {},
    [7],
    {"total_cost": 0.1},
    [{"modality": "AUDIO"}],
]


def changed(body: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    """A body with one thing changed: a value, a name that is gone, one that is new or in the other spelling."""
    body = deepcopy(body)
    holders = [body]
    for holder in holders:
        inside = holder.values() if isinstance(holder, dict) else holder
        holders += [one for one in inside if isinstance(one, (dict, list)) and one]
    holder: Any = chance.choice(holders)
    key: Any = chance.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
    what = chance.choice(["value", "gone", "new", "new", "renamed"])
    if isinstance(holder, list) or what == "value":
        holder[key] = chance.choice(VALUES)
    elif what == "gone":
        del holder[key]
    elif what == "renamed":
        holder[chance.choice(NAMES)] = holder.pop(key)
    else:
        holder[chance.choice(NAMES)] = chance.choice(VALUES)
    return body


@pytest.mark.parametrize("name", WHOLE)
def test_a_body_that_is_changed_is_not_taken_for_one_that_is_not(name: str) -> None:
    bodies_within.cache_clear()  # so that the form is that of the first
    chance = random.Random(name)
    raws = [json.dumps(body).encode() for body in (WHOLE[name], *(changed(WHOLE[name], chance) for _ in range(150)), WHOLE[name])]
    rows = rows_in(normalize_batch(pa.record_batch({"response": raws})))
    for raw, row in zip(raws, rows, strict=True):
        assert row == expected(raw), raw


LINES: dict[str, tuple[str, dict[str, Any]]] = {
    "OpenAI": ("openai_chat/plain", {"id": "b", "custom_id": "1", "response": {"status_code": 200, "body": ...}, "error": None}),
    "OpenAI Responses": ("openai_responses/plain", {"custom_id": "1", "response": {"body": ...}}),
    "Anthropic": (
        "anthropic_claude/cached_cache_write_reasoning",
        {"custom_id": "1", "result": {"type": "succeeded", "message": ...}},
    ),
    "Gemini": ("google_gemini/cached_reasoning_audio_in", {"key": "1", "response": ...}),
    "Vertex": ("google_gemini/plain", {"status": "", "processed_time": "2026", "request": {"contents": []}, "response": ...}),
    "Bedrock": ("aws_bedrock/converse_cache", {"recordId": "1", "modelInput": {"max_tokens": 1}, "modelOutput": ...}),
    "xAI": ("openai_chat/plain", {"batch_request_id": "1", "batch_result": {"response": {"chat_get_completion": ...}}}),
}
"""A response, and the result line that each batch API puts it into."""


def _line(around: Any, response: Any) -> Any:
    if around is ...:
        return response
    return {name: _line(value, response) for name, value in around.items()} if isinstance(around, dict) else around


@pytest.mark.parametrize("within", [None, "log"])
@pytest.mark.parametrize("kind", LINES)
def test_result_lines_are_read_by_a_form_if_they_are_like_one_that_was_read(kind: str, within: str | None) -> None:
    bodies_within.cache_clear()
    name, around = LINES[kind]
    chance = random.Random(kind)
    line = _line(around, WHOLE[name])
    others = [_line(around, WHOLE[chance.choice([*WHOLE])]) for _ in range(20)]
    lines = [
        line,
        *(changed(line, chance) for _ in range(300)),
        *(_line(changed(around, chance), WHOLE[name]) for _ in range(300)),
    ]
    raws = [json.dumps(one).encode() for one in [*lines, *others, line]]
    held = raws if within is None else [b'{"at": 1, "log": ' + raw + b"}" for raw in raws]
    rows = rows_in(normalize_batch(pa.record_batch({"response": held}), response=within))
    for raw, row in zip(raws, rows, strict=True):
        assert row == expected(raw if within is None else json.loads(raw)), raw
    (sender,) = bodies_within(within)._senders.values()
    assert any(not form.read(held[0], [0], [len(held[0])], [0], []) for form in sender.forms)


def test_what_was_read_before_changes_nothing() -> None:
    """To the letter: a row is the same whichever came first, by a form or by `read`."""
    raws = [json.dumps(body).encode() for body in WHOLE.values()]
    raws += [json.dumps(dict(sorted(body.items(), reverse=True))).encode() for body in WHOLE.values()]
    raws += [json.dumps(body, sort_keys=True).encode() for body in WHOLE.values()]
    first: dict[bytes, Any] = {}
    chance = random.Random(7)
    for _ in range(4):
        bodies_within.cache_clear()
        chance.shuffle(raws)
        for _ in range(2):
            for raw, row in zip(raws, normalize_batch(pa.record_batch({"response": raws})).to_pylist(), strict=True):
                assert first.setdefault(raw, row) == row


def test_a_form_reads_no_other_body_otherwise() -> None:
    """Bodies that end in the same name are tried by one form, whatever else is in them."""
    sender = bodies.Sender()
    raws = [json.dumps(body).encode() for body in WHOLE.values()]
    rows = [sender.row(raw) for raw in raws]
    read_by_another = 0
    for sample in raws:
        form = sender._new_form(sample)
        for raw, row in zip(raws, rows, strict=True) if form is not None else ():
            if not form.read(raw, [0], [len(raw)], [0], []):
                assert bodies._reads(form, raw, row), (sample, raw)
                read_by_another += raw is not sample
    assert read_by_another > 100  # else nothing was tried


def test_what_ends_alike_is_read_by_the_form_that_is_usual_and_only_if_it_is() -> None:
    """Most of a block are of one form, then of another, then of both; a few are none's."""
    bodies_within.cache_clear()
    chat = {"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2}, "model": "m"}
    details = {"prompt_tokens_details": {"cached_tokens": 1}, "completion_tokens_details": {"reasoning_tokens": 2}}
    kinds = [
        chat,
        chat | {"usage": {**chat["usage"], **details}},
        {"type": "message", "usage": {"input_tokens": 1, "output_tokens": 2}, "model": "m"},
        {"choices": [], "usage": {"prompt_tokens": -1}, "model": "m"},
    ]
    read = {json.dumps(kind).encode(): expected(json.dumps(kind).encode()) for kind in kinds}
    usual = set()
    for most in (0, 1, None, 2, 3, 0):
        chance = random.Random(most)
        weights = [40 if most in (at, None) else 1 for at in range(4)]
        raws = chance.choices(list(read), weights, k=400)
        for _ in range(2):
            assert rows_in(normalize_batch(pa.record_batch({"response": raws}))) == [read[raw] for raw in raws]
        (sender,) = bodies_within(None)._senders.values()
        usual.add(sender.usual.get(b'"model'))
    assert len(usual) == 4  # each of the three that can be read by a form, and none


def test_threads_read_with_the_same_forms(monkeypatch: pytest.MonkeyPatch) -> None:
    """DuckDB, Polars and Ray call it from threads of theirs; what is usual changes under each of them."""
    bodies_within.cache_clear()
    raws = [json.dumps(body).encode() for body in WHOLE.values()]
    first = dict(zip(raws, normalize_batch(pa.record_batch({"response": raws})).to_pylist(), strict=True))
    bodies_within.cache_clear()
    interval = sys.getswitchinterval()
    monkeypatch.setattr(bodies, "_MOST_HINTS", 8)  # forgotten as often as can be

    def work(seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(6):
            some = chance.sample(raws, 20)
            asked = chance.choices(some, [chance.choice([1, 30]) for _ in some], k=300)
            rows = normalize_batch(pa.record_batch({"response": asked})).to_pylist()
            assert rows == [first[raw] for raw in asked]

    try:
        sys.setswitchinterval(1e-5)
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(work, range(12)))
    finally:
        sys.setswitchinterval(interval)


def test_what_ends_in_ever_other_names_is_not_kept() -> None:
    bodies_within.cache_clear()
    chat = {"choices": [], "model": "m", "usage": {"prompt_tokens": 1, "completion_tokens": 2}}
    raws = [json.dumps(chat | {f"new_{at}": 1}).encode() for at in range(9_000)]
    table = normalize_batch(pa.record_batch({"response": raws}))
    assert set(table["total_tokens"].to_pylist()) == {3}
    (sender,) = bodies_within(None)._senders.values()
    assert len(sender.usual) <= 4096


@pytest.mark.parametrize("name", ['a"b', "a\\b", "a\nb", "", "ﬁ", "a-b", "a" * 10_000, "class", "__class__", "\x00"])
def test_names_that_are_no_names(name: str) -> None:
    """A body may have any name in its usage, beside it, and in a tree that is passed on."""
    bodies_within.cache_clear()
    claude = {"type": "message", "model": "m", "usage": {"input_tokens": 1, "output_tokens": 2}}
    held = [
        claude | {name: 1},
        claude | {"usage": claude["usage"] | {name: 1, "a_b": 2}},
        claude | {"usage": claude["usage"] | {"server_tool_use": {name: 1, "a_b": 2}}},
    ]
    raws = [json.dumps(body).encode() for body in held] * 2
    rows = rows_in(normalize_batch(pa.record_batch({"response": raws})))
    assert rows == [expected(raw) for raw in raws]


def test_many_names_many_forms_and_many_urls() -> None:
    """What is kept does not grow with what comes."""
    bodies_within.cache_clear()
    chat = {"choices": [], "model": "m", "usage": {"prompt_tokens": 1, "completion_tokens": 2}}
    held = [chat | {"usage": chat["usage"] | {f"new_{at}_{one}": 1 for one in range(at % 5)}} for at in range(300)]
    held.append(chat | {"usage": chat["usage"] | {f"name_{at}": 1 for at in range(5_000)}})
    raws = [json.dumps(body).encode() for body in held]
    urls = [f"https://api.groq.com/openai/v1/chat/completions?request={at}" for at in range(len(raws))]
    batch = pa.record_batch({"response": raws, "url": urls})
    rows = normalize_batch(batch, url_column="url").to_pylist()
    assert {(row["provider"], row["total_tokens"], row["error"]) for row in rows} == {("Groq", 3, None)}
    (sender,) = bodies_within(None)._senders.values()
    assert len(sender.forms) <= 128


@pytest.mark.parametrize(
    "body",
    [
        {"id": "@", "finish_reason": "COMPLETE", "message": {"role": "assistant"}, "usage": {"cached_tokens": 2, "tokens": {}}},
        {"generated_text": "@", "details": {"generated_tokens": 20}},
        {"model_id": "@", "results": [{"generated_token_count": 2, "input_token_count": 3}]},
        {"text": "@", "usage": {"type": "duration", "seconds": 3}},
    ],
    ids=["cohere", "tgi", "watsonx", "transcription"],
)
def test_a_form_is_not_of_one_text_alone(body: dict[str, Any]) -> None:
    """What is written there does not matter to a form, and is not kept; half a character is no reason to end."""
    bodies_within.cache_clear()
    raw = json.dumps(body).encode()
    raws = [raw.replace(b"@", b"%d" % at) for at in range(50)] + [raw.replace(b"@", b"\\ud800"), raw.replace(b"@", b"\xff")]
    rows = normalize_batch(pa.record_batch({"response": pa.array(raws, pa.binary())})).to_pylist()
    assert [row["provider"] for row in rows[:50]] == [expected(raw)["provider"] for raw in raws[:50]]
    (sender,) = bodies_within(None)._senders.values()
    assert len(sender.forms) <= 1


WITHOUT_A_FORM = {
    "calls within the call": ["advisor", "cache_write_compaction", "compaction", "compaction_split"],
    "a number for a word": ["audio_enum", "reasoning_traffic_type"],
    "only the names in the usage tell": ["connectors", "image_cost", "cost_of_usage"],
    "the usage is deeper": ["realtime_done", "run", "live_delegated"],
    "what tells another apart is deeper than a word": ["language_model_2_cached_reasoning"],
    "read both as usage and beside it": ["native_chat_reasoning"],
    "snake_case where the wire has camelCase": ["vertex_predict", "gemini_reasoning"],
}


def test_all_other_fixtures_have_a_form() -> None:
    """So that what is tested above is what is used."""
    sender = bodies.Sender()
    of_providers = {name: body for name, body in WHOLE.items() if FIXTURES[name].wire.path != "/"}
    without = set()
    for name, body in of_providers.items():
        raw = json.dumps(body).encode()
        sender.read(texts.Texts(raw, [0], [len(raw)]), [0], name.encode(), parts.Table())
        if not any(not form.read(raw, [0], [len(raw)], [0], []) for form in sender.forms):
            without.add(name.partition("/")[2])
    assert without == {name for names in WITHOUT_A_FORM.values() for name in names}


def test_what_is_left_out_is_zero_for_its_own_metric_alone() -> None:
    """Gemini leaves zeros out. Of a sample that only thought, what is generated is the thoughts."""
    details = [{"modality": "TEXT", "tokenCount": 15}]
    body = {"candidates": [{"finishReason": "MAX_TOKENS"}], "modelVersion": "g", "responseId": "x"}
    usage = {"promptTokenCount": 15, "totalTokenCount": 18, "promptTokensDetails": details, "thoughtsTokenCount": 3}
    thought = json.dumps({**body, "usageMetadata": usage})
    nothing = json.dumps({**body, "usageMetadata": {**usage, "totalTokenCount": 15, "thoughtsTokenCount": None}}).replace(
        ', "thoughtsTokenCount": null', ""
    )
    for order in ([thought, nothing, thought], [nothing, thought, nothing]):
        bodies_within.cache_clear()
        table = normalize_batch(pa.record_batch({"response": order * 2}))
        for row, raw in zip(table.to_pylist(), order * 2, strict=True):
            assert row["reported"] == sorted(unimeter.read(raw).reported)


def test_a_mark_that_is_read_whole_has_to_be_there() -> None:
    """A null is no mark; where some of what is read is null, a form knows nothing of what it looks like."""
    usage = {"prompt_tokens": 18, "completion_tokens": 1, "total_tokens": 19}
    body = {"object": "chat.completion", "model": "m", "choices": [], "usage": usage}
    bodies_within.cache_clear()
    timed = [{**body, "timings": timings} for timings in ({"cache_n": 1, "prompt_ms": None}, None) * 3]
    table = normalize_batch(pa.record_batch({"response": [json.dumps(one) for one in timed]}))
    assert table["provider"].to_pylist() == ["llama.cpp", "OpenAI Chat"] * 3
