"""What a contract is about: an adapter among all others, and the recorded cases that it reads."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from unimeter.adapter import Adapter
from unimeter.adapters.rows import ROWS
from unimeter.drift import Watched
from unimeter.errors import MalformedUsage, UnimeterError
from unimeter.fixture import Expected, Fixture, load_all
from unimeter.reading import Reading
from unimeter.recognise import Recogniser
from unimeter.registry import Registry, registry
from unimeter.values import Refused


class Subject:
    """An adapter and its fixtures.

    Args:
        adapter: the adapter. It need not be registered.
        fixtures: the folder of its cases. Those that another adapter rightly reads for the provider are left to that one.
        instead_of: an adapter that it takes the place of.
    """

    def __init__(self, adapter: type[Adapter], fixtures: str | Path, instead_of: type[Adapter] | None = None) -> None:
        self.adapter = adapter
        self.instead_of = instead_of
        self.folder = Path(fixtures)
        known = [adapter if one in (adapter, instead_of) else one for one in registry().adapters]
        self.known = Recogniser(Registry((*known, *([] if adapter in known else [adapter])), ROWS))

    @cached_property
    def fixtures(self) -> tuple[Fixture, ...]:
        """The cases that are this adapter's to read."""
        return tuple(fixture for fixture in load_all(self.folder) if self._is_mine(fixture))

    def _is_mine(self, fixture: Fixture) -> bool:
        try:
            reading, adapter = self.watched(fixture, fixture.bytes())
        except UnimeterError:
            return True
        return adapter is self.adapter or reading.provider != self.adapter.provider

    @cached_property
    def readable(self) -> tuple[Fixture, ...]:
        """Those of them that hold usage. Where one cannot be read, `figures` says so, and the other checks go on without it."""
        return tuple(fixture for fixture in self.fixtures if fixture.expected.error is None and self._can_read(fixture))

    def _can_read(self, fixture: Fixture) -> bool:
        try:
            self.read(fixture, fixture.bytes())
        except UnimeterError:
            return False
        return True

    @cached_property
    def plain(self) -> tuple[Fixture, ...]:
        """Those of them that are a single response."""
        return tuple(fixture for fixture in self.readable if isinstance(fixture.response, dict))

    @cached_property
    def streams(self) -> tuple[Fixture, ...]:
        """Those of them that are a stream's events."""
        return tuple(fixture for fixture in self.readable if fixture.events is not None)

    def read(self, fixture: Fixture, payload: Any) -> Reading:
        """A payload read with what a fixture's caller would know."""
        return self.watched(fixture, payload)[0]

    def watched(self, fixture: Fixture, payload: Any, *, alone: bool = False) -> tuple[Reading, type[Adapter]]:
        """The same, and the adapter that measured it; `alone`, by the payload and nothing else."""
        url, provider = (None, None) if alone else (fixture.url, fixture.wire.provider)
        call = Watched(provider, url, None, self.known)
        try:
            reading = call.read(payload, None if alone else fixture.wire.headers or None)
        except Refused as refused:
            raise MalformedUsage(call.label or "", refused.path, refused.expected, refused.got) from None
        return reading, call.seen[-1][0]


def told(reading: Reading) -> Expected:
    """A reading in the form of what a fixture expects."""
    return Expected(
        provider=reading.provider,
        model=reading.model,
        metrics=reading.metrics.to_dict(),
        reported=sorted(reading.reported),
        unaccounted=reading.unaccounted,
        complete=reading.complete,
        parts=[told(part) for part in reading.parts],
    )


def objects(value: Any) -> Any:
    """JSON data as an SDK would hand it over: attributes instead of keys."""
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return SimpleNamespace(**{key: objects(item) for key, item in value.items()})
    return [objects(item) for item in value] if isinstance(value, list) else value


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every path in JSON data."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield (*path, key)
        yield from paths(item, (*path, key))


def changed(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """A copy in which something else stands at a path; `...` takes it away."""
    key, *rest = path
    copy = value.copy()
    if rest:
        copy[key] = changed(value[key], tuple(rest), new)
    elif new is ...:
        del copy[key]
    else:
        copy[key] = new
    return copy
