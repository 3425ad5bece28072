"""Where unimeter looks on while a program works: what fails in here is logged, and the program never learns of it.

What an error says, and the values in its frames, may be a prompt or an answer: only its class and where it was raised are
logged.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from traceback import walk_tb
from typing import ParamSpec

_P = ParamSpec("_P")

logger = logging.getLogger("unimeter.capture")

_MOST_SAID = 100
_MOST_FRAMES = 8
_said: set[str] = set()


def say_once(what: str, error: BaseException | None = None) -> None:
    """Log something, the first time that it happens.

    Args:
        what: what happened.
        error: a failure of ours; where it was raised is logged as well.
    """
    if what not in _said and len(_said) < _MOST_SAID:
        _said.add(what)
        logger.warning("%s; this is said once%s", what, "" if error is None else f" ({_frames_of(error)})")


def _frames_of(error: BaseException) -> str:
    """The innermost places that an error came through: neither source text nor values."""
    frames = [f"{frame.f_code.co_filename}:{line} in {frame.f_code.co_name}" for frame, line in walk_tb(error.__traceback__)]
    return ", from ".join(reversed(frames[-_MOST_FRAMES:])) or "nowhere"


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
