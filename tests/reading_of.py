"""How tests read fixtures, and what they compare."""

from __future__ import annotations

from typing import Any

import unimeter
from unimeter.fixture import Expected, Fixture


def reading_of(fixture: Fixture, payload: Any) -> unimeter.Reading:
    """A payload read with what the fixture's caller would know."""
    return unimeter.read(payload, fixture.wire.provider, url=fixture.url, headers=fixture.wire.headers or None)


def told(reading: unimeter.Reading) -> Expected:
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
