"""A test fails if unimeter's own code causes a warning, and only then: the plugin `own_warnings`, in a run of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from .conftest import ROOT

MODULES = '''
"""The same functions twice: as code of unimeter, and as code of another package."""

from pathlib import Path
from types import SimpleNamespace

import unimeter

SOURCE = """
import os, socket, tempfile, threading, warnings

def warn(stacklevel=1):
    warnings.warn("something", UserWarning, stacklevel=stacklevel)

def call(function, *arguments):
    return function(*arguments)

def leave_file(path):
    open(path, "w")

def leave_descriptor_open(path):
    os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY), "w")

def leave_folder(path):
    tempfile.TemporaryDirectory(dir=path)

def cycle_with_folder(path):
    cycle = [tempfile.TemporaryDirectory(dir=path)]
    cycle.append(cycle)

class Warns:
    def __del__(self):
        warn(3)

def cycle_that_warns():
    cycle = [Warns()]
    cycle.append(cycle)

def leave_socket():
    socket.create_server(("127.0.0.1", 0))

def cycle_with_file(path):
    cycle = [open(path, "w")]
    cycle.append(cycle)

def cycle_with_socket():
    cycle = [socket.create_server(("127.0.0.1", 0))]
    cycle.append(cycle)

async def nothing():
    pass

def forget_coroutine():
    nothing()

def cycle_with_coroutine():
    cycle = [nothing()]
    cycle.append(cycle)

class Falls:
    def __del__(self):
        raise ValueError("in a destructor")

def fall():
    Falls()

def fail():
    raise ValueError("in a thread")

def fail_in_thread():
    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
"""


def load(file):
    namespace = {"__name__": Path(file).stem}
    exec(compile(SOURCE, str(file), "exec"), namespace)
    return SimpleNamespace(**namespace)


ours = load(Path(unimeter.__file__).with_name("made_up.py"))
theirs = load("/site-packages/another/made_up.py")
'''

TESTS = """
import gc

import pytest

from modules import ours, theirs

both = pytest.mark.parametrize(("who", "other"), [(ours, theirs), (theirs, ours)], ids=["ours", "theirs"])


@both
def test_warning(who, other):
    who.warn()


@both
def test_warning_in_a_call_of_the_other(who, other):
    other.call(who.warn)


@both
def test_file(who, other, tmp_path):
    who.leave_file(tmp_path / "file")


@both
def test_descriptor(who, other, tmp_path):
    who.leave_descriptor_open(tmp_path / "file")


@both
def test_file_collected_in_the_other(who, other, tmp_path):
    who.cycle_with_file(tmp_path / "file")
    other.call(gc.collect)


@both
def test_socket(who, other):
    who.leave_socket()


@both
def test_socket_collected_in_the_other(who, other):
    who.cycle_with_socket()
    other.call(gc.collect)


@both
def test_coroutine(who, other):
    who.forget_coroutine()


@both
def test_coroutine_collected_in_the_other(who, other):
    who.cycle_with_coroutine()
    other.call(gc.collect)


@both
def test_destructor(who, other):
    other.call(who.fall)


@both
def test_thread(who, other):
    other.call(who.fail_in_thread)


@both
def test_folder(who, other, tmp_path):
    who.leave_folder(tmp_path)


def test_folder_of_theirs_collected_in_ours(tmp_path):
    theirs.cycle_with_folder(tmp_path)
    ours.call(gc.collect)


def test_warning_of_theirs_about_whatever_was_interrupted_in_ours():
    theirs.cycle_that_warns()
    ours.call(gc.collect)


def test_deprecated_call_by_ours():
    ours.call(theirs.warn, 2)


def test_warning_of_ours_about_its_caller():
    theirs.call(ours.warn, 2)


def test_expected():
    with pytest.warns(UserWarning, match="something"):
        ours.warn()


def test_the_last_leaves_a_cycle(tmp_path):
    ours.cycle_with_file(tmp_path / "file")
"""


def test_own_warnings_fail_and_others_do_not(tmp_path: Path) -> None:
    (tmp_path / "modules.py").write_text(MODULES)
    (tmp_path / "test_generated.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text("[pytest]\nfilterwarnings = default\n")
    path = os.pathsep.join(part for part in (str(ROOT), os.environ.get("PYTHONPATH")) if part)
    environment = {**os.environ, "PYTHONPATH": path, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = [sys.executable, "-m", "pytest", "-p", "tests.own_warnings", "-q", "-rA", "--tb=no", "--disable-warnings"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    outcomes: dict[str, set[str]] = {"PASSED": set(), "FAILED": set(), "ERROR": set()}
    for outcome, name in re.findall(r"^(PASSED|FAILED|ERROR) test_generated\.py::test_(\S+)", done.stdout, re.MULTILINE):
        outcomes[outcome].add(name)
    both = re.findall(r"^@both\ndef test_(\w+)", TESTS, re.MULTILINE)
    assert len(both) == 12
    assert outcomes == {
        "FAILED": {*(f"{name}[ours]" for name in both), "deprecated_call_by_ours", "warning_of_ours_about_its_caller"},
        "PASSED": {
            *(f"{name}[theirs]" for name in both),
            "folder_of_theirs_collected_in_ours",
            "warning_of_theirs_about_whatever_was_interrupted_in_ours",
            "expected",
            "the_last_leaves_a_cycle",
        },
        "ERROR": {"the_last_leaves_a_cycle"},  # found in the collection after it
    }, done.stdout + done.stderr
