"""A function in the making: its lines, and which variable holds which word of a table.

Every prefix of a path is looked up once, every count is checked inline, and only a failed check leaves the straight line.
"""

from __future__ import annotations

import builtins
import keyword
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from itertools import combinations
from typing import Any

from unimeter import values
from unimeter.equality import equal
from unimeter.fields import Field, First, Outside, Step, Sum, Value, parse
from unimeter.metrics import MessageMetrics
from unimeter.objects import fields_of

_UNCHECKED = {
    "count": f"type({{0}}) is not int or not 0 <= {{0}} <= {values.LARGEST_COUNT}",
    "number": "type({0}) is not float or not 0.0 <= {0} < 2.0**63",
    "money": "type({0}) is not float or not 0.0 <= {0} < 2.0**63",
    "label": "type({0}) is not str",
}
"""When a value of a kind has to be looked at more closely, if there is one; one of any other kind always has."""

_GLOBALS: dict[str, Any] = {
    "MessageMetrics": MessageMetrics,
    "equal": equal,
    "NOTHING": {},
    "fields": values.as_fields,
    "fields_of": fields_of,
    "as_word": values.as_word,
    "as_list": values.as_list,
    "as_count": values.as_count,
    "as_number": values.as_number,
    "as_money": values.as_number,
    "as_label": values.as_label,
    "as_tree": values.as_tree,
    "as_tally": values.as_tally,
}


_OURS = ("event", "holder", "extras", "decode", "rows", "left", "at", "start", "end", "body")
"""Names that whoever makes a function gives to variables of its own."""


