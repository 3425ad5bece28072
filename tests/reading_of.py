"""How tests read fixtures."""

from __future__ import annotations

from typing import Any

import unimeter
from unimeter.fixture import Fixture


def reading_of(fixture: Fixture, payload: Any) -> unimeter.Reading:
    """A payload read with what the fixture's caller would know."""
    return unimeter.read(payload, fixture.wire.provider, url=fixture.url, headers=fixture.wire.headers or None)
