"""Result lines of a batch API, many at once: what all lines that are like one have around their response.

They have the same names there, and no others, and nothing that anybody would ask of them is another: so whose they are, and
where the response stands, one of them tells for all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Raw

from unimeter.envelope import tree_of
from unimeter.likeness import Path, Unlike
from unimeter.registry import Registry
from unimeter.shape import conditions
from unimeter.structs import Node


def around(line: Mapping[str, Any], place: Path, within: Path, registry: Registry) -> Node:
    """The structs around the response in a line, and an empty one where it stands.

    Args:
        line: a result line.
        place: where its response stands.
        within: where in a line of a log it stands itself; what else such a log holds may be anything.
        registry: who might ask something of the line.

    Raises:
        Unlike: something in it would have to be looked into.
    """
    asked, words = tree_of(registry), _words(registry)
    top = Node()
    node = top.node(within)
    for name in place:
        node.closed = True
        node.needed = set(line)
        node.fields = {one: Node() if one == name else _type_of(one, value, asked, words) for one, value in line.items()}
        node, line = node.fields[name], line[name]
    return top


def _type_of(name: str, value: Any, asked: Mapping[str, Any], words: frozenset[str]) -> Any:
    """The type of what stands beside the response."""
    if isinstance(value, str):
        return Literal[value] if name in words else str
    if isinstance(value, (dict, list)):
        if name in asked:
            raise Unlike((name,))
        return Raw
    if name == "status_code":  # another status may say that the request failed
        return Literal[value] if type(value) is int else type(value)
    return int | float if type(value) in (int, float) else type(value)


def _words(registry: Registry) -> frozenset[str]:
    """Names of which somebody asks for a word."""
    tests = [test for one in registry.adapters for test in (*one.shape, *one.final, *one.whole, *one.start, *one.stop)]
    tests += [mark for marks in registry.marks.values() for _, mark, _ in marks]
    return frozenset(part.steps[-1].name for test in tests for part in conditions(test) if part.wanted is not None)
