"""The older view of the same metrics, as agno 1.x gave it, and back.

There a message has its metrics under OpenAI's older names beside today's, a run is a dictionary that holds the list of
every message's values, and a tool has a time.

    >>> from unimeter import MessageMetrics
    >>> older = message(MessageMetrics(input_tokens=9, output_tokens=2, total_tokens=11, cache_read_tokens=4, duration=1.5))
    >>> older["prompt_tokens"], older["cached_tokens"], older["time"]
    (9, 4, 1.5)
    >>> message_from(older)
    MessageMetrics(input_tokens=9, output_tokens=2, total_tokens=11, cache_read_tokens=4, duration=1.5)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from unimeter.adding import add_dollars, decimal_of
from unimeter.blocks import ToolCall
from unimeter.errors import MalformedUsage
from unimeter.metrics import BaseMetrics, MessageMetrics, RunMetrics, SessionMetrics, ToolCallMetrics, malformed
from unimeter.run import Message, Run, Session
from unimeter.values import Refused, as_count

NAMES = {
    "input_tokens": ("input_tokens", "prompt_tokens"),
    "output_tokens": ("output_tokens", "completion_tokens"),
    "total_tokens": ("total_tokens",),
    "audio_total_tokens": ("audio_tokens",),
    "audio_input_tokens": ("input_audio_tokens",),
    "audio_output_tokens": ("output_audio_tokens",),
    "cache_read_tokens": ("cached_tokens",),
    "cache_write_tokens": ("cache_write_tokens",),
    "reasoning_tokens": ("reasoning_tokens",),
}
"""Each count, and the names that it had."""

DETAILS = {
    "prompt_tokens_details": {"cached_tokens": "cache_read_tokens", "audio_tokens": "audio_input_tokens"},
    "completion_tokens_details": {"reasoning_tokens": "reasoning_tokens", "audio_tokens": "audio_output_tokens"},
}
"""OpenAI's breakdowns, and which count each of their names is."""

TIMES = {"time": "duration", "time_to_first_token": "time_to_first_token"}
"""The older names of the times, and today's."""

_Count = int | list[int] | None
_Seconds = float | list[float] | None
_Tree = dict[str, Any] | list[dict[str, Any]] | None


class _Older(msgspec.Struct):
    """Every field of the older table: of a message one value, of a run the list of all."""

    input_tokens: _Count = None
    output_tokens: _Count = None
    total_tokens: _Count = None
    prompt_tokens: _Count = None
    completion_tokens: _Count = None
    audio_tokens: _Count = None
    input_audio_tokens: _Count = None
    output_audio_tokens: _Count = None
    cached_tokens: _Count = None
    cache_write_tokens: _Count = None
    reasoning_tokens: _Count = None
    prompt_tokens_details: _Tree = None
    completion_tokens_details: _Tree = None
    additional_metrics: _Tree = None
    time: _Seconds = None
    time_to_first_token: _Seconds = None


# to the older view ---------------------------------------------------------------------------------------------------


def message(one: Message | MessageMetrics) -> dict[str, Any]:
    """A message's metrics under the older names. What was not measured is left out; counts are there, if 0."""
    metrics = one.metrics if isinstance(one, Message) else one
    if isinstance(one, Message) and one.reading is None:
        return _times(metrics)
    return _counts(metrics) | _breakdowns(metrics) | _extras(metrics, metrics.provider_metrics) | _times(metrics)


def run(messages: Run | Iterable[Message | MessageMetrics]) -> dict[str, list[Any]]:
    """A run's metrics: under each name the list of what its messages have there. One without usage has no counts."""
    lists: dict[str, list[Any]] = {}
    for one in messages.messages if isinstance(messages, Run) else messages:
        for name, value in message(one).items():
            lists.setdefault(name, []).append(value)
    return lists


def session(one: Session | Run | SessionMetrics | RunMetrics) -> dict[str, Any]:
    """A session's metrics, or a run's totals, under the older names."""
    metrics = one.metrics if isinstance(one, (Session, Run)) else one
    return _counts(metrics) | _breakdowns(metrics) | _extras(metrics, metrics.additional_metrics)


