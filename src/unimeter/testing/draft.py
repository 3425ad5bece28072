"""Drafts for a new provider, from one recorded response: the adapter's table, a fixture, and the contract's test.

What is written is a guess by names, and says so: the fixture expects nothing until somebody looks the figures up.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from unimeter.fields import other_spelling
from unimeter.testing.anonymous import Anonymous

GUESSES = {
    "total_tokens": r"total",
    "reasoning_tokens": r"reason|think|thought",
    "cache_write_tokens": r"cach.*(writ|creat)|(writ|creat).*cach",
    "cache_read_tokens": r"cach",
    "audio_input_tokens": r"audio.*(in|prompt)|(in|prompt).*audio",
    "audio_output_tokens": r"audio",
    "input_tokens": r"prompt|input|question|request",
    "output_tokens": r"completion|output|answer|generat|candidate|response",
    "cost": r"cost|price",
}
"""Metrics, and the names that may mean them: the first that matches."""

_ID = re.compile(r"(^|_)id$|Id$")


class Draft(NamedTuple):
    """What was found in a response."""

    place: str
    """Where the usage seems to stand."""
    places: tuple[str, ...]
    """There, and where else events of a stream have some."""
    model: str
    id: str
    metrics: dict[str, str]
    """Paths by the metric that they may be."""
    others: dict[str, Any]
    """Every other leaf of the usage, and what stands there."""
    camel_case: bool


def places_in(event: dict[str, Any]) -> list[str]:
    """Where an event seems to have usage."""
    place, usage = max(_objects(event), key=lambda found: _likeness(*found), default=("", {}))
    return [place] if place and _likeness(place, usage) >= 1 else []


def draft_of(response: dict[str, Any], places: Sequence[str] = ()) -> Draft:
    """A guess at where a response has its usage, and at what is in it.

    Args:
        response: the response, or a stream's events laid over one another.
        places: where the events have some.

    Raises:
        ValueError: nothing in it looks like usage.
    """
    place, usage = max(_objects(response), key=lambda found: _likeness(*found), default=("", {}))
    if _likeness(place, usage) < 1:
        raise ValueError("nothing in the response looks like usage: an object with two numbers or more")
    metrics: dict[str, str] = {}
    others: dict[str, Any] = {}
    everywhere = tuple(dict.fromkeys((place, *places)))
    for path, value in (leaf for where in everywhere for leaf in _leaves(_at(response, where))):
        if path in metrics.values() or path in others:
            continue
        meant = next((metric for metric, words in GUESSES.items() if re.search(words, path, re.IGNORECASE)), "")
        whole = isinstance(value, int) and not isinstance(value, bool)
        if meant and meant not in metrics and (whole or (meant == "cost" and isinstance(value, float))):
            metrics[meant] = path
        else:
            others[path] = value
    names = [name for path, _ in _objects(response) for name in path.split(".")] + [*usage]
    camel = any(name != name.lower() and "_" not in name for name in names)
    model = next((name for name in ("model", "modelId", "model_id", "modelName", "model_name") if name in response), "model")
    response_id = next((name for name in response if _ID.search(name) and "model" not in name.lower()), "id")
    return Draft(place, everywhere, model, response_id, metrics, others, camel)


def class_name(provider: str) -> str:
    """A provider's name as a class's."""
    return "".join(part.capitalize() for part in re.split(r"[^A-Za-z0-9]+", provider))


def module_name(provider: str) -> str:
    """A provider's name as a module's, and as that of the folder of its fixtures."""
    return re.sub(r"\W+", "_", provider.lower())


def table_of(provider: str, draft: Draft) -> str:
    """The source of an adapter's module."""
    words = {metric: "money" if metric == "cost" else "count" for metric in draft.metrics}
    rows = [f'    {metric} = {words[metric]}("{_snake(path)}")' for metric, path in draft.metrics.items()]
    kinds = {int: "count", float: "number", str: "label"}
    own = {path: kinds.get(type(value), "tree") for path, value in draft.others.items()}
    extras = [f"        {json.dumps(_last(path))}: {word}({json.dumps(_snake(path))})," for path, word in own.items()]
    shape = draft.place.partition(".")[0] or next(iter(draft.metrics.values()), "")
    title = class_name(provider)
    lines = [
        f'"""{title}."""',
        "",
        "from __future__ import annotations",
        "",
        "from unimeter.adapter import Adapter",
        f"from unimeter.fields import {', '.join(sorted({*words.values(), *own.values()}))}",
        "",
        "",
        f"class {title}(Adapter):",
        f'    """{title}. To do: what is special about its usage, and the page that documents it."""',
        "",
        f'    provider = "{title}"',
        f'    hosts = ("{host_of(provider)}",)  # to do: where it answers; and in the fixtures',
        f'    shape = ("{shape}",)  # to do: what no other dialect has',
        f"    places = {_tuple_of(draft.places)}  # to do: and where a stream's events have it",
        f'    model = ("{_snake(draft.model)}",)',
        f'    id = ("{_snake(draft.id)}",)',
        "    # to do: for its streams, `final` and `content`: what the last events hold, and where the answer stands",
        *(["    camel_case = True"] if draft.camel_case else []),
        "",
        "    # To do: is the cache inside input_tokens, reasoning inside output_tokens? Add what stands outside.",
        *rows,
        *(["    provider_metrics = {", *extras, "    }"] if extras else []),
    ]
    return "\n".join(lines) + "\n"


