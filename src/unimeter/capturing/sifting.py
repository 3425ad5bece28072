"""Which of a stream's events need to be decoded: most hold a word of the answer, and nothing that is metered.

A look into an event costs a third of decoding it, and leaves nothing behind: msgspec skips over all but a few names.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Union

import msgspec

from unimeter.adapter import Adapter
from unimeter.fields import Step, parse
from unimeter.recognise import Recogniser
from unimeter.shape import Condition, conditions
from unimeter.source import Source

Sift = Callable[[list[bytes]], list[bytes]]


def sift_for(root: type[Adapter], known: Recogniser) -> Sift | None:
    """A function that takes out the events of which no adapter of a dialect needs anything; None where each is needed.

    What is said beside the usage is needed when it changes. Where a stream may hold several responses, all is needed, since
    what lies between two events tells them apart.
    """
    made = _made(root, known)  # type: ignore[arg-type]  # a class can be hashed
    if made is None:
        return None
    look, tells = made
    beside: dict[str, Any] = {}
    dull: Any = None  # what the last one looked like of which nothing is needed: nearly all look alike

    def sift(datas: list[bytes]) -> list[bytes]:
        nonlocal dull
        needed = []
        try:
            for data, peek in zip(datas, map(look, datas), strict=True):
                if peek == dull:
                    continue
                if tells(peek, beside):
                    needed.append(data)
                    dull = None  # what was known beside it may have changed
                else:
                    dull = peek
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return datas  # whatever is among them, to decode it says so
        return needed

    return sift


@lru_cache(maxsize=64)
def _made(root: type[Adapter], known: Recogniser) -> tuple[Callable[[bytes], Any], Callable[[Any, Any], bool]] | None:
    family = [adapter for adapter in known.registry.adapters if known.registry.root_of(adapter) is root]
    if any(adapter.stop_tests or adapter.calls_add or "" in adapter.places for adapter in family):
        return None
    listed = [place for adapter in family for place in adapter.places if parse(place)[0].each]
    texts = [text for adapter in family for text in (*adapter.final, *adapter.start)]
    tests = [one for text in (*texts, *listed) for one in conditions(text)]
    trailers = known.trailers & {adapter.first_place for adapter in known.registry.adapters}
    tops = [(parse(place)[0], adapter) for adapter in family for place in adapter.places]
    whole = {name for step, adapter in tops if not step.each for name in _spelt(step, adapter)}
    whole |= {"error"} | trailers
    beside = {name for adapter in family for leaf in adapter.leaves() if leaf.beside for name in _spelt(leaf.steps[0], adapter)}
    beside -= whole
    tests = [one for one in dict.fromkeys(tests) if one.steps[0].name not in whole | beside]
    nested = [one for one in tests if len(one.steps) > 1]
    if any(len(one.steps) > 2 for one in nested) or {one.steps[0].name for one in tests if len(one.steps) == 1} & {
        one.steps[0].name for one in nested
    }:
        return None

    source = Source("tells", "peek", "beside", camel_case=False)
    fields: dict[str, tuple[str, Any]] = {}
    for at, name in enumerate(sorted(whole)):
        fields[f"whole_{at}"] = (name, Any)
        source.add(f"if peek.whole_{at} is not None: return True")
    for at, (step, within) in enumerate(_by_first_step(nested).items()):
        names = {one.steps[1].name: f"inner_{number}" for number, one in enumerate(within)}
        item = msgspec.defstruct(
            "Item",
            [(attribute, Any, None) for attribute in names.values()],
            rename={attribute: name for name, attribute in names.items()},
            gc=False,
        )
        kind = list.__class_getitem__(item) if step.each else item
        fields[f"inside_{at}"] = (step.name, Union[kind, None])  # noqa: UP007  # a type made at run time has no |
        held = f"peek.inside_{at}"
        with source.block(f"for one in {f'{held} or ()' if step.each else f'({held},) if {held} else ()'}:"):
            for one in within:
                value = f"one.{names[one.steps[1].name]}"
                source.add(f"if {value} is not None{_reads(source, one, value)}: return True")
    for at, (step, same) in enumerate(_by_first_step([one for one in tests if len(one.steps) == 1]).items()):
        fields[f"word_{at}"] = (step.name, Any)
        for one in same:
            source.add(f"if peek.word_{at} is not None{_reads(source, one, f'peek.word_{at}')}: return True")
    for at, name in enumerate(sorted(beside)):
        fields[f"beside_{at}"] = (name, Any)
        with source.block(f"if peek.beside_{at} is not None and peek.beside_{at} != beside.get({name!r}):"):
            source.add(f"beside[{name!r}] = peek.beside_{at}")
            source.add("return True")
    source.add("return False")
    kind = msgspec.defstruct(
        "Peek",
        [(attribute, type_, None) for attribute, (_, type_) in fields.items()],
        rename={attribute: name for attribute, (name, _) in fields.items()},
        gc=False,
    )
    return msgspec.json.Decoder(kind).decode, source.build(root.__name__)


def _by_first_step(tests: list[Condition]) -> dict[Step, list[Condition]]:
    """The tests by where they begin to look: an event is needed if any of them holds."""
    found: dict[Step, list[Condition]] = {}
    for one in tests:
        found.setdefault(one.steps[0], []).append(one)
    return found


def _reads(source: Source, condition: Condition, value: str) -> str:
    """The rest of a test on a value that is there."""
    return "" if condition.wanted is None else f" and {source.constant(condition.reads)}({value})"


def _spelt(step: Step, adapter: type[Adapter]) -> tuple[str, ...]:
    return (step.camel, step.name) if adapter.camel_case else (step.name,)
