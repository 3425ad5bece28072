"""A call heard event by event: whatever is let go on the way, its reading is that of all events."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from unimeter import hearing
from unimeter.errors import UnimeterError
from unimeter.fixture import Fixture
from unimeter.hearing import Hearing
from unimeter.interpret import Call
from unimeter.testing.subject import objects

from .conftest import FIXTURES

STREAMS = {name: fixture for name, fixture in FIXTURES.items() if fixture.events is not None}


def heard(fixture: Fixture, events: list[Any]) -> Hearing:
    found = Hearing(Call(fixture.wire.provider, fixture.url, None))
    for event in events:
        found.recent.append(event)
        if len(found.recent) >= hearing.MOST:
            found.tidy()
    return found


def outcome(fixture: Fixture, events: list[Any]) -> Any:
    try:
        return Call(fixture.wire.provider, fixture.url, None).read(events, fixture.wire.headers or None)
    except UnimeterError as error:
        return type(error)


@pytest.mark.parametrize("most", [4, 5, 8])
@pytest.mark.parametrize("form", [copy.deepcopy, lambda events: [objects(event) for event in events]], ids=["dicts", "objects"])
@pytest.mark.parametrize("case", STREAMS.values(), ids=STREAMS)
def test_what_is_let_go_changes_nothing(case: Fixture, form: Any, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when it is let go of almost at once: the last three events may tell that the stream is whole."""
    monkeypatch.setattr(hearing, "MOST", most)
    monkeypatch.setattr(hearing, "LAST", 3)
    events = form([event for event in case.events if isinstance(event, dict)])
    before = copy.deepcopy(events)
    for end in range(1, len(events) + 1):
        assert outcome(case, heard(case, events[:end]).events) == outcome(case, events[:end])
    assert events == before


@pytest.mark.parametrize("case", STREAMS.values(), ids=STREAMS)
def test_a_long_stream_is_held_in_little(case: Fixture) -> None:
    """Whichever of its events comes ten thousand times."""
    events = [event for event in case.events if isinstance(event, dict)]
    for at, event in enumerate(events):
        found = heard(case, events[:at] + [event] * 10_000 + events[at + 1 :])
        calls = 10_000 if case.name == "aws_bedrock/agent_stream" and "trace" in event else 0  # each of them counts
        assert len(found.events) < hearing.MOST + 16 + calls
