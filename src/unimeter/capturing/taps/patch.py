"""A method of somebody else's class, replaced and put back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import wraps
from types import FunctionType
from typing import Any

from unimeter.capturing.exchange import Exchange
from unimeter.unharmed import say_once

Hear = Callable[[str, str, Mapping[str, Any]], "Exchange | None"]
"""Takes the method, the url and the headers of a request; gives what hears it."""


class _Request:
    """A request that is heard, while it is made."""

    __slots__ = ("going_on", "where")

    def __init__(self, url: Any) -> None:
        self.where = _where(url)
        self.going_on = True


_inside: ContextVar[_Request | None] = ContextVar("unimeter.capturing.inside", default=None)


def replaced(owner: type, name: str, made: Callable[[Any], Any]) -> Callable[[], None]:
    """Put what is made of a method in its place; a function that restores it."""
    original = vars(owner)[name]
    replacement = wraps(original)(made(original if type(original) is FunctionType else _as_function(original)))
    setattr(owner, name, replacement)

    def restore() -> None:
        if vars(owner).get(name) is replacement:  # else somebody replaced ours, and calls it; it hears nothing any more
            setattr(owner, name, original)

    return restore


def _as_function(descriptor: Any) -> Callable[..., Any]:
    """What somebody else has put in a method's place, such as an instrumentation's wrapper: it wants to be bound first, and may
    say of itself that it is a function."""

    def method(instance: Any, /, *arguments: Any, **keywords: Any) -> Any:
        return descriptor.__get__(instance, type(instance))(*arguments, **keywords)

    return method


def both(one: Callable[[], None], other: Callable[[], None]) -> Callable[[], None]:
    """A function that restores what two others restore."""

    def restore() -> None:
        one()
        other()

    return restore


def heard_by(hear: Hear, method: Any, url: Any, headers: Any) -> Exchange | None:
    """What hears a request, unless a library makes it for one that is heard already."""
    try:
        around = _inside.get()
        if around is not None and around.going_on and around.where == _where(url):
            return None
        return hear(str(method), str(url), headers or {})
    except Exception as error:  # the program must not learn of it
        say_once(f"unimeter failed to hear a request: {type(error).__name__}", error)
        return None


@contextmanager
def within(url: Any) -> Iterator[None]:
    """While a request that is heard is made: one library may make it by another."""
    request = _Request(url)
    token = _inside.set(request)
    try:
        yield
    finally:
        request.going_on = False
        with suppress(ValueError):  # whoever closes a task that waits does so in another context
            _inside.reset(token)


def _where(url: Any) -> str:
    """A url's path, which all libraries spell alike."""
    return (
        str(url).partition("://")[2].partition("/")[2].partition("?")[0]
        if "://" in str(url)
        else str(url).partition("?")[0].lstrip("/")
    )
