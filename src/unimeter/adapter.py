"""What every adapter is: a class body that is a table, checked and compiled when the class is made.

    class Acme(OpenAIChat):
        \"\"\"Acme. OpenAI's usage, with a queue time.\"\"\"

        provider = "Acme"
        hosts = ("api.acme.example",)
        provider_metrics = {"queue_time": number("queue_time")}

`Acme.source()` prints the functions that were made of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

from unimeter import compiler
from unimeter.errors import AdapterError
from unimeter.evidence import evidence_by
from unimeter.fields import Field, Outside, Step, Sum, Value, absent, other_spelling, parse
from unimeter.merge import merged
from unimeter.metrics import MessageMetrics
from unimeter.shape import holds_something, predicate

METRICS = (*compiler.TOLD, "total_tokens")
"""The metrics that a table may fill. `total_tokens` is where the provider's own total stands; ours is always the sum."""


class Adapter:
    """One provider's way of reporting usage. Subclass it, fill the table; nothing has to be called."""

    # who it is -----------------------------------------------------------------------------------------------------
    provider: ClassVar[str] = ""
    """The label, as `Reading.provider` gives it."""
    aliases: ClassVar[tuple[str, ...]] = ()
    """Other names that `provider=` takes."""
    hosts: ClassVar[tuple[str, ...]] = ()
    """Hosts that are this provider's; `*` stands for anything."""
    url_paths: ClassVar[tuple[str, ...]] = ()
    """What a url's path holds when it leads to this dialect."""
    publisher_in_path: ClassVar[str] = ""
    """A pattern whose first group is the name of the provider whose models answer there, where a host has several."""
    model_in_path: ClassVar[str] = ""
    """Where a url's path holds the model's id: a regular expression, whose group it is."""
    packages: ClassVar[tuple[str, ...]] = ()
    """Python packages whose objects come from this provider and no other."""
    marks: ClassVar[tuple[str, ...]] = ()
    """Names in a body, or `usage.` names in its usage, that no other provider of the dialect has; or tests of a body."""
    shape: ClassVar[tuple[str, ...]] = ()
    """What tells this dialect from others: `name`, `name.name`, `name=value` or `name=prefix*`, any of them."""

    # where things stand --------------------------------------------------------------------------------------------
    places: ClassVar[tuple[str, ...]] = ("usage",)
    """Where the usage stands, in a response or in an event; "" is the response itself."""
    model: ClassVar[tuple[str, ...]] = ("model",)
    """Where the model's id stands, beside the usage or in the response."""
    id: ClassVar[tuple[str, ...]] = ("id",)
    """Where the response's id stands."""
    id_header: ClassVar[str] = ""
    """The header of a whole response that an SDK takes its id from, in lower case, where the body has none."""
    final: ClassVar[tuple[str, ...]] = ()
    """What the last events of a whole stream hold, written as in `shape`. None: the usage itself comes last."""
    content: ClassVar[tuple[str, ...]] = ()
    """Where the events of a stream hold what was generated, as the wire spells it: text, reasoning, a tool's call."""
    whole: ClassVar[tuple[str, ...]] = ()
    """What only a whole response holds and no event of a stream, as in `shape`: two of them are two calls."""
    partial: ClassVar[tuple[str, ...]] = ()
    """Where an event of a stream holds a piece of the answer, though it looks like a complete response in `whole`."""
    has_snapshots: ClassVar[bool] = False
    """Whether complete responses under one id are snapshots of one object (a run that is polled), of which the last counts."""
    start: ClassVar[tuple[str, ...]] = ()
    """What begins a stream and tells usage that is not yet final, as in `shape`: alone, it is a cut stream."""
    stop: ClassVar[tuple[str, ...]] = ()
    """What ends a response in a stream that may go on with another, as in `shape`."""
    asides: ClassVar[tuple[str, ...]] = ()
    """What only events have that tell the usage of another model's call, as in `shape`: each is a part."""
    speaks_its_base: ClassVar[bool] = False
    """Whether a stream of this dialect may also hold events, with usage, in the dialect that it is made from."""
    camel_case: ClassVar[bool] = False
    """Whether the wire spells the names in camelCase."""
    zeros_left_out: ClassVar[bool] = False
    """Whether the wire leaves zeros out, as proto3's JSON does: no output is then 0 where the total equals the input."""
    ready_if: ClassVar[str] = ""
    """The name in the usage whose presence calls for `ready`."""
    parts_have_ids: ClassVar[bool] = False
    """Whether the events of one response bear ids of their own; the last one's is the response's."""
    calls_add: ClassVar[bool] = False
    """Whether each usage in a stream is a call of its own."""
    holds_answer: ClassVar[bool] = False
    """Whether the usage object also holds the answer, as text or token ids. A usage that is the body itself always may."""
    free: ClassVar[str] = ""
    """Why an answer of this kind carries no usage, and lacks none; "" where it should."""
    hint: ClassVar[str] = ""
    """How to ask for usage that a response may lack."""
    stream_option: ClassVar[bool] = False
    """Whether only streams lack it, unless the request has `stream_options.include_usage`; `capture` can add that."""
    own_paths: ClassVar[tuple[str, ...]] = ()
    """Those of `url_paths` that no other API has: a request to one is a call on any host, whatever the answer is."""
    own_path_header: ClassVar[str] = ""
    """The request's header that makes them so, in lower case, where the path alone does not."""

    # what it means -------------------------------------------------------------------------------------------------
    input_tokens: ClassVar[Field] = absent
    output_tokens: ClassVar[Field] = absent
    total_tokens: ClassVar[Field] = absent
    audio_input_tokens: ClassVar[Field] = absent
    audio_output_tokens: ClassVar[Field] = absent
    cache_read_tokens: ClassVar[Field] = absent
    cache_write_tokens: ClassVar[Field] = absent
    reasoning_tokens: ClassVar[Field] = absent
    cost: ClassVar[Field] = absent
    provider_metrics: ClassVar[dict[str, Field]] = {}
    """What goes under the provider's own names."""
    sdk_types: ClassVar[tuple[str, ...]] = ()
    """The SDK's own usage types, `package:Name` (`botocore.service:Name`). Every leaf of theirs is read or ignored."""
    ignored: ClassVar[dict[str, str]] = {}
    """Leaves that are not read, each with the reason."""

    # what is made of it: see `compiler` ----------------------------------------------------------------------------
    table: ClassVar[dict[str, Field]]
    locate: ClassVar[Callable[[Mapping[str, Any]], tuple[Any, Mapping[str, Any]] | None]]
    evidence: ClassVar[Callable[[Any], Any]]
    """What a reading keeps of a usage; see `unimeter.evidence`."""
    identify: ClassVar[Callable[[Mapping[str, Any]], tuple[str | None, str | None]]]
    measure: ClassVar[Callable[[Any, Mapping[str, Any]], Any]]
    metrics: ClassVar[Callable[[Mapping[str, Any]], MessageMetrics | None]]
    carriers: ClassVar[Callable[[Sequence[Any], bool, Mapping[str, Any] | None], Sequence[Any]]]
    first_place: ClassVar[str]
    """The name at the top of a body under which its usage mostly stands, as the wire spells it."""
    usage_names: ClassVar[frozenset[str]]
    """The names at the top of the usage that tell counts."""
    usage_is_list: ClassVar[bool]
    """Whether the usage is a list of figures rather than an object."""
    holders: ClassVar[tuple[tuple[tuple[str, str], ...], ...]]
    """Where the objects that hold the usage stand, each name in both spellings."""
    names_that_come_first: ClassVar[frozenset[str]]
    """The names in them of which a stream's first value counts: the model's and the response's id."""
    names_that_come_last: ClassVar[frozenset[str]]
    """The other names in them that matter; of these a stream's last value counts."""
    final_tests: ClassVar[tuple[Callable[[Any], bool], ...]]
    content_tests: ClassVar[tuple[Callable[[Any], bool], ...]]
    whole_tests: ClassVar[tuple[Callable[[Any], bool], ...]]
    partial_tests: ClassVar[tuple[Callable[[Any], bool], ...]]
    start_tests: ClassVar[tuple[Callable[[Any], bool], ...]]
    stop_tests: ClassVar[tuple[Callable[[Any], bool], ...]]
    aside_tests: ClassVar[tuple[Callable[[Any], bool], ...]]
    landmark_tests: ClassVar[tuple[Callable[[Any], bool], ...]]
    """Of all events that begin a response, end one, or are asides: none of them may be merged with another."""

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        _check_names(cls)
        cls.table = {metric: getattr(cls, metric) for metric in METRICS}
        for part in compiler.PARTS:
            setattr(cls, part, staticmethod(_made_when_called(cls, part)))
        cls.evidence = staticmethod(_evidence_when_called(cls))
        first = (*_steps(cls.places[0]), Step(""))[0]
        cls.first_place = first.camel if cls.camel_case else first.name
        cls.usage_names = frozenset(_usage_names(cls))
        cls.usage_is_list = cls.spec().usage_is_list
        cls.holders = tuple(dict.fromkeys(tuple((step.name, step.camel) for step in _steps(place)[:-1]) for place in cls.places))
        firsts = {parse(path)[0] for path in (*cls.model, *cls.id)}
        cls.names_that_come_first = _spellings(firsts, cls.camel_case)
        cls.names_that_come_last = _spellings({leaf.steps[0] for leaf in cls.leaves() if leaf.beside} - firsts, cls.camel_case)
        cls.final_tests = tuple(map(predicate, cls.final))
        cls.content_tests = tuple(map(holds_something, cls.content))
        cls.whole_tests = tuple(map(predicate, cls.whole))
        cls.partial_tests = tuple(map(holds_something, cls.partial))
        cls.start_tests = tuple(map(predicate, cls.start))
        cls.stop_tests = tuple(map(predicate, cls.stop))
        cls.aside_tests = tuple(map(predicate, cls.asides))
        cls.landmark_tests = (*cls.start_tests, *cls.stop_tests, *cls.aside_tests)

    @classmethod
    def spec(cls) -> compiler.Spec:
        """What of the table is compiled."""
        return compiler.Spec(
            cls.table,
            cls.provider_metrics,
            cls.places,
            cls.model,
            cls.id,
            cls.camel_case,
            cls.zeros_left_out,
            cls.ready_if,
            cls.ready,
            (*cls.start, *cls.stop, *cls.asides),
        )

    @classmethod
    def source(cls) -> str:
        """The functions that the table is made into."""
        return "\n\n\n".join("\n".join(part(cls.spec()).lines) for part in compiler.PARTS.values())

    @classmethod
    def leaves(cls) -> tuple[Value, ...]:
        """Every value that the table reads."""
        fields = (*cls.table.values(), *cls.provider_metrics.values())
        return tuple(dict.fromkeys(leaf for field in fields for leaf in field.leaves()))

    # what an adapter may override, where a rule depends on values --------------------------------------------------

    @classmethod
    def merge(cls, events: list[tuple[Mapping[str, Any], Any]]) -> Any:
        """One usage of a stream's: for each path the last value that is not null.

        Args:
            events: each event that carries usage, and the usage.
        """
        return merged([usage for _, usage in events])

    @classmethod
    def ready(cls, usage: Mapping[str, Any]) -> tuple[Mapping[str, Any], tuple[tuple[str, Any, str | None], ...]]:
        """A usage that holds something under `ready_if`: what to measure, and the usage of other models inside it.

        Returns:
            The usage as `measure` takes it; and for each call of another model its kind, its usage and its model's id.
        """
        return usage, ()


