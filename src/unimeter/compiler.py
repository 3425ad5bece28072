"""An adapter's table, made into three straight-line functions, as `dataclasses` makes `__init__`.

    locate(event)          -> (usage, holder), or None where the event carries no usage
    identify(holder)       -> (model, id) as the response names them, or None
    measure(usage, holder) -> (metrics, told, total), or None where the usage says nothing

`told` are the raw figures in the order of `TOLD`, None where the provider sent none; `total` is the provider's own total.
Every prefix of a path is looked up once, every count is checked inline, and only a failed check leaves the straight
line. `Adapter.source()` prints what was made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from itertools import combinations
from typing import Any

from unimeter import values
from unimeter.fields import Field, First, Outside, Step, Sum, Value, parse
from unimeter.metrics import MessageMetrics
from unimeter.objects import fields_of

TOLD = (
    "input_tokens",
    "output_tokens",
    "audio_input_tokens",
    "audio_output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
    "cost",
)
"""The metrics that a table may fill; the totals follow from them."""

_UNCHECKED = {
    "count": f"type({{0}}) is not int or not 0 <= {{0}} <= {values.LARGEST_COUNT}",
    "number": "type({0}) is not float or not 0.0 <= {0} < INF",
    "money": "type({0}) is not float or not 0.0 <= {0} < INF",
    "label": "type({0}) is not str",
    "tree": "True",
    "tally": "True",
}
"""When a value of a kind has to be looked at more closely."""

_CHECKS: dict[str, Callable[..., Any]] = {
    "count": values.as_count,
    "number": values.as_number,
    "money": values.as_number,
    "label": values.as_label,
    "tree": values.as_tree,
    "tally": values.as_tally,
}

_GLOBALS: dict[str, Any] = {
    "MessageMetrics": MessageMetrics,
    "INF": float("inf"),
    "fields": values.as_fields,
    "fields_of": fields_of,
    "NOTHING": {},
    "as_word": values.as_word,
    "as_list": values.as_list,
    **{f"as_{kind}": check for kind, check in _CHECKS.items()},
}


class _Source:
    """Lines of a function in the making, and which variable holds what."""

    def __init__(self, camel_case: bool) -> None:
        self.lines: list[str] = []
        self.names: dict[Any, str] = {}
        self.camel_case = camel_case
        self.constants: dict[str, Any] = {}
        self._indent = 1
        self._made = 0

    def add(self, line: str) -> None:
        self.lines.append("    " * self._indent + line)

    def variable(self) -> str:
        self._made += 1
        return f"v{self._made}"

    def constant(self, value: Any) -> str:
        name = f"C{len(self.constants)}"
        self.constants[name] = value
        return name

    @contextmanager
    def block(self, opening: str) -> Iterator[None]:
        """An indented block. What is looked up only in it is not known after it."""
        self.add(opening)
        self._indent += 1
        known = dict(self.names)
        yield
        self.names = known
        self._indent -= 1

    # a value -----------------------------------------------------------------------------------------------------

    def get(self, parent: str, step: Step) -> str:
        """A new variable with what stands under a name."""
        variable = self.variable()
        spellings = [step.camel, step.name] if self.camel_case and step.camel != step.name else [step.name]
        self.add(f"{variable} = {parent}.get({spellings[0]!r})")
        for spelling in spellings[1:]:
            self.add(f"if {variable} is None: {variable} = {parent}.get({spelling!r})")
        return variable

    def container(self, root: str, steps: tuple[Step, ...]) -> str:
        """The variable that holds the fields of the object at some steps; it may be None."""
        if not steps:
            return root
        key = (root, steps)
        if key not in self.names:
            parent, variable = self.container(root, steps[:-1]), None
            if parent != root:
                variable = self.variable()
                self.add(f"{variable} = None")
            with self.block(f"if {parent} is not None:") if variable else nullcontext():
                found = self.get(parent, steps[-1])
                self.add(f"if {found} is not None and type({found}) is not dict: {found} = {self.fields_of(root, found, steps)}")
                if variable:
                    self.add(f"{variable} = {found}")
            self.names[key] = variable or found
        return self.names[key]

    def fields_of(self, root: str, variable: str, steps: tuple[Step, ...]) -> str:
        """Within a usage what should be an object must be one; an event may hold anything under a name."""
        path = ".".join(step.name for step in steps)
        return f"fields({variable}, {path!r})" if root == "usage" else f"fields_of({variable})"

    def value(self, leaf: Value) -> str:
        """The variable that holds a checked value, or None."""
        if leaf not in self.names:
            root = "holder" if leaf.beside else "usage"
            steps = leaf.steps
            listed = [i for i, step in enumerate(steps) if step.each]
            variable = self.listed_value(leaf, root, steps, listed[0]) if listed else self.plain_value(leaf, root, steps)
            if leaf.per_unit != 1:
                self.add(f"if {variable} is not None: {variable} = {variable} / {leaf.per_unit}")
            self.names[leaf] = variable
        return self.names[leaf]

    def plain_value(self, leaf: Value, root: str, steps: tuple[Step, ...]) -> str:
        parent = self.container(root, steps[:-1])
        if parent == root:
            variable = self.get(root, steps[-1])
            self.check(variable, leaf)
            return variable
        variable = self.variable()
        self.add(f"{variable} = None")
        with self.block(f"if {parent} is not None:"):
            found = self.get(parent, steps[-1])
            self.check(found, leaf)
            self.add(f"{variable} = {found}")
        return variable

    def listed_value(self, leaf: Value, root: str, steps: tuple[Step, ...], at: int) -> str:
        """The sum over the items of a list."""
        step, path = steps[at], ".".join(step.name for step in steps[: at + 1])
        items = root
        if step.name:
            items = self.variable()
            parent = self.container(root, steps[:at])
            self.add(f"{items} = None")
            with self.block(f"if {parent} is not None:"):
                self.add(f"{items} = {self.get(parent, step)}")
        total, item = self.variable(), self.variable()
        self.add(f"{total} = None")
        with self.block(f"if {items} is not None:"):
            self.add(f"if type({items}) is not list: {items} = as_list({items}, {path!r}) or ()")
            with self.block(f"for {item} in {items}:"):
                self.add(f"if type({item}) is not dict: {item} = fields({item}, '{path}[]') or NOTHING")
                if step.key:
                    word = self.variable()
                    self.add(f"{word} = {item}.get({step.key!r})")
                    self.add(f"if type({word}) is not str: {word} = as_word({word})")
                    self.add(f"if {word}.upper() not in {self.constant(step.wanted)}: continue")
                found = self.plain_value(leaf, item, steps[at + 1 :])
                self.add(f"if {found} is not None: {total} = {found} if {total} is None else {total} + {found}")
        return total

    def check(self, variable: str, leaf: Value) -> None:
        arguments = ""
        if leaf.kind == "tally":
            arguments = f", {leaf.key!r}, {leaf.count!r}, {parse(leaf.count)[0].camel!r}"
        unchecked = _UNCHECKED[leaf.kind].format(variable)
        test = f"{variable} is not None" + ("" if unchecked == "True" else f" and ({unchecked})")
        self.add(f"if {test}: {variable} = as_{leaf.kind}({variable}, {leaf.path!r}{arguments})")

    # a sentence --------------------------------------------------------------------------------------------------

    def field(self, field: Field) -> str:
        """The variable that holds a field, or None; 'None' for one that the provider has not."""
        if isinstance(field, Value):
            return self.value(field)
        if field not in self.names:
            if isinstance(field, First):
                variable = self.first(field)
            elif isinstance(field, Sum):
                variable = self.sum(field)
            else:
                raise TypeError(f"{field!r} must be part of a sum")
            self.names[field] = variable
        return self.names[field]

    def first(self, field: First) -> str:
        found = self.field(field.options[0])
        variable = self.variable()
        self.add(f"{variable} = {found}")
        for option in field.options[1:]:
            with self.block(f"if {variable} is None:"):
                self.add(f"{variable} = {self.field(option)}")
        return variable

    def sum(self, field: Sum) -> str:
        certain = [part for part in field.parts if not isinstance(part, Outside)]
        if not certain:
            return "None"
        variable = self.variable()
        self.add(f"{variable} = {self.field(certain[0])}")
        for part in certain[1:]:
            found = self.field(part)
            self.add(f"if {found} is not None: {variable} = {found} if {variable} is None else {variable} + {found}")
        return variable

    def settle(self, table: dict[str, Field], total: str) -> None:
        """Add the parts of which the response's own total proves that they stand outside; otherwise none."""
        doubtful = [
            (self.field(table[metric]), self.field(part.part))
            for metric in ("output_tokens", "input_tokens")
            if isinstance(table[metric], Sum)
            for part in table[metric].parts  # type: ignore[attr-defined]
            if isinstance(part, Outside)
        ]
        if not doubtful or total == "None":
            return
        read, generated = self.field(table["input_tokens"]), self.field(table["output_tokens"])
        gap = self.variable()
        with self.block(f"if {total} is not None:"):
            self.add(f"{gap} = {total} - ({read} or 0) - ({generated} or 0)")
            with self.block(f"if {gap} > 0:"):
                opening = "if"
                for size in range(1, len(doubtful) + 1):
                    for parts in combinations(doubtful, size):
                        gaps = " + ".join(f"({part} or 0)" for _, part in parts)
                        with self.block(f"{opening} {gap} == {gaps}:"):
                            for whole, part in parts:
                                self.add(f"if {part}: {whole} = ({whole} or 0) + {part}")
                        opening = "elif"


