"""Structs that msgspec decodes JSON into, in the making: what they hold, and the types that check and refuse it.

A decoder skips what no struct asks for. What must not be there has a type that nothing has.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Raw

from unimeter.likeness import Path, Unlike
from unimeter.values import DEEPEST, LARGEST_COUNT, NUMBER_AS_TEXT, is_numeric, name_of

UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for a body that is not what it should be."""

ABSENT = Raw(b"")
"""Stands where a name is not in the body."""
_MOST_NAMES = 256
"""No usage has more names; a struct with more would be slow to make."""
NOTHING = Annotated[int, Meta(gt=0, lt=0)]
"""The type of what may not be there, not even as a null."""

COUNT = Annotated[int, Meta(ge=0, le=LARGEST_COUNT)]
NUMBER = Annotated[int, Meta(ge=0, le=LARGEST_COUNT)] | Annotated[float, Meta(ge=0, lt=2.0**63)]
WORD = Annotated[str, Meta(min_length=1)]
NUMBER_TEXT = Annotated[str, Meta(pattern=rf"\A{NUMBER_AS_TEXT}\Z")]
TYPES: dict[str, Any] = {"count": COUNT, "number": NUMBER, "money": NUMBER, "label": str | int}


class Node:
    """A struct in the making: what each name of the wire holds."""

    def __init__(self) -> None:
        self.fields: dict[str, Any] = {}
        """A node, a list of them (in a list), or a type."""
        self.needed: set[str] = set()
        self.closed = False
        """Whether it has these names and no others."""
        self.passed_on = False
        """Whether it is written again, its names then in order."""
        self._struct: type[msgspec.Struct] | None = None

    def node(self, path: Path) -> Node:
        """The node at a path, made where there is none.

        Raises:
            Unlike: what stands there is read as it is.
        """
        node: Any = self
        for name in path:
            node = node.fields.setdefault(name, Node())
            if isinstance(node, list):
                node = node[0]
            if not isinstance(node, Node):
                raise Unlike(path)
        found: Node = node
        return found

    def plant(self, path: Path, kind: Any) -> None:
        node, name = self.node(path[:-1]), path[-1]
        if node.closed and name in node.fields:
            node.fields[name] = kind  # which is the same, and checked
        elif node.fields.setdefault(name, kind) != kind:
            raise Unlike(path)  # it is read in two ways

    def close(self, sample: Any) -> None:
        """Let it have the names of a sample and no others: then none has to be refused by name."""
        if isinstance(sample, dict):
            self.closed = True
            for name, value in sample.items():
                kind = self.fields.setdefault(name, Raw)
                if isinstance(kind, Node):
                    kind.close(value)

    def sort(self, sample: Any) -> None:
        """Take the names in the order of a sample: it is the one in which a decoder finds them soonest."""
        if self.passed_on:
            return
        order = {name: at for at, name in enumerate(sample)} if isinstance(sample, dict) else {}
        self.fields = dict(sorted(self.fields.items(), key=lambda field: order.get(field[0], len(order))))
        for name, kind in self.fields.items():
            if isinstance(kind, Node) and name in order:
                kind.sort(sample[name])

    def struct(self) -> type[msgspec.Struct]:
        """The struct that msgspec decodes into; nothing is planted any more."""
        if self._struct is None:
            self._struct = self._made()
        return self._struct

    def _made(self) -> type[msgspec.Struct]:
        fields: list[Any] = []
        for name, kind in self.fields.items():
            if isinstance(kind, Node):
                kind = kind.struct()
            elif isinstance(kind, list):
                kind = list[kind[0].struct()]  # type: ignore[misc]  # a type made at run time
            if name in self.needed:
                fields.append((attribute(name), kind))
            elif kind is Raw:
                fields.append((attribute(name), kind, ABSENT))
            else:
                fields.append((attribute(name), kind if kind is NOTHING else kind | None, None))
        rename = {attribute(name): name for name in self.fields}
        if len(rename) < len(fields) or len(fields) > _MOST_NAMES:
            raise Unlike((*self.fields,)[:_MOST_NAMES])  # two names would be one
        try:
            return msgspec.defstruct("Kept", fields, rename=rename, kw_only=True, gc=False, forbid_unknown_fields=self.closed)
        except ValueError:  # a quote or a backslash in a name
            raise Unlike(()) from None


def tree_type(value: Any, labels: tuple[str, ...] = (), depth: int = 0, *, is_label: bool = False) -> Any:
    """The type of what stands in a tree, for all of its form: a closed node, or a type.

    Args:
        value: a sample.
        labels: names in it whose texts are kept, as in `fields.tree`.
        depth: how deep it is nested.
        is_label: whether it may be a text.

    Raises:
        Unlike: some of it would be left out, or need not be like this.
    """
    if isinstance(value, dict) and value and depth < DEEPEST:
        if any(name_of(name) != name for name in value):
            raise Unlike(())
        node = Node()
        node.fields = {  # in the order in which they are written again
            name: tree_type(value[name], labels, depth + 1, is_label=name in labels) for name in sorted(value)
        }
        node.passed_on = True
        node.needed = set(value)
        node.closed = True
        return node
    if isinstance(value, bool) or (isinstance(value, str) and is_label):
        return type(value)
    if isinstance(value, str) and is_numeric(value):
        return NUMBER_TEXT
    if isinstance(value, (int, float)):
        return int | float
    raise Unlike(())


def not_null(value: Any) -> Any:
    """The type of what is there, be it what it will, but no null."""
    kinds = {dict: dict[str, Raw], list: list[Raw], str: str, bool: bool}
    return kinds.get(type(value), int | float)


def attribute(name: str) -> str:
    """A name of the wire as the name of a struct's field."""
    return "n_" + re.sub(r"\W", "_", name)


def decoder(path: Path, inner: Any = Any) -> Callable[[bytes], Any]:
    """Decodes JSON into structs, and of it only what stands at a path."""
    for name in reversed(path):
        outer = Node()
        outer.fields[name] = inner
        inner = outer
    return msgspec.json.Decoder(inner.struct()).decode
