"""A pytest plugin: a test fails if unimeter's own code causes a warning. Warnings of other packages are only shown.

`filterwarnings` cannot tell these apart: it knows the module that a warning is attributed to, which `stacklevel` or the
garbage collector decides. Here a warning is unimeter's if
- unimeter's code issues it, with any `stacklevel`, or it is attributed to unimeter's code (a deprecated call);
- it says that a file or a socket was not closed, and unimeter's code opened that;
- it says that a coroutine was not awaited, and the coroutine is unimeter's.
So is an exception that no caller can catch, in a destructor or at the end of a thread, if it passed through unimeter's code.
The standard library acts for its caller: a file that `tempfile` opens for unimeter is unimeter's. A connection that an HTTP
client opens is the client's.
"""

from __future__ import annotations

import gc
import os
import sys
import sysconfig
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import CodeType, FrameType, TracebackType
from typing import Any

import pytest

import unimeter

OWN = (f"{Path(unimeter.__file__).parent}{os.sep}", "<unimeter ")
"""How the names of unimeter's files begin; the second is that of compiled tables."""
STANDARD = (f"{sysconfig.get_path('stdlib')}{os.sep}", f"{sysconfig.get_path('platstdlib')}{os.sep}", "<frozen ")

_found: list[str] = []
"""What unimeter's code caused since the last report."""
_opened_by_us: dict[str | int, bool] = {}
"""By a file's path or a socket's id: whether the last one who opened it was unimeter."""
_interrupted: FrameType | None = None
"""The frame in which a garbage collection began, while it goes on. That frame did not cause what is found in the collection."""


def _is_own(file: str) -> bool:
    return file.startswith(OWN)


def _is_standard(file: str) -> bool:
    return file.startswith(STANDARD) and "-packages" not in file


def _actor(frame: FrameType | None) -> str:
    """The file of the innermost frame outside the standard library; "" if a garbage collection began before that."""
    while frame is not None and frame is not _interrupted:
        file = frame.f_code.co_filename
        if file != __file__ and not _is_standard(file):
            return file
        frame = frame.f_back
    return ""


def _on_audit_event(event: str, args: tuple[Any, ...]) -> None:
    if event == "open" and isinstance(args[0], (str, bytes)):
        _opened_by_us[os.fsdecode(args[0])] = _is_own(_actor(sys._getframe(1)))
    elif event == "socket.__new__":
        _opened_by_us[id(args[0])] = _is_own(_actor(sys._getframe(1)))


def _on_collection(phase: str, info: dict[str, int]) -> None:
    global _interrupted  # the collector is one for the process as well
    _interrupted = sys._getframe().f_back if phase == "start" else None


def _code_of(value: object) -> CodeType | None:
    """The code of a function, coroutine or generator."""
    codes = (getattr(value, name, None) for name in ("__code__", "cr_code", "ag_code", "gi_code"))
    return next((code for code in codes if isinstance(code, CodeType)), None)


def _is_own_warning(warning: warnings.WarningMessage, frame: FrameType) -> bool:
    if (code := _code_of(warning.source)) is not None:
        return _is_own(code.co_filename)
    if issubclass(warning.category, ResourceWarning):
        name = getattr(warning.source, "name", None)
        for key in (os.fsdecode(name) if isinstance(name, (str, bytes)) else None, id(warning.source)):
            if key in _opened_by_us:
                return _opened_by_us[key]
    return _is_own(_actor(frame)) or (_interrupted is None and _is_own(warning.filename))


def _is_own_exception(origin: object, trace: TracebackType | None) -> bool:
    code = _code_of(origin)
    files = [frame.f_code.co_filename for frame, _ in traceback.walk_tb(trace)]
    return any(map(_is_own, [*files, code.co_filename if code else ""]))


def _on_warning(show: Callable[[Any], None], warning: warnings.WarningMessage) -> None:
    frame = sys._getframe(1)
    if _is_own_warning(warning, frame):
        said = warnings.formatwarning(str(warning.message), warning.category, warning.filename, warning.lineno)
        _found.append(said + "".join(traceback.format_stack(frame, limit=8)))
    show(warning)


def _on_unraisable(hook: Callable[[Any], None], unraisable: sys.UnraisableHookArgs) -> None:
    if _is_own_exception(unraisable.object, unraisable.exc_traceback):
        lines = traceback.format_exception(unraisable.exc_type, unraisable.exc_value, unraisable.exc_traceback)
        _found.append(f"{unraisable.err_msg or 'Exception ignored in'}: {unraisable.object!r}\n" + "".join(lines))
    hook(unraisable)


def _on_thread_exception(hook: Callable[[Any], None], args: threading.ExceptHookArgs) -> None:
    if _is_own_exception(None, args.exc_traceback):
        lines = traceback.format_exception(args.exc_type, args.exc_value, args.exc_traceback)
        _found.append(f"Exception in {args.thread!r}\n" + "".join(lines))
    hook(args)


@contextmanager
def _watched() -> Iterator[None]:
    """See every warning that no filter ignores and no `pytest.warns` expects. pytest records them: this is inside its context."""
    show = warnings._showwarnmsg_impl  # type: ignore[attr-defined]  # `showwarning`, which is public, lacks the source
    warnings._showwarnmsg_impl = partial(_on_warning, show)  # type: ignore[attr-defined]
    try:
        yield
    finally:
        warnings._showwarnmsg_impl = show  # type: ignore[attr-defined]


def _report() -> None:
    if _found:
        text = "\n".join(_found)
        _found.clear()
        pytest.fail(f"unimeter's own code caused a warning:\n\n{text}", pytrace=False)


# hooks ---------------------------------------------------------------------------------------------------------------

sys.addaudithook(_on_audit_event)


@pytest.hookimpl(trylast=True)
def pytest_configure() -> None:
    """Set the hooks, over those that pytest's plugins have set; these restore what was there before."""
    gc.callbacks.append(_on_collection)
    sys.unraisablehook = partial(_on_unraisable, sys.unraisablehook)
    threading.excepthook = partial(_on_thread_exception, threading.excepthook)


def pytest_unconfigure() -> None:
    """Take the one hook away that pytest does not know."""
    gc.callbacks.remove(_on_collection)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """What imports cause is reported by the first test."""
    with _watched():
        return (yield)


def pytest_collection_finish() -> None:
    """Leave what is there before the first test out of all collections: the tests are thousands, and looked at each time."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol() -> Iterator[None]:
    """Watch a test, with all that its fixtures do."""
    with _watched():
        return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup() -> Iterator[None]:
    """Fail for what was found since the last test."""
    yield
    _report()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call() -> Iterator[None]:
    """Fail for what the test caused."""
    yield
    _report()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """Fail for what came last; after the last test of a file also for what only the garbage collector finds."""
    yield
    if nextitem is None or nextitem.path != item.path:
        gc.collect()
    _report()