def _steps(place: str) -> tuple[Step, ...]:
    return parse(place) if place else ()


def _spellings(steps: set[Step], camel_case: bool) -> frozenset[str]:
    """The names as the wire may spell them."""
    return frozenset(name for step in steps for name in ((step.name, step.camel) if camel_case else (step.name,)))


def _made_when_called(cls: type[Adapter], part: str) -> Callable[..., Any]:
    """A function that is compiled on its first call: an import makes all adapters, a program uses few."""

    def first_call(*arguments: Any) -> Any:
        made = compiler.PARTS[part](cls.spec()).build(cls.__name__)
        setattr(cls, part, staticmethod(made))
        return made(*arguments)

    return first_call


def _evidence_when_called(cls: type[Adapter]) -> Callable[[Any], Any]:
    """The function `evidence`, made on its first call."""

    def first_call(usage: Any) -> Any:
        is_body = "" in cls.places
        leaves = [leaf for leaf in cls.leaves() if is_body or not leaf.beside]
        names = [parse(path) for path in (*cls.model, *cls.id)] if is_body else []
        made = evidence_by(leaves, names, camel_case=cls.camel_case, strict=is_body or cls.holds_answer)
        cls.evidence = staticmethod(made)
        return made(usage)

    return first_call


def _usage_names(cls: type[Adapter]) -> Iterator[str]:
    for metric in (*compiler.TOLD, "total_tokens"):
        for leaf in cls.table[metric].leaves():
            if not leaf.beside and metric != "cost" and leaf.steps[0].name:
                yield leaf.steps[0].name
                if cls.camel_case:
                    yield leaf.steps[0].camel


