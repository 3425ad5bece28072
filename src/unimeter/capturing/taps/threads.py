"""Threads and pools, which inherit no context: what they are given to do is done in the run that gave it to them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar
from types import MethodType, ModuleType
from typing import Any

from unimeter.capturing.taps.patch import Hear, Patch
from unimeter.run import Run

_in_pool: ContextVar[bool] = ContextVar("unimeter.capturing.in_pool", default=False)


def _once(thread: Any, doing: Callable[[], Any]) -> Callable[[], Any]:
    """What a thread does, which it lets go of when it begins: it would hold itself."""

    def run(_: Any) -> Any:
        vars(thread).pop("run", None)
        return doing()

    return MethodType(run, thread)  # others that replace `run` expect a method


def tap(library: ModuleType, hear: Hear) -> list[Patch]:  # noqa: ARG001  # nothing is heard here
    """Let threads and pools take the current run along."""

    def of_pool(original: Any) -> Any:
        def submit(pool: Any, function: Any, /, *arguments: Any, **keywords: Any) -> Any:
            run = Run.current()
            token = _in_pool.set(True)  # the pool's threads do others' work later
            try:
                return original(pool, function if run is None else run._doing(function), *arguments, **keywords)
            finally:
                _in_pool.reset(token)

        return submit

    def of_thread(original: Any) -> Any:
        def start(thread: Any) -> None:
            run = Run.current()
            if run is not None and not _in_pool.get():
                with suppress(Exception):  # a class of the program's that lets nobody set it
                    thread.run = _once(thread, run._doing(thread.run))
            try:
                original(thread)
            except BaseException:
                vars(thread).pop("run", None)  # it never began
                raise

        return start

    return [Patch(library.ThreadPoolExecutor, "submit", of_pool), Patch(threading.Thread, "start", of_thread)]
