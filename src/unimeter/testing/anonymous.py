"""A response without what its user said and was told: usage, names of kinds and the structure stay, all else is replaced.

What is kept is listed; a text that nobody thought of is therefore replaced and not kept.
"""

from __future__ import annotations

import base64
import binascii
import json
import random
import re
import string
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from unimeter.adapter import Adapter
from unimeter.fields import other_spelling, parse
from unimeter.registry import registry
from unimeter.shape import conditions
from unimeter.values import name_of

_WORDS = frozenset(
    (
        *("type", "object", "event_type", "role", "status", "reason", "response_type", "modality", "service_tier"),
        *("finish_reason", "stop_reason", "native_finish_reason", "done_reason"),
    )
)
"""Names under which a word says what kind of thing it is, and nothing of what was said."""

_FREE = frozenset(
    (
        "args",
        "arguments",
        "input",
        "metadata",
        "parameters",
        "input_schema",
        "schema",
        "properties",
        "headers",
        "document",
        "documents",
    )
)
"""Names under which even the names of what stands there may be the user's."""

_SPELT_OUT = frozenset(("logprobs", "top_logprobs", "tokens", "prefill", "top_tokens", "best_of_sequences", "text_offset"))
"""Names under which lists, or maps by token, spell the text out."""

_ID = re.compile(r"(^|_|-)(id|ids|call_id|signature)$|Id$|Arn$|^nonce$|fingerprint$", re.IGNORECASE)
_WORD = re.compile(
    r"[a-z][a-z0-9]*([_.:-][a-z0-9]+)*|[a-z]+([A-Z][a-z]+)*|[A-Z][A-Z0-9]*(_[A-Z0-9]+)*|\d{1,4}[a-z]?|\d{1,6}\.\d{1,12}"
)
_MODEL = re.compile(r"model(_?(id|name|version|instance_id))?")
_MODEL_NAME = re.compile(r"[\w.:/@+-]{1,128}")
_SECRET = re.compile(r"(sk|pk|rk|gh[pousr]|xox[a-z])[-_]|AKIA|AIza|.*@", re.IGNORECASE)
_WHOSE = re.compile(r"user|key|mail|name|account|org|project|secret|customer|tenant", re.IGNORECASE)
"""Names in a usage under which somebody may be named."""
_MARKED = re.compile(r"[a-z]{2,10}[-_](?=(?=\w*\d)\w{10})")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)?")

TEXT = "Hello from a fixture."


class _Kept(NamedTuple):
    """What the tables of all adapters look at."""

    usage: frozenset[tuple[str, ...]]
    """Paths under which usage stands, or all is read that stands there."""
    read: frozenset[tuple[str, ...]]
    """Paths of what is read beside it."""
    words: frozenset[str]
    """Names under which a word is read."""


@lru_cache(maxsize=1)
def _kept() -> _Kept:
    known = registry().adapters
    return _Kept(
        frozenset(
            (
                *(_names(place) for adapter in known for place in adapter.places if place),
                *(_names(leaf.path) for adapter in known for leaf in adapter.leaves() if leaf.beside and leaf.kind == "tree"),
            )
        ),
        frozenset(_names(leaf.path) for adapter in known for leaf in adapter.leaves() if leaf.beside or "" in adapter.places),
        _WORDS | {name for adapter in known for name in _words_of(adapter)},
    )


