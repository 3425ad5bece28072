"""The contract is itself tested: adapters that are wrong in one way each, and the check that must catch each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import pytest

from tests.conftest import ROOT
from unimeter import Adapter, AdapterError, MessageMetrics
from unimeter.adapter import METRICS
from unimeter.adapters.anthropic import Anthropic
from unimeter.adapters.bedrock import Bedrock
from unimeter.adapters.cohere import Cohere
from unimeter.adapters.gemini import Gemini
from unimeter.adapters.groq import Groq
from unimeter.adapters.mistral import Mistral
from unimeter.adapters.ollama import Ollama
from unimeter.adapters.openai_chat import OpenAIChat
from unimeter.adapters.openai_responses import OpenAIResponses
from unimeter.adapters.perplexity import Perplexity
from unimeter.adapters.xai import XAI
from unimeter.fields import absent, count, first, if_outside, money
from unimeter.testing import checks
from unimeter.testing.subject import Subject
from unimeter.values import Refused

pytestmark = pytest.mark.mutants

FOLDERS = {
    Anthropic: "anthropic_claude",
    Bedrock: "aws_bedrock",
    Cohere: "cohere",
    Gemini: "google_gemini",
    Groq: "groq",
    Mistral: "mistral",
    Ollama: "ollama",
    OpenAIChat: "openai_chat",
    OpenAIResponses: "openai_responses",
    Perplexity: "perplexity",
    XAI: "xai",
}
WORDS = {word for word in Adapter.__annotations__ if not word.startswith("_")} | set(METRICS) | {"merge", "ready"}
Event = Mapping[str, Any]
Measured = Any


class Mutant(NamedTuple):
    """A wrong adapter."""

    name: str
    of: type[Adapter]
    caught_by: str
    change: dict[str, Any]
    measured: Callable[[Measured, Any], Measured] | None = None
    """What becomes of what the right table measured, given the usage."""

    def made(self) -> type[Adapter]:
        """The class: the right one's body, with the change."""
        body = {name: value for name, value in vars(self.of).items() if name in WORDS and name not in COMPILED}
        adapter: type[Adapter] = type(self.of.__name__, self.of.__bases__, {**body, **self.change, "__module__": __name__})
        if self.measured is not None:
            adapter.measure({}, {})  # compiled now, not over what follows
            right, change = adapter.measure, self.measured

            def measure(usage: Any, holder: Any) -> Measured:
                try:
                    return change(right(usage, holder), usage)
                except Refused as refused:
                    return change(refused, usage)

            adapter.measure = staticmethod(measure)  # type: ignore[assignment]  # that is the point
        return adapter


COMPILED = {
    *("table", "locate", "identify", "measure", "metrics", "carriers", "first_place", "usage_names", "usage_is_list"),
    *(
        "holders",
        "names_that_come_first",
        "names_that_come_last",
        "aside_tests",
        "landmark_tests",
        "final_tests",
        "content_tests",
        "whole_tests",
        "partial_tests",
        "start_tests",
        "stop_tests",
    ),
}


def same(measured: Measured, _: Any) -> Measured:
    if isinstance(measured, Refused):
        raise measured
    return measured


def with_metrics(change: Callable[[MessageMetrics], None]) -> Callable[[Measured, Any], Measured]:
    def changed(measured: Measured, usage: Any) -> Measured:
        measured = same(measured, usage)
        if measured is not None:
            change(measured[0])
        return measured

    return changed


def summed(cls: type[Adapter], events: list[tuple[Event, Any]]) -> Any:
    total: dict[str, Any] = {}
    for _, usage in events:
        for name, value in dict(usage).items():
            total[name] = total.get(name, 0) + value if isinstance(value, int) else value
    return total


def largest(cls: type[Adapter], events: list[tuple[Event, Any]]) -> Any:
    total: dict[str, Any] = {}
    for _, usage in events:
        for name, value in dict(usage).items():
            total[name] = max(total.get(name, 0), value) if isinstance(value, int) else value
    return total


def first_figures(cls: type[Adapter], events: list[tuple[Event, Any]]) -> Any:
    total: dict[str, Any] = {}
    for _, usage in events:
        for name, value in dict(usage).items():
            total.setdefault(name, value)
    return total


def emptied(cls: type[Adapter], events: list[tuple[Event, Any]]) -> Any:
    usage = dict(events[-1][1])
    for _, one in events:
        one.pop("output_tokens", None)  # type: ignore[union-attr]  # it changes what it must not
        one.pop("candidatesTokenCount", None)
    return usage


