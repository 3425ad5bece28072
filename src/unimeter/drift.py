"""What a provider reports that its adapter does not read: by the SDK's own usage types, or by a payload.

Providers add fields and nobody notices. Here every leaf of a usage is read by the adapter's table, or stands in its
`ignored` with the reason, or it is drift.

    >>> from unimeter.adapters.groq import Groq
    >>> unread(Groq, {"prompt_tokens": 9, "completion_tokens": 2, "brand_new": {"tokens": 3}})
    ['brand_new.tokens']
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from importlib.metadata import files, packages_distributions, version
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin, get_type_hints

from unimeter.adapter import Adapter
from unimeter.errors import MalformedUsage
from unimeter.fields import Value, other_spelling
from unimeter.interpret import Call, Found
from unimeter.objects import fields_of
from unimeter.reading import Reading
from unimeter.recognise import Recogniser
from unimeter.values import Refused

_DEEPEST = 8
"""No SDK's usage type nests deeper; a type may hold itself."""


class Drift(NamedTuple):
    """What an adapter and its SDK's usage types do not have in common."""

    adapter: str
    sdk: str
    """The SDK's package and version, or what is missing; of a payload, the provider."""
    unread: list[str]
    """Leaves of the SDK's types that the adapter neither reads nor ignores."""
    lost: list[str]
    """Leaves that it reads and none of the types has; servers may send them all the same."""
    installed: bool = True


def drift_of(adapter: type[Adapter]) -> Drift | None:
    """An adapter against the usage types of its SDK, as installed; None where it names none of its own."""
    specs = vars(adapter).get("sdk_types", ())
    if not specs:
        return None
    module = specs[0].partition(":")[0]
    leaves: dict[str, None] = {}
    try:
        for spec in specs:
            leaves |= dict.fromkeys(leaves_of_type(_type_named(spec), numbers_only="" in adapter.places))
    except ModuleNotFoundError as error:
        return Drift(adapter.__name__, f"{error.name} is not installed", [], [], installed=False)
    covers = _Cover(adapter)
    lost = sorted(leaf for leaf in _own_leaves(adapter) if not any(_within(known, leaf) for known in leaves))
    unread_ones = sorted(leaf for leaf in leaves if not covers(leaf))
    return Drift(adapter.__name__, _distribution(module), unread_ones, lost)


def _own_leaves(adapter: type[Adapter]) -> set[str]:
    """What an adapter's own table reads of a usage, without what it has from the dialect."""
    own = vars(adapter)
    fields = [field for name, field in adapter.table.items() if name in own]
    fields += [*adapter.provider_metrics.values()] if "provider_metrics" in own else []
    return {_names(value) for field in fields for value in field.leaves() if not value.beside}


def drift_in(
    payload: Any, provider: str | None = None, *, url: str | None = None, headers: Mapping[str, Any] | None = None
) -> list[Drift]:
    """What stands in the usage of a payload that its adapter does not read. Takes and raises what `read` does."""
    call = Watched(provider, url, None)
    try:
        call.read(payload, headers)
    except Refused as refused:
        raise MalformedUsage(call.label or "", refused.path, refused.expected, refused.got) from None
    leaves: dict[type[Adapter], set[str]] = {}
    for adapter, usage in call.seen:
        leaves.setdefault(adapter, set()).update(unread(adapter, usage))
    return [Drift(adapter.__name__, adapter.provider, sorted(found), []) for adapter, found in leaves.items()]


class Watched(Call):
    """A reading that keeps which adapter measured what."""

    def __init__(self, provider: str | None, url: str | None, model: str | None, known: Recogniser | None = None) -> None:
        super().__init__(provider, url, model, known)
        self.seen: list[tuple[type[Adapter], Any]] = []

    def reading(self, found: Found, complete: bool = True) -> Reading | None:
        reading = super().reading(found, complete)
        if reading is not None:
            self.seen.append((found[0], found[1]))
        return reading

    def another(self) -> Call:
        call = Watched(None, None, self.model, self.recogniser)
        call.label, call.named, call.hints, call.seen = self.label, self.named, self.hints, self.seen
        return call


def unread(adapter: type[Adapter], usage: Any) -> list[str]:
    """The leaves of a usage at which something stands that the adapter neither reads nor ignores."""
    covers = _Cover(adapter)
    numbers_only = "" in adapter.places  # the usage is the response itself, with all that is not usage
    return sorted({leaf for leaf in _leaves_of(usage, numbers_only=numbers_only) if not covers(leaf)})


class _Cover:
    """Which paths an adapter reads or ignores."""

    def __init__(self, adapter: type[Adapter]) -> None:
        self._exact: set[str] = set()
        self._whole: list[str] = []
        for value in adapter.leaves():
            if value.beside:
                continue
            path = _names(value)
            self._exact.add(path)
            if value.kind == "tree":
                self._whole.append(path)
            elif value.kind == "tally":
                self._exact |= {f"{path}[].{_snake(name)}" for name in (value.key, value.count)}
            at = ""
            for step in value.steps:  # the word by which an item is chosen is read as well
                at = f"{at}.{step.name}".strip(".") + "[]" * (step.each and bool(step.name))
                if step.key:
                    self._exact.add(f"{at}.{step.key}".strip("."))
        for path in adapter.ignored:
            self._whole.append(path)

    def __call__(self, path: str) -> bool:
        return path in self._exact or any(_within(path, whole) for whole in self._whole)


