"""Every fixture, read in every form that it can take without an SDK: each must give what the fixture expects."""

from __future__ import annotations

import copy
import gzip
import json
import pickle
from typing import Any

import pytest

import unimeter
from unimeter.fixture import Fixture
from unimeter.metrics import MessageMetrics
from unimeter.testing.subject import objects, told

from .conftest import FIXTURES
from .reading_of import reading_of


def expect(fixture: Fixture, payload: Any) -> None:
    """Reading the payload gives what the fixture expects, and the short way gives the same metrics."""
    if fixture.expected.error:
        with pytest.raises(getattr(unimeter, fixture.expected.error)) as raised:
            reading_of(fixture, payload)
        assert getattr(raised.value, "provider", fixture.expected.provider) == fixture.expected.provider
        return
    assert told(reading_of(fixture, payload)) == fixture.expected


def parsed(fixture: Fixture) -> Any:
    """The fixture's response or its events, as JSON data."""
    return fixture.events if fixture.is_stream else fixture.response


def test_bytes(fixture: Fixture) -> None:
    expect(fixture, fixture.bytes())


def test_str(fixture: Fixture) -> None:
    if fixture.wire.content_type != "application/vnd.amazon.eventstream":
        expect(fixture, fixture.bytes().decode())


def test_gzip(fixture: Fixture) -> None:
    expect(fixture, gzip.compress(fixture.bytes()))


def test_parsed(fixture: Fixture) -> None:
    if fixture.body is None:
        expect(fixture, parsed(fixture))


def test_generator(fixture: Fixture) -> None:
    if fixture.is_stream:
        expect(fixture, (event for event in parsed(fixture)))


def test_objects(fixture: Fixture) -> None:
    if fixture.body is None:
        expect(fixture, objects(parsed(fixture)))


def test_utf16_free_bom(fixture: Fixture) -> None:
    if fixture.wire.content_type in ("application/json", "text/event-stream", "application/x-ndjson"):
        expect(fixture, b"\xef\xbb\xbf" + fixture.bytes().removeprefix(b"\xef\xbb\xbf"))


def test_short_way_agrees(read_fixture: Fixture) -> None:
    """`normalize` decodes less than `read` does; its numbers are the same."""
    for payload in (read_fixture.bytes(), None if read_fixture.body else parsed(read_fixture)):
        if payload is not None:
            metrics = unimeter.normalize(
                payload, read_fixture.wire.provider, url=read_fixture.url, headers=read_fixture.wire.headers or None
            )
            assert metrics.to_dict() == read_fixture.expected.metrics


def test_usage_alone(read_fixture: Fixture) -> None:
    """The usage object alone, with the provider named, gives the same counts."""
    reading = reading_of(read_fixture, read_fixture.bytes())
    beside = read_fixture.response is not None and "token_count" in read_fixture.response
    beside = beside or read_fixture.name == "dashscope/native_embeddings"  # a total alone, of whose parts its answer tells
    if read_fixture.wire.headers or read_fixture.is_stream or reading.calls or reading.total is None or beside:
        return
    for payload in (reading.usage, json.dumps(reading.usage).encode()):
        if isinstance(payload, bytes) and isinstance(reading.usage, list):
            continue  # a JSON array is a stream of events
        for metrics in (unimeter.read(payload, reading.provider).metrics, unimeter.normalize(payload, reading.provider)):
            for name in ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens"):
                assert getattr(metrics, name) == getattr(reading.metrics, name)


def test_input_is_not_changed(fixture: Fixture) -> None:
    if fixture.body is None:
        payload = parsed(fixture)
        before = copy.deepcopy(payload)
        expect(fixture, payload)
        assert payload == before


def test_reading_survives_pickle_and_json(read_fixture: Fixture) -> None:
    reading = reading_of(read_fixture, read_fixture.bytes())
    again = pickle.loads(pickle.dumps(reading))
    assert again == reading
    assert again.usage == reading.usage
    assert MessageMetrics.from_dict(json.loads(json.dumps(reading.metrics.to_dict()))) == reading.metrics


def test_usage_is_kept_whole(read_fixture: Fixture) -> None:
    """The raw usage keeps names that no adapter knows, at every level."""
    if read_fixture.is_stream or read_fixture.body or read_fixture.wire.headers:
        return
    response = with_unknown_names(read_fixture.response)
    for form in (response, json.dumps(response).encode()):
        reading = reading_of(read_fixture, form)
        assert "x_unheard_of" in json.dumps(reading.usage)
        assert reading.metrics.total_tokens == read_fixture.expected.metrics.get("total_tokens", 0)


def with_unknown_names(value: Any) -> Any:
    if isinstance(value, dict):
        return {**{key: with_unknown_names(item) for key, item in value.items()}, "x_unheard_of": 7}
    return [with_unknown_names(item) for item in value] if isinstance(value, list) else value


def test_there_are_enough() -> None:
    assert len(FIXTURES) >= 90