kept: list[Any] = []


def remembered(cls: type[Adapter], events: list[tuple[Event, Any]]) -> Any:
    kept.append(events[-1][1])
    return kept[0]


def ready_that_trusts(cls: type[Adapter], usage: Any) -> Any:
    return {**usage, "output_tokens": usage["output_tokens"] + 0}, ()


def clamped(measured: Measured, _: Any) -> Measured:
    return None if isinstance(measured, Refused) else measured


def never_missing(measured: Measured, usage: Any) -> Measured:
    return (MessageMetrics(), (0, 0, *[None] * 6), None) if same(measured, usage) is None else measured


def all_reported(measured: Measured, usage: Any) -> Measured:
    if same(measured, usage) is None:
        return None
    return measured[0], tuple(value or 0 for value in measured[1][:7]) + measured[1][7:], measured[2]


def spread(metrics: MessageMetrics) -> None:
    metrics.provider_metrics = {**(metrics.provider_metrics or {}), "surprise": 1}


def not_json(metrics: MessageMetrics) -> None:
    metrics.provider_metrics = {**(metrics.provider_metrics or {}), "kinds": (1, 2)}


def doubled(metrics: MessageMetrics) -> None:
    metrics.input_tokens *= 2


def total_made_up(metrics: MessageMetrics) -> None:
    metrics.total_tokens += metrics.reasoning_tokens


MUTANTS = (
    Mutant("all zeros", OpenAIChat, "figures", {"input_tokens": absent, "output_tokens": absent}),
    Mutant("doubled", OpenAIChat, "identities", {}, with_metrics(doubled)),
    Mutant("another total added", OpenAIChat, "identities", {"input_tokens": count("prompt_tokens") + count("total_tokens")}),
    Mutant("total rewritten", OpenAIResponses, "identities", {}, with_metrics(total_made_up)),
    Mutant(
        "cache added to an inclusive input",
        OpenAIResponses,
        "identities",
        {"input_tokens": count("input_tokens") + OpenAIResponses.cache_read_tokens},
    ),
    Mutant("input without its cache", Anthropic, "identities", {"input_tokens": count("input_tokens")}),
    Mutant("input without its cache, where a total tells", Bedrock, "identities", {"input_tokens": count("input_tokens")}),
    Mutant(
        "reasoning added twice",
        OpenAIResponses,
        "identities",
        {"output_tokens": count("output_tokens") + count("output_tokens_details.reasoning_tokens")},
    ),
    Mutant("thoughts left out of the output", Gemini, "identities", {"output_tokens": count("candidates_token_count")}),
    Mutant("tool use left out of the input", Gemini, "identities", {"input_tokens": count("prompt_token_count")}),
    Mutant("reasoning that stands outside is not added", XAI, "identities", {"output_tokens": count("completion_tokens")}),
    Mutant("audio that stands outside is not added", Mistral, "identities", {"input_tokens": count("prompt_tokens")}),
    Mutant(
        "aliases added",
        Mistral,
        "figures",
        {"cache_read_tokens": count("prompt_tokens_details.cached_tokens") + count("num_cached_tokens")},
    ),
    Mutant("details always zero", OpenAIResponses, "unknown_keys", {"cache_read_tokens": absent}),
    Mutant("a provider's total that nobody reads", OpenAIResponses, "unknown_keys", {"total_tokens": absent}),
    Mutant("a leaf that nobody reads", Groq, "unknown_keys", {"provider_metrics": {}}),
    Mutant("a reason taken out", Cohere, "unknown_keys", {"ignored": {}, "provider_metrics": {}}),
    Mutant(
        "read and write swapped",
        Anthropic,
        "figures",
        {"cache_read_tokens": Anthropic.cache_write_tokens, "cache_write_tokens": Anthropic.cache_read_tokens},
    ),
    Mutant(
        "input and output swapped",
        Ollama,
        "figures",
        {"input_tokens": count("eval_count"), "output_tokens": count("prompt_eval_count")},
    ),
    Mutant(
        "what is billed instead of what was read",
        Cohere,
        "figures",
        {"input_tokens": count("billed_units.input_tokens"), "output_tokens": count("billed_units.output_tokens")},
    ),
    Mutant("cumulative usage summed", Gemini, "repeated_events", {"merge": classmethod(summed)}),
    Mutant("usage of a stream summed", Anthropic, "repeated_events", {"merge": classmethod(summed)}),
    Mutant("the first event wins", Gemini, "figures", {"merge": classmethod(lambda cls, events: events[0][1])}),
    Mutant("the first figure wins", OpenAIChat, "null_and_zero", {"merge": classmethod(first_figures)}),
    Mutant("the model's name as id", OpenAIResponses, "identified", {"id": ("model",)}),
    Mutant("no host of its own", Groq, "recognition", {"hosts": ("api.groq.example",), "marks": ()}),
    Mutant("the largest instead of the last", Gemini, "figures", {"merge": classmethod(largest)}),
    Mutant("the last event alone", OpenAIChat, "null_and_zero", {"merge": classmethod(lambda cls, events: events[-1][1])}),
    Mutant("usage only where a response has it", Anthropic, "figures", {"places": ("usage",)}),
    Mutant("any chunk is the end", Gemini, "prefixes", {"final": ()}),
    Mutant("every usage a call of its own", OpenAIChat, "figures", {"calls_add": True}),
    Mutant("wrong counts passed over", OpenAIResponses, "wrong_counts", {}, clamped),
    Mutant("missing is zero", OpenAIResponses, "keys_gone", {}, never_missing),
    Mutant("all was reported", OpenAIResponses, "figures", {}, all_reported),
    Mutant("a metric that is not declared", OpenAIResponses, "declared", {}, with_metrics(spread)),
    Mutant("a metric that no fixture has", Cohere, "declared", {"reasoning_tokens": count("tokens.reasoning_tokens")}),
    Mutant("cost in another unit", XAI, "figures", {"cost": money("cost_in_usd_ticks")}),
    Mutant("no way to know it", Groq, "recognition", {"marks": (), "hosts": ()}),
    Mutant(
        "a method that trusts its input",
        Anthropic,
        "keys_gone",
        {"ready_if": "input_tokens", "ready": classmethod(ready_that_trusts)},
    ),
    Mutant("a method that changes its input", Gemini, "forms", {"merge": classmethod(emptied)}),
    Mutant("a method that remembers", Gemini, "figures", {"merge": classmethod(remembered)}),
    Mutant("an id that is not read", OpenAIResponses, "identified", {"id": ("response_id",)}),
    Mutant("no word of where the answer stands", Anthropic, "first_token", {"content": ()}),
    Mutant("the answer where there is none", Cohere, "first_token", {"content": ("delta.text",)}),
    Mutant("metrics that JSON cannot hold", OpenAIResponses, "travels", {}, with_metrics(not_json)),
)


