"""Anthropic Claude."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from unimeter.adapter import Adapter
from unimeter.fields import count, first, label, money, tree
from unimeter.merge import merged
from unimeter.objects import fields_of
from unimeter.values import Refused, as_count, as_fields, as_list

_COUNTS = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")


class Anthropic(Adapter):
    """Anthropic Messages. The prompt count comes without the cache, so the cache is added back.

    https://docs.anthropic.com/en/api/messages#response-usage
    """

    provider = "Anthropic"
    aliases = ("claude", "anthropic-claude")
    hosts = ("api.anthropic.com",)
    url_paths = ("/v1/messages", "/v1/complete", "publishers/anthropic/")
    own_paths = ("/v1/messages",)
    own_path_header = "anthropic-version"
    shape = (
        "type=message",
        "type=message_start",
        "type=message_delta",
        "type=message_stop",
        "type=content_block_*",
        "type=completion",
        "usage.cache_creation_input_tokens",
        "usage.cache_read_input_tokens",
        "usage.output_tokens_details.thinking_tokens",
        "usage.iterations",
    )
    places = ("usage", "message.usage")
    ready_if = "iterations"
    final = ("type=message_stop", "delta.stop_reason")
    whole = ("type=message",)
    start = ("type=message_start",)
    stop = ("type=message_stop",)
    content = (
        *(f"delta.{name}" for name in ("text", "thinking", "partial_json")),
        *(f"content_block.{name}" for name in ("text", "thinking", "name", "data")),
        "completion",
    )
    sdk_types = ("anthropic.types:Usage", "anthropic.types:MessageDeltaUsage", "anthropic.types.beta:BetaUsage")

    cache_read_tokens = count("cache_read_input_tokens")
    cache_write_tokens = first(
        count("cache_creation_input_tokens"),
        count("cache_creation.ephemeral_5m_input_tokens") + count("cache_creation.ephemeral_1h_input_tokens"),
    )
    input_tokens = count("input_tokens") + cache_read_tokens + cache_write_tokens
    output_tokens = count("output_tokens")
    total_tokens = count("total_tokens")  # Anthropic sends none; some who speak its dialect do
    reasoning_tokens = count("output_tokens_details.thinking_tokens")
    cost = money("cost")
    provider_metrics = {
        "server_tool_use": tree("server_tool_use"),
        "service_tier": label("service_tier"),
        "cache_creation": tree("cache_creation"),
        "speed": label("speed"),
        "inference_geo": label("inference_geo"),
        "iterations": tree("iterations", "type", "model"),
        "fallback_credit": tree("fallback_credit", "type", "reason", "model"),
        "context_tokens": count("context_tokens"),  # see `ready`
    }

    @classmethod
    def merge(cls, events: list[tuple[Mapping[str, Any], Any]]) -> Any:
        """A second `message_start` begins the message anew: the attempt before it was declined and is not billed."""
        starts = [i for i, (event, _) in enumerate(events) if any(begins(event) for begins in cls.start_tests)]
        return merged([usage for _, usage in events[starts[-1] if starts else 0 :]])

    @classmethod
    def ready(cls, usage: Mapping[str, Any]) -> tuple[Mapping[str, Any], tuple[tuple[str, Any, str | None], ...]]:
        """A compaction belongs to the same model and bill but not to the top level: it is added. An advisor is a part.

        How much of the context window is used, the last call's prompt alone says: `context_tokens`, where more was billed.
        """
        return _iterated(usage)


def _iterated(usage: Mapping[str, Any]) -> tuple[Mapping[str, Any], tuple[tuple[str, Any, str | None], ...]]:
    added, parts = dict(usage), []
    context = _prompt(usage, "")
    for i, item in enumerate(as_list(usage["iterations"], "iterations") or ()):
        call = as_fields(item, f"iterations[{i}]") or {}
        if call.get("type") == "compaction":
            for name in _COUNTS:
                more = _written(call) if name == "cache_creation_input_tokens" else call.get(name)
                if name == "cache_creation_input_tokens":
                    added[name] = _written(added)
                if more is not None:
                    added[name] = _sum(added.get(name), more, name, i)
        elif call.get("type") == "advisor_message":
            parts.append(("advisor_message", call, call.get("model")))
        elif call.get("type") in ("message", "fallback_message"):
            context = _prompt(call, f"iterations[{i}].") or context
    if context != _prompt(added, ""):
        added["context_tokens"] = context
    return added, tuple(parts)


def _prompt(call: Mapping[str, Any], path: str) -> int | None:
    """All that a call read, its cache and all; None where it does not tell."""
    names = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
    counts = (call.get("input_tokens"), call.get("cache_read_input_tokens"), _written(call))
    told = [as_count(one, path + name) or 0 for name, one in zip(names, counts, strict=True) if one is not None]
    return sum(told) if told else None


def _written(call: Mapping[str, Any]) -> Any:
    """The tokens that a call wrote to the cache, where only their split by time to live is told."""
    written, split = call.get("cache_creation_input_tokens"), fields_of(call.get("cache_creation"))
    if written is not None or not split:
        return written
    times = ("ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens")
    return sum(as_count(split[time], f"cache_creation.{time}") or 0 for time in times if split.get(time) is not None)


def _sum(one: Any, two: Any, name: str, i: int) -> int | None:
    path = f"iterations[{i}].{name}"
    total = (0 if one is None else as_count(one, name) or 0) + (as_count(two, path) or 0)
    if total >= 2**63:
        raise Refused(path, "a count that can be added", two)
    return total
