"""LangChain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from unimeter.adapter import Adapter
from unimeter.fields import beside, count, first, money
from unimeter.objects import fields_of
from unimeter.values import DEEPEST, MOST_VALUES, Refused, as_count, name_of, spend


class LangChain(Adapter):
    """LangChain's `AIMessage`, and its `UsageMetadata`. Counts come inclusive, for every provider.

    Where Anthropic splits what was written to the cache by how long it is kept, the split stands in place of the sum.
    Of OpenAI's tiers the names bear a prefix. A stream's chunks are to be added.

    https://docs.langchain.com/oss/python/langchain/messages#token-usage
    """

    provider = "LangChain"
    packages = ("langchain_core",)
    shape = (
        *("usage_metadata.input_tokens", "usage_metadata.input_token_details"),
        *("additional_kwargs&response_metadata", "type=AIMessageChunk"),
    )
    places = ("usage_metadata",)
    model = ("response_metadata.model_name", "response_metadata.model")
    id = ("response_metadata.id", "id")
    ready_if = "input_token_details"
    content = ("content", "tool_call_chunks")
    final = ("chunk_position=last",)
    sdk_types = ("langchain_core.messages.ai:UsageMetadata",)

    cache_read_tokens = first(
        count("input_token_details.cache_read"),
        count("input_token_details.priority_cache_read"),
        count("input_token_details.flex_cache_read"),
    )
    cache_write_tokens = first(
        count("input_token_details.cache_creation"),
        count("input_token_details.priority_cache_creation"),
        count("input_token_details.flex_cache_creation"),
    )
    audio_input_tokens = count("input_token_details.audio")
    audio_output_tokens = count("output_token_details.audio")
    reasoning_tokens = first(
        count("output_token_details.reasoning"),
        count("output_token_details.priority_reasoning"),
        count("output_token_details.flex_reasoning"),
    )
    input_tokens = count("input_tokens")
    output_tokens = count("output_tokens")
    total_tokens = count("total_tokens")
    cost = beside(money("response_metadata.token_usage.cost"))
    provider_metrics = {
        "ephemeral_5m_input_tokens": count("input_token_details.ephemeral_5m_input_tokens"),
        "ephemeral_1h_input_tokens": count("input_token_details.ephemeral_1h_input_tokens"),
    }
    ignored = {
        "total_cost": "0 where LangChain answered from a cache of its own",
        **{
            f"{side}_token_details.{tier}": "the rest of the side"
            for side in ("input", "output")
            for tier in ("priority", "flex")
        },
    }

    @classmethod
    def merge(cls, events: list[tuple[Mapping[str, Any], Any]]) -> Any:
        """The sum of the chunks' usage, as LangChain adds them itself."""
        return events[0][1] if len(events) == 1 else _summed([usage for _, usage in events])

    @classmethod
    def ready(cls, usage: Mapping[str, Any]) -> tuple[Mapping[str, Any], tuple[tuple[str, Any, str | None], ...]]:
        """With what was written to the cache, where only its split is told."""
        details = dict(fields_of(usage["input_token_details"]) or {})
        names = ("cache_creation", "ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens")
        written, *split = (
            0 if details.get(name) is None else as_count(details[name], f"input_token_details.{name}") or 0 for name in names
        )
        if not written and any(split):
            details["cache_creation"] = sum(split)
        return {**usage, "input_token_details": details}, ()


def _summed(usages: list[Any]) -> dict[str, Any]:
    total: dict[str, Any] = {}
    for usage in usages:
        _add(total, usage, "", 0, [MOST_VALUES])
    return total


def _add(total: dict[str, Any], usage: Any, path: str, depth: int, left: list[int]) -> None:
    fields = fields_of(usage) or {}
    spend(left, len(fields), "usage")
    for name, value in fields.items():
        at = f"{path}{name_of(name)}"
        if value is None:
            continue
        if fields_of(value) is None:
            total[name] = (as_count(total.get(name) or 0, at) or 0) + (as_count(value, at) or 0)
        elif depth == DEEPEST:
            raise Refused(at, f"nested at most {DEEPEST} levels deep", value)
        else:
            held = total.setdefault(name, {})
            if type(held) is not dict:
                raise Refused(at, "a count in each chunk", value)
            _add(held, value, f"{at}.", depth + 1, left)
