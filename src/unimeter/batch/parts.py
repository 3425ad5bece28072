"""Rows, and parts of a table: some of its rows, column by column."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from unimeter.compiler import TOLD
from unimeter.reading import Reading

NAMES = ("provider", "model", "id", *TOLD, "total", "complete", "provider_metrics", "parts", "error")
"""What a row holds."""

Row = tuple[Any, ...]

_ENOUGH = 2048
"""How many rows are worth arrays of their own."""


def row_of(reading: Reading) -> Row:
    """A reading as a row."""
    own = reading.metrics.provider_metrics
    parts = msgspec.json.encode([part.to_dict() for part in reading.parts]).decode() if reading.parts else None
    return (reading.provider, reading.model, reading.id, *reading.told, reading.total, reading.complete, own, parts, None)


def failed(error: str) -> Row:
    """The row of what could not be read."""
    return (*(None,) * (len(NAMES) - 1), error)


class Part(NamedTuple):
    """Some of the rows, column by column."""

    at: list[int]
    """Which they are."""
    columns: dict[str, list[Any]]
    """What is different in them, by `NAMES`."""
    provider: str | None = None
    """Whose all of them are, where all were read; None where columns tell."""

    def same(self, name: str) -> Any:
        """What all of them hold under a name that has no column."""
        return {"provider": self.provider, "complete": True}.get(name) if self.provider is not None else None


def part_of(at: list[int], rows: list[Row]) -> Part:
    """Some rows as a part."""
    return Part(at, dict(zip(NAMES, map(list, zip(*rows, strict=True)), strict=True)))


def rows_of(part: Part) -> list[Row]:
    """The rows of a part."""
    count = len(part.at)
    columns = (part.columns[name] if name in part.columns else [part.same(name)] * count for name in NAMES)
    return list(zip(*columns, strict=True))


class Together:
    """Parts that hold the same columns, put together until they are enough to be worth an array."""

    def __init__(self) -> None:
        self._held: dict[Any, Part] = {}
        self._full: list[Part] = []

    def take(self, part: Part, start: int) -> None:
        """Take in a part of a block that begins at some row."""
        key = (part.provider, *part.columns)
        held = self._held.get(key)
        at = [start + one for one in part.at] if start else part.at
        if held is None:
            self._held[key] = part._replace(at=at)
            return
        held.at.extend(at)
        for name, values in part.columns.items():
            held.columns[name].extend(values)
        if len(held.at) > _ENOUGH:
            self._full.append(self._held.pop(key))

    def parts(self) -> list[Part]:
        """All of them."""
        return [*self._full, *self._held.values()]
