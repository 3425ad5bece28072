"""Which tests run where no path is named: those that are fast and need only what the extra `test` installs."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest_plugins = ("tests.own_warnings",)

ROOT = Path(__file__).parent
ONLY_IF_NAMED = {
    *set(ROOT.glob("tests/sdk/test_*.py")) - {ROOT / "tests/sdk/test_differences.py"},  # that one needs no SDK
    *(
        ROOT / path
        for path in (
            "tests/agno",
            "tests/batch",
            "tests/coexistence",
            "tests/extras",
            "tests/frameworks",
            "tests/live",
            "tests/spark",
            "tests/testing/test_mutants.py",
            "tests/xpander",
            # Modules that import an extra.
            "src/unimeter/batch",
            "src/unimeter/cli/batch.py",
            "src/unimeter/export/agno.py",
            "src/unimeter/export/opentelemetry.py",
            "src/unimeter/genai.py",
            "src/unimeter/integrations",
            "src/unimeter/spark.py",
        )
    ),
}
"""What needs more packages, or more time. `pytest PATH` runs these; a missing package is then an error that names it."""


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out what runs only if named, unless the command line names paths."""
    return True if config.args_source is not config.ArgsSource.ARGS and collection_path in ONLY_IF_NAMED else None
