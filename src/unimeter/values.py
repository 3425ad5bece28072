"""What a raw value may be, and what is made of it: the checks behind the words of `fields`.

A check is called only where the common case (an int, a float, a str) does not hold, so it may take its time.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from enum import Enum
from typing import Any

LARGEST_COUNT = 2**63 - 1
DEEPEST = 32
"""No usage object nests deeper; what does is refused, so that no payload can exhaust the stack."""

_UNSET = frozenset({"Unset", "UnsetType", "NotGiven", "Omit"})


class Refused(Exception):
    """A value that is not what it must be. `read` adds the provider's label and makes it a `MalformedUsage`."""

    def __init__(self, path: str, expected: str, got: Any) -> None:
        super().__init__(path, expected, described(got))
        self.path = path
        self.expected = expected
        self.got = described(got)


def described(value: Any) -> str:
    """A value in a few words. Only numbers and short words are shown: a text may be someone's prompt."""
    if value is None or isinstance(value, (bool, float)):
        return repr(value)
    if isinstance(value, int):
        return repr(value) if -(10**40) < value < 10**40 else f"an int of {value.bit_length()} bits"
    if isinstance(value, str):
        return repr(value) if len(value) <= 24 else f"a str of {len(value)} characters"
    if isinstance(value, (list, tuple)):
        return f"a list of {len(value)}"
    return "an object" if isinstance(value, Mapping) else f"a {type(value).__name__}"


def is_unset(value: Any) -> bool:
    """Some SDKs put an object of their own where a value was not sent."""
    return type(value).__name__ in _UNSET


def as_count(value: Any, path: str) -> int | None:
    """A whole number from 0 to 2**63 - 1; an integral float (Cohere, Llama) is one."""
    if isinstance(value, bool):
        pass
    elif isinstance(value, int) and 0 <= value <= LARGEST_COUNT:
        return int(value)
    elif isinstance(value, float) and 0 <= value <= LARGEST_COUNT and value.is_integer():
        if value < LARGEST_COUNT:  # float(LARGEST_COUNT) is 2**63
            return int(value)
    elif is_unset(value):
        return None
    raise Refused(path, "a whole number from 0 to 2**63 - 1", value)


def as_number(value: Any, path: str) -> float | None:
    """A number that is finite and not negative."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < math.inf:
        return value
    if is_unset(value):
        return None
    raise Refused(path, "a number, finite and not negative", value)


def as_label(value: Any, path: str) -> str | int | None:
    """A word, such as a service tier; of an enum's member, its value, which in some bodies is a number."""
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if is_unset(value):
        return None
    raise Refused(path, "a string", value)


def as_tree(value: Any, path: str, depth: int = 0) -> Any:
    """A JSON-safe copy of whatever stands there, without its nulls. None where nothing is left."""
    if value is None or isinstance(value, (bool, int, str)):
        return value.value if isinstance(value, Enum) else value
    if isinstance(value, float):
        if math.isfinite(value):
            return value
        raise Refused(path, "a finite number", value)
    if depth == DEEPEST:
        raise Refused(path, f"nested at most {DEEPEST} levels deep", value)
    if isinstance(value, (list, tuple)):
        return [as_tree(item, f"{path}[{i}]", depth + 1) for i, item in enumerate(value)]
    if isinstance(value, Enum):
        return as_tree(value.value, path, depth)
    fields = as_fields(value, path)
    copied = {str(name): as_tree(item, f"{path}.{name}", depth + 1) for name, item in (fields or {}).items()}
    return {name: item for name, item in copied.items() if item is not None} or None


def as_fields(value: Any, path: str) -> Mapping[str, Any] | None:
    """The fields of an object: a mapping as it is, an SDK's object through its `__dict__` and pydantic's extras.

    Raises:
        Refused: it is no object.
    """
    fields = fields_of(value)
    if fields is None and not is_unset(value):
        raise Refused(path, "an object", value)
    return fields


def fields_of(value: Any) -> Mapping[str, Any] | None:
    """As `as_fields`, but None where there are no fields."""
    if isinstance(value, Mapping):
        return value if isinstance(value, dict) else dict(value)
    if isinstance(value, (str, bytes, bytearray, int, float, list, tuple, Enum)) or value is None or is_unset(value):
        return None
    fields: dict[str, Any] | None = getattr(value, "__dict__", None)
    if fields is None:
        names = getattr(type(value), "__slots__", None)
        return None if names is None else {name: getattr(value, name) for name in names if hasattr(value, name)}
    extra = getattr(value, "__pydantic_extra__", None)
    private = getattr(value, "_hidden_params", None)  # LiteLLM keeps the cost there, as a private attribute
    if extra or private:
        fields = {**fields, **(extra or {})}
        if private:
            fields["_hidden_params"] = private
    return fields


def as_list(value: Any, path: str) -> list[Any] | tuple[Any, ...] | None:
    """A list; None where an SDK's object says that nothing was sent."""
    if isinstance(value, (list, tuple)):
        return value
    if is_unset(value):
        return None
    raise Refused(path, "a list", value)


def chosen(items: Any, path: str, key: str, wanted: frozenset[str]) -> list[Mapping[str, Any]]:
    """The items of a list, as fields; with a key, those whose value there is one of the wanted, in any case."""
    found = []
    for item in as_list(items, path) or ():
        fields = as_fields(item, f"{path}[]")
        if fields is None:
            continue
        if key:
            value = fields.get(key)
            value = value.value if isinstance(value, Enum) else value
            if str(value).upper() not in wanted:
                continue
        found.append(fields)
    return found


def as_tally(items: Any, path: str, key: str, count: str, camel: str) -> dict[str, int] | None:
    """A list of `{key: word, count: n}` as `{word: n}`, the counts of a repeated word added."""
    tally: dict[str, int] = {}
    for fields in chosen(items, path, "", frozenset()):
        word = fields.get(key)
        word = word.value if isinstance(word, Enum) else word
        number = fields.get(count)
        number = fields.get(camel) if number is None else number
        if word is not None and number is not None:
            checked = as_count(number, f"{path}[{key}={word}].{count}")
            tally[str(word)] = tally.get(str(word), 0) + (checked or 0)
    return tally or None
