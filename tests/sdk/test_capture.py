"""Every fixture, asked for through the real client libraries inside a capture: what is heard is what `read` reads."""

from __future__ import annotations

import pytest

import unimeter
from unimeter.testing.subject import told

from .test_replay import REFUSALS, REPLAYS, Replay
from .test_replay import pytestmark as of_replays

pytestmark = of_replays


@pytest.mark.parametrize("replay", REPLAYS.values(), ids=REPLAYS.keys())
def test_what_is_heard(replay: Replay) -> None:
    client, fixture = replay
    hosts = {"127.0.0.1": fixture.expected.provider or None}
    with unimeter.capture(hosts=hosts) as run:
        try:
            client.replay(fixture)
        except Exception:
            if f"{client.package}-{fixture.name}" not in REFUSALS:
                raise
    readings = [message.reading for message in run.messages]
    if fixture.expected.error:
        assert readings in ([], [None])
    else:
        assert [told(reading) for reading in readings] == [fixture.expected, *fixture.expected.parts]
