"""The fields of an object: a dict's own, an SDK object's without its SDK.

How to get at them depends on the type alone, so it is found out once for each type.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any

Fields = Mapping[str, Any]

_UNSET = frozenset({"Unset", "UnsetType", "NotGiven", "Omit"})
_MOST_TYPES = 4096
"""Types that are remembered; a program that makes types without end must not make us grow with it."""


def fields_of(value: Any) -> Fields | None:
    """The fields of a mapping or an object; None of what has none: texts, numbers, lists.

    >>> fields_of({"a": 1}), fields_of("text"), fields_of([])
    ({'a': 1}, None, None)
    """
    try:
        view = views[type(value)]
    except KeyError:
        if len(views) >= _MOST_TYPES:
            views.clear()
        view = views[type(value)] = _view_of(type(value))
    return view(value)


def is_unset(value: Any) -> bool:
    """Some SDKs put an object of their own where a value was not sent."""
    return type(value).__name__ in _UNSET


def _view_of(kind: type) -> Callable[[Any], Fields | None]:
    if issubclass(kind, dict):
        return _itself
    if issubclass(kind, Mapping):
        return dict
    if issubclass(kind, (str, bytes, bytearray, memoryview, int, float, list, tuple, Enum, type)) or kind.__name__ in _UNSET:
        return _nothing
    if hasattr(kind, "__pydantic_fields__"):
        return _of_litellm if "_hidden_params" in getattr(kind, "__private_attributes__", ()) else _of_pydantic
    if hasattr(kind, "__dict__") and "__dict__" in dir(kind):
        return _of_object
    if names := [name for base in kind.__mro__ for name in getattr(base, "__slots__", ())]:
        return lambda value: {name: getattr(value, name) for name in names if hasattr(value, name)}
    return _nothing


def _itself(value: dict[str, Any]) -> Fields:
    return value


def _nothing(_: Any) -> None:
    return None


def _of_object(value: Any) -> Fields:
    fields: Fields = value.__dict__
    return fields


def _of_pydantic(value: Any) -> Fields:
    """The declared fields, and those the SDK did not know (`extra="allow"`)."""
    extra = value.__pydantic_extra__
    fields: Fields = value.__dict__
    return {**fields, **extra} if extra else fields


def _of_litellm(value: Any) -> Fields:
    """LiteLLM keeps the cost in a private attribute."""
    return {**_of_pydantic(value), "_hidden_params": value._hidden_params}


views: dict[type, Callable[[Any], Fields | None]] = {dict: _itself}
"""How to get at the fields of the types seen so far."""
