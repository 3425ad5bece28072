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
        if len(self.steps) == 1 and self.wanted is not None:  # by far the most
            fields = value if type(value) is dict else fields_of(value)
            here = None if fields is None else fields.get(self.steps[0].name)
            return here is not None and self.reads(str(getattr(here, "value", here)))
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
        return any(self.reads(str(getattr(item, "value", item))) for item in found)

    def reads(self, text: str) -> bool:
        """Whether a text is what is wanted, or begins so."""
        wanted = self.wanted or ""
        return text.lower().startswith(wanted[:-1]) if wanted.endswith("*") else text.lower() == wanted


def conditions(test: str) -> tuple[Condition, ...]:
    """The conditions that a test is made of."""
    found = []
    for text in test.split("&"):
        path, equals, wanted = text.partition("=")
        found.append(Condition(parse(path), wanted.lower() if equals else None))
    return tuple(found)


def predicate(test: str) -> Callable[[Any], bool]:
    """A test as a function."""
    every = conditions(test)
    if len(every) == 1:
        return every[0].holds
    return lambda value: all(condition.holds(value) for condition in every)