class Source:
    """Lines of a function in the making, and which variable holds what."""

    def __init__(self, name: str, *parameters: str, camel_case: bool) -> None:
        self.name = name
        self.lines = [f"def {name}({', '.join(parameters)}):"]
        self.camel_case = camel_case
        self.constants: dict[str, Any] = {}
        self._taken = {*parameters, *_GLOBALS, *dir(builtins), *_OURS}
        self.uses: Counter[Field] = Counter()
        """How often each field stands in the table."""
        self._known: dict[Any, str] = {}
        self._indent = 1

    def add(self, line: str) -> None:
        self.lines.append("    " * self._indent + line)

    def variable(self, hint: str) -> str:
        """A new name for a variable, after what it holds."""
        base = re.sub(r"\W+", "_", hint).strip("_") or "value"
        name, count = base, 1
        while name in self._taken or keyword.iskeyword(name):
            count += 1
            name = f"{base}_{count}"
        self._taken.add(name)
        return name

    def constant(self, value: Any) -> str:
        name = f"CONSTANT_{len(self.constants)}"
        self.constants[name] = value
        return name

    def open(self, opening: str) -> None:
        """Begin a block that is closed later."""
        self.add(opening)
        self._indent += 1

    def close(self) -> None:
        """End it."""
        self._indent -= 1

    @contextmanager
    def block(self, opening: str) -> Iterator[None]:
        """An indented block. What is looked up only in it is not known after it."""
        self.open(opening)
        known = dict(self._known)
        yield
        self._known = known
        self.close()

    def build(self, label: str) -> Callable[..., Any]:
        """The function. Its source comes from an adapter's table, never from data."""
        code = compile("\n".join(self.lines), f"<unimeter {label}.{self.name}>", "exec")
        scope = {**_GLOBALS, **self.constants}
        exec(code, scope)  # noqa: S102  # the source is ours, made of a table
        function: Callable[..., Any] = scope[self.name]
        return function

    # looking up ----------------------------------------------------------------------------------------------------

    def get(self, parent: str, step: Step) -> str:
        """A new variable with what stands under a name, or None."""
        variable = self.variable(step.name)
        spellings = [step.camel, step.name] if self.camel_case and step.camel != step.name else [step.name]
        self.add(f"{variable} = {parent}.get({spellings[0]!r})")
        for spelling in spellings[1:]:
            self.add(f"if {variable} is None: {variable} = {parent}.get({spelling!r})")
        return variable

    def container(self, root: str, steps: tuple[Step, ...]) -> str:
        """The variable that holds the fields of the object at some steps; none where there is no object."""
        if not steps:
            return root
        if (root, steps) not in self._known:
            variable = self.get(self.container(root, steps[:-1]), steps[-1])
            path = ".".join(step.name for step in steps)
            # In a usage, what should be an object must be one; an event may hold anything under a name.
            look = f"fields({variable}, {path!r})" if root == "usage" else f"fields_of({variable})"
            self.add(f"if {variable} is None: {variable} = NOTHING")
            self.add(f"elif type({variable}) is not dict: {variable} = {look} or NOTHING")
            self._known[root, steps] = variable
        return self._known[root, steps]

    # a value -------------------------------------------------------------------------------------------------------

    def value(self, leaf: Value) -> str:
        """The variable that holds a checked value, or None."""
        if leaf not in self._known:
            root = "holder" if leaf.beside else "usage"
            listed = [i for i, step in enumerate(leaf.steps) if step.each]
            variable = self.listed_value(leaf, root, listed[0]) if listed else self.plain_value(leaf, root, leaf.steps)
            if leaf.per_unit != 1:
                self.add(f"if {variable} is not None: {variable} = {variable} / {leaf.per_unit}")
            self._known[leaf] = variable
        return self._known[leaf]

    def plain_value(self, leaf: Value, root: str, steps: tuple[Step, ...]) -> str:
        variable = self.get(self.container(root, steps[:-1]), steps[-1])
        self.check(variable, leaf)
        return variable

    def list_at(self, root: str, steps: tuple[Step, ...]) -> str:
        """The variable that holds what stands at some steps, where a list should be."""
        names = tuple(step.name for step in steps)
        if (root, names) not in self._known:
            self._known[root, names] = self.get(self.container(root, steps[:-1]), steps[-1])
        return self._known[root, names]

    def listed_value(self, leaf: Value, root: str, at: int) -> str:
        """The sum over the items of a list."""
        step, path = leaf.steps[at], ".".join(step.name for step in leaf.steps[: at + 1])
        items = self.list_at(root, leaf.steps[: at + 1]) if step.name else root
        item, word = self.variable("item"), ""
        values_in_table = [field for field in self.uses if isinstance(field, Value)]
        together = [leaf, *(other for other in values_in_table if step.key and _same_list(leaf, other, at))]
        totals = {other: self.variable("total") for other in dict.fromkeys(together)}
        self.add(f"{' = '.join(totals.values())} = None")
        chosen = items if items == root else f"() if {items} is None else as_list({items}, {path!r}) or ()"
        with self.block(f"for {item} in {chosen}:"):
            self.open_item(item, items, path)
            if step.key:
                word = self.get(item, Step(step.key))
                self.add(f"if {word} is not None and type({word}) is not str: {word} = as_word({word}, '{path}[].{step.key}')")
            opening = "if"
            for other, total in totals.items():
                test = f"{opening} {word} in {self.constant(_in_any_case(other.steps[at].wanted))}:" if step.key else ""
                with self.block(test) if test else nullcontext():
                    found = self.plain_value(other, item, other.steps[at + 1 :])
                    self.add(f"if {found} is not None: {total} = {found} if {total} is None else {total} + {found}")
                opening = "elif"
        self._known.update(totals)
        return totals[leaf]

    def open_item(self, item: str, items: str, path: str) -> None:  # noqa: ARG002  # who has a sample of the items asks
        """Let a variable hold the fields of an item of a list."""
        self.add(f"if type({item}) is not dict: {item} = fields({item}, '{path}[]') or NOTHING")

    def check(self, variable: str, leaf: Value) -> None:
        arguments = f"{variable}, {leaf.path!r}"
        if leaf.kind == "tally":
            arguments += f", {leaf.key!r}, {leaf.count!r}, {parse(leaf.count)[0].camel!r}"
        if leaf.labels:
            arguments += f", {leaf.labels!r}"
        unchecked = _UNCHECKED.get(leaf.kind)
        doubtful = "" if unchecked is None else f" and ({unchecked.format(variable)})"
        self.add(f"if {variable} is not None{doubtful}: {variable} = as_{leaf.kind}({arguments})")

    # a sentence ----------------------------------------------------------------------------------------------------

    def field(self, field: Field) -> str:
        """The variable that holds a field, or None; 'None' for one that the provider has not."""
        if isinstance(field, Value):
            return self.value(field)
        if field not in self._known:
            self._known[field] = self.first(field) if isinstance(field, First) else self.sum(field)
        return self._known[field]

    def first(self, field: First) -> str:
        variable = self.own_copy(field.options[0])
        for option in field.options[1:]:
            with self.block(f"if {variable} is None:"):
                self.add(f"{variable} = {self.field(option)}")
        return variable

    def sum(self, field: Field) -> str:
        certain = [part for part in field.parts if not isinstance(part, Outside)] if isinstance(field, Sum) else []
        if not certain:
            return "None"
        variable = self.own_copy(certain[0])
        for part in certain[1:]:
            found = self.field(part)
            self.add(f"if {found} is not None: {variable} = {found} if {variable} is None else {variable} + {found}")
        return variable

    def own_copy(self, field: Field) -> str:
        """A variable that may be changed: the field's own where nobody else looks at it, else a copy."""
        found = self.field(field)
        if self.uses[field] == 1:
            return found
        variable = self.variable(found)
        self.add(f"{variable} = {found}")
        return variable

    def settle(self, table: dict[str, Field], total: str) -> None:
        """Add the parts of which the response's own total proves that they stand outside; otherwise none."""
        doubtful = [
            (self.field(whole), self.field(part.part))
            for whole in (table["output_tokens"], table["input_tokens"])
            if isinstance(whole, Sum)
            for part in whole.parts
            if isinstance(part, Outside)
        ]
        if not doubtful or total == "None":
            return
        read, generated = self.field(table["input_tokens"]), self.field(table["output_tokens"])
        gap = self.variable("gap")
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


def _same_list(leaf: Value, other: Value, at: int) -> bool:
    """Whether two values are read from the items of one list, by the same key."""
    return (
        len(other.steps) > at
        and other.steps[:at] == leaf.steps[:at]
        and (other.steps[at].name, other.steps[at].key) == (leaf.steps[at].name, leaf.steps[at].key)
        and other.beside == leaf.beside
        and other.kind == leaf.kind
    )


def _in_any_case(words: frozenset[str]) -> frozenset[str]:
    return frozenset(spelt for word in words for spelt in (word.upper(), word.lower(), word.capitalize()))
