"""The pytest plugin: a fixture that replays recorded responses to anybody's own SDK tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import pytest

if TYPE_CHECKING:
    from unimeter.fixture import Fixture

Replay: TypeAlias = "Callable[[str | Path | Fixture], str]"


@pytest.fixture
def unimeter_replay() -> Iterator[Replay]:
    """Start a server on loopback that answers every request with one fixture: called with its file, gives the url.

        def test_my_client(unimeter_replay):
            client = Acme(base_url=unimeter_replay("fixtures/acme/stream.json"), api_key="none")

    Every server is shut down at the end of the test.
    """
    from unimeter.fixture import Fixture, load
    from unimeter.testing.replay import serving

    with ExitStack() as servers:

        def replay(fixture: str | Path | Fixture) -> str:
            return servers.enter_context(serving(fixture if isinstance(fixture, Fixture) else load(Path(fixture))))

        yield replay
