"""What a body shows of its form, and so what of a table can be in any body like it.

A reader that is made for bodies like one (`structs`) needs not look for what this one has not; it only has to leave a body
that has more. So a likeness says three things: the part of the table that is there, what else must be there, and what must not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from unimeter.adapter import Adapter
from unimeter.fields import Field, First, Outside, Step, Sum, Value, absent, parse
from unimeter.registry import Registry
from unimeter.several import TOPS
from unimeter.shape import Condition, conditions

Path = tuple[str, ...]
"""Names of the wire, from the top of a body."""


class Unlike(Exception):
    """The body has something that a reader made for its form could not tell apart from another's."""


class Likeness:
    """What any body like a sample has and has not, for an adapter to read it without a second look."""

    def __init__(self, adapter: type[Adapter], sample: Mapping[str, Any]) -> None:
        """
        Args:
            adapter: who reads such bodies.
            sample: a body that it has read, all of it.

        Raises:
            Unlike: its usage does not stand at the top, or holds what needs a rule of its own.
        """
        spec = adapter.spec()
        self.sample = sample
        self.camel_case = spec.camel_case
        self.needed: dict[Path, str | None] = {}
        """What must be there, and the word it must be; None for anything."""
        self.may_be_null: set[Path] = set()
        """What of it tells as much with a null."""
        self.refused: dict[Path, bool] = {}
        """What must not be there, and whether a null may be."""
        self.place = self._place(spec.places)
        if len(self.place) > 1 or not isinstance(self.at(self.place), list if spec.usage_is_list else dict):
            raise Unlike(self.place)
        if spec.ready_if:
            self.refuse((*self.place, spec.ready_if))
        table = {name: self._part(field) for name, field in spec.table.items()}
        extras = {name: part for name, field in spec.extras.items() if (part := self._part(field)).leaves()}
        self.spec = spec._replace(table=table, extras=extras, model=self._first(spec.model), id=self._first(spec.id))
        """The part of the table that is there."""

    # where things stand ----------------------------------------------------------------------------------------------

    def wire(self, steps: tuple[Step, ...]) -> Path:
        """Names as the wire spells them."""
        return tuple(step.camel if self.camel_case else step.name for step in steps)

    def at(self, path: Path) -> Any:
        """What stands at a path of the sample; None where nothing does."""
        value: Any = self.sample
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
        return value

    def _has(self, path: Path) -> bool:
        """Whether the sample has a name, be it with a null."""
        holder = self.at(path[:-1])
        return isinstance(holder, dict) and path[-1] in holder

    def _place(self, places: tuple[str, ...]) -> Path:
        """The first place where there is a usage."""
        for place in places:
            if not place:
                return ()
            steps = parse(place)
            path = self.wire(steps)
            for depth, step in enumerate(steps):
                self._one_spelling(path[:depth], step)
            if self.at(path) is not None:
                return path
            self.refuse(self._missing(path))
        raise Unlike(())

    def _missing(self, path: Path) -> Path:
        """The beginning of a path up to what is not there."""
        return next(path[:depth] for depth in range(1, len(path) + 1) if self.at(path[:depth]) is None)

    # what the table comes to -------------------------------------------------------------------------------------------

    def _part(self, field: Field) -> Field:
        """The part of a field that is there."""
        if isinstance(field, Value):
            return field if self._is_there(field) else absent
        if isinstance(field, Outside):
            part = self._part(field.part)
            return Outside(part) if part.leaves() else absent
        if isinstance(field, First):
            return self._first_part(field)
        parts = field.parts if isinstance(field, Sum) else ()
        there = tuple(part for part in map(self._part, parts) if part.leaves())
        if there and all(isinstance(part, Outside) for part in there):
            raise Unlike(str(field))  # what it stands outside of is not there
        return there[0] if len(there) == 1 else Sum(there)

    def _first_part(self, field: First) -> Field:
        """The options up to the first that is certainly there: with it, nobody asks for the others."""
        there = []
        for option in field.options:
            part = self._part(option)
            if part.leaves():
                there.append(part)
            if isinstance(part, Value) and not any(step.each for step in part.steps):
                self.need((*(() if part.beside else self.place), *self.wire(part.steps)), word=False)
                break
        return absent if not there else there[0] if len(there) == 1 else First(tuple(there))

    def _is_there(self, leaf: Value) -> bool:
        """Whether a value, or the list that it is read from, is in the sample; if not, no other body may have it."""
        path = () if leaf.beside else self.place
        for step in leaf.steps:
            if step.name:
                self._one_spelling(path, step)
                path = (*path, *self.wire((step,)))
                if self.at(path) is None:
                    self.refuse(path)
                    return False
            if step.each:
                if not isinstance(self.at(path), list):
                    raise Unlike(path)
                return True
        return True

    def _one_spelling(self, holder: Path, step: Step) -> None:
        """A name that the wire spells in camelCase may not come in snake_case as well."""
        if self.camel_case and step.name != step.camel:
            self.refuse((*holder, step.name))

    def _first(self, paths: tuple[str, ...]) -> tuple[str, ...]:
        """The first of some paths beside the usage where a word stands."""
        for text in paths:
            steps = parse(text)
            path = self.wire(steps)
            for depth, step in enumerate(steps):
                self._one_spelling(path[:depth], step)
            if self.at(path) is not None:
                if not isinstance(self.at(path), str) or not self.at(path):
                    raise Unlike(path)
                if text != paths[-1]:
                    self.need(path, word=False)
                return (text,)
            self.refuse(self._missing(path))
        return ()

    # what tells it from others -----------------------------------------------------------------------------------------

    def refuse(self, path: Path, *, null: bool = True) -> None:
        """Leave bodies that have something at a path.

        Raises:
            Unlike: the sample has.
        """
        if self.at(path) is not None or (not null and self._has(path)):
            raise Unlike(path)
        self.refused[path] = self.refused.get(path, True) and null

    def need(self, path: Path, *, word: bool = True, null: bool = False) -> None:
        """Leave bodies that have nothing at a path; where the sample has a word there that tells, those that have another."""
        found = self.at(path)
        if null:
            self.may_be_null.add(path)
        self.needed[path] = self.needed.get(path) or (found if word and isinstance(found, str) else None)

    def is_of(self, root: type[Adapter], registry: Registry) -> None:
        """See to it that bodies like this are of one dialect, and of none that is asked before it.

        Raises:
            Unlike: nothing but the names in its usage tells.
        """
        for other in registry.roots:
            for text in other.shape:
                if text.startswith("usage."):
                    continue
                if other is root:
                    if self._shows(text):
                        for condition in conditions(text):
                            self.need(_names(condition), word=condition.wanted is not None, null=_is_plain(text))
                        return
                else:
                    self._rule_out(text)
        raise Unlike(self.place)

    def bears_no_mark_but(self, label: str | None, marks: Iterable[tuple[str, str, str]]) -> None:
        """See to it that bodies like this bear the mark of a provider, or no mark at all."""
        for where, mark, owner in sorted(marks, key=lambda one: one[0] != "usage"):  # asked in this order
            path = (*self.place, mark)
            bears = self._has(path) if where == "usage" else all(part.reads(self.at(_names(part))) for part in conditions(mark))
            if bears and owner != label:
                raise Unlike(mark)
            if bears:
                if where == "usage":
                    self.need(path, word=False, null=True)
                else:
                    for part in conditions(mark):
                        self.need(_names(part), word=part.wanted is not None)
                return
            if where == "usage":
                self.refuse(path, null=False)
            else:
                self._rule_out(mark)
        if label is not None:
            raise Unlike(self.place)

    def is_whole(self, adapter: type[Adapter]) -> None:
        """See to it that bodies like this do not begin a stream."""
        for text in adapter.start:
            self._rule_out(text)

    def is_one_response(self) -> None:
        """See to it that bodies like this hold no others, nor headers that tell of usage."""
        for name in ("ResponseMetadata", *sorted(TOPS if self.place != ("usage",) else ())):
            self.refuse((name,))

    def _shows(self, text: str) -> bool:
        """Whether a test of a shape holds."""
        plain = _is_plain(text)
        return all(self._has(_names(part)) if plain else part.reads(self.at(_names(part))) for part in conditions(text))

    def _rule_out(self, text: str) -> None:
        """See to it that a test does not hold of any body like this."""
        found, plain = conditions(text), _is_plain(text)
        for part in found:
            path = _names(part)
            top = next(path[:depth] for depth in range(1, len(path) + 1) if depth == len(path) or self.at(path[:depth]) is None)
            if not (self._has(top) if plain else self.at(top) is not None):
                return self.refuse(top, null=not plain)
        for part in found:
            if part.wanted is not None and isinstance(self.at(_names(part)), str) and not part.reads(self.at(_names(part))):
                return self.need(_names(part))
        raise Unlike(text)


def _is_plain(text: str) -> bool:
    """Whether a test asks for names at the top alone: then a null tells as much."""
    return all(part.wanted is None and len(part.steps) == 1 for part in conditions(text))


def _names(condition: Condition) -> Path:
    return tuple(step.name for step in condition.steps)
