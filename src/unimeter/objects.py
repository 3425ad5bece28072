"""The fields of an object: a dict's own, an SDK object's without its SDK.

How to get at them depends on the type alone, so it is found out once for each type.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from numbers import Number
from typing import Any

Fields = Mapping[str, Any]

_UNSET = frozenset({"Unset", "UnsetType", "NotGiven", "Omit"})
_MOCKS = frozenset({"unittest.mock", "mock.mock"})
_MOST_TYPES = 4096
"""Types that are remembered; a program that makes types without end must not make us grow with it."""


def fields_of(value: Any) -> Fields | None:
    """The fields of a mapping or an object; None of what has none: texts, numbers, lists.

    >>> fields_of({"a": 1}), fields_of("text"), fields_of([])
    ({'a': 1}, None, None)
    """
    kind = type(value)
    if kind in _pydantic:  # first and here, since most objects are
        extra = value.__pydantic_extra__  # what the SDK does not know, with `extra="allow"`
        fields: Fields = value.__dict__
        return {**fields, **extra} if extra else fields
    try:
        view = _views[kind]
    except KeyError:
        view = _remembered(kind)
    return view(value)


def is_pydantic(kind: type) -> bool:
    """Whether a class is a pydantic model: its objects can be iterated, over their fields."""
    return hasattr(kind, "__pydantic_validator__")


def is_mock(kind: type) -> bool:
    """Whether a class is a mock's, of `unittest.mock` or its backport: its objects answer to every name, and to `int` with 1."""
    return any(base.__name__ == "NonCallableMock" and base.__module__ in _MOCKS for base in kind.__mro__)


def is_unset(value: Any) -> bool:
    """Some SDKs put an object of their own where a value was not sent."""
    return type(value).__name__ in _UNSET


def _remembered(kind: type) -> Callable[[Any], Fields | None]:
    if len(_views) >= _MOST_TYPES:
        _views.clear()
        _pydantic.clear()
    view = _views[kind] = _view_of(kind)
    if view is fields_of:
        _pydantic.add(kind)
    return view


def _view_of(kind: type) -> Callable[[Any], Fields | None]:
    if issubclass(kind, dict):
        return _of_huggingface if hasattr(kind, "__dataclass_fields__") else _itself
    if issubclass(kind, Mapping):
        return _of_azure if kind.__module__.startswith("azure.") else dict
    if issubclass(kind, (str, bytes, bytearray, memoryview, int, float, list, tuple, Enum, type)) or kind.__name__ in _UNSET:
        return _nothing
    if (hasattr(kind, "__index__") or issubclass(kind, Number)) and not is_mock(kind):
        return _nothing  # a number of another type, as numpy has
    if hasattr(kind, "__pydantic_root_model__"):  # which pydantic's dataclasses have not
        return _of_litellm if "_hidden_params" in getattr(kind, "__private_attributes__", ()) else fields_of
    if hasattr(kind, "__dict__") and "__dict__" in dir(kind):
        return _of_mock if is_mock(kind) else _of_object
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


def _of_mock(value: Any) -> Fields:
    """What a test has set on a `unittest.mock.Mock`; it also holds its parent, its calls and whatever was asked of it."""
    fields = {name: item for name, item in value.__dict__.items() if not name.startswith(("_mock_", "_spec_"))}
    fields.pop("method_calls", None)
    children = {name: item for name, item in value._mock_children.items() if hasattr(item, "_mock_children")}
    return {**children, **fields}


def _of_litellm(value: Any) -> Fields:
    """LiteLLM keeps the cost in a private attribute."""
    return {**value.__dict__, **(value.__pydantic_extra__ or {}), "_hidden_params": value._hidden_params}


def _of_huggingface(value: Any) -> Fields:
    """HuggingFace's dataclasses are dicts too: unknown names are only keys, and what nests only attributes keep whole."""
    fields: Fields = value.__dict__
    return fields if len(fields) == len(value) else {**value, **fields}


def _of_azure(value: Any) -> Fields:
    """Azure's models are mappings that wrap each value anew; within is the JSON as it came."""
    fields: Fields = getattr(value, "_data", None) or dict(value)
    return fields


_views: dict[type, Callable[[Any], Fields | None]] = {dict: _itself}
_pydantic: set[type] = set()
