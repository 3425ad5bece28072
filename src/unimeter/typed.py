"""Readers of what has a type: JSON bytes that a decoder puts into structs, and objects of an SDK's classes.

What `compiler` makes for dicts is made here with attributes in place of look-ups. For JSON the decoder itself checks the
counts and skips the rest of the body, so that no Python object is made of it. A typed reader knows one dialect of one
provider. Whatever it does not know for certain, it leaves: it returns None, and a reader that takes everything follows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from types import SimpleNamespace
from typing import Any

from msgspec import Raw

from unimeter.adapter import Adapter
from unimeter.compiler import add_metrics, add_told
from unimeter.fields import Step, Value, parse
from unimeter.likeness import Unlike
from unimeter.metrics import MessageMetrics
from unimeter.objects import fields_of
from unimeter.registry import Registry
from unimeter.shape import conditions
from unimeter.source import Source
from unimeter.structs import ABSENT, NOTHING, TYPES, UNREADABLE, Node, attribute, decoder

Reader = Callable[[Any], MessageMetrics | None]


class _StructSource(Source):
    """Looks names up in structs, which hold what is declared and checked; in what is of any type, as `Source` does."""

    def __init__(self, body: Node, camel_case: bool) -> None:
        super().__init__("metrics", "raw", camel_case=camel_case)
        self._nodes: dict[str, Node] = {"event": body, "holder": body}

    def plant(self, node: Node, steps: tuple[Step, ...], kind: Any) -> None:
        """Let structs hold what stands at a path; what is asked for in two ways is of any type."""
        step, *rest = steps
        name, fields = self.wire(step), node.fields
        if name != step.name:
            fields.setdefault(step.name, NOTHING)  # a body with both spellings is left
        if step.each or (rest and not isinstance(fields.get(name, node), Node)):
            fields[name] = Any  # a list; or read as it stands and looked into as well
        elif rest:
            self.plant(fields.setdefault(name, Node()), tuple(rest), kind)
        elif fields.setdefault(name, kind) is not kind:
            fields[name] = Any

    def wire(self, step: Step) -> str:
        """How the wire spells a name."""
        return step.camel if self.camel_case else step.name

    def in_struct(self, variable: str, node: Node) -> None:
        """Say that a variable holds a struct."""
        self._nodes[variable] = node

    def get(self, parent: str, step: Step) -> str:
        if parent not in self._nodes:
            return super().get(parent, step)
        variable = self.variable(step.name)
        self.add(f"{variable} = {parent}.{attribute(self.wire(step))}")
        return variable

    def container(self, root: str, steps: tuple[Step, ...]) -> str:
        node = self._node(root, steps)
        if not isinstance(node, Node) or not steps:
            return super().container(root, steps)
        if (root, steps) not in self._known:
            variable = self.get(self.container(root, steps[:-1]), steps[-1])
            self.in_struct(variable, node)
            empty = self.constant(node.struct()())
            self.add(f"if {variable} is None: {variable} = {empty}")
            self._known[root, steps] = variable
        return self._known[root, steps]

    def check(self, variable: str, leaf: Value) -> None:
        node = self._node("holder" if leaf.beside else "usage", leaf.steps)
        if node not in TYPES.values():
            super().check(variable, leaf)

    def _node(self, root: str, steps: tuple[Step, ...]) -> Any:
        node: Any = self._nodes.get(root)
        for step in steps:
            node = node.fields.get(self.wire(step)) if isinstance(node, Node) else None
        return node


def typed_reader(adapter: type[Adapter], registry: Registry, sample: Any, *, named: bool) -> Reader | None:
    """A reader of the bodies of one adapter; None where its usage does not stand at the top of a plain object.

    Args:
        adapter: the dialect, and the provider's way of speaking it.
        registry: all others, of which the body must be none.
        sample: a body; those with the same names in the same order are read soonest.
        named: whether the provider is known; else a body that bears anyone's mark is left.
    """
    spec = adapter.spec()
    place: tuple[Step, ...] = parse(spec.places[0]) if spec.places[0] else ()
    if len(place) > 1 or spec.usage_is_list:
        return None
    body = usage = Node()
    source = _StructSource(body, spec.camel_case)
    if place:
        usage = body.fields[source.wire(place[0])] = Node()
    for leaf in adapter.leaves():
        source.plant(body if leaf.beside else usage, leaf.steps, TYPES.get(leaf.kind, Any))
    if spec.ready_if:
        usage.fields[spec.ready_if] = Any
    tests = _Tests(registry.root_of(adapter), registry, body)
    marks = () if named else tuple(_marks(registry, tests.root, body, usage))
    body.sort(sample)
    try:
        source.constants.update(decode=decoder((), body), ABSENT=ABSENT, UNREADABLE=UNREADABLE)
    except Unlike:  # two of its names would be one
        return None
    source.add("try: event = decode(raw)")
    source.add("except UNREADABLE: return None")
    for test in tests.of_others:
        source.add(f"if {test}: return None")
    if not tests.own:
        return None
    source.add(f"if not ({' or '.join(tests.own)}): return None")
    source.add("holder = event")
    source.add(f"usage = event.{attribute(source.wire(place[0]))}" if place else "usage = event")
    if place:
        source.add("if usage is None: return None")
    source.in_struct("usage", usage)
    if marks:
        source.add(f"if {' or '.join(marks)}: return None")
    if spec.ready_if:
        source.add(f"if usage.{attribute(spec.ready_if)} is not None: return None")
    source.add(f"return {add_metrics(source, add_told(source, spec, typed=True))}")
    return source.build(f"{adapter.__name__}.typed")


class _Tests:
    """What shows that a body is of one dialect and of none that is asked before it."""

    def __init__(self, root: type[Adapter], registry: Registry, body: Node) -> None:
        self.root = root
        self.own: list[str] = []
        self.of_others: list[str] = []
        for other in registry.roots:
            texts = [text for text in other.shape if not text.startswith("usage.")]
            if other is root:
                texts = [text for text in texts if text.isidentifier()] or texts  # a name alone costs least to look for
            for text in texts:
                self._take(other, text, body)
            if other is root:
                break

    def _take(self, other: type[Adapter], text: str, body: Node) -> None:
        parts = conditions(text)
        plain = all(len(part.steps) == 1 for part in parts)
        if other is self.root and not plain:
            return
        expressions = []
        for part in parts:
            name = part.steps[0].name
            if body.fields.get(name) is None:
                body.fields[name] = Raw if part.wanted is None or not plain else Any
            if body.fields[name] is Raw:
                expressions.append(f"event.{attribute(name)} is not ABSENT")
            elif part.wanted is None or not plain:
                expressions.append(f"event.{attribute(name)} is not None")
            else:
                wanted = part.wanted.lower().removesuffix("*")
                prefix = f"[:{len(wanted)}]" if part.wanted.endswith("*") else ""
                expressions.append(f"str(event.{attribute(name)}).lower(){prefix} == {wanted!r}")
        (self.own if other is self.root else self.of_others).append(" and ".join(expressions))


def _marks(registry: Registry, root: type[Adapter], body: Node, usage: Node) -> Iterator[str]:
    dialects = (*(cls for cls in root.__mro__ if cls in registry.roots), None)
    for where, mark, _ in (mark for dialect in dialects for mark in registry.marks.get(dialect, ())):
        node, of = (usage, "usage") if where == "usage" else (body, "event")
        name = conditions(mark)[0].steps[0].name  # one that goes deeper is left wherever it begins
        here = node.fields.setdefault(name, Raw)
        yield f"{of}.{attribute(name)} is not {'ABSENT' if here is Raw else 'None'}"


class _ObjectSource(Source):
    """Looks names up as attributes where a class declares them, else where it keeps the rest; a sample tells the classes."""

    def __init__(self, sample: Any) -> None:
        super().__init__("metrics", "event", camel_case=False)
        self._samples: dict[str, Any] = {}
        """What each variable holds in the sample."""
        self._rest: dict[str, str] = {}
        """The variable that holds what the class of an object does not declare."""
        self._set: dict[str, str] = {}
        """The variable that holds what it does declare, where an object may lack some of it (LiteLLM's)."""
        self.guard("event", sample)

    def get(self, parent: str, step: Step) -> str:
        if parent not in self._rest:
            return super().get(parent, step)
        variable = self.variable(step.name)
        declared = step.name in _declared(self._samples[parent])
        holder = self._set.get(parent) if declared else self._rest[parent]
        hidden = step.name.startswith("_")
        self.add(f"{variable} = {holder}.get({step.name!r})" if holder and not hidden else f"{variable} = {parent}.{step.name}")
        self._samples[variable] = self._sample_under(parent, step)
        return variable

    def container(self, root: str, steps: tuple[Step, ...]) -> str:
        if not steps or root not in self._rest or (root, steps) in self._known:
            return super().container(root, steps)
        parent = self.container(root, steps[:-1])
        sample = self._sample_under(parent, steps[-1])
        if sample is not None and not _declared(sample):
            return super().container(root, steps)
        variable = self._known[root, steps] = self.get(parent, steps[-1])
        if sample is None:
            self.add(f"if {variable} is not None: return None")
            self.add(f"{variable} = NOTHING")
        else:
            self.add(f"if {variable} is None: {variable} = {self.constant(_nothing_like(sample))}")
            self.guard(variable, sample, "elif")
        return variable

    def open_item(self, item: str, items: str, path: str) -> None:
        samples = self._samples.get(items)
        if samples and _declared(samples[0]):
            self.guard(item, samples[0])
        else:
            super().open_item(item, items, path)

    def guard(self, variable: str, sample: Any, opening: str = "if") -> None:
        """Leave what is not of the sample's class."""
        self.add(f"{opening} type({variable}) is not {self.constant(type(sample))}: return None")
        self._samples[variable] = sample
        self._rest[variable] = variable  # HuggingFace's dataclasses are dicts as well
        if not isinstance(sample, dict):
            self._rest[variable] = self.variable(f"{variable}_rest")
            self.add(f"{self._rest[variable]} = {variable}.__pydantic_extra__ or NOTHING")
            if not vars(sample).keys() >= {*type(sample).__pydantic_fields__}:
                self._set[variable] = self.variable(f"{variable}_set")
                self.add(f"{self._set[variable]} = {variable}.__dict__")

    def rename(self, variable: str, name: str) -> None:
        """Give what a variable holds another name as well."""
        self.add(f"{name} = {variable}")
        for known in (self._samples, self._rest, self._set):
            if variable in known:
                known[name] = known[variable]

    def open_usage(self, is_list: bool) -> bool:
        """Leave a usage that is not like the sample's; whether the sample's is of use at all."""
        sample = self._samples["usage"]
        if is_list:
            self.add("if type(usage) is not list: return None")
            return isinstance(sample, list)
        if _declared(sample):
            self.guard("usage", sample)
        return bool(_declared(sample))

    def undeclared(self, variable: str) -> str:
        """The variable that holds what the class of an object does not declare."""
        return self._rest[variable]

    def _sample_under(self, parent: str, step: Step) -> Any:
        fields = fields_of(self._samples.get(parent))
        return None if fields is None else fields.get(step.name)


class _Nothing(SimpleNamespace):
    """Stands where an object is missing: all that its class declares is None, and there is nothing else."""

    def get(self, _: str) -> None:
        return None


def _nothing_like(sample: Any) -> _Nothing:
    return _Nothing(**dict.fromkeys(_declared(sample)), __pydantic_extra__=None)


def _declared(sample: Any) -> Iterable[str]:
    """The names that the class of an object declares; none for what is no object of an SDK's."""
    kind = type(sample)
    if hasattr(kind, "__pydantic_fields__"):
        return {*kind.__pydantic_fields__, *getattr(kind, "__private_attributes__", ())}
    return getattr(kind, "__dataclass_fields__", ()) if issubclass(kind, dict) else ()


def object_reader(adapter: type[Adapter], sample: Any, *, certain: bool) -> Reader | None:
    """A reader of objects of the sample's class; None where the class declares nothing.

    Args:
        adapter: who reads such objects.
        sample: one of them.
        certain: whether the provider is; else an object that holds what its class does not declare is left, since that
            may be another's mark.
    """
    spec = adapter.spec()
    place: tuple[Step, ...] = parse(spec.places[0]) if spec.places[0] else ()
    if len(place) > 1 or not _declared(sample):
        return None
    if not certain and (spec.usage_is_list or isinstance(sample, dict)):
        return None
    source = _ObjectSource(sample)
    source.rename("event", "holder")
    source.rename(source.get("event", place[0]) if place else "event", "usage")
    if place and not source.open_usage(spec.usage_is_list):
        return None
    if not certain:
        source.add(f"if {source.undeclared('event')} or {source.undeclared('usage')}: return None")
    if spec.ready_if:
        source.add(f"if {source.get('usage', Step(spec.ready_if))} is not None: return None")
    source.add(f"return {add_metrics(source, add_told(source, spec, typed=True))}")
    return source.build(f"{adapter.__name__}.object")
