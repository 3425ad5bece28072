"""The metric types: plain data, cheap to make, the same for every provider.

Token counts follow one rule: `input_tokens` holds everything the model read (cache reads and writes, audio, images and
tool prompts are inside), `output_tokens` everything it generated (reasoning and audio are inside), and
`total_tokens = input_tokens + output_tokens`.

    >>> one = MessageMetrics(input_tokens=10, output_tokens=2, total_tokens=12, cost=0.1)
    >>> two = MessageMetrics(input_tokens=5, output_tokens=1, total_tokens=6, cost=0.2)
    >>> sum([one, two])
    MessageMetrics(input_tokens=15, output_tokens=3, total_tokens=18, cost=0.3)
    >>> MessageMetrics.from_dict(one.to_dict()) == one
    True
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, fields
from datetime import datetime
from enum import Enum, StrEnum
from math import isfinite
from typing import TYPE_CHECKING, Any, Literal, Self, get_args

import msgspec

from unimeter.adding import add_dollars, folded
from unimeter.equality import is_bounded
from unimeter.errors import MalformedUsage
from unimeter.values import DEEPEST, described, name_of

if TYPE_CHECKING:
    from unimeter.reading import Reading


class ModelType(StrEnum):
    """What a model was called for: the keys of `RunMetrics.details`. Any other string is allowed there as well."""

    MODEL = "model"
    OUTPUT_MODEL = "output_model"
    PARSER_MODEL = "parser_model"
    MEMORY_MODEL = "memory_model"
    REASONING_MODEL = "reasoning_model"
    SESSION_SUMMARY_MODEL = "session_summary_model"
    CULTURE_MODEL = "culture_model"
    LEARNING_MODEL = "learning_model"
    COMPRESSION_MODEL = "compression_model"
    FOLLOWUP_MODEL = "followup_model"


class _Record:
    """What all metric types can do: become a dict and come back, and show only what is set."""

    __slots__ = ()

    def to_dict(self) -> dict[str, Any]:
        """The fields that differ from their default, as JSON-safe values; `from_dict` is its inverse."""
        return {name: _json_safe(value) for name, value in _set_fields(self)}

    def to_json(self) -> str:
        """`to_dict` as JSON text."""
        return msgspec.json.encode(self.to_dict()).decode()

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """The metrics that `to_json` made. Raises as `from_dict` does."""
        try:
            return cls.from_dict(msgspec.json.decode(text))
        except msgspec.DecodeError as error:
            raise MalformedUsage(cls.__name__, "the text", "JSON", str(error)) from None

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """The metrics that `to_dict` made. Keys that are not known are ignored.

        Raises:
            MalformedUsage: a value has the wrong type; the message gives its path.
        """
        if not isinstance(data, Mapping):
            raise MalformedUsage(cls.__name__, "the data", "an object", f"a {type(data).__name__}")
        if not is_bounded(data):
            raise MalformedUsage(cls.__name__, "the data", "a tree", "objects that hold each other")
        try:
            record = msgspec.convert({name: _own(value, cls.__name__, f"{name}") for name, value in data.items()}, cls)
        except msgspec.ValidationError as error:
            raise malformed(cls.__name__, error) from None
        _check(record, cls.__name__, "")
        return record

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in _set_fields(self))})"


@dataclass(slots=True, repr=False)
class BaseMetrics(_Record):
    """The token counts and the cost that messages, models, runs and sessions share."""

    input_tokens: int = 0
    """Tokens that the model read, whatever they are: cached, audio, images, tool prompts."""
    output_tokens: int = 0
    """Tokens that the model generated, reasoning and audio among them."""
    total_tokens: int = 0
    """`input_tokens + output_tokens`."""
    audio_input_tokens: int = 0
    """Audio tokens within the input."""
    audio_output_tokens: int = 0
    """Audio tokens within the output."""
    audio_total_tokens: int = 0
    """`audio_input_tokens + audio_output_tokens`."""
    cache_read_tokens: int = 0
    """Input tokens served from a cache."""
    cache_write_tokens: int = 0
    """Input tokens written to a cache."""
    reasoning_tokens: int = 0
    """Output tokens spent on reasoning."""
    cost: float | None = None
    """US dollars, only what the provider itself reported."""

    def accumulate(self, other: BaseMetrics) -> None:
        """Add what another tells to this one; the other is not changed, and nothing in it is shared."""
        self.add_tokens(other)
        self.cost = add_dollars(self.cost, other.cost)

    def add_tokens(self, other: BaseMetrics) -> None:
        """Add another's token counts to these."""
        self.input_tokens += other.input_tokens
        self.output_tokens += other.output_tokens
        self.total_tokens += other.total_tokens
        self.audio_input_tokens += other.audio_input_tokens
        self.audio_output_tokens += other.audio_output_tokens
        self.audio_total_tokens += other.audio_total_tokens
        self.cache_read_tokens += other.cache_read_tokens
        self.cache_write_tokens += other.cache_write_tokens
        self.reasoning_tokens += other.reasoning_tokens

    def __add__(self, other: object) -> Self:
        if type(other) is not type(self):
            return NotImplemented
        total = type(self)()
        total.accumulate(self)
        total.accumulate(other)
        return total

    def __radd__(self, other: object) -> Self:
        if other == 0:  # what sum() starts with
            return type(self)() + self
        return NotImplemented


