"""The HTTP libraries, tapped: one module a library. Nothing is patched before the first capture nor after the last."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from threading import RLock

from unimeter.capture.exchange import say_once
from unimeter.capture.taps import aiohttp, httpx, urllib3
from unimeter.capture.taps.patch import Hear

TAPS = {"httpx": httpx.tap, "httpx2": httpx.tap, "aiohttp": aiohttp.tap, "urllib3": urllib3.tap}
"""What is tapped where it is installed. requests and botocore are heard in urllib3."""

_lock = RLock()
_opened = 0
_restores: list[Callable[[], None]] = []


def open_(hear: Hear) -> None:
    """Tap the libraries that are installed, unless they are."""
    global _opened
    with _lock:
        _opened += 1
        if _opened == 1:
            for name, tap in TAPS.items():
                try:
                    if find_spec(name) is not None:
                        _restores.append(tap(import_module(name), hear))
                except Exception as error:  # a library that is broken, or too old or new, must not stop the program
                    say_once(f"{name} cannot be heard: {type(error).__name__}", error)


def close() -> None:
    """Restore the libraries, if nobody else has them tapped."""
    global _opened
    with _lock:
        _opened -= 1
        while _opened == 0 and _restores:
            _restores.pop()()