class Anonymous:
    """Replaces texts and ids in any number of events of one response. The same id becomes the same id again."""

    def __init__(self) -> None:
        self._ids: dict[str, str] = {}

    def of(self, event: Any, also_usage: str = "") -> Any:
        """A copy of a response or an event, made anonymous.

        Args:
            event: JSON data.
            also_usage: the path of another object that is usage.
        """
        places = _kept().usage | ({_names(also_usage)} if also_usage else set())
        return self._copy(event, (), places, in_usage=False)

    def _copy(self, value: Any, at: tuple[str, ...], places: frozenset[tuple[str, ...]], in_usage: bool) -> Any:
        name = at[-1] if at else ""
        in_usage = in_usage or at in places
        if isinstance(value, dict):
            if name in _SPELT_OUT and not in_usage:
                return {}
            if name in _FREE and not in_usage and not _leads_on(value, at):
                return {"name": TEXT} if value else {}
            return {_key(key): self._copy(item, (*at, _snake(key)), places, in_usage) for key, item in value.items()}
        if isinstance(value, list):
            if name in _SPELT_OUT:
                return []
            if not in_usage and value and all(isinstance(item, (int, float)) and not isinstance(item, bool) for item in value):
                return [item * 0 for item in value[:3]]  # tokens and vectors tell the text
            return [self._copy(item, at, places, in_usage) for item in value]
        return self._text(value, name, in_usage) if isinstance(value, str) else value

    def _text(self, value: str, name: str, in_usage: bool) -> str:
        if not value or _TIME.fullmatch(value):
            return value
        if _MODEL.fullmatch(name) and _MODEL_NAME.fullmatch(value) and not _SECRET.match(value):
            return model_name(value)
        kept = name in _kept().words or (in_usage and not _ID.search(name) and not _WHOSE.search(name))
        if kept and len(value) <= 64 and _WORD.fullmatch(value) and not _SECRET.match(value):
            return value
        return self._id(value) if name in _kept().words or _ID.search(name) else _placeholder(value)

    def _id(self, value: str) -> str:
        """An id of the same shape: other letters and digits, after the short word that ids are marked with (`chatcmpl-`)."""
        if value not in self._ids:
            prefix = match[0] if (match := _MARKED.match(value)) else ""
            other = random.Random(len(self._ids))  # noqa: S311  # not a secret: a number of its own, in the same shape
            self._ids[value] = prefix + "".join(_other(letter, other) for letter in value[len(prefix) :])
        return self._ids[value]


def model_name(value: str) -> str:
    """A model's id without whose account it is in, or where its file lies."""
    if value.startswith("ft:"):
        return ":".join((*value.split(":")[:2], "fixture"))
    if value.endswith(".gguf") or value.startswith(("/", "~")):
        value = re.split(r"[/\\]", value)[-1]
    return re.sub(r"(?<!\d)\d{12}(?!\d)", "0" * 12, value)  # an account's number, in an ARN


def _leads_on(value: dict[str, Any], at: tuple[str, ...]) -> bool:
    """Whether something in an object is read, or usage stands in it."""
    names = {_snake(name) for name in value}
    return any(path[: len(at)] == at and path[len(at)] in names for path in _kept().usage | _kept().read if len(path) > len(at))


def _key(name: str) -> str:
    """A name; one that is no name at all is somebody's, or a text."""
    return "name" if _SECRET.match(name) else name_of(name)


def _other(letter: str, other: random.Random) -> str:
    for kind in (string.digits, string.ascii_lowercase, string.ascii_uppercase):
        if letter in kind:
            return other.choice(kind)
    return letter if letter in string.punctuation else "x"


def _placeholder(value: str) -> str:
    """A text in place of another: JSON for JSON, base64 for base64."""
    try:
        if value[:1] in "{[" and isinstance(json.loads(value), (dict, list)):
            return '{"name": "Hello"}' if value[0] == "{" else "[]"
    except (ValueError, RecursionError):
        pass
    if len(value) > 64 and " " not in value:
        try:
            base64.b64decode(value, validate=True)
        except binascii.Error:
            pass
        else:
            return base64.b64encode(b"Hello").decode()
    return TEXT if len(value) > 12 else "Hello"


def _names(path: str) -> tuple[str, ...]:
    return tuple(step.name for step in parse(path))


def _snake(name: str) -> str:
    return name if "_" in name or name == name.lower() else other_spelling(name)


def _words_of(adapter: type[Adapter]) -> Iterator[str]:
    """Names that an adapter reads a word under: a label, or what tells the kind of an event."""
    for test in (*adapter.shape, *adapter.final, *adapter.whole, *adapter.start, *adapter.stop):
        for condition in conditions(test):
            if condition.wanted is not None:
                yield condition.steps[-1].name
    for field in adapter.provider_metrics.values():
        for leaf in field.leaves():
            if leaf.kind == "label":
                yield _names(leaf.path)[-1]