@dataclass(slots=True, repr=False)
class MessageMetrics(BaseMetrics):
    """The metrics of one call to a model."""

    duration: float | None = None
    """Seconds from the request to the end of the answer, by the client's clock."""
    time_to_first_token: float | None = None
    """Seconds from the request to the first token, by the client's clock."""
    provider_metrics: dict[str, Any] | None = None
    """What this provider reports beyond the common fields, under its own names and in its own units."""

    def accumulate(self, other: BaseMetrics) -> None:
        """Add another call's metrics. The first token of the first stands."""
        BaseMetrics.accumulate(self, other)
        if isinstance(other, MessageMetrics):
            self.duration = _sum(self.duration, other.duration)
            if self.time_to_first_token is None:
                self.time_to_first_token = other.time_to_first_token
            self.provider_metrics = folded(self.provider_metrics, other.provider_metrics)


@dataclass(slots=True, repr=False)
class ModelMetrics(BaseMetrics):
    """The metrics of all calls to one model."""

    id: str = ""
    """The model's id, such as `gpt-4o`."""
    provider: str = ""
    """The provider's label, such as `OpenAI Chat`."""
    provider_metrics: dict[str, Any] | None = None
    """What this provider reports beyond the common fields, summed where it can be."""

    def accumulate(self, other: BaseMetrics) -> None:
        """Add a call of this model, or another aggregate of its calls."""
        BaseMetrics.accumulate(self, other)
        if isinstance(other, ModelMetrics):
            self.id = self.id or other.id
            self.provider = self.provider or other.provider
        if isinstance(other, (MessageMetrics, ModelMetrics)):
            self.provider_metrics = folded(self.provider_metrics, other.provider_metrics)


Details = dict[str, list[ModelMetrics]]


