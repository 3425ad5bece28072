"""Many responses at once (extra `batch`): Arrow in, Arrow out; files of responses in, a table of readings out."""

from __future__ import annotations

from unimeter.batch.columns import SCHEMA
from unimeter.batch.normalize import normalize_batch

__all__ = ["SCHEMA", "normalize_batch"]
