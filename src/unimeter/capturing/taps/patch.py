"""A method of somebody else's class, replaced and put back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any

from unimeter.capturing.exchange import Exchange, say_once

Hear = Callable[[str, str, Mapping[str, Any]], "Exchange | None"]
"""Takes the method, the url and the headers of a request; gives what hears it."""

_inside: ContextVar[bool] = ContextVar("unimeter.capturing.inside", default=False)


def replaced(owner: type, name: str, made: Callable[[Any], Any]) -> Callable[[], None]:
    """Put what is made of a method in its place; a function that restores it."""
    original = vars(owner)[name]
    replacement = wraps(original)(made(original))
    setattr(owner, name, replacement)

    def restore() -> None:
        if vars(owner).get(name) is replacement:  # else somebody replaced ours, and calls it; it hears nothing any more
            setattr(owner, name, original)

    return restore


def heard_by(hear: Hear, method: Any, url: Any, headers: Any) -> Exchange | None:
    """What hears a request, unless it is made by a library for a request that is heard already."""
    try:
        return None if _inside.get() else hear(str(method), str(url), headers or {})
    except Exception as error:  # the program must not learn of it
        say_once(f"unimeter failed to hear a request: {type(error).__name__}", error)
        return None


@contextmanager
def within() -> Iterator[None]:
    """While a request that is heard is made: one library may make it by another."""
    token = _inside.set(True)
    try:
        yield
    finally:
        _inside.reset(token)
