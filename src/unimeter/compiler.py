"""An adapter's table, made into straight-line functions, as `dataclasses` makes `__init__`.

    locate(event)           -> (usage, holder), or None where the event carries no usage
    identify(holder)        -> (model, id) as the response names them, or None
    measure(usage, holder)  -> (metrics, told, total), or None where the usage says nothing
    metrics(event)          -> the metrics alone, or None where the usage does not stand in its first place
    carriers(events, dicts, known)
                            -> those of some dicts or objects that may carry usage, what counts beside it, or an error;
                               AttributeError where they are of several kinds. With what is `known` of what counts beside
                               it: without those that say the same, and with those that begin or end a response

`told` are the raw figures in the order of `TOLD`, None where the provider sent none; `total` is the provider's own total.
Every prefix of a path is looked up once, every count is checked inline, and only a failed check leaves the straight
line. `Adapter.source()` prints what was made.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from unimeter.fields import Field, Outside, Step, Value, parse
from unimeter.shape import conditions
from unimeter.source import Source

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


class Spec(NamedTuple):
    """What of an adapter is compiled."""

    table: dict[str, Field]
    extras: dict[str, Field]
    places: tuple[str, ...]
    model: tuple[str, ...]
    id: tuple[str, ...]
    camel_case: bool
    zeros_left_out: bool
    ready_if: str
    ready: Callable[..., Any]
    ends: tuple[str, ...]
    """What begins or ends a response in a stream, as in `Adapter.shape`."""

    @property
    def usage_is_list(self) -> bool:
        """Whether the usage is a list of figures rather than an object."""
        leaves = self.table["input_tokens"].leaves()
        return bool(leaves) and all(leaf.path.startswith("[") for leaf in leaves)


def measure(spec: Spec) -> Source:
    """The metrics of a usage, with what was really told."""
    source = Source("measure", "usage", "holder", camel_case=spec.camel_case)
    told = add_told(source, spec)
    source.add(f"return {add_metrics(source, told)}, ({', '.join(told.metrics.values())}), {told.total}")
    return source


def metrics(spec: Spec) -> Source:
    """The metrics of a response, in one go."""
    source = Source("metrics", "event", camel_case=spec.camel_case)
    source.add("holder = event")
    if not spec.places[0]:
        source.add("usage = event")
    else:
        place, *further = parse(spec.places[0])
        if further:
            source.add("return None")
            return source
        source.add(f"usage = {source.get('event', place)}")
        source.add("if usage is None: return None")
    if spec.ready_if:
        source.add("if type(usage) is not dict: usage = fields(usage, 'usage') or NOTHING")
        with source.block(f"if usage.get({spec.ready_if!r}) is not None:"):
            source.add(f"usage, parts = {source.constant(spec.ready)}(usage)")
            source.add("if parts: return None")
    source.add(f"return {add_metrics(source, add_told(source, spec))}")
    return source


class Told(NamedTuple):
    """The variables that hold what was told: 'None' where it is not."""

    metrics: dict[str, str]
    total: str
    extras: dict[str, str]


def add_told(source: Source, spec: Spec, *, typed: bool = False, leave: str = "return None") -> Told:
    """The lines that read `usage`, and leave one that tells nothing."""
    table, extras = spec.table, spec.extras
    mixed = _beside_or_not(table)
    source.uses = _uses((*table.values(), *extras.values(), *(leaf for leaves in mixed.values() for leaf in leaves)))
    if typed:
        pass  # the decoder has seen to it
    elif spec.usage_is_list:
        source.add("if type(usage) is not list: usage = as_list(usage, 'usage')")
    else:
        source.add("if type(usage) is not dict: usage = fields(usage, 'usage')")
    if not typed:
        source.add("if usage is None: return None")

    told = {metric: source.field(table[metric]) for metric in TOLD}
    total = source.field(table["total_tokens"])
    source.settle(table, total)
    read, generated = told["input_tokens"], told["output_tokens"]
    if spec.zeros_left_out and "None" not in (read, total):
        if generated in ("None", told["reasoning_tokens"]):  # a variable of its own: what is set here is no other metric's
            source.add(f"{(alone := source.variable('generated'))} = {generated}")
            generated = told["output_tokens"] = alone
        source.add(f"if {generated} is None and {total} is not None and {total} == {read}: {generated} = 0")

    inside = {name: field for name, field in extras.items() if not any(leaf.beside for leaf in field.leaves())}
    own = {name: source.field(field) for name, field in inside.items()}
    telling = [told[metric] for metric in TOLD if metric not in mixed]
    telling += [source.field(leaf) for leaves in mixed.values() for leaf in leaves] + list(own.values())
    empty = [f"{variable} is None" for variable in dict.fromkeys(telling) if variable != "None"]
    source.add(f"if {' and '.join(empty) or 'True'}: {leave}")
    own |= {name: source.field(field) for name, field in extras.items() if name not in inside}
    return Told(told, total, {name: own[name] for name in extras})


def _beside_or_not(table: dict[str, Field]) -> dict[str, list[Value]]:
    """What stands in the usage of each metric that may also stand beside it: that alone tells that there is usage.

    Input and output tell wherever they stand; a cost that may stand beside never does.
    """
    mixed = {metric: table[metric].leaves() for metric in TOLD if metric not in ("input_tokens", "output_tokens")}
    return {
        metric: [leaf for leaf in leaves if not leaf.beside and metric != "cost"]
        for metric, leaves in mixed.items()
        if any(leaf.beside for leaf in leaves)
    }


def add_metrics(source: Source, told: Told) -> str:
    """The lines that make metrics of what was told, and the metrics."""
    numbers = {}
    for metric in ("input_tokens", "output_tokens", "audio_input_tokens", "audio_output_tokens"):
        if told.metrics[metric] == "None":
            numbers[metric] = "0"
        else:
            numbers[metric] = source.variable(metric)
            source.add(f"{numbers[metric]} = {told.metrics[metric]} or 0")
    read, generated, heard, spoken = numbers.values()
    cached = ["0" if told.metrics[metric] == "None" else f"{told.metrics[metric]} or 0" for metric in TOLD[4:7]]
    arguments = [read, generated, f"{read} + {generated}", heard, spoken, f"{heard} + {spoken}", *cached, told.metrics["cost"]]
    if told.extras:
        source.add("extras = {}")
        for name, found in told.extras.items():
            source.add(f"if {found} is not None: extras[{name!r}] = {found}")
        arguments += ["None", "None", "extras or None"]
    return f"MessageMetrics({', '.join(arguments)})"


def _uses(fields: Iterable[Field]) -> Counter[Field]:
    """How often each field stands in others or alone; what stands in a repeated field counts once."""
    uses: Counter[Field] = Counter()
    waiting = list(fields)
    while waiting:
        field = waiting.pop()
        uses[field] += 1
        if uses[field] == 1:
            waiting += getattr(field, "options", ()) or getattr(field, "parts", ())
            waiting += [field.part] if isinstance(field, Outside) else []
    return uses


def locate(spec: Spec) -> Source:
    """Where the usage of an event stands."""
    source = Source("locate", "event", camel_case=spec.camel_case)
    for place in spec.places:
        if not place:
            source.add("return event, event")
            return source
        steps = parse(place)
        if steps[0].each:
            items, item, only = source.get("event", Step(steps[0].name)), source.variable("item"), source.variable("only")
            source.add(f"{only} = None")
            with source.block(f"for {item} in {items} if type({items}) is list else ():"):
                source.add(f"{item} = fields_of({item}) or NOTHING")
                found = source.get(item, steps[1])
                different = f"[{only}, {found}]"  # which of them is the response's, nobody says: a list is refused
                is_same = f"{only} is None or equal({only}, {found})"
                source.add(f"if {found} is not None: {only} = {found} if {is_same} else {different}")
            source.add(f"if {only} is not None: return {only}, event")
            continue
        holder = source.container("event", steps[:-1])
        found = source.get(holder, steps[-1])
        source.add(f"if {found} is not None: return {found}, {holder}")
    source.add("return None")
    return source


def identify(spec: Spec) -> Source:
    """The model's id and the response's."""
    source = Source("identify", "holder", camel_case=spec.camel_case)
    for name, paths in (("the_model", spec.model), ("the_id", spec.id)):
        source.add(f"{name} = None")
        for path in paths:
            steps = parse(path)
            with source.block(f"if {name} is None:"):
                found = source.get(source.container("holder", steps[:-1]), steps[-1])
                source.add(f"if type({found}) is str and {found}: {name} = {found}")
    source.add("return the_model, the_id")
    return source


def carriers(spec: Spec) -> Source:
    """The events of a stream that need a closer look: most hold a word of the answer and nothing else."""
    source = Source("carriers", "events", "dicts", "known", camel_case=spec.camel_case)
    if "" in spec.places:  # an event is its own usage
        source.add("if dicts and {*map(type, events)} != {dict}: raise AttributeError")
        source.add("if known is None: return events")
        source.add("if not dicts: raise AttributeError")
        names = source.constant(frozenset(_usage_names(spec)) | {"error"})
        source.add(f"return [event for event in events if not {names}.isdisjoint(event)]")
        return source
    tops = [parse(place)[0] for place in spec.places]
    first, *others = dict.fromkeys(name for step in tops for name in _spelt(step, spec))
    fields = (*spec.table.values(), *spec.extras.values())
    beside = [leaf.steps[0] for field in fields for leaf in field.leaves() if leaf.beside]
    others_beside = [name for name in dict.fromkeys(name for step in beside for name in _spelt(step, spec)) if name != first]
    marked = []
    for condition in (conditions(test)[0] for test in spec.ends):
        name, wanted = condition.steps[0].name, condition.wanted
        exact = wanted is not None and len(condition.steps) == 1 and not wanted.endswith("*")
        marked.append(f"event.get({name!r}) == {wanted!r}" if exact else f"event.get({name!r}) is not None")

    # An error makes a stream incomplete; an SDK raises it, and its objects have none. What is no dict has no `get`.
    first_found = f"event.get({first!r}) is not None"
    there = [f"({name!r} in event and event[{name!r}] is not None)" for name in (*others, *others_beside, "error")]
    news = [f"({name!r} in event and event[{name!r}] is not None)" for name in (*others, "error")]
    attributes = [f"event.{name} is not None" for name in (first, *others)]
    new_attributes = attributes.copy()
    attributes += [f"event.{name} is not None" for name in others_beside]
    with source.block("if known is not None:"):
        for at, name in enumerate(others_beside):  # what was known before tells nothing again
            source.add(f"known_{at} = known.get({name!r})")
            news.append(f"({name!r} in event and event[{name!r}] is not None and event[{name!r}] != known_{at})")
            new_attributes.append(f"(event.{name} is not None and event.{name} != known_{at})")
        source.add(f"if dicts: return [event for event in events if {' or '.join((first_found, *news, *marked))}]")
    source.add(f"if dicts: return [event for event in events if {' or '.join((first_found, *there))}]")
    if all(name.isidentifier() for name in (first, *others, *others_beside)):
        source.add(f"if known is not None: return [event for event in events if {' or '.join(new_attributes)}]")
        source.add(f"return [event for event in events if {' or '.join(attributes)}]")
    else:
        source.add("raise AttributeError")
    return source


def _spelt(step: Step, spec: Spec) -> tuple[str, ...]:
    return (step.camel, step.name) if spec.camel_case else (step.name,)


def _usage_names(spec: Spec) -> Iterable[str]:
    for metric in (*TOLD, "total_tokens"):
        for leaf in spec.table[metric].leaves():
            yield from _spelt(leaf.steps[0], spec)


PARTS = {part.__name__: part for part in (locate, identify, measure, metrics, carriers)}
"""The functions that are made of every table."""
