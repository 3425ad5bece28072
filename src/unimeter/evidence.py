"""What a reading keeps of a usage object: its figures, and the texts that the adapter's table reads as labels.

Any other text may be a prompt or an answer, and is left out. Where the usage is the body itself (Ollama, Titan), or holds the
answer (TGI), numbers may be part of the conversation as well: then only those are kept that are directly in the usage, or in an
object that the table reads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from enum import Enum
from functools import partial
from math import isfinite
from typing import Any

from unimeter.fields import Step, Value
from unimeter.objects import fields_of
from unimeter.values import DEEPEST, MOST_VALUES, NAMES, is_numeric, name_of, plain_number, spend

_SCALARS = (int, float, str, Decimal, Enum)
_PLAIN = frozenset((int, bool, type(None)))

_DROPPED: Any = object()
"""Stands for what is not kept."""


class Kept:
    """What is kept of one object of the usage, or of the objects in one list."""

    __slots__ = ("inner", "is_tree", "labels", "others")

    def __init__(self, others: Kept | None = None) -> None:
        self.labels: frozenset[str] = frozenset()
        """Names whose texts are kept."""
        self.inner: dict[str, Kept] = {}
        """What is kept of the objects that the table reads, by name."""
        self.others = others
        """What is kept of all other objects and lists; None if they are left out."""
        self.is_tree = False
        """Whether it is kept as the table's `tree()` reads it: with numbers that are written as text."""


_FIGURES = Kept()
"""Of an object that no table reads: numbers, at any depth."""
_FIGURES.others = _FIGURES


def evidence_by(
    leaves: Iterable[Value], names: Iterable[tuple[Step, ...]], *, camel_case: bool, strict: bool
) -> Callable[[Any], Any]:
    """A function that copies what is kept of a usage.

    Args:
        leaves: every value that the table reads in the usage.
        names: the paths in the usage where names stand: of the model, of the response.
        camel_case: whether the wire spells names in camelCase.
        strict: whether objects that the table does not read are left out, numbers and all.
    """
    root = Kept(None if strict else _FIGURES)
    for leaf in sorted(leaves, key=lambda leaf: leaf.kind != "tree"):  # so that what is read from a tree is part of it
        _plant(root, leaf, camel_case=camel_case)
    for steps in names:
        holder = _node(root, steps[:-1], camel_case=camel_case)
        holder.labels |= _spellings(steps[-1].name, camel_case=camel_case)
    return partial(_copy, root)


def _plant(root: Kept, leaf: Value, *, camel_case: bool) -> None:
    """Keep what a value is read from."""
    node = root
    for at, step in enumerate(leaf.steps):
        is_last = at == len(leaf.steps) - 1
        if is_last and not step.each and leaf.kind not in ("tree", "tally"):
            if leaf.kind == "label":
                node.labels |= _spellings(step.name, camel_case=camel_case)
            return
        if step.name:
            node = _node(node, (step,), camel_case=camel_case)
        if step.key:
            node.labels |= _spellings(step.key, camel_case=camel_case)
    if leaf.kind == "tally":
        node.labels |= _spellings(leaf.key, camel_case=camel_case)
    if leaf.kind == "tree":
        node.labels |= frozenset(leaf.labels)
        node.others, node.is_tree = node, True


def _node(node: Kept, steps: Iterable[Step], *, camel_case: bool) -> Kept:
    """The node of the object at some steps."""
    for step in steps:
        inner = node.inner.get(step.name)
        if inner is None:
            inner = Kept(node.others)
            inner.is_tree, inner.labels = node.is_tree, node.labels if node.is_tree else frozenset()
            for name in _spellings(step.name, camel_case=camel_case):
                node.inner[name] = inner
        node = inner
    return node


def _spellings(name: str, *, camel_case: bool) -> frozenset[str]:
    return frozenset((name, Step(name).camel) if camel_case else (name,))


def _copy(root: Kept, usage: Any) -> Any:
    """What is kept of a usage, as plain JSON data of which nothing is shared; nulls are kept too."""
    if type(usage) is dict:
        return _of_object(usage, usage, root, 0, [MOST_VALUES])
    kept = _of_value(usage, root, root.labels, "", 0, [MOST_VALUES])
    return None if kept is _DROPPED else kept


def _of_object(fields: Mapping[Any, Any], sent: Any, node: Kept, depth: int, left: list[int]) -> Any:
    spend(left, len(fields), "usage")
    if _PLAIN.issuperset(map(type, fields.values())) and fields is sent and NAMES.issuperset(fields):
        return dict(fields)  # most objects are of plain numbers
    labels, inner, others = node.labels, node.inner, node.others
    kept: dict[str, Any] = {}
    for name, item in fields.items():
        kind = type(item)
        if kind is int:
            pass
        elif kind is str:
            if name not in labels and not (node.is_tree and is_numeric(item)):
                continue
        elif kind is dict:
            within = inner.get(name, others)
            if within is None or depth >= DEEPEST:
                continue
            item = _of_object(item, item, within, depth + 1, left)
        elif item is None:
            if name not in sent:
                continue
        elif kind is not bool:
            item = _of_value(item, inner.get(name, others), labels, name, depth + 1, left)
            if item is _DROPPED:
                continue
        kept[name if name in NAMES else name_of(name, kept)] = item
    return kept


def _of_value(value: Any, node: Kept | None, labels: frozenset[str], name: Any, depth: int, left: list[int]) -> Any:
    """What is kept of one value; `labels` and `name` say whether it may be a text."""
    kind = type(value)
    if kind is float:
        return value if isfinite(value) else repr(value)
    if kind is not dict:
        if isinstance(value, Enum):
            return _of_value(value.value, node, labels, name, depth, left)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int):
            return int(value)
        if isinstance(value, (float, Decimal)):
            return float(value) if isfinite(value) else repr(float(value))
        if isinstance(value, str):
            return str(value) if name in labels or (node and node.is_tree and is_numeric(value)) else _DROPPED
    if not isinstance(value, (dict, list, tuple)) and (number := plain_number(value)) is not None:
        return number
    if node is None or depth > DEEPEST:
        return _DROPPED
    if isinstance(value, (list, tuple)):
        return _of_list(value, node, labels, name, depth, left)
    fields = fields_of(value)
    if fields is None:
        return _DROPPED
    # an SDK's object has a null for what did not come
    sent = fields if kind is dict else getattr(value, "__pydantic_fields_set__", fields)
    return _of_object(fields, sent, node, depth, left)


def _of_list(
    items: list[Any] | tuple[Any, ...], node: Kept, labels: frozenset[str], name: Any, depth: int, left: list[int]
) -> Any:
    spend(left, len(items), "usage")
    kept = []
    for item in items:
        if type(item) is dict:
            if depth < DEEPEST:
                kept.append(_of_object(item, item, node, depth + 1, left))
        elif not isinstance(item, _SCALARS) or (name in labels and isinstance(item, str)):  # numbers are token ids, or a vector
            value = _of_value(item, node, labels, name, depth + 1, left)
            if value is not _DROPPED:
                kept.append(value)
    return kept if kept or not items else _DROPPED