def usage_is_list(table: dict[str, Field]) -> bool:
    """Whether the usage is a list of figures rather than an object."""
    return all(leaf.path.startswith("[") for leaf in table["input_tokens"].leaves()) and bool(table["input_tokens"].leaves())


def measure_source(
    table: dict[str, Field], extras: dict[str, Field], camel_case: bool, zeros_left_out: bool
) -> tuple[str, dict[str, Any]]:
    """The source of `measure`, and the globals it needs."""
    source = _Source(camel_case)
    if usage_is_list(table):
        source.add("if type(usage) is not list: usage = as_list(usage, 'usage')")
    else:
        source.add("if type(usage) is not dict: usage = fields(usage, 'usage')")
    source.add("if usage is None: return None")

    told = {metric: source.field(table[metric]) for metric in TOLD}
    total = source.field(table["total_tokens"])
    source.settle(table, total)
    if zeros_left_out:
        read, generated = told["input_tokens"], told["output_tokens"]
        source.add(f"if {generated} is None and {total} is not None and {total} == {read}: {generated} = 0")

    own = {name: field for name, field in extras.items() if not any(leaf.beside for leaf in field.leaves())}
    if extras:
        source.add("extras = {}")
    for name, field in own.items():
        found = source.field(field)
        source.add(f"if {found} is not None: extras[{name!r}] = {found}")
    telling = [told[metric] for metric in TOLD if metric != "cost" or not any(leaf.beside for leaf in table["cost"].leaves())]
    empty = [f"{variable} is None" for variable in dict.fromkeys((*telling, total)) if variable != "None"]
    source.add(f"if {' and '.join(empty + (['not extras'] if extras else []))}: return None")
    for name, field in extras.items():
        if name not in own:
            found = source.field(field)
            source.add(f"if {found} is not None: extras[{name!r}] = {found}")

    def zero(metric: str) -> str:
        return "0" if told[metric] == "None" else f"{told[metric]} or 0"

    read, generated, heard, spoken = (source.variable() for _ in range(4))
    for variable, metric in zip((read, generated, heard, spoken), TOLD, strict=False):
        source.add(f"{variable} = {zero(metric)}")
    arguments = [
        read,
        generated,
        f"{read} + {generated}",
        heard,
        spoken,
        f"{heard} + {spoken}",
        zero("cache_read_tokens"),
        zero("cache_write_tokens"),
        zero("reasoning_tokens"),
        told["cost"],
        "None",
        "None",
        "extras or None" if extras else "None",
    ]
    source.add(f"return MessageMetrics({', '.join(arguments)}), ({', '.join(told.values())}), {total}")
    return "\n".join(["def measure(usage, holder):", *source.lines]), {**_GLOBALS, **source.constants}


