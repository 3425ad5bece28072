"""The list of what the client libraries do not do is whole, and says nothing that is no longer so."""

from __future__ import annotations

from fnmatch import filter as filter_names
from fnmatch import fnmatch

import pytest

from unimeter.fixture import Fixture

from ..conftest import FIXTURES
from .clients import CLIENTS, clients_for
from .differences import DROPPED, NOT_REPLAYED, REFUSED, Dropped, Refused, handed_on


def test_replayed_or_named(fixture: Fixture) -> None:
    """No fixture is left out in silence."""
    assert bool(clients_for(fixture)) != any(fnmatch(fixture.name, named) for named in NOT_REPLAYED)


def test_named_fixtures_exist() -> None:
    assert [named for named in NOT_REPLAYED if not filter_names(FIXTURES, named)] == []
    assert CLIENTS.keys() <= {name.partition("/")[0] for name in FIXTURES}


@pytest.mark.parametrize("row", REFUSED, ids=lambda row: f"{row.package}-{row.fixture}")
def test_refused_are_replayed(row: Refused) -> None:
    assert row.package in [client.package for client in clients_for(FIXTURES[row.fixture])]


@pytest.mark.parametrize("row", DROPPED, ids=lambda row: f"{row.package}-{row.name}")
def test_dropped_are_replayed(row: Dropped) -> None:
    """A fixture proves each row: there the library hands on less than the fixture expects."""
    replayed = [fixture for fixture in FIXTURES.values() if row.package in {client.package for client in clients_for(fixture)}]
    assert any(handed_on(row.package, fixture, fixture.expected) != fixture.expected for fixture in replayed)
