"""Where unimeter looks on while a program works: what fails in here is logged, and the program never learns of it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import ParamSpec

_P = ParamSpec("_P")

logger = logging.getLogger("unimeter.capture")

_MOST_SAID = 100
_said: set[str] = set()


def say_once(what: str, error: BaseException | None = None) -> None:
    """Log something, the first time that it happens."""
    if what not in _said and len(_said) < _MOST_SAID:
        _said.add(what)
        logger.warning("%s; this is said once", what, exc_info=error)


def unharmed(function: Callable[_P, None]) -> Callable[_P, None]:
    """A function whose own failure is logged and goes no further."""

    def guarded(*arguments: _P.args, **keywords: _P.kwargs) -> None:
        try:
            function(*arguments, **keywords)
        except Exception as error:  # this is what the module is for
            say_lost(function.__qualname__, error)

    return guarded


def say_lost(where: str, error: Exception) -> None:
    """Log that a call is lost to a failure of ours."""
    say_once(f"unimeter failed in {where} and lost a call: {type(error).__name__}", error)
