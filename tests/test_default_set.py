"""Which tests run: without a path the fast ones, with a path all that it names. A missing package is an error."""

from __future__ import annotations

import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import ROOT

TEST = "def test_one() -> None: ...\n"
FILES = {
    "tests/test_fast.py": TEST,
    "tests/spark/test_slow.py": TEST,
    "tests/batch/test_batch.py": "import no_such_package\n" + TEST,
    "src/unimeter/spark.py": '"""\n>>> 1 + 1\n2\n"""\nimport no_such_package\n',
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A small project with this one's configuration."""
    for name in ("conftest.py", "pyproject.toml", "tests/own_warnings.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def run(project: Path, *arguments: str) -> str:
    """The output of pytest in the project."""
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-rA", *arguments]
    return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True).stdout


def test_without_a_path_only_the_fast_tests_run(project: Path) -> None:
    output = run(project, "-k", "one or spark")
    assert "PASSED tests/test_fast.py::test_one" in output
    assert output.splitlines()[-1].startswith("1 passed in")


def test_a_path_runs_what_it_names_and_a_missing_package_is_an_error(project: Path) -> None:
    named = ("tests/spark/test_slow.py::test_one", "tests/batch", "src/unimeter/spark.py")
    output = run(project, "--continue-on-collection-errors", *named)
    assert "PASSED tests/spark/test_slow.py::test_one" in output
    assert "ERROR tests/batch/test_batch.py" in output
    assert "ERROR src/unimeter/spark.py" in output
    assert output.count("ModuleNotFoundError: No module named 'no_such_package'") == 2
    assert output.splitlines()[-1].startswith("1 passed, 2 errors in")


def test_what_runs_only_if_named_exists() -> None:
    paths = runpy.run_path(str(ROOT / "conftest.py"))["ONLY_IF_NAMED"]
    assert len(paths) > 20
    assert [path for path in paths if not path.exists()] == []
