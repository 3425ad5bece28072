"""Comparing what may have no end: objects that hold each other, or the same object many times.

`==` compares them without end, or until the stack is full. Both functions here look at each object once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from unimeter.objects import fields_of
from unimeter.values import MOST_VALUES

_SCALARS = frozenset((str, int, float, bool, type(None)))
_ABSENT = object()


def equal(one: Any, two: Any) -> bool:
    """Whether two values are equal. An SDK's objects are compared by type and fields.

    Two values whose fields are made when they are asked for are not equal if there are more than `MOST_VALUES`.
    """
    if _differs_early(one, two):
        return False
    seen: dict[tuple[int, int], tuple[Any, Any]] = {}  # the objects are kept, so that no id is used again
    left, waiting = MOST_VALUES, [(one, two)]
    while waiting:
        first, second = waiting.pop()
        if first is second:
            continue
        if type(first) not in (dict, list):
            left -= 1
            if left < 0:
                return False
        pair = id(first), id(second)
        if pair in seen:
            continue  # compared already, or being compared
        seen[pair] = first, second
        for inner, other in _inner_pairs(first, second):
            if inner is other:
                continue
            if type(inner) not in _SCALARS:
                waiting.append((inner, other))
            elif inner != other if type(other) in _SCALARS else not _equal_scalars(inner, other):
                return False
    return True


def _differs_early(one: Any, two: Any) -> bool:
    """Whether two objects differ in a plain value of theirs, or of an object in them: most of those that differ do."""
    if type(one) is not dict or type(two) is not dict:
        return False
    for name, value in one.items():
        other = two.get(name, _ABSENT)
        if type(value) in _SCALARS:
            if value != other and type(other) in _SCALARS:
                return True
        elif type(value) is dict and type(other) is dict and value is not other:
            for inner, plain in value.items():
                held = other.get(inner, _ABSENT)
                if plain is not held and type(plain) in _SCALARS and type(held) in _SCALARS and plain != held:
                    return True
    return False


def _inner_pairs(first: Any, second: Any) -> Iterator[tuple[Any, Any]]:
    """What has to be equal if two values are; a pair that is not equal, if they cannot be."""
    if isinstance(first, (list, tuple)):
        if isinstance(second, (list, tuple)) and isinstance(first, list) == isinstance(second, list):
            yield len(first), len(second)
            yield from zip(first, second, strict=False)
        else:
            yield 0, 1
        return
    fields, other_fields = fields_of(first), fields_of(second)
    if fields is None or other_fields is None:
        yield (0, 0 if _equal_scalars(first, second) else 1)
    elif type(first) is not type(second) and not (isinstance(first, Mapping) and isinstance(second, Mapping)):
        yield 0, 1
    else:
        yield len(fields), len(other_fields)
        for name, value in fields.items():
            yield value, other_fields.get(name, _ABSENT)


def _equal_scalars(one: Any, two: Any) -> bool:
    if isinstance(two, (list, tuple, Mapping)):
        return False
    try:
        return bool(one == two)
    except Exception:  # whatever a type of another's does, such as an array's "truth value is ambiguous"
        return False


class Comparable:
    """A value that `==` compares by `equal`."""

    __slots__ = ("_value",)
    __hash__ = None  # type: ignore[assignment]  # as what it holds

    def __init__(self, value: Any) -> None:
        self._value = value

    def __eq__(self, other: object) -> bool:
        return equal(self._value, other)


def comparable(value: Any) -> Any:
    """A value, or what stands for it in comparisons by `==` if it holds others."""
    return value if type(value) in _SCALARS else Comparable(value)


def is_bounded(value: Any) -> bool:
    """Whether a value, written out, is not much larger than it is in memory.

    What a value holds more than once, and what is made when it is asked for, may be `MOST_VALUES` in all.
    """
    seen: set[int] = set()
    left, waiting = MOST_VALUES, [value]
    while waiting:
        value = waiting.pop()
        kind = type(value)
        if kind in _SCALARS:
            continue
        inner = value if isinstance(value, (list, tuple)) else (fields_of(value) or {}).values()
        if id(value) in seen or (kind is not dict and kind is not list):
            left -= len(inner) + 1
            if left < 0:
                return False
        seen.add(id(value))
        waiting += inner
    return True