@dataclass(slots=True, repr=False)
class RunMetrics(BaseMetrics):
    """The metrics of a run: totals, and what each model did in each role."""

    time_to_first_token: float | None = None
    """Seconds from the start of the run to its first token; set once."""
    duration: float | None = None
    """Seconds that the run took."""
    details: Details | None = None
    """By model type, one entry for each `(provider, id)`."""
    additional_metrics: dict[str, Any] | None = None
    """Whatever else was measured, such as `eval_duration`."""

    def accumulate(self, other: BaseMetrics) -> None:
        """Add another run that came after or beside this one: durations add, the earlier first token stands."""
        self.merge(other)
        if isinstance(other, RunMetrics):
            self.duration = _sum(self.duration, other.duration)
            self.time_to_first_token = _earlier(self.time_to_first_token, other.time_to_first_token)

    def record(self, reading: Reading | None, model_type: str | Enum = ModelType.MODEL) -> None:
        """Add a call: what a reading tells, each model under `details[model_type]`. None: the call told no usage.

        `additional_metrics` counts the calls, those without usage and those without cost, so that a partial sum never
        looks whole. A failed request of a batch is no call. A reading that is recorded twice counts twice.
        """
        for call in (None,) if reading is None else _counted_calls(reading):
            no_cost = call is None or call.metrics.cost is None
            computed = call is not None and call.cost_is_computed
            counts = call_counts(1, int(call is None), int(no_cost), int(computed))
            self.additional_metrics = folded(self.additional_metrics, counts)
            for told in () if call is None else (call, *call.parts):
                BaseMetrics.accumulate(self, told.metrics)
                if self.details is None:
                    self.details = {}
                models = self.details.setdefault(role(model_type), [])
                entry_of(models, told.provider, told.model or "").accumulate(told.metrics)

    def merge(self, other: BaseMetrics) -> None:
        """Take in a run within this one: a background task's, a team member's, a sub-agent's.

        Its time passed within this run's, so neither its duration nor its first token is added.
        """
        if other is self:
            raise ValueError("a run cannot be merged into itself")
        BaseMetrics.accumulate(self, other)
        if isinstance(other, (RunMetrics, SessionMetrics)):
            self.details = fold_details(self.details, other.details)
            self.additional_metrics = folded(self.additional_metrics, other.additional_metrics)

    def merge_eval(self, other: RunMetrics, prefix: str = "eval") -> None:
        """Take in an evaluator's run: its models under `eval_model` and so on, its time under `eval_duration`.

        Another prefix, such as "reasoning", keeps any other helper's models apart in the same way.
        """
        if not prefix.isidentifier():
            raise ValueError(f"a prefix is a word such as 'eval', not {prefix!r}")
        if other is self:
            raise ValueError("a run cannot be merged into itself")
        BaseMetrics.accumulate(self, other)
        self.details = fold_details(self.details, other.details, f"{prefix}_")
        self.additional_metrics = folded(self.additional_metrics, other.additional_metrics)
        if other.duration is not None:
            self.additional_metrics = folded(self.additional_metrics, {f"{prefix}_duration": other.duration})


Metrics = RunMetrics
"""The name that `RunMetrics` had before."""


@dataclass(slots=True, repr=False)
class SessionMetrics(BaseMetrics):
    """The metrics of all runs of a session."""

    details: Details | None = None
    """By model type, one entry for each `(provider, id)`, summed over the runs."""
    additional_metrics: dict[str, Any] | None = None
    """Whatever else was measured, over all runs."""

    def accumulate(self, other: BaseMetrics) -> None:
        """Add a run, or another session."""
        BaseMetrics.accumulate(self, other)
        if isinstance(other, (RunMetrics, SessionMetrics)):
            self.details = fold_details(self.details, other.details)
            self.additional_metrics = folded(self.additional_metrics, other.additional_metrics)


@dataclass(slots=True, repr=False)
class ToolCallMetrics(_Record):
    """When a tool was called and how long it took."""

    start_time: float | None = None
    """Unix time, seconds."""
    end_time: float | None = None
    """Unix time, seconds."""
    duration: float | None = None
    """Seconds, by a monotonic clock."""

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """The metrics that `to_dict` made; a time may also be an ISO 8601 string, as agno stores it."""
        if isinstance(data, Mapping):
            data = {name: _unix_time(value) if name.endswith("_time") else value for name, value in data.items()}
        return super(ToolCallMetrics, cls).from_dict(data)


def _unix_time(value: Any) -> Any:
    try:
        return datetime.fromisoformat(value).timestamp()
    except (TypeError, ValueError):
        return value  # a number; or what is neither, and is refused


TokenField = Literal[
    "input_tokens",
    "output_tokens",
    "total_tokens",
    "audio_input_tokens",
    "audio_output_tokens",
    "audio_total_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
]
"""The names of the counts that every metric type but `ToolCallMetrics` has."""
_COUNTS = frozenset(get_args(TokenField))
_CALL_COUNTS = frozenset(("calls", "calls_without_usage", "calls_without_cost", "calls_with_computed_cost"))
_DEEPEST = 2 * DEEPEST
"""How deep saved metrics may nest: those of a model are a few levels down, and hold trees of their own."""


def malformed(what: str, error: msgspec.ValidationError) -> MalformedUsage:
    """What a converter found wrong, with the path to it."""
    told, _, path = str(error).replace("`", "").partition(" - at ")
    expected, _, got = told.removeprefix("Expected ").partition(", got ")
    return MalformedUsage(what, path.removeprefix("$").removeprefix(".") or "the data", expected, got or "another value")


