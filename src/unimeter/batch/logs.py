"""Logs that others keep: what in a line of theirs is a response, as an adapter reads it.

litellm     what LiteLLM's loggers write (its standard logging payload), one call a line
langfuse    observations, as Langfuse's API and exports give them, one a line
otel        OTLP as JSON, as a collector's file exporter writes it: a line has many spans
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from unimeter.registry import registry

Call = tuple[Any, str | None]
"""A response, and the provider's name where the log tells it."""

CALLS = frozenset(("chat", "text_completion", "generate_content", "embeddings"))
"""The operations that are calls of a model; an agent's span has the sum of those within."""


def of_litellm(line: Mapping[str, Any]) -> Iterator[Call]:
    """The call of a line; its cost stands beside the response, as LiteLLM's objects have it hidden within."""
    response = line.get("response")
    if isinstance(response, Mapping):
        hidden = {name: line.get(name) for name in ("response_cost", "custom_llm_provider")}
        yield {**response, "_hidden_params": hidden}, "litellm"
    elif line.get("status") == "failure":
        about = line.get("error_information")
        yield {"error": {"type": _at(about, "error_class"), "code": _number(_at(about, "error_code"))}}, "litellm"
    else:
        yield None, "litellm"


def of_langfuse(line: Mapping[str, Any]) -> Iterator[Call]:
    """The observation of a line, if it is a generation or an embedding."""
    if str(line.get("type")).upper() in ("GENERATION", "EMBEDDING"):
        yield line, "langfuse"


def of_otel(line: Mapping[str, Any]) -> Iterator[Call]:
    """The spans of a line that are calls of a model, their attributes nested by the dots in their names."""
    for resource in _items(line, "resourceSpans"):
        for scope in _items(resource, "scopeSpans"):
            for span in _items(scope, "spans"):
                told = _nested(_items(span, "attributes"))
                about = told.get("gen_ai")
                if isinstance(about, dict) and _at(about, "operation", "name") in CALLS:
                    name = _at(about, "provider", "name") or about.get("system")
                    yield told, name if isinstance(name, str) and name.lower() in registry().labels else "opentelemetry"


LOGS: dict[str, Callable[[Mapping[str, Any]], Iterator[Call]]] = {
    "litellm": of_litellm,
    "langfuse": of_langfuse,
    "otel": of_otel,
}
"""The logs that are known by name."""


def _items(value: Any, name: str) -> list[Any]:
    held = value.get(name) if isinstance(value, Mapping) else None
    return held if isinstance(held, list) else []


def _nested(attributes: list[Any]) -> dict[str, Any]:
    """OTLP's list of keys and values as an object; what would stand both as a value and around others, around them."""
    nested: dict[str, Any] = {}
    for attribute in attributes:
        key, value = _at(attribute, "key"), _at(attribute, "value")
        if not isinstance(key, str) or not key.startswith("gen_ai.") or not isinstance(value, Mapping):
            continue
        holder = nested
        *holders, name = key.split(".")
        for step in holders:
            inner = holder.get(step)
            if not isinstance(inner, dict):
                inner = holder[step] = {}
            holder = inner
        if not isinstance(holder.get(name), dict):
            holder[name] = _value(value)
    return nested


def _value(value: Mapping[str, Any]) -> Any:
    """A value as OTLP's JSON has it: 64-bit integers come as text."""
    integer = value.get("intValue")
    if isinstance(integer, str) and integer.isdecimal():
        return int(integer)
    return next(iter(value.values()), None)


def _number(text: Any) -> Any:
    return int(text) if isinstance(text, str) and text.isdecimal() else text


def _at(value: Any, *names: str) -> Any:
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value
