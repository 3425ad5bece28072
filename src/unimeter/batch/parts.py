"""Rows, and parts of a table: some of its rows, column by column."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec

from unimeter.compiler import TOLD
from unimeter.reading import FailedRequest, Reading

NAMES = ("provider", "model", "id", *TOLD, "total", "complete", "provider_metrics", "parts", "error")
"""What a row holds."""

Row = tuple[Any, ...]


def row_of(reading: Reading) -> Row:
    """A reading as a row."""
    own = reading.metrics.provider_metrics
    parts = msgspec.json.encode([part.to_dict() for part in reading.parts]).decode() if reading.parts else None
    return (reading.provider, reading.model, reading.id, *reading.told, reading.total, reading.complete, own, parts, None)


def failed(error: str) -> Row:
    """The row of what could not be read."""
    return (*(None,) * (len(NAMES) - 1), error)


FAILED_REQUEST = f"{FailedRequest.__name__}: "
"""What the `error` of a request begins with that failed: it was read, and no call was made."""


def request_failed(failures: Iterable[FailedRequest]) -> Row:
    """The row of a request that failed, or of several that all did."""
    counts = Counter(map(str, failures))
    words = (f"{count} × {words}" if len(counts) > 1 or count > 1 else words for words, count in counts.items())
    return failed(FAILED_REQUEST + ", ".join(words))


def free(provider: str) -> Row:
    """The row of a call that uses nothing."""
    told = {**dict.fromkeys(NAMES), "provider": provider, "complete": True}
    return tuple(told.values())


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


class Table:
    """Rows as they come, in any order; those that hold the same names are kept together, value after value."""

    def __init__(self) -> None:
        self._alike: dict[tuple[str, tuple[str, ...]], tuple[list[int], list[Any]]] = {}
        self._others: tuple[list[int], list[Row]] = [], []

    def add(self, at: int, row: Row) -> None:
        """Add a row."""
        self._others[0].append(at)
        self._others[1].append(row)

    def alike(self, provider: str, names: tuple[str, ...]) -> tuple[list[int], list[Any]]:
        """Which rows of a provider's hold some names and no others; and their values, row after row. Both are to be added to."""
        found = self._alike.get((provider, names))
        if found is None:
            found = self._alike[provider, names] = [], []
        return found

    def parts(self) -> list[Part]:
        """All rows, as parts of a table."""
        parts = [
            Part(at, {name: values[column :: len(names)] for column, name in enumerate(names)}, provider)
            for (provider, names), (at, values) in self._alike.items()
            if at
        ]
        return [*parts, part_of(*self._others)] if self._others[0] else parts
