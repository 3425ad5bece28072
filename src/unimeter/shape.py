"""Tests on a body or an event, as adapters write them in `shape` and `final`.

name                something that is not null stands under the name
name.name           the same, in an object within; `name[].name` in some item of a list
name=value          the value there reads so, in any case; `name=prefix*` begins so
test&test           both hold
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from unimeter.fields import Step, parse
from unimeter.objects import fields_of


class Condition(NamedTuple):
    """One test: where to look, and what must stand there; None for anything."""

    steps: tuple[Step, ...]
    wanted: str | None

    @property
    def reads(self) -> Callable[[Any], bool]:
        """A function that tells whether a value reads as is wanted."""
        wanted = self.wanted
        if wanted is None:
            return _is_something
        prefix = wanted.removesuffix("*")
        is_prefix = prefix != wanted

        def reads(value: Any) -> bool:
            text = (value if type(value) is str else word_of(value)).lower()
            return text.startswith(prefix) if is_prefix else text == wanted

        return reads


def _is_something(value: Any) -> bool:
    return value is not None


def word_of(value: Any) -> str:
    """A value as a word: a text, a number, or what an enum's member stands for; "" for what is none or holds others."""
    value = getattr(value, "value", value)
    return str(value) if isinstance(value, (str, int, float)) else ""


def conditions(test: str) -> tuple[Condition, ...]:
    """The conditions that a test is made of."""
    found = []
    for text in test.split("&"):
        path, equals, wanted = text.partition("=")
        found.append(Condition(parse(path), wanted.lower() if equals else None))
    return tuple(found)


def predicate(test: str) -> Callable[[Any], bool]:
    """A test as a function."""
    first, *others = [_at(condition.steps, condition.reads) for condition in conditions(test)]
    return (lambda value: first(value) and all(holds(value) for holds in others)) if others else first


def holds_something(path: str) -> Callable[[Any], bool]:
    """A function that tells whether something that is not empty stands at a path."""
    return _at(parse(path), bool)


def _at(steps: tuple[Step, ...], holds: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """A function that tells whether something holds of what stands at some steps; of a list, of some item."""
    step, *further = steps
    name, each = step.name, step.each
    then = _at(tuple(further), holds) if further else holds

    def holds_there(value: Any) -> bool:
        fields = value if type(value) is dict else fields_of(value)
        here = None if fields is None else fields.get(name)
        if not each:
            return here is not None and then(here)
        return isinstance(here, (list, tuple)) and bool(here) and any(map(then, here))

    return holds_there
