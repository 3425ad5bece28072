"""Which adapter a payload belongs to: the name given, the url, the SDK type, the marks in the body, in this order.

Two questions are kept apart. Whose response is it (the label)? In which dialect does it speak (the root adapter)?
The answer to both is the label's own adapter for that dialect, or the dialect's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from unimeter.adapter import Adapter
from unimeter.compiler import build
from unimeter.registry import Registry
from unimeter.shape import conditions, predicate
from unimeter.values import fields_of

Event = Mapping[str, Any]


class Found(NamedTuple):
    """Who sent a payload, and how it is read."""

    label: str
    adapter: type[Adapter]


class FromUrl(NamedTuple):
    """What a url tells; None for what it does not."""

    label: str | None
    dialect: type[Adapter] | None
    model: str | None


# by url -------------------------------------------------------------------------------------------------------------

_MODEL_IN_PATH = (
    re.compile(r"/model/([^/?]+)/"),  # Bedrock
    re.compile(r"/deployments/([^/?]+)/"),  # Azure
    re.compile(r"/models/([^:?]+?)(?::\w+)?(?:\?.*)?$"),  # Gemini, HuggingFace
)


def from_url(url: str, registry: Registry) -> FromUrl:
    """What a url, whole or only its path, tells of who answers there."""
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    host = parts.netloc.rpartition("@")[2].lower()
    path = parts.path or url
    label = _label_of_host(host, registry)
    where = host + path
    dialect = next((adapter for text, adapter in registry.url_paths if text in where), None)
    model = next((match[1] for pattern in _MODEL_IN_PATH if (match := pattern.search(path))), None)
    return FromUrl(label, dialect, unquote(model) if model else None)


def _label_of_host(host: str, registry: Registry) -> str | None:
    exact, patterns = registry.hosts
    label = exact.get(host)
    if label is None:
        host = re.sub(r":\d+$", "", host)
        label = exact.get(host) or next((label for pattern, label in patterns if pattern.fullmatch(host)), None)
    return label


# by SDK type --------------------------------------------------------------------------------------------------------


def package_label(kind: type, registry: Registry) -> str | None:
    """The label of the provider whose SDK a type comes from; None for types that serve several."""
    module = kind.__module__
    while module:
        if (label := registry.packages.get(module)) is not None:
            return label
        module = module.rpartition(".")[0]
    return None


def usage_adapter(kind: type, registry: Registry) -> type[Adapter] | None:
    """The adapter that a usage object's own type belongs to."""
    name = kind.__name__
    for (module, usage_name), adapter in registry.sdk_types.items():
        if usage_name == name and (kind.__module__ == module or kind.__module__.startswith(f"{module}.")):
            return adapter
    return None


# by shape -----------------------------------------------------------------------------------------------------------


def dialect_finder(registry: Registry, by_usage: bool) -> Callable[[Event], type[Adapter] | None]:
    """A function that tells the dialect of a body or event: one straight line over the shapes of all roots, in order.

    What the names in a usage tell is kept apart: two dialects may use the same, so all else is asked first.
    """
    names: dict[str, Any] = {}
    lines = ["def dialect(event):"]
    shapes = [(root, text) for root in registry.roots for text in root.shape if text.startswith("usage.") is by_usage]
    for root, text in shapes:
        names[root.__name__] = root
        if text.isidentifier():
            lines.append(f"    if {text!r} in event: return {root.__name__}")
            continue
        name = f"test{len(names)}"
        names[name] = predicate(text)
        top = conditions(text)[0].steps[0].name
        lines.append(f"    if {top!r} in event and {name}(event): return {root.__name__}")
    return build("\n".join(lines), "dialect", names, "shapes")


class MarkFinder:
    """Tells a provider by the names that only its bodies have."""

    def __init__(self, registry: Registry) -> None:
        self._tables: dict[type[Adapter] | None, tuple[dict[str, str], dict[str, str]]] = {}
        for root in (*registry.roots, None):
            marks = (*(registry.marks.get(root, ()) if root else ()), *registry.marks.get(None, ()))
            body = {mark: label for where, mark, label in reversed(marks) if where == "body"}
            usage = {mark: label for where, mark, label in reversed(marks) if where == "usage"}
            self._tables[root] = body, usage

    def label(self, root: type[Adapter] | None, event: Event, usage: Any) -> str | None:
        """The label, or None where nothing marks the body."""
        body_marks, usage_marks = self._tables.get(root) or self._tables[None]
        if not body_marks.keys().isdisjoint(event):
            return next(label for mark, label in body_marks.items() if mark in event)
        if isinstance(usage, Mapping) and not usage_marks.keys().isdisjoint(usage):
            return next(label for mark, label in usage_marks.items() if mark in usage)
        return None


class Recogniser:
    """Everything above, for one registry."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.by_shape = dialect_finder(registry, by_usage=False)
        self.by_usage = dialect_finder(registry, by_usage=True)
        self.marks = MarkFinder(registry)
        self._packages: dict[type, str | None] = {}

    def package_label(self, kind: type) -> str | None:
        try:
            return self._packages[kind]
        except KeyError:
            self._packages[kind] = label = package_label(kind, self.registry)
            return label

    def dialect_of(self, events: Sequence[Event], by_url: type[Adapter] | None) -> type[Adapter] | None:
        """The dialect by the shape of the first event that shows one, or else by the url, or else by its usage's names."""
        root = next((root for event in events if (root := self.by_shape(event)) is not None), by_url)
        if root is None:
            root = next((root for event in events if (root := self.by_usage(event)) is not None), None)
        return None if root is None else self.registry.root_of(root)

    def marked(self, root: type[Adapter], events: Sequence[Event]) -> str | None:
        """Whose marks the events bear: the first, the last, and the last that carries usage."""
        telling = [events[0], events[-1]] if len(events) > 1 else [events[0]]
        with_usage = next((event for event in reversed(events) if root.locate(event) is not None), None)
        for event in telling if with_usage is None else (*telling, with_usage):
            located = root.locate(event)
            usage = fields_of(located[0]) if located is not None else None
            if (label := self.marks.label(root, event, usage)) is not None:
                return label
        return None
