"""The README's examples: their output is the real one."""

from __future__ import annotations

import ast
import doctest
import re
import shlex
from pathlib import Path

import pytest

from unimeter.cli.app import run

from .conftest import ROOT

README = (ROOT / "README.md").read_text("utf-8")


def test_python_examples() -> None:
    results = doctest.testfile(str(ROOT / "README.md"), module_relative=False, optionflags=doctest.IGNORE_EXCEPTION_DETAIL * 0)
    assert results.attempted > 5
    assert results.failed == 0


CONSOLE = re.findall(r"```console\n\$ unimeter (.*)\n([\s\S]*?)```", README)


@pytest.mark.parametrize(("command", "output"), CONSOLE, ids=[command[:20] for command, _ in CONSOLE])
def test_console_examples(command: str, output: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("COLUMNS", "150")
    assert run(*shlex.split(command), "--table") == 0
    printed = "\n".join(line.rstrip() for line in capsys.readouterr().out.splitlines())
    assert printed == output.strip("\n")


def test_there_are_console_examples() -> None:
    assert CONSOLE


INTEGRATIONS = [
    module
    for module in sorted((ROOT / "src/unimeter/integrations").glob("*.py"))
    if "Tested with" in (ast.get_docstring(ast.parse(module.read_text("utf-8"))) or "")
]


@pytest.mark.parametrize("module", INTEGRATIONS, ids=lambda module: module.stem)
def test_every_integration_is_in_the_table_with_the_versions_it_was_tested_with(module: Path) -> None:
    (row,) = (line for line in README.splitlines() if re.match(rf"\| `{module.stem}`(?: \(`[\w-]+`\))? \|", line))
    told = " ".join((ast.get_docstring(ast.parse(module.read_text("utf-8"))) or "").split())
    for version in row.rstrip(" |").rpartition("| ")[2].split(", "):
        assert version in told.partition("Tested with")[2]


def test_there_are_integrations() -> None:
    assert len(INTEGRATIONS) == 10