def _within(path: str, whole: str) -> bool:
    return path == whole or path.startswith((f"{whole}.", f"{whole}[]"))


def _names(value: Value) -> str:
    """A value's path without the words by which items are chosen."""
    return ".".join(step.name + "[]" * step.each for step in value.steps if step.name)


# of a payload --------------------------------------------------------------------------------------------------------


def _leaves_of(value: Any, at: str = "", depth: int = 0, *, numbers_only: bool = False) -> Iterator[str]:
    fields = fields_of(value)
    if fields is not None and depth < _DEEPEST:
        for name, inner in fields.items():
            yield from _leaves_of(inner, f"{at}.{_snake(str(name))}".strip("."), depth + 1, numbers_only=numbers_only)
    elif isinstance(value, (list, tuple)) and depth < _DEEPEST:
        for inner in value:
            if not numbers_only or fields_of(inner) is not None:  # a vector counts nothing
                yield from _leaves_of(inner, f"{at}[]" if at else "", depth + 1, numbers_only=numbers_only)
    elif value is not None and at and (not numbers_only or type(value) in (int, float)):
        yield at


def _snake(name: str) -> str:
    return name if "_" in name else other_spelling(name)


# of an SDK's types ---------------------------------------------------------------------------------------------------


def leaves_of_type(kind: Any, at: str = "", depth: int = 0, *, numbers_only: bool = False) -> Iterator[str]:
    """The paths at which an object of a type may hold a value; an object of any shape is one leaf.

    Args:
        kind: a class with declared fields, or an annotation.
        at: where it stands.
        depth: how deep that is.
        numbers_only: whether only numbers count, where the usage is spread over the response itself.
    """
    inner, listed = _unwrapped(kind)
    at += "[]" * listed
    models = [one for one in inner if _hints(one)]
    if not models or depth == _DEEPEST:
        if at and (not numbers_only or {int, float} & set(inner)):
            yield at
        return
    for model in models:
        for name, hint in _hints(model).items():
            yield from leaves_of_type(hint, f"{at}.{_snake(name)}".strip("."), depth + 1, numbers_only=numbers_only)


def _unwrapped(kind: Any) -> tuple[list[Any], bool]:
    """What may stand where an annotation is, without optional and union; and whether it stands in a list."""
    if getattr(kind, "type_name", None) == "list":  # of botocore's, whose types are data
        return [kind.member], True
    origin = get_origin(kind)
    if origin is Annotated:
        return _unwrapped(get_args(kind)[0])
    if origin in (Union, types.UnionType):
        options = [_unwrapped(one) for one in get_args(kind) if one is not types.NoneType]
        return [one for inner, _ in options for one in inner], any(listed for _, listed in options)
    if origin in (list, tuple) or (isinstance(origin, type) and issubclass(origin, Iterable) and origin not in (dict, Mapping)):
        return (_unwrapped(get_args(kind)[0])[0], True) if get_args(kind) and not _is_mapping(origin) else ([kind], False)
    return [kind], False


def _is_mapping(origin: Any) -> bool:
    return isinstance(origin, type) and issubclass(origin, Mapping)


def _hints(kind: Any) -> dict[str, Any]:
    """The fields that a class declares, and their annotations; none for a class that declares none."""
    if getattr(kind, "type_name", None) == "structure":  # of botocore's
        return dict(kind.members)
    if not isinstance(kind, type):
        return {}
    if issubclass(kind, dict) and hasattr(kind, "__total__"):  # a TypedDict
        return _annotations(kind)
    if (declared := getattr(kind, "model_fields", None)) is not None:
        return {name: field.annotation for name, field in declared.items()}
    if dataclasses.is_dataclass(kind) or hasattr(kind, "_attr_to_rest_field") or hasattr(kind, "_is_model"):
        return {name: hint for name, hint in _annotations(kind).items() if not name.startswith("_")}
    return {}


def _annotations(kind: type) -> dict[str, Any]:
    try:
        return get_type_hints(kind)
    except NameError:  # an annotation that only its type checker can resolve
        return dict(kind.__annotations__)


def _type_named(spec: str) -> Any:
    module, _, name = spec.partition(":")
    package, _, service = module.partition(".")
    if package == "botocore":
        return import_module("botocore.session").Session().get_service_model(service).shape_for(name)
    return getattr(import_module(module), name)


def _distribution(module: str) -> str:
    """The package that a module is of, and its version; of a namespace that several share, the one that has the module."""
    top = module.partition(".")[0]
    names = sorted({*packages_distributions().get(top, ())})
    for name in names:
        path = module.replace(".", "/")
        held = (str(file) for file in files(name) or ())
        if len(names) == 1 or any(file.startswith((f"{path}/", f"{path}.py")) for file in held):
            return f"{name} {version(name)}"
    return top
