"""What a raw value may be, and what is made of it: the checks behind the words of `fields`.

A check is called only where the common case (an int, a float, a str) does not hold, so it may take its time.
"""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from contextlib import suppress
from enum import Enum
from math import isfinite
from numbers import Real
from operator import index
from typing import Any

from unimeter.objects import Fields, fields_of, is_mock, is_unset

LARGEST_COUNT = 2**63 - 1
DEEPEST = 32
"""No usage object nests deeper; what does is refused, so that no payload can exhaust the stack."""


_NUMERIC = re.compile(r"[-+.,\d_eE ]{1,24}")
NUMBER_AS_TEXT = r"-?[0-9]{1,20}(\.[0-9]{1,20})?([eE][-+]?[0-9]{1,3})?"
_NUMBER_AS_TEXT = re.compile(NUMBER_AS_TEXT)
_NAME = re.compile(r"[\w.:/@+-]{1,64}", re.ASCII)
"""A name in a JSON object, or an id of a model where names are ids. Anything else may be a text."""
_MOST_NAMES = 4096
NAMES: set[str] = set()
"""Names that were looked at, and are names."""


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


MOST_VALUES = 50_000
"""Values of one usage that are looked at; one with more is refused. Objects that hold each other have no end."""


def spend(left: list[int], count: int, path: str) -> None:
    """Take some values off those that may still be looked at.

    Raises:
        Refused: there are too many.
    """
    left[0] -= count
    if left[0] < 0:
        refused = Refused(path, f"an object of at most {MOST_VALUES:,} values", None)
        refused.got = "a larger one"
        raise refused


def is_numeric(text: str) -> bool:
    """Whether a text is a number."""
    return len(text) <= 48 and _NUMBER_AS_TEXT.fullmatch(text) is not None


def name_of(name: Any, taken: Container[str] = ()) -> str:
    """A name in an object, as it is shown: one that may be a text is replaced by its length.

    Args:
        name: the name; an SDK's object may have others than strings.
        taken: the names in the object so far: no two are shown as one.

    >>> name_of("audio_tokens"), name_of("What is the weather like?")
    ('audio_tokens', 'name_of_25_characters')
    """
    text: str = name if type(name) is str else str(name)
    if text in NAMES:
        return text
    if _NAME.fullmatch(text):
        if len(NAMES) >= _MOST_NAMES:
            NAMES.clear()
        NAMES.add(text)
        return text
    shown = replaced = f"name_of_{len(text)}_characters"
    number = 1
    while shown in taken:
        number += 1
        shown = f"{replaced}_{number}"
    return shown


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
    elif (number := plain_number(value)) is not None:
        return as_count(number, path)
    raise Refused(path, "a whole number from 0 to 2**63 - 1", value)


def plain_number(value: Any) -> int | float | None:
    """The int or the float that an object of another number type stands for, such as numpy's; None for what is no number."""
    kind = type(value)
    if kind is dict or isinstance(value, (bool, str)) or kind.__name__ in ("bool", "bool_") or is_mock(kind):
        return None
    if hasattr(kind, "__index__"):
        with suppress(TypeError):
            return index(value)
    return float(value) if isinstance(value, Real) else None


def as_number(value: Any, path: str) -> float | None:
    """A number that is not negative, and no larger than any that has a meaning here."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= LARGEST_COUNT:
        return float(value) if isinstance(value, float) else int(value)
    if is_unset(value):
        return None
    if not isinstance(value, (int, float)) and (number := plain_number(value)) is not None:
        return as_number(number, path)
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
    if isinstance(number := plain_number(value), int):
        return number
    raise Refused(path, "a string", value)


def as_tree(
    value: Any, path: str, labels: tuple[str, ...] = (), depth: int = 0, *, is_label: bool = False, left: list[int] | None = None
) -> Any:
    """A JSON-safe copy of what stands there, without its nulls. None where nothing is left.

    Args:
        value: the value.
        path: where it stands.
        labels: names in it whose texts are labels. Any other text may be a prompt or an answer, and is left out, unless it is
            a number that is written as text.
        depth: how deep it is nested.
        is_label: whether a text that stands there is a label.
        left: how many more values are looked at.
    """
    left = left or [MOST_VALUES]
    fields = value if type(value) is dict else fields_of(value)
    if fields is None:
        return _tree_of_no_object(value, path, labels, depth, left, is_label=is_label)
    spend(left, len(fields), path)
    copied: dict[str, Any] = {}
    for name, item in fields.items():
        kind = type(item)
        if kind is float:
            if not isfinite(item):
                raise Refused(f"{path}.{name_of(name)}", "a finite number", item)
        elif kind is int or kind is bool:
            pass
        elif item is None:
            continue
        elif kind is str:
            if name not in labels and not is_numeric(item):
                continue
        elif depth == DEEPEST:
            raise Refused(path, f"nested at most {DEEPEST} levels deep", value)
        else:
            item = as_tree(item, f"{path}.{name_of(name)}", labels, depth + 1, is_label=name in labels, left=left)
            if item is None:
                continue
        copied[name if name in NAMES else name_of(name, copied)] = item
    return copied or None


def _tree_of_no_object(value: Any, path: str, labels: tuple[str, ...], depth: int, left: list[int], *, is_label: bool) -> Any:
    if isinstance(value, Enum):
        return as_tree(value.value, path, labels, depth, is_label=is_label, left=left)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, str):
        return str(value) if is_label or is_numeric(value) else None
    if isinstance(value, float):
        return as_finite(value, path)
    if not isinstance(value, (list, tuple)):
        number = plain_number(value)
        return as_fields(value, path) if number is None else number  # None where an SDK says that nothing was sent
    spend(left, len(value), path)
    if depth == DEEPEST:
        raise Refused(path, f"nested at most {DEEPEST} levels deep", value)
    kept = (item for item in value if is_label or not isinstance(item, str) or is_numeric(item))
    copied = [as_tree(item, f"{path}[]", labels, depth + 1, is_label=is_label, left=left) for item in kept]
    return copied if not value or any(item is not None for item in copied) else None


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


def as_word(value: Any, path: str) -> str:
    """A word by which an item of a list is chosen: a string, an enum's member, in some bodies a number."""
    word = as_label(value, path)
    return "" if word is None else str(word)


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
                word = as_label(word, f"{path}[].{key}")
                if word is None:
                    continue
                word = str(word)
            if type(number) is not int or not 0 <= number <= LARGEST_COUNT:
                number = as_count(number, f"{path}[].{count}") or 0
            tally[word] = tally.get(word, 0) + number
    return tally or None