def _check_names(cls: type[Adapter]) -> None:
    """A misspelt metric, a bad path, a doubled name: each fails here, with a hint."""
    known = {word for word in Adapter.__annotations__ if not word.startswith("_")} | set(METRICS)
    for name, value in vars(cls).items():
        if name.startswith("_") or (callable(getattr(value, "__func__", value)) and name not in METRICS):
            continue
        if name not in known:
            from difflib import get_close_matches

            close = get_close_matches(name, known, n=1)
            raise AdapterError(f"{cls.__name__}.{name} is no word of a table" + (f"; did you mean {close[0]}?" if close else ""))
        if name in METRICS and (not isinstance(value, Field) or isinstance(value, Outside)):
            raise AdapterError(
                f"{cls.__name__}.{name} must be made of the words of unimeter.fields, and not of if_outside() alone"
            )
        if isinstance(getattr(Adapter, name), tuple):
            _check_tuple(f"{cls.__name__}.{name}", value)
    if not cls.provider:
        raise AdapterError(f"{cls.__name__} needs a provider: the label of its readings")
    if any("/" in host for host in cls.hosts):
        raise AdapterError(f"{cls.__name__}.hosts takes hosts such as api.acme.example, not urls")
    if not isinstance(cls.provider_metrics, dict):
        raise AdapterError(f"{cls.__name__}.provider_metrics must be a dict")
    for name in ("places", "model", "id", "shape", "content", "partial", "final", "whole", "start", "stop", "asides"):
        for text in getattr(cls, name):
            for path in text.split("&"):
                _check_path(f"{cls.__name__}.{name}", path.partition("=")[0])
    for place in cls.places:
        if any(step.each for step in _steps(place)) and not (_steps(place)[0].each and len(_steps(place)) == 2):
            raise AdapterError(f"{cls.__name__}.places: in a list, usage is looked for as name[].name, not {place!r}")
    for name, field in cls.provider_metrics.items():
        if name in METRICS:
            raise AdapterError(f"{cls.__name__}.provider_metrics[{name!r}] has a field of its own: fill {name}")
        if not isinstance(field, Field) or isinstance(field, Outside):
            raise AdapterError(f"{cls.__name__}.provider_metrics[{name!r}] must be made of the words of unimeter.fields")
    for name in (*METRICS, "provider_metrics"):
        fields = cls.provider_metrics.values() if name == "provider_metrics" else [getattr(cls, name)]
        for field in fields:
            for leaf in field.leaves():
                _check_path(f"{cls.__name__}.{name}", leaf.path)
                if cls.camel_case and (wrong := next((step.name for step in leaf.steps if _is_camel(step.name)), None)):
                    raise AdapterError(
                        f"{cls.__name__}.{name}: paths are in snake_case, {other_spelling(wrong)!r} and not {wrong!r}; "
                        "camel_case says how the wire spells them"
                    )
                wanted = {"cost": ("money",)}.get(name, ("count",))
                if name != "provider_metrics" and leaf.kind not in wanted:
                    raise AdapterError(f"{cls.__name__}.{name} takes {wanted[0]}(), not {leaf.kind}({leaf.path!r})")
    for metric in METRICS:
        paths = [leaf for part in getattr(getattr(cls, metric), "parts", ()) for leaf in part.leaves()]
        doubled = {leaf.path for leaf in paths if paths.count(leaf) > 1}
        _check_outside(cls, metric)
        if doubled:
            raise AdapterError(f"{cls.__name__}.{metric} adds {min(doubled)!r} twice; for two names of one number use first()")


