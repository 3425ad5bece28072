"""A method of somebody else's class, replaced and put back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import update_wrapper
from types import FunctionType, ModuleType
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
_offered: ContextVar[Offer | None] = ContextVar("unimeter.capturing.offered", default=None)


class Patch:
    """A method of somebody else's class that is replaced by ours."""

    def __init__(self, owner: type, name: str, made: Callable[[Any], Any], *, has_others_above: bool = False) -> None:
        """
        Args:
            owner, name: the class and its method.
            made: makes the replacement of what it replaces.
            has_others_above: whether methods are replaced as well that call this one, and hear what it does not.
        """
        self._has_others_above = has_others_above
        self._owner = owner
        self._name = name
        self._original = vars(owner)[name]
        self._replacement = made(self._original if type(self._original) is FunctionType else _as_function(self._original))
        update_wrapper(self._replacement, self._original, updated=())  # its attributes are marks of whoever replaced it before
        setattr(owner, name, self._replacement)

    @property
    def is_outermost(self) -> bool:
        """Whether the replacement is what a program calls."""
        return vars(self._owner).get(self._name) is self._replacement

    @property
    def is_there(self) -> bool:
        """Whether what it is for is heard, as far as can be seen: it is called, or something that calls it, or others do."""
        with suppress(Exception):  # somebody else's objects are looked into
            return self._has_others_above or _leads_to(self._replacement, vars(self._owner).get(self._name), _DEEPEST)
        return False

    def restore(self) -> None:
        """Put the original back, unless somebody replaced ours, and calls it; it hears nothing any more."""
        if self.is_outermost:
            setattr(self._owner, self._name, self._original)

    def __str__(self) -> str:
        return f"{self._owner.__module__}.{self._owner.__qualname__}.{self._name}"


_DEEPEST = 8
"""Wrappers around ours that are looked through."""


def _leads_to(replacement: Any, found: Any, depth: int) -> bool:
    """Whether a function is the replacement, or one that holds it: as what it wraps, in its closure, in a partial, in a mock."""
    if found is replacement:
        return True
    if found is None or depth == 0 or isinstance(found, (str, bytes, int, float, type, ModuleType)):
        return False
    held = [getattr(found, name, None) for name in ("__wrapped__", "__func__", "func", "side_effect")]
    for cell in (found.__closure__ or ()) if type(found) is FunctionType else ():
        with suppress(ValueError):  # it is empty
            held.append(cell.cell_contents)
    return any(_leads_to(replacement, one, depth - 1) for one in held if callable(one))


def _as_function(descriptor: Any) -> Callable[..., Any]:
    """What somebody else has put in a method's place, such as an instrumentation's wrapper: it wants to be bound first, and may
    say of itself that it is a function."""

    def method(instance: Any, /, *arguments: Any, **keywords: Any) -> Any:
        return descriptor.__get__(instance, type(instance))(*arguments, **keywords)

    return method


def heard_by(hear: Hear, method: Any, url: Any, headers: Any) -> Exchange | None:
    """What hears a request, unless a library makes it for one that is heard already."""
    try:
        around = _inside.get()
        if around is not None and around.going_on and around.where == _where(url):
            return None
        offer = _offered.get()
        if offer is None or not offer.is_open:
            return hear(str(method), str(url), headers or {})
        exchange = offer.exchange if offer.where == _where(url) else hear(str(method), str(url), headers or {})
        offer.is_open = exchange is None  # what is heard under another url is the same request, sent elsewhere
        return exchange
    except Exception as error:  # the program must not learn of it
        say_once(f"unimeter failed to hear a request: {type(error).__name__}", error)
        return None


class Offer:
    """An exchange for whoever makes the request in the end. It stays open if a stand-in answers, and nobody makes one."""

    __slots__ = ("exchange", "is_open", "where")

    def __init__(self, url: Any, exchange: Exchange) -> None:
        self.where = _where(url)
        self.exchange = exchange
        self.is_open = True


@contextmanager
def offered(url: Any, exchange: Exchange) -> Iterator[Offer]:
    """While a library has a request made: what is tapped below it takes the exchange, unless a stand-in is in its place."""
    offer = Offer(url, exchange)
    token = _offered.set(offer)
    try:
        yield offer
    finally:
        with suppress(ValueError):  # whoever closes a task that waits does so in another context
            _offered.reset(token)


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
