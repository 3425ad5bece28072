"""Every fixture, replayed through the client libraries: what they hand over is read as the bytes are."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

import unimeter
from unimeter.fixture import Fixture
from unimeter.testing.subject import told

from ..conftest import FIXTURES
from ..reading_of import reading_of
from .client import Client
from .clients import clients_for
from .differences import REFUSED, handed_on

pytestmark = pytest.mark.sdk


class Replay(NamedTuple):
    """A fixture, and a library that has a call for it."""

    client: Client
    fixture: Fixture


class Replayed(NamedTuple):
    """What the library handed over."""

    client: Client
    fixture: Fixture
    answer: Any


REPLAYS = {
    f"{client.package}-{fixture.name}": Replay(client, fixture)
    for fixture in FIXTURES.values()
    for client in clients_for(fixture)
}
REFUSALS = {f"{row.package}-{row.fixture}": row for row in REFUSED}
ANSWERED = {name: replay for name, replay in REPLAYS.items() if name not in REFUSALS}

USAGE = {"usage": "usage", "usageMetadata": "usage_metadata", "meta": "meta", "metrics": "metrics"}
"""Where a response holds its usage, and what the libraries call it."""
WITH_USAGE = {
    name: replay
    for name, replay in ANSWERED.items()
    if isinstance(replay.fixture.response, dict)
    and not USAGE.keys().isdisjoint(replay.fixture.response)
    and "token_count" not in replay.fixture.response  # Cohere once told the counts beside its usage
    and not {"input_tokens", "output_tokens"}.isdisjoint(replay.fixture.expected.reported)
}

OWN_LABELS = {"openai": {"OpenAI Chat", "OpenAI Responses"}, "anthropic": {"Anthropic"}}
OWN = {
    name: replay
    for name, replay in ANSWERED.items()
    if replay.fixture.expected.error is None and replay.fixture.expected.provider in OWN_LABELS.get(replay.client.package, ())
}


def replays(chosen: dict[str, Replay]) -> pytest.MarkDecorator:
    """Run a test that takes `replayed` with these."""
    return pytest.mark.parametrize("replayed", chosen.values(), ids=chosen.keys(), indirect=True)


@pytest.fixture(scope="module")
def replayed(request: pytest.FixtureRequest) -> Replayed:
    client, fixture = request.param
    return Replayed(client, fixture, client.replay(fixture))


@replays(ANSWERED)
def test_with_url(replayed: Replayed) -> None:
    """What the library hands over gives what the fixture expects, but for what the library drops."""
    client, fixture, answer = replayed
    if fixture.expected.error:
        with pytest.raises(getattr(unimeter, fixture.expected.error)) as raised:
            reading_of(fixture, answer)
        assert raised.value.provider == fixture.expected.provider
        return
    assert told(reading_of(fixture, answer)) == handed_on(client.package, fixture, fixture.expected)


@replays(ANSWERED)
def test_alone(replayed: Replayed) -> None:
    """Without url or name, the object tells what the bytes do; and its package tells the provider, if it is the provider's."""
    client, fixture, answer = replayed
    provider = fixture.expected.provider if client.tells_provider else None
    headers = fixture.wire.headers or None
    try:
        expected = told(unimeter.read(fixture.bytes(), provider, headers=headers))
    except unimeter.UnimeterError as error:
        with pytest.raises((type(error), unimeter.MissingUsage)):  # an object's names tell more than a body without usage
            unimeter.read(answer, headers=headers)
    else:
        assert told(unimeter.read(answer, headers=headers)) == handed_on(client.package, fixture, expected)


@replays(OWN)
def test_own_label(replayed: Replayed) -> None:
    """An object of OpenAI's or Anthropic's library, from their own servers, is recognised as theirs."""
    client, _, answer = replayed
    assert unimeter.read(answer).provider in OWN_LABELS[client.package]


@replays(WITH_USAGE)
def test_usage_alone(replayed: Replayed) -> None:
    """The usage object by itself gives the same counts, if the provider is named."""
    _, fixture, answer = replayed
    whole = reading_of(fixture, answer)
    alone = unimeter.read(usage_of(answer, fixture), whole.provider)
    for name in ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens"):
        assert getattr(alone.metrics, name) == getattr(whole.metrics, name)


def usage_of(answer: Any, fixture: Fixture) -> Any:
    name = next(USAGE[name] for name in USAGE if name in fixture.response)
    return answer[name] if type(answer) is dict else getattr(answer, name)


@pytest.mark.parametrize("name", REFUSALS)
def test_refused(name: str) -> None:
    """What a library refuses, it still refuses; should it stop, the fixture is to be read."""
    client, fixture = REPLAYS[name]
    with pytest.raises(Exception, match=REFUSALS[name].message):
        client.replay(fixture)