def _is_camel(name: str) -> bool:
    return name.isidentifier() and "_" not in name and name != name.lower()


def _check_tuple(what: str, value: Any) -> None:
    if not isinstance(value, tuple) or not all(isinstance(item, str) for item in value):
        raise AdapterError(f"{what} must be a tuple of strings; of one it is ({value!r},)")


def _check_path(what: str, path: str) -> None:
    try:
        if path:
            parse(path)
    except AdapterError as error:
        raise AdapterError(f"{what}: {error}") from None


def _check_outside(cls: type[Adapter], metric: str) -> None:
    """`if_outside` stands in the sum of input_tokens or output_tokens, after what it may stand outside of."""
    field = getattr(cls, metric)
    parts = field.parts if isinstance(field, Sum) else ()
    for part in parts:
        if isinstance(part, Outside):
            _check_still_its_own(cls, metric, part)
    held = [part for part in parts if isinstance(part, Outside)]
    inside = sum(isinstance(part, Outside) for part in _within(field))
    if inside and (inside != len(held) or len(held) == len(parts) or metric not in ("input_tokens", "output_tokens")):
        raise AdapterError(
            f"{cls.__name__}.{metric}: if_outside() is added to input_tokens or output_tokens, as the last of a sum"
        )


def _within(field: Field) -> Iterator[Field]:
    yield field
    for part in getattr(field, "options", ()) or getattr(field, "parts", ()):
        yield from _within(part)


def _check_still_its_own(cls: type[Adapter], metric: str, part: Outside) -> None:
    """A sum keeps the part that it was written with; who reads that part elsewhere has to write the sum again."""
    for name in ("reasoning_tokens", "audio_input_tokens", "audio_output_tokens"):
        was_its_part = any(getattr(base, name, None) == part.part for base in cls.__mro__[1:])
        if was_its_part and getattr(cls, name) not in (part.part, absent):
            raise AdapterError(f"{cls.__name__}.{name} is read elsewhere than {metric} adds it from: state {metric} anew")