def locate_source(places: tuple[str, ...], camel_case: bool) -> tuple[str, dict[str, Any]]:
    """The source of `locate`, and the globals it needs."""
    source = _Source(camel_case)
    for place in places:
        if not place:
            source.add("return event, event")
            break
        steps = parse(place)
        holder = source.container("event", steps[:-1])
        if holder == "event":
            found = source.get(holder, steps[-1])
            source.add(f"if {found} is not None: return {found}, event")
            continue
        with source.block(f"if {holder} is not None:"):
            found = source.get(holder, steps[-1])
            source.add(f"if {found} is not None: return {found}, {holder}")
    else:
        source.add("return None")
    return "\n".join(["def locate(event):", *source.lines]), _GLOBALS


def identify_source(model: tuple[str, ...], response_id: tuple[str, ...], camel_case: bool) -> tuple[str, dict[str, Any]]:
    """The source of `identify`, and the globals it needs."""
    source = _Source(camel_case)
    names = []
    for paths in (model, response_id):
        name = source.variable()
        source.add(f"{name} = None")
        for path in paths:
            steps = parse(path)
            with source.block(f"if {name} is None:"):
                holder = source.container("holder", steps[:-1])
                with source.block(f"if {holder} is not None:"):
                    found = source.get(holder, steps[-1])
                    source.add(f"if type({found}) is str and {found}: {name} = {found}")
        names.append(name)
    source.add(f"return {', '.join(names)}")
    return "\n".join(["def identify(holder):", *source.lines]), _GLOBALS


def build(source: str, name: str, namespace: dict[str, Any], label: str) -> Callable[..., Any]:
    """The function that a source defines. The source comes from an adapter's table, never from data."""
    code = compile(source, f"<unimeter {label}.{name}>", "exec")
    scope = dict(namespace)
    exec(code, scope)  # noqa: S102
    function: Callable[..., Any] = scope[name]
    return function