def _own(value: Any, what: str, path: str, depth: int = 0) -> Any:
    """A copy of JSON data, of which nothing is shared.

    Raises:
        MalformedUsage: it nests deeper than anything that `to_dict` makes, or a number in it is none that JSON can say.
    """
    if depth > _DEEPEST:
        raise MalformedUsage(what, path.partition(".")[0], f"nested at most {_DEEPEST} levels deep", "more")
    if isinstance(value, float) and not isfinite(value):
        raise MalformedUsage(what, path, "a finite number", repr(value))
    if isinstance(value, dict):
        return {name: _own(item, what, f"{path}.{name_of(name)}", depth + 1) for name, item in value.items()}
    return [_own(item, what, path, depth + 1) for item in value] if isinstance(value, list) else value


def _check(record: _Record, what: str, at: str) -> None:
    """See that no count and no time is negative, and that every number is one.

    Raises:
        MalformedUsage: one is.
    """
    for name, value in _set_fields(record):
        if name == "details":
            for model_type, models in value.items():
                for number, entry in enumerate(models):
                    _check(entry, what, f"{at}details.{model_type}[{number}].")
        elif name == "additional_metrics":
            for counted in value.keys() & _CALL_COUNTS:
                _check_count(value[counted], what, f"{at}{name}.{counted}")
        elif name in _COUNTS:
            _check_count(value, what, f"{at}{name}")
        elif isinstance(value, float) and not (isfinite(value) and (value >= 0 or name == "cost")):
            raise MalformedUsage(what, f"{at}{name}", "a finite number" if name == "cost" else "a time in seconds", repr(value))


def _check_count(value: Any, what: str, path: str) -> None:
    if type(value) is not int or not 0 <= value < 2**63:
        raise MalformedUsage(what, path, "a whole number from 0 to 2**63 - 1", described(value))


def _json_safe(value: Any) -> Any:
    if isinstance(value, _Record):
        return value.to_dict()
    if isinstance(value, dict):
        return {str(name): _json_safe(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_json_safe(item) for item in value]
    return value if type(value) is float else msgspec.to_builtins(value)


def _set_fields(record: Any) -> Iterable[tuple[str, Any]]:
    for field in fields(record):
        value = getattr(record, field.name)
        if field.default is MISSING or value != field.default:
            yield field.name, value


def call_counts(calls: int, without_usage: int, without_cost: int, computed: int = 0) -> dict[str, int]:
    """What `additional_metrics` tells of a run's calls, so that a partial sum never looks whole, nor a computed one reported."""
    counts = {"calls": calls, "calls_without_usage": without_usage, "calls_without_cost": without_cost}
    return {**counts, "calls_with_computed_cost": computed} if computed else counts


def role(model_type: str | Enum) -> str:
    """A model type as the key of `details` that it is: any word, an enum's member by its value.

    Raises:
        TypeError: it is no word.
    """
    value = model_type.value if isinstance(model_type, Enum) else model_type
    if not isinstance(value, str) or not value:
        raise TypeError(f"a model type is a word, such as 'model', not {model_type!r}")
    return str(value)


def _counted_calls(reading: Reading) -> tuple[Reading | None, ...]:
    from unimeter.reading import counted_calls  # it imports this module

    return counted_calls(reading)


def _sum(one: float | None, two: float | None) -> float | None:
    if one is None or two is None:
        return two if one is None else one
    return one + two


def _earlier(one: float | None, two: float | None) -> float | None:
    if one is None or two is None:
        return two if one is None else one
    return min(one, two)


def fold_details(target: Details | None, new: Details | None, prefix: str = "") -> Details | None:
    """Add the entries of each `(provider, id)` to those of a run, under keys that begin with a prefix."""
    if new is None:
        return target
    if target is None:
        target = {}
    for model_type, entries in new.items():
        models = target.setdefault(model_type if model_type.startswith(prefix) else prefix + model_type, [])
        known = {(entry.provider, entry.id): entry for entry in models}
        for entry in entries:
            held = known.get((entry.provider, entry.id))
            if held is None:
                held = known[entry.provider, entry.id] = ModelMetrics(id=entry.id, provider=entry.provider)
                models.append(held)
            held.accumulate(entry)
    return target


def entry_of(models: list[ModelMetrics], provider: str, model_id: str) -> ModelMetrics:
    """The entry of a model in a list, which is added where there is none yet."""
    for entry in models:
        if entry.id == model_id and entry.provider == provider:
            return entry
    models.append(ModelMetrics(id=model_id, provider=provider))
    return models[-1]
