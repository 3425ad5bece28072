"""The HTTP libraries, tapped: one module a library. Nothing is patched before the first capture nor after the last."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.util import find_spec
from threading import RLock
from typing import Any

from unimeter.capturing.exchange import Ear, Exchange
from unimeter.capturing.taps import aiohttp, httpx, requests, threads, urllib3
from unimeter.capturing.taps.patch import Patch
from unimeter.unharmed import say_once

Listener = Callable[[str, str, Mapping[str, Any]], "Ear | None"]
"""Takes the method, the url and the headers of a request; gives an ear for it, or None."""

TAPS = {
    "httpx": httpx.tap,
    "httpx2": httpx.tap,
    "aiohttp": aiohttp.tap,
    "requests": requests.tap,
    "urllib3": urllib3.tap,
    "concurrent.futures": threads.tap,
}
"""What is tapped where it is installed. botocore is heard in urllib3, and so is requests unless a stand-in answers."""

_lock = RLock()
_listeners: list[Listener] = []
_patches: list[Patch] = []


def open_to(listener: Listener) -> None:
    """Let somebody listen; the first one has the libraries tapped that are installed."""
    with _lock:
        if not _listeners:
            for name, tap in TAPS.items():
                try:
                    if find_spec(name) is not None:
                        _patches.extend(tap(import_module(name), _hear))
                except Exception as error:  # a library that is broken, or too old or new, must not stop the program
                    say_once(f"{name} cannot be heard: {type(error).__name__}", error)
        _listeners.append(listener)


def close_to(listener: Listener) -> None:
    """Take leave; the last one has the libraries restored."""
    with _lock:
        _listeners.remove(listener)
        for patch in _patches:
            if not patch.is_there:
                say_once(f"{patch} was replaced during a capture: calls that were made through it since are not counted")
        while not _listeners and _patches:
            _patches.pop().restore()


def _hear(method: str, url: str, headers: Mapping[str, Any]) -> Exchange | None:
    ears = [ear for listener in dict.fromkeys(_listeners) if (ear := listener(method, url, headers)) is not None]
    return Exchange(ears) if ears else None
