"""Many JSON bodies of one form, read at once: a decoder puts what is asked for into structs, and no row is looked at twice.

What `compiler` makes for dicts is made here with attributes in place of look-ups, of the part of the table that a sample
showed. The types of the structs do the rest: they check the counts, they skip what nobody asks for, and what must not be
there (another's mark, a name of the table that the sample had not) has a type that nothing has. So a body that is not like
the sample is not read but left, for `read` to look at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import msgspec
from msgspec import Raw

from unimeter.adapter import Adapter
from unimeter.compiler import add_told
from unimeter.fields import Step, Value, parse
from unimeter.likeness import Likeness, Path, Unlike
from unimeter.registry import Registry
from unimeter.source import Source
from unimeter.structs import (
    ABSENT,
    COUNT,
    NOTHING,
    NUMBER,
    TYPES,
    UNREADABLE,
    WORD,
    Node,
    attribute,
    decoder,
    not_null,
    tree_type,
)
from unimeter.values import Refused, as_tree

Reader = Callable[[bytes | memoryview, Sequence[int], Sequence[int], Sequence[int], list[Any]], list[int]]
"""Takes a text, where each body in it begins and ends, which of them to read, and a list for what they hold."""

_LEAVE = "left.append(at); continue"


class _Structs:
    """The structs of all bodies that are like one, and the source of a function that reads them."""

    def __init__(self, like: Likeness, within: Path, around: Node | None) -> None:
        self.like = like
        self.within = within
        self.around = around
        self.body = Node()
        spec = like.spec
        leaves = {leaf for field in (*spec.table.values(), *spec.extras.values()) for leaf in field.leaves()}
        for leaf in sorted(leaves, key=lambda leaf: (leaf.kind != "tree", leaf.path)):
            self._plant(leaf)
        for text in (*spec.model, *spec.id):
            self.body.plant(like.wire(parse(text)), WORD)
        for path, word in like.needed.items():
            self._need(path, word)
        for path, null in like.refused.items():
            self._refuse(path, null)
        if like.place:
            self.body.node(like.place).close(like.at(like.place))
        self.body.sort(like.sample)

    def _plant(self, leaf: Value) -> None:
        like = self.like
        path: Path = () if leaf.beside else like.place
        for at, step in enumerate(leaf.steps):
            if step.each:
                path = (*path, *like.wire((step,))) if step.name else path
                item = self._list_at(path)
                if step.key:
                    self._plant_in(item, (Step(step.key),), str)
                further = leaf.steps[at + 1 :]
                if any(later.each for later in further):
                    raise Unlike(path)
                in_floats = leaf.kind == "count" and _has_float(like.at(path))
                self._plant_in(item, further, NUMBER if in_floats else TYPES[leaf.kind])
                return
        path = (*path, *like.wire(leaf.steps))
        if leaf.kind == "tally":
            item = self._list_at(path)
            self._plant_in(item, (Step(leaf.key),), str)
            self._plant_in(item, (Step(leaf.count),), COUNT)
        elif leaf.kind == "tree":
            try:
                self.body.plant(path, tree_type(like.at(path), leaf.labels))
            except Unlike:
                self.body.plant(path, Raw)
        else:
            for depth in range(1, len(path)):  # a tree that figures are read from has to be there
                if self.body.node(path[:depth]).closed:
                    self.body.node(path[: depth - 1]).needed.add(path[depth - 1])
            in_floats = leaf.kind == "count" and isinstance(like.at(path), float)
            self.body.plant(path, NUMBER if in_floats else TYPES[leaf.kind])

    def _plant_in(self, item: Node, steps: tuple[Step, ...], kind: Any) -> None:
        """Plant a name in the items of a list, in one spelling only."""
        path = self.like.wire(steps)
        item.plant(path, kind)
        for depth, step in enumerate(steps):
            if path[depth] != step.name:
                item.plant((*path[:depth], step.name), NOTHING)

    def _list_at(self, path: Path) -> Node:
        """The items of a list."""
        fields = self.body.node(path[:-1]).fields
        items = fields.setdefault(path[-1], [Node()])
        if not isinstance(items, list):
            raise Unlike(path)
        item: Node = items[0]
        return item

    def _need(self, path: Path, word: str | None) -> None:
        node = self.body
        for depth, name in enumerate(path[:-1], 1):
            node.needed.add(name)
            node = self.body.node(path[:depth])
        node.needed.add(path[-1])
        if word is not None:
            node.fields[path[-1]] = Literal[word]
        else:
            may_be_null = path in self.like.may_be_null
            kind = node.fields.setdefault(path[-1], Raw if may_be_null else not_null(self.like.at(path)))
            if kind is Raw and not may_be_null:
                raise Unlike(path)  # it is read whole, and a null would pass

    def _refuse(self, path: Path, null: bool) -> None:
        fields, name = self.body.node(path[:-1]).fields, path[-1]
        if path[: len(self.like.place)] == self.like.place != () and name not in self.like.at(path[:-1]):
            return  # the usage will have no other names
        if name in fields:
            raise Unlike(path)
        fields[name] = type(None) if null else NOTHING

    def source(self) -> _Source:
        """What looks names up in them, up to where `usage` and `holder` are known."""
        like = self.like
        source = _Source(self.body, like)
        source.constants["UNREADABLE"] = (*UNREADABLE, Refused)
        outer = self.body
        if self.within:
            outer = self.around or Node()
            outer.node(self.within[:-1]).fields[self.within[-1]] = self.body
        source.constants["decode"] = decoder((), outer)
        source.add("left = []")
        source.add("body = memoryview(text)")
        source.open("for at in asked:")
        source.open("try:")
        source.add("holder = decode(body[starts[at] : ends[at]])")
        for name in self.within:
            source.add(f"holder = holder.{attribute(name)}")
            source.add(f"if holder is None: {_LEAVE}")
        if not like.place:
            source.add("usage = holder")
        else:
            source.add(f"usage = holder.{attribute(like.place[0])}")
            if like.place[0] not in self.body.needed:
                source.add(f"if usage is None: {_LEAVE}")
        return source


def _has_float(value: Any) -> bool:
    """Whether there is a float somewhere in a list."""
    if isinstance(value, (dict, list)):
        return any(map(_has_float, value.values() if isinstance(value, dict) else value))
    return isinstance(value, float)


class _Source(Source):
    """Looks names up in structs, which hold what is declared and checked."""

    def __init__(self, body: Node, like: Likeness) -> None:
        super().__init__("read", "text", "starts", "ends", "asked", "values", camel_case=like.camel_case)
        self._like = like
        usage = body.fields[like.place[0]] if like.place else body
        self._nodes: dict[str, Any] = {"holder": body, "usage": usage}

    def get(self, parent: str, step: Step) -> str:
        name = self._wire(step)
        variable = self.variable(step.name)
        self.add(f"{variable} = {parent}.{attribute(name)}")
        self._nodes[variable] = self._nodes[parent].fields[name]
        return variable

    def container(self, root: str, steps: tuple[Step, ...]) -> str:
        if steps and (root, steps) not in self._known:
            parent = self.container(root, steps[:-1])
            needed = self._wire(steps[-1]) in self._nodes[parent].needed
            variable = self._known[root, steps] = self.get(parent, steps[-1])
            if not needed:
                empty = self.constant(self._nodes[variable].struct()())
                self.add(f"if {variable} is None: {variable} = {empty}")
        return self._known[root, steps] if steps else root

    def open_item(self, item: str, items: str, path: str) -> None:  # noqa: ARG002  # a struct is what it must be
        self._nodes[item] = self._nodes[items][0]

    def check(self, variable: str, leaf: Value) -> None:
        kind = self._nodes[variable]
        if leaf.kind == "tree":
            if kind is not Raw:
                return
            self.constants.update(ABSENT=ABSENT, as_json=_as_json)
            self.add(f"{variable} = None if {variable} is ABSENT else as_json({variable}, {leaf.path!r}, {leaf.labels!r})")
        elif leaf.kind == "tally":
            self._tally(variable, leaf)
        elif kind is not TYPES[leaf.kind]:
            super().check(variable, leaf)

    def _tally(self, variable: str, leaf: Value) -> None:
        """As `values.as_tally` does."""
        tally, item = self.variable("tally"), self.variable("item")
        self.add(f"{tally} = None")
        with self.block(f"if {variable}:"):
            self.add(f"{tally} = {{}}")
            with self.block(f"for {item} in {variable}:"):
                self._nodes[item] = self._nodes[variable][0]
                word, count = self.get(item, Step(leaf.key)), self.get(item, Step(leaf.count))
                self.add(f"if {word} is not None and {count} is not None: {tally}[{word}] = {tally}.get({word}, 0) + {count}")
        self.add(f"{variable} = {tally} or None")

    def word(self, paths: tuple[str, ...]) -> str:
        """The variable that holds the word at the one path that is there."""
        steps = parse(paths[0])
        return self.get(self.container("holder", steps[:-1]), steps[-1])

    def _wire(self, step: Step) -> str:
        return step.camel if self.camel_case else step.name


def _as_json(raw: Raw, path: str, labels: tuple[str, ...]) -> Any:
    """A tree that nothing was known of."""
    return as_tree(msgspec.json.decode(raw), path, labels)


class Form:
    """What all bodies have that are like a sample, and how they are read."""

    def __init__(
        self,
        adapter: type[Adapter],
        sample: Mapping[str, Any],
        registry: Registry,
        label: str,
        *,
        named: bool,
        model: str | None,
        within: Path = (),
        around: Node | None = None,
    ) -> None:
        """
        Args:
            adapter: who reads the sample.
            sample: a body, all of it.
            registry: all adapters: such bodies must be in none's dialect but this one's.
            label: the provider's.
            named: whether it is known; else such bodies must show it as the sample does.
            model: the model's id, where a body does not name it.
            within: where in a line the body stands.
            around: what else such lines hold; None for anything.

        Raises:
            Unlike: nothing would tell such bodies for certain from others.
        """
        like = Likeness(adapter, sample)
        root = registry.root_of(adapter)
        like.is_of(root, registry)
        like.is_whole(adapter)
        if around is not None:
            like.is_one_response()
        if not named:
            dialects = (*(cls for cls in root.__mro__ if cls in registry.roots), None)
            marks = [mark for dialect in dialects for mark in registry.marks.get(dialect, ())]
            if label == root.provider:  # as it is without a mark: its own need not be there
                like.bears_no_mark_but(None, [mark for mark in marks if mark[2] != label])
            else:
                like.bears_no_mark_but(label, marks)
        source = _Structs(like, within, around).source()
        told = add_told(source, like.spec, typed=True, leave=_LEAVE)
        columns = {
            "model": repr(model)
            if not like.spec.model
            else source.word(like.spec.model) + ("" if model is None else f" or {model!r}"),
            "id": source.word(like.spec.id) if like.spec.id else "None",
            **told.metrics,
            "total": told.total,
            "provider_metrics": _add_struct(source, told.extras) if told.extras else "None",
        }
        columns = {name: found for name, found in columns.items() if found != "None"}
        source.add(f"values += ({''.join(f'{found}, ' for found in columns.values())})")
        source.close()
        source.add("except UNREADABLE: left.append(at)")
        source.close()
        source.add("return left")
        self.label = label
        self.names: tuple[str, ...] = tuple(columns)
        """What a row holds of `TOLD`, `total`, `model`, `id` and `provider_metrics`; the others are the same in every row."""
        self.read: Reader = source.build(f"{adapter.__name__} rows")
        """Adds to a list what bodies of this form hold: by `names`, row after row. Which are not of this form is returned."""


def _add_struct(source: Source, extras: dict[str, str]) -> str:
    """The lines that make a struct of what is the provider's own, which is JSON sooner than a dict; and the struct."""
    extras = dict(sorted(extras.items()))
    fields = [(f"own_{at}", Any, None) for at in range(len(extras))]
    rename = {f"own_{at}": name for at, name in enumerate(extras)}
    own = msgspec.defstruct("Own", fields, rename=rename, omit_defaults=True, gc=False)
    source.add(f"extras = {source.constant(own)}({', '.join(extras.values())})")
    nothing = " and ".join(f"{found} is None" for found in extras.values())
    return f"None if {nothing} else extras"
