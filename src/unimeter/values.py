"""What a raw value may be, and what is made of it: the checks behind the words of `fields`.

A check is called only where the common case (an int, a float, a str) does not hold, so it may take its time.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from enum import Enum
from math import isfinite
from typing import Any

from unimeter.objects import Fields, fields_of, is_unset

LARGEST_COUNT = 2**63 - 1
DEEPEST = 32
"""No usage object nests deeper; what does is refused, so that no payload can exhaust the stack."""


_NUMERIC = re.compile(r"[-+.,\d_eE ]{1,24}")


class Refused(Exception):
    """A value that is not what it must be. `read` adds the provider's label and makes it a `MalformedUsage`."""

    def __init__(self, path: str, expected: str, got: Any) -> None:
        super().__init__(path, expected, described(got))
        self.path = path
        self.expected = expected
        self.got = described(got)


def described(value: Any) -> str:
    """A value in a few words. Of texts only numbers are shown: any other may be someone's prompt."""
    if value is None or isinstance(value, (bool, float)):
        return repr(value)
    if isinstance(value, int):
        return repr(value) if -(10**40) < value < 10**40 else f"an int of {value.bit_length()} bits"
    if isinstance(value, str):
        return repr(value) if _NUMERIC.fullmatch(value) else f"a str of {len(value)} characters"
    if isinstance(value, (list, tuple)):
        return f"a list of {len(value)}"
    return "an object" if isinstance(value, Mapping) else f"a {type(value).__name__}"


def as_count(value: Any, path: str) -> int | None:
    """A whole number from 0 to 2**63 - 1; an integral float (Cohere, Llama) is one."""
    if type(value) is float or isinstance(value, float):
        if 0.0 <= value < 2.0**63 and (whole := int(value)) == value:
            return whole
    elif isinstance(value, int) and not isinstance(value, bool):
        if 0 <= value <= LARGEST_COUNT:
            return int(value)
    elif is_unset(value):
        return None
    raise Refused(path, "a whole number from 0 to 2**63 - 1", value)


def as_number(value: Any, path: str) -> float | None:
    """A number that is not negative, and no larger than any that has a meaning here."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= LARGEST_COUNT:
        return float(value) if isinstance(value, float) else int(value)
    if is_unset(value):
        return None
    raise Refused(path, "a number from 0 to 2**63 - 1", value)


def as_label(value: Any, path: str) -> str | int | None:
    """A word, such as a service tier; of an enum's member, its value, which in some bodies is a number."""
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return int(value)
    if is_unset(value):
        return None
    raise Refused(path, "a string", value)


def as_tree(value: Any, path: str, depth: int = 0) -> Any:
    """A JSON-safe copy of whatever stands there, without its nulls. None where nothing is left."""
    fields = value if type(value) is dict else fields_of(value)
    if fields is None:
        return _tree_of_no_object(value, path, depth)
    copied = {}
    for name, item in fields.items():
        kind = type(item)
        if kind is float:
            if not isfinite(item):
                raise Refused(f"{path}.{name}", "a finite number", item)
        elif kind is int or kind is str or kind is bool:
            pass
        elif item is not None:
            if depth == DEEPEST:
                raise Refused(path, f"nested at most {DEEPEST} levels deep", value)
            item = as_tree(item, f"{path}.{name}", depth + 1)
        if item is not None:
            copied[name if type(name) is str else str(name)] = item
    return copied or None


def _tree_of_no_object(value: Any, path: str, depth: int) -> Any:
    if isinstance(value, Enum):
        return as_tree(value.value, path, depth)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, (int, str)):
        return int(value) if isinstance(value, int) else str(value)
    if isinstance(value, float):
        return as_finite(value, path)
    if not isinstance(value, (list, tuple)):
        return as_fields(value, path)  # None where an SDK says that nothing was sent
    if depth == DEEPEST:
        raise Refused(path, f"nested at most {DEEPEST} levels deep", value)
    return [as_tree(item, f"{path}[]", depth + 1) for item in value]


_PLAIN = frozenset((int, str, bool))


def as_evidence(value: Any, depth: int = 0) -> Any:
    """A copy of a usage as it came, nulls and all, that nobody changes later; what JSON cannot say, in words."""
    kind = type(value)
    if value is None or kind in _PLAIN:
        return value
    if kind is not dict:
        if isinstance(value, Enum):
            return as_evidence(value.value, depth)
        if isinstance(value, (int, str)):
            return int(value) if isinstance(value, int) else str(value)
        if isinstance(value, float):
            return float(value) if isfinite(value) else repr(float(value))
        if isinstance(value, Decimal):
            return float(value)
    if depth == DEEPEST:
        return "nested too deeply"
    if isinstance(value, (list, tuple)):
        return [as_evidence(item, depth + 1) for item in value]
    fields = fields_of(value)
    if fields is None:
        return described(value)
    sent = fields if kind is dict else getattr(value, "__pydantic_fields_set__", fields)  # an SDK's object has what came
    return {
        str(name): item if item is None or type(item) in _PLAIN else as_evidence(item, depth + 1)
        for name, item in fields.items()
        if item is not None or name in sent
    }


def as_finite(value: float, path: str) -> float:
    """A float that JSON can say."""
    if not isfinite(value):
        raise Refused(path, "a finite number", value)
    return float(value)


def as_fields(value: Any, path: str) -> Fields | None:
    """The fields of an object; None where an SDK says that nothing was sent.

    Raises:
        Refused: it is no object.
    """
    fields = fields_of(value)
    if fields is None and not is_unset(value):
        raise Refused(path, "an object", value)
    return fields


def as_list(value: Any, path: str) -> list[Any] | tuple[Any, ...] | None:
    """A list; None where an SDK's object says that nothing was sent."""
    if isinstance(value, (list, tuple)):
        return value
    if is_unset(value):
        return None
    raise Refused(path, "a list", value)


def as_word(value: Any) -> str:
    """A word by which an item of a list is chosen: a string, an enum's member, in some bodies a number."""
    return str(value.value if isinstance(value, Enum) else value)


def as_tally(items: Any, path: str, key: str, count: str, camel: str) -> dict[str, int] | None:
    """A list of `{key: word, count: n}` as `{word: n}`, the counts of a repeated word added."""
    tally: dict[str, int] = {}
    for item in items if type(items) is list else as_list(items, path) or ():
        fields = item if type(item) is dict else as_fields(item, f"{path}[]") or {}
        word, number = fields.get(key), fields.get(count)
        if number is None:
            number = fields.get(camel)
        if word is not None and number is not None:
            if type(word) is not str:
                word = as_word(word)
            if type(number) is not int or not 0 <= number <= LARGEST_COUNT:
                number = as_count(number, f"{path}[].{count}") or 0
            tally[word] = tally.get(word, 0) + number
    return tally or None
