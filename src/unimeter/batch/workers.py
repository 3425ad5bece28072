"""The processes that read chunks: Ctrl-C is left to the process that began the job, and they end with it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import parent_process
from threading import Thread, current_thread, main_thread
from types import FrameType


def begin_worker() -> None:
    """Leave Ctrl-C to the process that began the job, and end with it, however it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    if (parent := parent_process()) is not None:
        parent.join()
        os._exit(1)


@contextmanager
def interrupts_held() -> Iterator[None]:
    """Hold Ctrl-C back, and let it come afterwards.

    A process that starts within inherits the signal mask, so that Ctrl-C does not reach it before `begin_worker`. And the
    pool that starts it is not left half-made, which would hide the KeyboardInterrupt behind an error of its own. For that the
    mask is not enough: the system then gives the signal to another thread, and Python runs the handler in the main one.
    """
    handler = signal.getsignal(signal.SIGINT) if current_thread() is main_thread() else None
    held: list[tuple[int, FrameType | None]] = []
    if callable(handler):
        signal.signal(signal.SIGINT, lambda number, frame: held.append((number, frame)))
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT}) if hasattr(signal, "pthread_sigmask") else None
    try:
        yield
    finally:
        if mask is not None:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        if callable(handler):
            signal.signal(signal.SIGINT, handler)
            if held:
                handler(*held[0])
