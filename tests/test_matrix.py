"""The availability matrix: every promise is kept, and a fixture proves each filled cell with a figure that is not zero."""

from __future__ import annotations

import pytest

from unimeter import matrix
from unimeter.registry import registry, slug

from .conftest import FIXTURES, ROOT


@pytest.mark.parametrize("row", matrix.rows(), ids=lambda row: row.provider)
def test_every_promise_is_kept(row: matrix.Row) -> None:
    assert row.broken == ()


@pytest.mark.parametrize("promise", matrix.PROMISES, ids=lambda promise: promise.row)
def test_every_cell_is_proven(promise: matrix.Promise) -> None:
    folder = slug(promise.row).replace("-", "_")
    proven: set[str] = set()
    for name, fixture in FIXTURES.items():
        if name.startswith(f"{folder}/") and fixture.expected.error is None:
            metrics = dict(fixture.expected.metrics)
            own = metrics.pop("provider_metrics", {})
            proven |= {metric for metric, value in metrics.items() if value}
            proven |= {f"provider_metrics.{metric}" for metric, value in own.items() if value}
    filled = {metric for metric, field in promise.adapter.table.items() if field.leaves()}
    filled |= {f"provider_metrics.{metric}" for metric in promise.adapter.provider_metrics}
    assert filled - proven == set()


@pytest.mark.parametrize("promise", matrix.PROMISES, ids=lambda promise: promise.row)
def test_every_row_has_the_cases_that_all_need(promise: matrix.Promise) -> None:
    folder = slug(promise.row).replace("-", "_")
    mine = {name.partition("/")[2]: fixture for name, fixture in FIXTURES.items() if name.startswith(f"{folder}/")}
    assert any(not fixture.is_stream and not fixture.expected.error for fixture in mine.values()), "a plain response"
    assert any(fixture.is_stream and not fixture.expected.error for fixture in mine.values()), "a stream"
    assert any("cut" in name for name in mine), "a stream that was cut"
    assert any(not fixture.is_stream and fixture.expected.error == "MissingUsage" for fixture in mine.values()), "no usage"
    assert any("tool" in name for name in mine), "a tool call"


def test_readme_holds_the_matrix_as_it_is() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    assert matrix.markdown() in readme
    assert matrix.markdown_beyond() in readme


def test_every_label_is_in_the_readme_by_what_is_generated() -> None:
    named = {promise.adapter.provider for promise in matrix.PROMISES}
    listed = {row.provider for row in matrix.rows_beyond()} | set(matrix.hosts())
    assert named | listed == set(registry().by_label)
