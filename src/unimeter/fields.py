"""The words of an adapter's table: where a value stands, and what kind of value it is.

    count("prompt_tokens")                         a number of tokens or calls
    count("prompt_tokens_details.cached_tokens")   a name in a name
    count("details[modality=AUDIO].token_count")   the items of a list that say so, summed; `[a=X|Y]` either, `[]` all
    first(count("a"), count("b"))                  one number under several names: the first that is there
    count("a") + count("b")                        a sum; missing only if both are
    count("a") + if_outside(reasoning)             added only if the response's own total proves that it stands outside
    beside(label("service_tier"))                  stands beside the usage, in the object that holds it
    number, label, money, tree, tally              other kinds of value
    tree("cost", "currency")                       a tree's texts are left out, except under the names that follow
    absent                                         the provider has no such number

Paths are snake_case. An adapter that says `camel_case = True` reads the same names in camelCase as well.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from unimeter.errors import AdapterError

Kind = Literal["count", "number", "label", "money", "tree", "tally"]

_STEP = re.compile(r"([\w/-]*)(?:\[(?:(\w+)=([\w|]+))?\])?")


@dataclass(frozen=True, slots=True)
class Step:
    """One name of a path, and which items are meant where it holds a list."""

    name: str
    each: bool = False
    key: str = ""
    wanted: frozenset[str] = frozenset()

    @property
    def camel(self) -> str:
        return camel_case(self.name)


@lru_cache(maxsize=1024)
def camel_case(name: str) -> str:
    """A snake_case name as camelCase; a leading underscore stays.

    >>> camel_case("prompt_token_count"), camel_case("_hidden_params")
    ('promptTokenCount', '_hidden_params')
    """
    head, *tail = name.split("_")
    return head + "".join(word[:1].upper() + word[1:] for word in tail) if head else name


@lru_cache(maxsize=1024)
def other_spelling(name: str) -> str:
    """A snake_case name as camelCase, and the other way round.

    >>> other_spelling("promptTokenCount"), other_spelling("prompt_token_count")
    ('prompt_token_count', 'promptTokenCount')
    """
    return camel_case(name) if "_" in name else re.sub("(?<=.)([A-Z])", r"_\1", name).lower()


@lru_cache(maxsize=4096)
def parse(path: str) -> tuple[Step, ...]:
    """The steps of a path.

    Raises:
        AdapterError: it is no path.
    """
    steps = []
    for text in path.split("."):
        match = _STEP.fullmatch(text)
        if not match or not text:
            raise AdapterError(f"bad step {text!r} in the path {path!r}: it must be name, name[] or name[key=VALUE]")
        name, key, wanted = match.groups()
        each = text.endswith("]")
        steps.append(Step(name, each, key or "", frozenset(wanted.upper().split("|")) if wanted else frozenset()))
    return tuple(steps)


class Field:
    """A word or a sentence of words. `+` sums two."""

    __slots__ = ()

    def __add__(self, other: Field) -> Field:
        return Sum((*_parts(self), *_parts(other)))

    def leaves(self) -> tuple[Value, ...]:
        """Every value that this reads, in order."""
        return ()

    def __str__(self) -> str:
        return ""


@dataclass(frozen=True, slots=True)
class Value(Field):
    """What stands at one path."""

    path: str
    kind: Kind
    per_unit: int = 1
    beside: bool = False
    key: str = ""
    count: str = ""
    labels: tuple[str, ...] = ()

    @property
    def steps(self) -> tuple[Step, ...]:
        return parse(self.path)

    def leaves(self) -> tuple[Value, ...]:
        return (self,)

    def __str__(self) -> str:
        shown = f"(beside) {self.path}" if self.beside else self.path
        return shown if self.per_unit == 1 else f"{shown} / {self.per_unit}"


@dataclass(frozen=True, slots=True)
class First(Field):
    """The first of some that is there."""

    options: tuple[Field, ...]

    def leaves(self) -> tuple[Value, ...]:
        return tuple(leaf for option in self.options for leaf in option.leaves())

    def __str__(self) -> str:
        return "(" + " or ".join(map(str, self.options)) + ")"


@dataclass(frozen=True, slots=True)
class Outside(Field):
    """A part that may stand outside the count it belongs to."""

    part: Field

    def leaves(self) -> tuple[Value, ...]:
        return self.part.leaves()

    def __str__(self) -> str:
        return f"{self.part} if the total says so"


@dataclass(frozen=True, slots=True)
class Sum(Field):
    """The sum of those that are there; nothing where none is."""

    parts: tuple[Field, ...]

    def leaves(self) -> tuple[Value, ...]:
        return tuple(leaf for part in self.parts for leaf in part.leaves())

    def __str__(self) -> str:
        return " + ".join(map(str, self.parts))


def _parts(field: Field) -> tuple[Field, ...]:
    return field.parts if isinstance(field, Sum) else (field,)


def count(path: str) -> Value:
    """A whole number, zero or more: tokens, calls, requests."""
    return Value(path, "count")


def number(path: str) -> Value:
    """A number, zero or more, in the provider's own unit: seconds, milliseconds, a rate."""
    return Value(path, "number")


def label(path: str) -> Value:
    """A word, such as a service tier."""
    return Value(path, "label")


def money(path: str, per_dollar: int = 1) -> Value:
    """An amount that the provider reports, as US dollars; `per_dollar` says how many of its units make one."""
    return Value(path, "money", per_unit=per_dollar)


def tree(path: str, *labels: str) -> Value:
    """Whatever figures stand there, as they are, without nulls; `labels` are the names in it whose texts are kept."""
    return Value(path, "tree", labels=labels)


def tally(path: str, key: str, count: str) -> Value:
    """A list of `{key: word, count: n}`, as `{word: n}`."""
    return Value(path, "tally", key=key, count=count)


def first(*options: Field) -> First:
    """One number under several names: the first that is there. They are never added."""
    return First(options)


def if_outside(part: Field) -> Outside:
    """A part of a sum that may stand outside or inside the count before it: added when the total proves it outside."""
    return Outside(part)


def beside(value: Value) -> Value:
    """Stands beside the usage rather than in it, such as the response's service tier."""
    return replace(value, beside=True)


absent: Field = Sum(())
"""The provider has no such number."""
