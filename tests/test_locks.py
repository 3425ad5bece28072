"""What the environments of noxfile.py and `.ci/run` install comes from locks, which hold names, versions and markers only."""

from __future__ import annotations

import runpy
import shlex
import sys
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from .conftest import ROOT
from .locks.check import differences, versions

LOCKS = {path.stem: path.read_text("utf-8") for path in (ROOT / "tests/locks").glob("*.txt")}
UNLOCKED = {"newest"}
"""The sessions that install the newest releases on purpose."""


class Session:
    """A session of nox that runs nothing and remembers what it was asked to install and run."""

    def __init__(self, folder: Path) -> None:
        self.posargs: list[str] = []
        self.installed: list[tuple[str, ...]] = []
        self.ran: list[tuple[str, ...]] = []
        self.warn = self.log = self.error = lambda *_: None
        self.create_tmp = lambda: str(folder)

    def install(self, *arguments: str) -> None:
        self.installed.append(arguments)

    def run(self, *command: str, **_: Any) -> str:
        self.ran.append(command)
        return ""


@pytest.fixture
def noxfile(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The names in noxfile.py, with `sessions`: its functions by name, one for each parameter."""
    sessions: dict[str, Callable[[Any], None]] = {}

    def session(**_: Any) -> Callable[[Any], Any]:
        def keep(function: Any) -> Any:
            name, values = getattr(function, "parameters", ("", [""]))
            for value in values:
                given = {name: value} if name else {}
                sessions[f"{function.__name__} {value}".strip()] = partial(function, **given)
            return function

        return keep

    def parametrize(name: str, values: Any) -> Callable[[Any], Any]:
        def keep(function: Any) -> Any:
            function.parameters = name, values
            return function

        return keep

    nox, command = ModuleType("nox"), ModuleType("nox.command")
    vars(nox).update(session=session, parametrize=parametrize, options=SimpleNamespace(), Session=Session)
    vars(command).update(CommandFailed=RuntimeError)
    monkeypatch.setitem(sys.modules, "nox", nox)
    monkeypatch.setitem(sys.modules, "nox.command", command)
    return runpy.run_path(str(ROOT / "noxfile.py")) | {"sessions": sessions}


def options(arguments: tuple[str, ...], name: str) -> list[str]:
    """The values of an option."""
    return [value for option, value in pairwise(arguments) if option == name]


def test_each_session_installs_from_a_lock_and_checks_it(noxfile: dict[str, Any], tmp_path: Path) -> None:
    used = set()
    for name, function in noxfile["sessions"].items():
        if name in UNLOCKED:
            continue
        session = Session(tmp_path)
        function(session)
        for arguments in session.installed:
            (lock,) = options(arguments, "--constraints")
            assert options(arguments, "--build-constraints") == ["tests/locks/build.txt"], name
            assert options(arguments, "--only-binary") == [":all:"], name
            assert "--exact" in arguments, name
            assert ("python", "tests/locks/check.py", lock) in session.ran, name
            used.add(Path(lock).stem)
        assert not [command for command in session.ran if "install" in command and "apt-get" not in command], name
    assert used == set(noxfile["ENVIRONMENTS"])
    assert used | set(noxfile["TOOLS"]) == set(LOCKS)


def test_one_command_makes_all_locks(noxfile: dict[str, Any], tmp_path: Path) -> None:
    session = Session(tmp_path)
    noxfile["sessions"]["lock"](session)
    assert [output for command in session.ran for output in options(command, "--output-file")] == [
        f"tests/locks/{name}.txt" for name in (*noxfile["ENVIRONMENTS"], *noxfile["TOOLS"])
    ]


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_holds_names_versions_and_markers_only(name: str) -> None:
    assert versions(LOCKS[name])


def test_what_builds_and_what_the_readme_installs_agree() -> None:
    """pip takes both locks as one list of constraints."""
    build, tests = versions(LOCKS["build"]), versions(LOCKS["tests"])
    assert {name: build[name] for name in build.keys() & tests} == {name: tests[name] for name in build.keys() & tests}


def test_the_oldest_dependencies_are_locked(noxfile: dict[str, Any]) -> None:
    assert set(noxfile["OLDEST_DEPENDENCIES"]) <= set(LOCKS["oldest"].splitlines())


def test_continuous_integration_installs_from_locks() -> None:
    scripts = [line for name in ("run", "readme") for line in (ROOT / ".ci" / name).read_text("utf-8").splitlines()]
    (install,) = (shlex.split(line) for line in scripts if " install " in line and not line.startswith("#"))
    assert options(tuple(install), "-c") == ["tests/locks/tools.txt"]
    (readme,) = (shlex.split(line) for line in scripts if ".ci/readme" in line)
    assert [part.partition("=")[0] for part in readme[:2]] == ["PIP_CONSTRAINT", "PIP_BUILD_CONSTRAINT"]


LOCK = "anyio==4.16.0\ncolorama==0.4.6 ; sys_platform == 'win32'\nnumpy==2.2.0 ; python_version < '3.12'\nnumpy==2.4.1\n"


OTHER_LINES = (
    "anyio>=4",
    "anyio==4.16.0 --hash=sha256:00",
    "--index-url https://example.org/simple",
    "--find-links /somewhere",
    "# a comment",
    "-e .",
    "anyio @ https://example.org/anyio.whl",
    "",
)


@pytest.mark.parametrize("line", OTHER_LINES)
def test_other_lines_are_refused(line: str) -> None:
    with pytest.raises(ValueError, match="not a line of a lock"):
        versions(f"{LOCK}{line}\n")


def test_what_is_installed_and_not_locked_is_named() -> None:
    installed = [("AnyIO", "4.16.0"), ("numpy", "2.2.0"), ("Sniffio", "1.3.1"), ("colorama", "0.4.7"), ("unimeter", "0.1")]
    assert differences(installed, LOCK, {"unimeter"}) == ["colorama 0.4.7: 0.4.6 in the lock", "sniffio 1.3.1: not in the lock"]
