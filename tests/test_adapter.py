"""A table is checked when its class is made, and what is made of it can be read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from unimeter import Adapter, AdapterError
from unimeter.adapters import ADAPTERS, MODULES
from unimeter.adapters.openai_chat import OpenAIChat
from unimeter.adapters.rows import ROWS
from unimeter.fields import absent, beside, count, first, if_outside, label, money, number, tally, tree
from unimeter.registry import Registry, registry
from unimeter.values import Refused

from .conftest import FIXTURES


def table(**words: Any) -> type[Adapter]:
    return type("Acme", (OpenAIChat,), {"provider": "Acme", **words})


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"imput_tokens": count("a")}, "did you mean input_tokens"),
        ({"maks": ("a",)}, "did you mean marks"),
        ({"input_tokens": count("a b")}, "bad step"),
        ({"input_tokens": count("a..b")}, "bad step"),
        ({"input_tokens": count("a[b]")}, "bad step"),
        ({"input_tokens": "prompt_tokens"}, "words of unimeter.fields"),
        ({"input_tokens": label("a")}, "takes count"),
        ({"cost": count("a")}, "takes money"),
        ({"input_tokens": count("a") + count("a")}, "twice"),
        ({"provider_metrics": {"cost": money("cost")}}, "a field of its own"),
        ({"provider_metrics": {"a": "b"}}, "words of unimeter.fields"),
        ({"provider_metrics": number("a")}, "must be a dict"),
        ({"marks": "usage.queue_ms"}, "must be a tuple"),
        ({"hosts": ("https://api.acme.example/v1",)}, "host"),
        ({"places": ("us age",)}, "Acme.places"),
        ({"places": ("choices[].delta.usage",)}, "looked for as name"),
        ({"provider": ""}, "provider"),
        ({"input_tokens": if_outside(count("a"))}, "if_outside"),
        ({"reasoning_tokens": count("thinking.tokens")}, "state output_tokens anew"),
        ({"provider_metrics": {"a": tree("a[")}}, "bad step"),
    ],
)
def test_mistakes_fail_when_the_class_is_made(words: dict[str, Any], message: str) -> None:
    with pytest.raises(AdapterError, match=message):
        table(**words)


def test_words() -> None:
    acme = table(
        input_tokens=count("in") + count("in_details.cached"),
        output_tokens=count("out") + if_outside(count("thought")),
        reasoning_tokens=count("thought"),
        cache_read_tokens=first(count("in_details.cached"), count("cached")),
        cache_write_tokens=absent,
        audio_input_tokens=count("kinds[kind=AUDIO|4].tokens"),
        audio_output_tokens=count("said[].tokens"),
        total_tokens=count("all"),
        cost=money("ticks", per_dollar=100),
        provider_metrics={
            "wait": number("wait"),
            "tier": beside(label("tier")),
            "raw": tree("raw"),
            "by_kind": tally("kinds", "kind", "tokens"),
        },
    )
    usage = {
        "in": 10,
        "in_details": {"cached": 5},
        "cached": 5,
        "out": 3,
        "thought": 4,
        "all": 22,
        "kinds": [{"kind": "audio", "tokens": 2}, {"kind": 4, "tokens": 1}, {"kind": "TEXT", "tokens": 9}],
        "said": [{"tokens": 1}, {"tokens": 1}],
        "ticks": 25,
        "wait": 0.5,
        "raw": {"a": [1, None], "b": None},
    }
    metrics, told, total = acme.measure(usage, {"tier": "flex"})
    assert (metrics.input_tokens, metrics.output_tokens, metrics.total_tokens, total) == (15, 7, 22, 22)
    assert (metrics.cache_read_tokens, metrics.reasoning_tokens, metrics.cost) == (5, 4, 0.25)
    assert (metrics.audio_input_tokens, metrics.audio_output_tokens, metrics.audio_total_tokens) == (3, 2, 5)
    assert metrics.provider_metrics == {
        "wait": 0.5,
        "tier": "flex",
        "raw": {"a": [1, None]},
        "by_kind": {"audio": 2, "4": 1, "TEXT": 9},
    }
    assert told == (15, 7, 3, 2, 5, None, 4, 0.25)


@pytest.mark.parametrize("total", [13, 17, 18, 16, None])
def test_outside_only_if_the_total_proves_it(total: int | None) -> None:
    acme = table(output_tokens=count("out") + if_outside(count("thought")), reasoning_tokens=count("thought"))
    usage = {"prompt_tokens": 10, "out": 3, "thought": 4, "total_tokens": total}
    assert acme.measure(usage, {})[0].output_tokens == (7 if total == 17 else 3)


def test_source_can_be_read() -> None:
    for adapter in ADAPTERS:
        source = adapter.source()
        assert all(f"def {part}(" in source for part in ("locate", "identify", "measure", "metrics", "carriers"))
        compile(source, adapter.__name__, "exec")


@pytest.mark.parametrize("adapter", ADAPTERS, ids=lambda adapter: adapter.__name__)
def test_every_adapter_says_where_its_facts_are_from(adapter: type[Adapter]) -> None:
    assert adapter.provider
    assert adapter.__doc__
    if adapter.__name__ not in ("XAIResponses", "XAIMedia", "BedrockClaude"):  # as their neighbours in the module
        assert "https://" in adapter.__doc__


@pytest.mark.parametrize("adapter", ADAPTERS, ids=lambda adapter: adapter.__name__)
def test_tables_are_short(adapter: type[Adapter]) -> None:
    import inspect

    assert len(inspect.getsource(adapter).splitlines()) <= 80


def test_another_packages_adapter() -> None:
    acme = table(hosts=("api.acme.example",), marks=("usage.queue_ms",), provider_metrics={"queue_ms": number("queue_ms")})
    with_acme = Registry((*ADAPTERS, acme), ROWS)
    assert with_acme.label("acme") == "Acme"
    assert with_acme.adapter_for("Acme", OpenAIChat) is acme
    assert with_acme.hosts[0]["api.acme.example"] == "Acme"


def test_every_module_is_named() -> None:
    import unimeter.adapters

    folder = Path(unimeter.adapters.__file__).parent
    assert {path.stem for path in folder.glob("*.py")} - {"__init__", "rows"} == set(MODULES)


def test_every_fixture_is_of_a_known_provider() -> None:
    unknown = {fixture.expected.provider for fixture in FIXTURES.values()} - set(registry().by_label)
    assert unknown == set(), "add the module's name to unimeter.adapters.MODULES, or a row"


def test_labels_and_slugs() -> None:
    known = registry()
    for name in ("Anthropic", "anthropic", "ANTHROPIC", " claude "):
        assert known.label(name) == "Anthropic"
    assert known.label("aws-bedrock") == known.label("AWS Bedrock") == known.label("aws_bedrock") == "AWS Bedrock"
    assert known.label("openai-chat") == known.label("OpenAI Chat") == "OpenAI Chat"
    assert all(known.label(label) == label for label in known.by_label)


def test_refusals_show_no_text() -> None:
    with pytest.raises(Refused) as raised:
        OpenAIChat.measure({"prompt_tokens": "my secret prompt, which is long"}, {})
    assert "secret" not in str(raised.value.got)
