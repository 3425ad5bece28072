"""The metric types: the specification's fields, sums, and the way to dicts and back."""

from __future__ import annotations

import dataclasses
from typing import Any, get_type_hints

import pytest
from pydantic import BaseModel, TypeAdapter

from unimeter import (
    BaseMetrics,
    MalformedUsage,
    MessageMetrics,
    Metrics,
    ModelMetrics,
    ModelType,
    RunMetrics,
    SessionMetrics,
    ToolCallMetrics,
)

BASE = {
    "input_tokens": (int, 0),
    "output_tokens": (int, 0),
    "total_tokens": (int, 0),
    "audio_input_tokens": (int, 0),
    "audio_output_tokens": (int, 0),
    "audio_total_tokens": (int, 0),
    "cache_read_tokens": (int, 0),
    "cache_write_tokens": (int, 0),
    "reasoning_tokens": (int, 0),
    "cost": (float | None, None),
}
DETAILS = dict[str, list[ModelMetrics]] | None
ANY = dict[str, Any] | None
SPECIFIED: dict[type, dict[str, tuple[Any, Any]]] = {
    BaseMetrics: BASE,
    MessageMetrics: BASE
    | {"duration": (float | None, None), "time_to_first_token": (float | None, None), "provider_metrics": (ANY, None)},
    ModelMetrics: BASE | {"id": (str, ""), "provider": (str, ""), "provider_metrics": (ANY, None)},
    RunMetrics: BASE
    | {
        "time_to_first_token": (float | None, None),
        "duration": (float | None, None),
        "details": (DETAILS, None),
        "additional_metrics": (ANY, None),
    },
    SessionMetrics: BASE | {"details": (DETAILS, None), "additional_metrics": (ANY, None)},
    ToolCallMetrics: {"start_time": (float | None, None), "end_time": (float | None, None), "duration": (float | None, None)},
}


@pytest.mark.parametrize("kind", SPECIFIED, ids=lambda kind: kind.__name__)
def test_fields_are_the_specified_ones(kind: type) -> None:
    hints = get_type_hints(kind)
    assert {field.name: (hints[field.name], field.default) for field in dataclasses.fields(kind)} == SPECIFIED[kind]
    assert not hasattr(kind(), "__dict__")


def test_metrics_is_run_metrics() -> None:
    assert Metrics is RunMetrics


def test_all_but_tool_calls_share_the_base() -> None:
    assert all(issubclass(kind, BaseMetrics) is (kind is not ToolCallMetrics) for kind in SPECIFIED)


def test_model_types_are_the_specified_keys() -> None:
    assert " ".join(ModelType) == (
        "model output_model parser_model memory_model reasoning_model session_summary_model culture_model learning_model "
        "compression_model followup_model"
    )
    assert ModelType("model") == "model"


def full(kind: type) -> Any:
    values: dict[str, Any] = {}
    for name, (hint, _) in SPECIFIED[kind].items():
        values[name] = {
            int: 3,
            float | None: 0.25,
            str: "x",
            ANY: {"total_time": 1.5, "tier": "flex"},
            DETAILS: {"model": [ModelMetrics(input_tokens=1, id="m", provider="p")]},
        }[hint]
    return kind(**values)


@pytest.mark.parametrize("kind", SPECIFIED, ids=lambda kind: kind.__name__)
def test_dict_round_trip(kind: type) -> None:
    assert kind.from_dict(full(kind).to_dict()) == full(kind)
    assert kind.from_dict({}) == kind()
    assert kind().to_dict() == {}
    assert kind.from_dict({**full(kind).to_dict(), "unknown": 1}) == full(kind)


@pytest.mark.parametrize(
    ("data", "path"),
    [
        ({"input_tokens": "3"}, "input_tokens"),
        ({"input_tokens": True}, "input_tokens"),
        ({"details": {"model": [{"id": 5}]}}, "details[...][0].id"),
        ([], "the data"),
    ],
)
def test_wrong_types_are_refused_with_the_path(data: Any, path: str) -> None:
    with pytest.raises(MalformedUsage) as raised:
        RunMetrics.from_dict(data)
    assert raised.value.path == path


@pytest.mark.parametrize("kind", [kind for kind in SPECIFIED if kind is not ToolCallMetrics], ids=lambda kind: kind.__name__)
def test_sums(kind: type) -> None:
    one, two = full(kind), full(kind)
    total = one + two
    assert total.input_tokens == 6
    assert total.cost == 0.5
    assert one == two == full(kind), "no input is changed"
    assert sum([one, two]) == total
    assert (one + kind()) == one


def test_sums_do_not_alias_their_inputs() -> None:
    one = MessageMetrics(provider_metrics={"a": {"b": [1]}})
    total = one + MessageMetrics()
    total.provider_metrics["a"]["b"].append(2)
    assert one.provider_metrics == {"a": {"b": [1]}}


def test_different_types_do_not_add() -> None:
    with pytest.raises(TypeError):
        MessageMetrics() + ModelMetrics()


def test_dollars_add_as_written() -> None:
    assert sum(MessageMetrics(cost=0.1) for _ in range(10)).cost == 1.0
    assert (MessageMetrics() + MessageMetrics()).cost is None


def test_details_merge_by_provider_and_id() -> None:
    one = RunMetrics(details={"model": [ModelMetrics(input_tokens=1, id="a", provider="p")]})
    two = RunMetrics(details={"model": [ModelMetrics(input_tokens=2, id="a", provider="p"), ModelMetrics(id="a", provider="q")]})
    assert (one + two).details == {
        "model": [ModelMetrics(input_tokens=3, id="a", provider="p"), ModelMetrics(id="a", provider="q")]
    }


@pytest.mark.parametrize("kind", SPECIFIED, ids=lambda kind: kind.__name__)
def test_pydantic_takes_them_as_fields(kind: type) -> None:
    class Holder(BaseModel):
        metrics: kind  # type: ignore[valid-type]  # a parameter, not a name

    holder = Holder(metrics=full(kind))
    assert Holder.model_validate_json(holder.model_dump_json()).metrics == full(kind)
    assert set(TypeAdapter(kind).json_schema()["properties"]) == set(SPECIFIED[kind])