def caught(subject: Subject) -> Iterator[str]:
    """The checks that an adapter breaks; a crash breaks one as well."""
    for check in checks.CHECKS:
        try:
            check(subject)
        except checks.NotNow:
            continue
        except Exception:
            yield check.__name__


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_every_mutant_is_caught(mutant: Mutant, record_property: Callable[[str, object], None]) -> None:
    kept.clear()
    subject = Subject(mutant.made(), ROOT / "fixtures" / FOLDERS[mutant.of], instead_of=mutant.of)
    by = list(caught(subject))
    record_property("caught by", ", ".join(by))
    print(f"{mutant.name:46} {mutant.of.__name__:16} {', '.join(by)}")  # noqa: T201  # the kill table: pytest -s
    assert mutant.caught_by in by


@pytest.mark.parametrize("right", FOLDERS, ids=lambda adapter: adapter.__name__)
def test_the_same_class_without_a_change_is_not_caught(right: type[Adapter]) -> None:
    """So that no mutant is caught for the way in which it is made."""
    subject = Subject(Mutant("none", right, "", {}).made(), ROOT / "fixtures" / FOLDERS[right], instead_of=right)
    allowed = {OpenAIChat: ["prefixes"], XAI: ["declared"]}.get(right, [])
    assert list(caught(subject)) == allowed


@pytest.mark.parametrize(
    "change",
    [
        {"input_tokens": count("prompt_tokens") + count("prompt_tokens")},
        {"output_tokns": count("completion_tokens")},
        {"cost": count("cost")},
        {"input_tokens": money("prompt_tokens")},
        {"input_tokens": first(if_outside(count("a")), count("b"))},
    ],
    ids=["doubled", "misspelt", "cost as a count", "count as money", "outside of nothing"],
)
def test_some_mistakes_do_not_even_make_a_class(change: dict[str, Any]) -> None:
    with pytest.raises(AdapterError):
        Mutant("", OpenAIChat, "", change).made()
