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

from collections.abc import Callable, Iterable
from dataclasses import MISSING, dataclass, fields
from decimal import Decimal
from enum import StrEnum
from typing import Any, Literal, Self, TypeVar

import msgspec

from unimeter.errors import MalformedUsage


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
        return {name: msgspec.to_builtins(value) for name, value in _set_fields(self)}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """The metrics that `to_dict` made. Keys that are not known are ignored.

        Raises:
            MalformedUsage: a value has the wrong type; the message gives its path.
        """
        try:
            return msgspec.convert(data, cls)
        except msgspec.ValidationError as error:
            what, _, path = str(error).partition(" - at ")
            expected, _, got = what.removeprefix("Expected ").partition(", got ")
            raise MalformedUsage(cls.__name__, path.strip("`") or "$", expected, got or "another value") from None

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

    def __add__(self, other: object) -> Self:
        if not isinstance(other, type(self)) or not isinstance(self, type(other)):
            return NotImplemented
        return _added(self, other)

    def __radd__(self, other: object) -> Self:
        if other == 0:  # what sum() starts with
            return self
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


@dataclass(slots=True, repr=False)
class ModelMetrics(BaseMetrics):
    """The metrics of all calls to one model."""

    id: str = ""
    """The model's id, such as `gpt-4o`."""
    provider: str = ""
    """The provider's label, such as `OpenAI Chat`."""
    provider_metrics: dict[str, Any] | None = None
    """What this provider reports beyond the common fields, summed where it can be."""


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


Metrics = RunMetrics
"""The name that `RunMetrics` had before."""


@dataclass(slots=True, repr=False)
class SessionMetrics(BaseMetrics):
    """The metrics of all runs of a session."""

    details: Details | None = None
    """By model type, one entry for each `(provider, id)`, summed over the runs."""
    additional_metrics: dict[str, Any] | None = None
    """Whatever else was measured, over all runs."""


@dataclass(slots=True, repr=False)
class ToolCallMetrics(_Record):
    """When a tool was called and how long it took."""

    start_time: float | None = None
    """Unix time, seconds."""
    end_time: float | None = None
    """Unix time, seconds."""
    duration: float | None = None
    """Seconds, by a monotonic clock."""


_M = TypeVar("_M", bound=BaseMetrics)

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


def _set_fields(record: Any) -> Iterable[tuple[str, Any]]:
    for field in fields(record):
        value = getattr(record, field.name)
        if field.default is MISSING or value != field.default:
            yield field.name, value


def _added(one: _M, two: _M) -> _M:
    """The sum of two metrics of one type; neither is changed, and nothing in it is shared with them."""
    return type(one)(
        **{field.name: _SUMS.get(field.name, _sum)(getattr(one, field.name), getattr(two, field.name)) for field in fields(one)}
    )


def _sum(one: Any, two: Any) -> Any:
    if one is None or two is None:
        return two if one is None else one
    return one + two


def _first(one: Any, two: Any) -> Any:
    return two if one is None else one


def add_dollars(one: float | None, two: float | None) -> float | None:
    """A sum of dollars as people write them: ten times 0.1 is 1.0. None where nothing was reported.

    >>> add_dollars(0.1, 0.2), add_dollars(None, 0.2), add_dollars(None, None)
    (0.3, 0.2, None)
    """
    if one is None or two is None:
        return two if one is None else one
    return float(Decimal(repr(one)) + Decimal(repr(two)))


def merge_extras(one: dict[str, Any] | None, two: dict[str, Any] | None) -> dict[str, Any] | None:
    """Two `provider_metrics` as one: numbers add, nested objects merge by the same rule, else the latest stands.

    >>> merge_extras({"total_time": 1.5, "tier": "flex"}, {"total_time": 2, "tier": "default"})
    {'total_time': 3.5, 'tier': 'default'}
    """
    if one is None and two is None:
        return None
    merged = dict(one or {})
    for name, new in (two or {}).items():
        merged[name] = _merge_extra(merged.get(name), new)
    return {name: _copied(value) for name, value in merged.items()}


def _merge_extra(old: Any, new: Any) -> Any:
    if isinstance(old, dict) and isinstance(new, dict):
        return merge_extras(old, new)
    if _is_number(old) and _is_number(new):
        return old + new
    return old if new is None else new


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _copied(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_copied(item) for item in value]
    return value


def _merge_details(one: Details | None, two: Details | None) -> Details | None:
    """By model type, the entries of each `(provider, id)` added up, in the order in which they first came."""
    if one is None and two is None:
        return None
    merged: dict[str, dict[tuple[str, str], ModelMetrics]] = {}
    for details in (one or {}, two or {}):
        for model_type, entries in details.items():
            models = merged.setdefault(model_type, {})
            for entry in entries:
                key = (entry.provider, entry.id)
                models[key] = _added(models.get(key, ModelMetrics(id=entry.id, provider=entry.provider)), entry)
    return {model_type: list(models.values()) for model_type, models in merged.items()}


_SUMS: dict[str, Callable[[Any, Any], Any]] = {
    "cost": add_dollars,
    "time_to_first_token": _first,
    "provider_metrics": merge_extras,
    "additional_metrics": merge_extras,
    "details": _merge_details,
    "id": lambda one, two: one or two,
    "provider": lambda one, two: one or two,
}
"""How each field is added that is not a plain sum."""
