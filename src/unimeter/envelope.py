"""What of a JSON body is worth decoding: the names that some adapter asks for, and everything in a usage.

The rest — prompts, completions, embeddings — is skipped by the decoder and never becomes a Python object.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import IntEnum
from functools import lru_cache
from typing import Any, TypedDict, Union

import msgspec

from unimeter.adapter import Adapter
from unimeter.fields import Step, parse
from unimeter.registry import Registry
from unimeter.several import LISTS, TELLING
from unimeter.shape import conditions

Tree = dict[str, Any]
"""What is kept, by name: a `_Keep`, or a pair of whether it is a list and the tree within."""


class _Keep(IntEnum):
    """How much of a value is kept."""

    PRESENCE = 0
    VALUE = 1
    ALL = 2
    """A usage: whatever else asks for a single name in it."""


def paths(registry: Registry) -> Iterable[tuple[tuple[Step, ...], _Keep]]:
    """Every path that an adapter looks at outside of a usage, and what is needed there."""
    for adapter in registry.adapters:
        for place in adapter.places:
            steps = parse(place) if place else ()
            if steps:
                yield steps, _Keep.ALL
            for path in (*adapter.model, *adapter.id, *_beside(adapter)):
                yield (*steps[:-1], *parse(path)), _Keep.VALUE
        for test in adapter.shape:
            keep = _Keep.PRESENCE if "=" not in test and "." not in test else _Keep.VALUE
            yield from ((condition.steps, keep) for condition in conditions(test))
        for test in (*adapter.final, *adapter.whole, *adapter.start, *adapter.stop):
            yield from ((condition.steps, _Keep.VALUE) for condition in conditions(test))
        yield from ((parse(path), _Keep.VALUE) for path in adapter.partial)
    for marks in registry.marks.values():
        for where, mark, _ in marks:
            if where == "body":
                yield from ((condition.steps, _Keep.VALUE) for condition in conditions(mark))


def _beside(adapter: type[Adapter]) -> Iterable[str]:
    inside = adapter.places == ("",)
    return (leaf.path for leaf in adapter.leaves() if leaf.beside or inside)


def tree_of(registry: Registry) -> Tree:
    """The names of all paths, nested; both spellings of each."""
    tree: Tree = {}
    for steps, keep in paths(registry):
        _plant(tree, steps, keep)
    for path in LISTS:
        _plant(tree, parse(f"{path}[].response"), _Keep.VALUE)
    for name in whole(registry):
        _plant(tree, parse(name), _Keep.PRESENCE)
    _plant(tree, parse("error"), _Keep.VALUE)
    return tree


def whole(registry: Registry) -> frozenset[str]:
    """Names of bodies that are needed whole: result lines, responses that are their own usage, usage objects alone."""
    alone = (name for adapter in registry.adapters for name in adapter.usage_names)
    shapes = (test for adapter in registry.adapters if "" in adapter.places for test in adapter.shape)
    return frozenset((*TELLING, *alone, *(conditions(test)[0].steps[0].name for test in shapes)))


def _plant(tree: Tree, steps: tuple[Step, ...], keep: _Keep) -> None:
    step, *rest = steps
    for name in {step.name, step.camel}:
        here = tree.get(name, _Keep.PRESENCE)
        if here is _Keep.ALL or (not rest and keep is _Keep.ALL):
            tree[name] = _Keep.ALL
        elif (rest and here is _Keep.VALUE) or (not rest and keep is _Keep.VALUE and isinstance(here, tuple)):
            tree[name] = _Keep.ALL  # one adapter reads it as it stands, another looks inside
        elif rest:
            listed, inner = (False, {}) if isinstance(here, _Keep) else here
            tree[name] = (listed or step.each, inner)
            _plant(inner, tuple(rest), keep)
        elif isinstance(here, _Keep):
            tree[name] = max(here, keep)


def type_of(tree: Tree, name: str) -> Any:
    """The type that msgspec decodes: a dict of these names, whatever else is in it."""
    fields: dict[str, Any] = {}
    for key, node in tree.items():
        if isinstance(node, tuple):
            listed, inner = node
            each = type_of(inner, f"{name}_{key}")
            container = list.__class_getitem__(each) if listed else each
            fields[key] = Union[container, str, int, float, bool, None]  # noqa: UP007  a type made at run time has no |
        else:
            fields[key] = Any if node else msgspec.Raw
    return TypedDict(name, fields, total=False)  # type: ignore[operator]  # its names are not known to the type checker


@lru_cache(maxsize=4)
def decoder(registry: Registry) -> Callable[[bytes | str], Any]:
    """Decodes one JSON value. Of an object it keeps the envelope, unless it has to be kept whole."""
    decode_envelope = msgspec.json.Decoder(type_of(tree_of(registry), "Envelope")).decode
    needed_whole = whole(registry)

    def decode(raw: bytes | str) -> Any:
        envelope = decode_envelope(raw)
        return envelope if needed_whole.isdisjoint(envelope) else msgspec.json.decode(raw)

    return decode