def tool(one: ToolCall | ToolCallMetrics) -> dict[str, Any]:
    """A tool's metrics: the seconds that it took, where they were measured."""
    metrics = one.metrics if isinstance(one, ToolCall) else one
    return {} if metrics.duration is None else {"time": metrics.duration}


def _counts(metrics: BaseMetrics) -> dict[str, Any]:
    return {older: getattr(metrics, name) for name, olders in NAMES.items() for older in olders}


def _breakdowns(metrics: BaseMetrics) -> dict[str, Any]:
    return {older: {name: getattr(metrics, count) for name, count in names.items()} for older, names in DETAILS.items()}


def _extras(metrics: BaseMetrics, extras: dict[str, Any] | None) -> dict[str, Any]:
    cost = {} if metrics.cost is None else {"cost": metrics.cost}
    return {"additional_metrics": {**msgspec.to_builtins(extras or {}), **cost}} if extras or cost else {}


def _times(metrics: MessageMetrics) -> dict[str, Any]:
    return {older: getattr(metrics, name) for older, name in TIMES.items() if getattr(metrics, name) is not None}


# and back ------------------------------------------------------------------------------------------------------------


def message_from(older: Mapping[str, Any]) -> MessageMetrics:
    """A message's metrics from the older view. Keys that are not known are ignored.

    Raises:
        MalformedUsage: a value has the wrong type; the message gives its path.
    """
    held = _held(older)
    one = {name: _one(getattr(held, name), name) for name in held.__struct_fields__}
    extras, cost = _without_cost(_each(held.additional_metrics))
    return MessageMetrics(
        **_counts_from(held),
        cost=cost,
        duration=one["time"],
        time_to_first_token=one["time_to_first_token"],
        provider_metrics=extras,
    )


def run_from(older: Mapping[str, Any]) -> RunMetrics:
    """A run's totals from its lists. How long it took is not in them, only how long each message did."""
    held = _held(older)
    total = RunMetrics(**_counts_from(held))
    for one in _each(held.additional_metrics):
        extras, cost = _without_cost([one])
        total.merge(RunMetrics(cost=cost, additional_metrics=extras))
    return total


def session_from(older: Mapping[str, Any]) -> SessionMetrics:
    """A session's metrics from the older view. Raises as `message_from` does."""
    total = SessionMetrics()
    total.accumulate(run_from(older))
    return total


def tool_from(older: Mapping[str, Any]) -> ToolCallMetrics:
    """A tool's metrics from the older view. Raises as `message_from` does."""
    return ToolCallMetrics(duration=_one(_held(older).time, "time"))


def _held(older: Mapping[str, Any]) -> _Older:
    if not isinstance(older, Mapping):
        raise MalformedUsage("agno v1", "the data", "an object", f"a {type(older).__name__}")
    try:
        return msgspec.convert(dict(older), _Older)
    except msgspec.ValidationError as error:
        raise malformed("agno v1", error) from None


def _counts_from(held: _Older) -> dict[str, Any]:
    try:
        return _counts_of(held)
    except Refused as refused:
        raise MalformedUsage("agno v1", refused.path, refused.expected, refused.got) from None


def _counts_of(held: _Older) -> dict[str, Any]:
    counts: dict[str, Any] = {}
    for name, olders in NAMES.items():
        told = next((value for older in olders if (value := getattr(held, older)) is not None), None)
        if told is None:
            told = [
                part[older]
                for details, names in DETAILS.items()
                for older, count in names.items()
                for part in _each(getattr(held, details))
                if count == name and part.get(older) is not None
            ]
        counts[name] = sum(as_count(value, name) or 0 for value in _each(told))
    return counts


def _each(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _one(value: Any, name: str) -> Any:
    if isinstance(value, list):
        raise MalformedUsage("agno v1", name, "one value", f"a list of {len(value)}")
    return value


def _without_cost(extras: list[dict[str, Any]]) -> tuple[dict[str, Any] | None, float | None]:
    """The extras less the cost that stood among them, and the cost."""
    kept: dict[str, Any] = {}
    cost = None
    for one in extras:
        kept |= {name: value for name, value in one.items() if name != "cost"}
        told = one.get("cost")
        cost = add_dollars(cost, None if told is None else float(decimal_of(told)))
    return kept or None, cost
