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

    def holds(self, value: Any) -> bool:
        found = [value]
        for step in self.steps:
            inner: list[Any] = []
            for item in found:
                fields = item if type(item) is dict else fields_of(item)
                here = None if fields is None else fields.get(step.name)
                if here is None:
                    continue
                if not step.each:
                    inner.append(here)
                elif isinstance(here, (list, tuple)):
                    inner += here
            if not inner:
                return False
            found = inner
        if self.wanted is None:
            return True
        texts = (str(getattr(item, "value", item)) for item in found)
        if self.wanted.endswith("*"):
            return any(text.lower().startswith(self.wanted[:-1].lower()) for text in texts)
        return any(text.lower() == self.wanted.lower() for text in texts)


def conditions(test: str) -> tuple[Condition, ...]:
    """The conditions that a test is made of."""
    found = []
    for text in test.split("&"):
        path, equals, wanted = text.partition("=")
        found.append(Condition(parse(path), wanted if equals else None))
    return tuple(found)


def predicate(test: str) -> Callable[[Any], bool]:
    """A test as a function."""
    every = conditions(test)
    if len(every) == 1:
        return every[0].holds
    return lambda value: all(condition.holds(value) for condition in every)
