"""What a client library is to these tests: how it is pointed at a url, and which of its calls answers which path."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from unimeter.fixture import Fixture
from unimeter.testing.replay import serving

MESSAGES = [{"role": "user", "content": "Hello"}]


@dataclass(frozen=True)
class Client:
    """One library, with the calls that its users make."""

    package: str
    """Its name in the package index."""
    connect: Callable[[str, Fixture], AbstractContextManager[Any]]
    """The library's client, pointed at a url, as a context that closes it."""
    calls: dict[str, Callable[[Any, Fixture], Any]]
    """By the end of the path: what is called on the client. A stream's call gives whatever the chunks are taken from."""
    tells_provider: bool = True
    """Whether its objects alone tell the provider; not so for a library that many providers tell their users to take."""

    def answers(self, fixture: Fixture) -> bool:
        """Whether it has a call for where the fixture came from."""
        return self._call(fixture) is not None

    def replay(self, fixture: Fixture) -> Any:
        """What the library hands its user for the fixture's bytes: its object, or the list of its chunks."""
        call = self._call(fixture)
        assert call is not None
        with serving(fixture) as url, self.connect(url, fixture) as client:
            answer = call(client, fixture)
            return list(answer) if fixture.is_stream else answer

    def _call(self, fixture: Fixture) -> Callable[[Any, Fixture], Any] | None:
        path = fixture.wire.path.partition("?")[0]
        return next((call for end, call in self.calls.items() if path.endswith(end)), None)