def host_of(provider: str) -> str:
    """A host that nobody has, until somebody writes the right one."""
    return f"api.{module_name(provider)}.example"


def fixture_of(provider: str, events: list[dict[str, Any]], draft: Draft, path: str) -> dict[str, Any]:
    """A fixture of a response, or of a stream's events: the usage as it is, every text and id written anew."""
    anonymous = Anonymous()
    anew = [anonymous.of(event, also_usage=_snake(draft.place)) for event in events]
    kind = {} if len(events) == 1 else {"content_type": "text/event-stream"}
    return {
        "source": "to do: which recording, or which page of the provider's, the figures are from",
        "wire": {"host": host_of(provider), "path": path, **kind},
        **({"events": anew} if kind else {"response": anew[0]}),
        "expected": {"provider": "to do: what the provider's documents say that the figures mean"},
    }


def test_of(provider: str) -> str:
    """The source of a test that checks the contract."""
    title, module = class_name(provider), module_name(provider)
    return (
        f'"""{title} keeps the contract."""\n\n'
        f"from unimeter.testing import AdapterContract\n\n"
        f"from {module} import {title}\n\n\n"
        f"class Test{title}(AdapterContract):\n"
        f"    adapter = {title}\n"
        f'    fixtures = "fixtures/{module}"\n'
    )


def _tuple_of(paths: Sequence[str]) -> str:
    return "(" + ", ".join(json.dumps(_snake(path)) for path in paths) + ("," if len(paths) == 1 else "") + ")"


def _at(value: Any, path: str) -> Any:
    for name in filter(None, path.split(".")):
        value = value.get(name, {})
    return value


def _last(path: str) -> str:
    return path.rpartition(".")[2]


def _objects(value: Any, at: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(value, dict):
        yield at, value
        for name, inner in value.items():
            yield from _objects(inner, f"{at}.{name}".strip("."))


def _likeness(place: str, usage: dict[str, Any]) -> float:
    """How much an object looks like usage: by its name, and by the numbers in it."""
    numbers = sum(isinstance(value, (int, float)) and not isinstance(value, bool) for value in usage.values())
    named = bool(re.search(r"usage|metric|token|billed", _last(place), re.IGNORECASE))
    tokens = sum("token" in name.lower() for name in usage)
    return (named * 10 + tokens * 2 + numbers) / (1 + place.count(".")) if numbers + tokens > 1 else 0.0


def _leaves(usage: Any, at: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in usage.items():
        path = f"{at}.{name}".strip(".")
        if isinstance(value, dict):
            yield from _leaves(value, path)
        elif value is not None:
            yield path, value


def _snake(path: str) -> str:
    return ".".join(name if "_" in name or name == name.lower() else other_spelling(name) for name in path.split("."))
