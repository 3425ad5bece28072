"""The rules that hold for every reading, whatever the provider."""

from __future__ import annotations

from unimeter.fixture import Fixture

from .reading_of import reading_of


def test_total_is_the_sum(read_fixture: Fixture) -> None:
    metrics = reading_of(read_fixture, read_fixture.bytes()).metrics
    assert metrics.total_tokens == metrics.input_tokens + metrics.output_tokens
    assert metrics.audio_total_tokens == metrics.audio_input_tokens + metrics.audio_output_tokens


def test_parts_stand_within_wholes_or_the_reading_says_so(read_fixture: Fixture) -> None:
    reading = reading_of(read_fixture, read_fixture.bytes())
    metrics = reading.metrics
    within = (
        metrics.cache_read_tokens + metrics.cache_write_tokens <= metrics.input_tokens
        and metrics.reasoning_tokens <= metrics.output_tokens
        and metrics.audio_input_tokens <= metrics.input_tokens
        and metrics.audio_output_tokens <= metrics.output_tokens
        and reading.unaccounted == 0
    )
    assert within == (not reading.odd)


def test_what_is_not_reported_is_zero(read_fixture: Fixture) -> None:
    reading = reading_of(read_fixture, read_fixture.bytes())
    for name in ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens"):
        assert name in reading.reported or getattr(reading.metrics, name) == 0
