"""Every fixture, asked for through the real client libraries inside a capture and recorded by the program: each call is one."""

from __future__ import annotations

import pytest

import unimeter
from unimeter.fixture import Fixture

from .client import Client
from .test_capture import NOT_HEARD
from .test_replay import ANSWERED
from .wire_server import wire_server

pytestmark = pytest.mark.sdk


def counted(client: Client, fixture: Fixture, *, recorded: bool) -> int:
    """How many calls a run counts of one."""
    call = client._call(fixture)
    assert call is not None
    hosts = {"127.0.0.1": fixture.expected.provider or None}
    with wire_server(fixture) as url, client.connect(url, fixture) as connected, unimeter.capture(hosts=hosts) as run:
        answer = call(connected, fixture)
        if fixture.is_stream:
            answer = list(answer)
        if recorded:
            try:
                run.record(answer, headers=fixture.wire.headers or None)
            except unimeter.UnknownProvider:
                run.record(answer, url=fixture.url, headers=fixture.wire.headers or None)
    return int((run.metrics.additional_metrics or {}).get("calls", 0))


@pytest.mark.parametrize("name", [name for name in ANSWERED if name not in NOT_HEARD])
def test_what_is_heard_and_recorded_is_one_call(name: str) -> None:
    client, fixture = ANSWERED[name]
    heard = counted(client, fixture, recorded=False)
    if fixture.expected.error is None:
        assert heard >= 1
        assert counted(client, fixture, recorded=True) == heard
