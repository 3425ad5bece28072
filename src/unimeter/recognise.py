"""Which adapter a payload belongs to: the name given, the url, the SDK type, the marks in the body, in this order.

Two questions are kept apart. Whose response is it (the label)? In which dialect does it speak (the root adapter)?
The answer to both is the label's own adapter for that dialect, or the dialect's.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any, NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit

from unimeter.adapter import Adapter
from unimeter.errors import UnknownProvider
from unimeter.objects import Fields, fields_of
from unimeter.registry import Registry, registry
from unimeter.shape import conditions, predicate, word_of
from unimeter.source import Source
from unimeter.typed import Reader, object_reader, typed_reader

Event = Mapping[str, Any]
Mark = Callable[[Event, Fields | None], str | None]


class FromUrl(NamedTuple):
    """What a url tells; None for what it does not."""

    label: str | None
    dialect: type[Adapter] | None
    model: str | None


NO_URL = FromUrl(None, None, None)

_MOST_CLASSES = 1024
"""SDK classes whose readers are kept; each SDK has a few."""


# by url -------------------------------------------------------------------------------------------------------------


def url_text(url: object) -> str:
    """A url as text, of the types that HTTP libraries have for it (`httpx.URL`, `yarl.URL`, a `SplitResult`).

    Raises:
        TypeError: it is something else, such as bytes.
    """
    if isinstance(url, str):
        return url
    if isinstance(url, SplitResult):
        return url.geturl()
    if "url" in type(url).__name__.lower():
        return str(url)
    raise TypeError(f"a url is a text, not a {type(url).__name__}")


def from_url(url: str, registry: Registry) -> FromUrl:
    """What a url, whole or only its path, tells of who answers there."""
    if "://" not in url and not url.startswith("/"):
        url = f"//{url}"  # a host without its scheme
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    host = parts.netloc.rpartition("@")[2].lower()
    path = parts.path or url
    host_label = _label_of_host(host, registry)
    where = host + path
    label = _publisher(path, registry, host_label) or host_label if host_label or not host else None
    found = registry.path_in(where)
    dialect = None if found is None else found.adapter
    patterns = registry.models_in_paths
    labels = (host_label, label, dialect.provider if dialect else label) if host_label else patterns
    model = next((match[1] for one in labels if one in patterns and (match := patterns[one].search(path))), None)
    return FromUrl(label, dialect, unquote(model) if model else None)


def _publisher(path: str, registry: Registry, host_label: str | None) -> str | None:
    """The label that a path names on a host that has several providers' models, or where only the path is told."""
    for label, pattern in registry.publishers_in_paths.items():
        if host_label in (None, label) and (match := pattern.search(path)):
            return registry.labels.get(match[1].lower())
    return None


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
    source = Source("dialect", "event", camel_case=False)
    source.constants["word_of"] = word_of
    words: dict[str, str] = {}

    def word(top: str) -> str:
        if top not in words:
            name = words[top] = source.variable(f"{top}_word")
            source.add(f"{name} = event.get({top!r})")
            source.add(f"if {name} is not None: {name} = ({name} if type({name}) is str else word_of({name})).lower()")
        return words[top]

    for root in registry.roots:
        source.constants[root.__name__] = root
        texts: dict[str, list[str]] = defaultdict(list)
        for text in root.shape:
            first, *others = conditions(text)
            top = first.steps[0].name
            if text.startswith("usage.") is not by_usage:
                continue
            if first.wanted is not None and len(first.steps) == 1 and not first.wanted.endswith("*") and others:
                holds = source.constant(predicate(text))  # asked only where the word is that one
                source.add(f"if {word(top)} == {first.wanted!r} and {holds}(event): return {root.__name__}")
            elif first.wanted is not None and not others and len(first.steps) == 1:
                texts[top].append(first.wanted.lower())
            elif all(part.isidentifier() for part in text.split("&")):  # here a null tells as much
                every = " and ".join(f"{part!r} in event" for part in text.split("&"))
                source.add(f"if {every}: return {root.__name__}")
            else:
                source.add(f"if {top!r} in event and {source.constant(predicate(text))}(event): return {root.__name__}")
        for top, wanted in texts.items():
            exact = tuple(text for text in wanted if not text.endswith("*"))
            prefixes = tuple(text.removesuffix("*") for text in wanted if text.endswith("*"))
            tests = [f"{word(top)} in {exact!r}"] * bool(exact) + [f"{word(top)}.startswith({prefixes!r})"] * bool(prefixes)
            source.add(f"if {word(top)} is not None and ({' or '.join(tests)}): return {root.__name__}")
    source.add("return None")
    return source.build("registry")


def mark_finder(registry: Registry, root: type[Adapter]) -> Mark:
    """A function that tells whose marks a body of a dialect bears, or its usage; None where nothing marks it."""
    dialects = (*(cls for cls in root.__mro__ if cls in registry.roots), None)
    marks = [mark for dialect in dialects for mark in registry.marks.get(dialect, ())]
    source = Source("mark", "event", "usage", camel_case=False)
    in_usage = {mark: label for where, mark, label in reversed(marks) if where == "usage"}
    with source.block(f"if usage is not None and not {source.constant(frozenset(in_usage))}.isdisjoint(usage):"):
        for mark, label in reversed(in_usage.items()):  # a null tells as much: the names in a usage are its sender's own
            source.add(f"if {mark!r} in usage: return {label!r}")
    in_body = [(mark, label) for where, mark, label in marks if where == "body"]
    firsts = [conditions(mark)[0].steps[0].name for mark, _ in in_body]
    source.add(f"if {source.constant(frozenset(firsts))}.isdisjoint(event): return None")
    for first, (mark, label) in zip(firsts, in_body, strict=True):
        holds = f"event[{first!r}] is not None" if mark == first else f"{source.constant(predicate(mark))}(event)"
        source.add(f"if {first!r} in event and {holds}: return {label!r}")
    source.add("return None")
    return source.build(root.__name__)


class _Made(dict[type[Adapter], Mark]):
    """What is made for each dialect when it is first asked for."""

    def __init__(self, make: Callable[[type[Adapter]], Mark]) -> None:
        self._make = make

    def __missing__(self, root: type[Adapter]) -> Mark:
        return self.setdefault(root, self._make(root))


class Recogniser:
    """Everything above, for one registry, with what was once found out kept."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.by_shape = dialect_finder(registry, by_usage=False)
        self.by_usage = dialect_finder(registry, by_usage=True)
        self.readers: dict[Any, Reader] = {}
        """Typed readers by what the caller tells: bodies told of alike are mostly alike, so the last one's comes first."""
        self.from_url = lru_cache(maxsize=1024)(partial(from_url, registry=registry))
        self.object_readers: dict[tuple[type, str | None], Reader | None] = {}
        """The same for SDKs' objects, by their class and the provider's name."""
        self.trailers = {mark for _, mark, _ in registry.marks.get(None, ())}
        """Names of what a sender adds to a response in any dialect; usage that stands there says nothing of the dialect."""
        asides = {text for adapter in registry.adapters for text in adapter.asides}
        self._asides = {root for root in registry.roots if root.shape and asides.issuperset(root.shape)}
        """Dialects of what other models do meanwhile: anything else in a stream says more of it."""
        self._sdks = {module.partition(".")[0] for module, _ in registry.sdk_types}
        self._typed: dict[tuple[type[Adapter], bool], Reader | None] = {}
        self._mark = _Made(partial(mark_finder, registry))
        self._labels_of_types: dict[type, str | None] = {}
        self._adapters: dict[str, dict[type[Adapter], type[Adapter]]] = defaultdict(dict)
        self._adapters_by_name: dict[str, dict[type[Adapter], type[Adapter]]] = {}
        self._labels = {**registry.labels, **{label: label for label in registry.by_label}}
        self._shared_hosts: dict[tuple[str, type[Adapter]], str] = {}

    def label(self, name: str) -> str:
        """The label that a name stands for; raises `UnknownProvider` as `Registry.label` does."""
        if not isinstance(name, str):
            raise UnknownProvider(f"a provider is named by a string, not by a {type(name).__name__}")
        return self._labels.get(name) or self.registry.label(name)

    # one dict, as fast as can be -------------------------------------------------------------------------------------

    def adapter_of(self, event: Event, name: str | None) -> type[Adapter] | None:
        """The adapter of a dict of which only the provider's name is known, or not even that; None for `whose` to ask."""
        root = self.by_shape(event)
        if root is None:
            return None
        if name is None:
            usage = event.get(root.first_place)
            name = self._mark[root](event, usage if type(usage) is dict else fields_of(usage))
            if name is None:
                return root
        try:
            return self._adapters_by_name[name][root]
        except (KeyError, TypeError):
            adapter = self.adapter(self.label(name), root)
            return self._adapters_by_name.setdefault(name, {}).setdefault(root, adapter)

    # one body ------------------------------------------------------------------------------------------------------

    def whose(self, event: Event, kind: type, label: str | None, hints: FromUrl) -> tuple[str, type[Adapter]] | None:
        """The label and the adapter of a body; None where it needs a second look.

        Args:
            event: the fields of the body.
            kind: the type that it came as.
            label: the provider's, where the caller named it.
            hints: what the url tells.
        """
        root = self.by_shape(event)
        if root is None:
            if hints.dialect is None and (root := self.by_usage(event)) is None:
                return None
            root = root or self.registry.root_of(hints.dialect)  # type: ignore[arg-type]  # without a root it is not None
        if label is None:
            label = self.label_of_hints(root, kind, hints)
            if label is None:
                label = self.marked(root, event, event.get(root.first_place))
                if label is None:
                    return root.provider, root
        return label, self.adapter(label, root)

    def remember(self, told: Any, adapter: type[Adapter], sample: Any, *, named: bool) -> None:
        """Try the typed reader of an adapter first on the next body that the caller tells as much of."""
        key = (adapter, named)
        if key not in self._typed:
            self._typed[key] = typed_reader(adapter, self.registry, sample, named=named)
        if len(self.readers) >= _MOST_CLASSES:
            self.readers.clear()
        if (reader := self._typed[key]) is not None:
            self.readers[told] = reader

    def remember_kind(self, kind: type, told: str | None, adapter: type[Adapter], sample: Any) -> None:
        """The same for objects: a class of an SDK's belongs to one dialect, unless its usage decides on the dialect."""
        by_usage = all("." in text for text in self.registry.root_of(adapter).shape)
        if kind.__module__.partition(".")[0] in self._sdks and not by_usage:
            if len(self.object_readers) >= _MOST_CLASSES:
                self.object_readers.clear()
            certain = told is not None or self.package_label(kind) is not None
            if not certain:  # the sample's marks are its own
                adapter = self.registry.root_of(adapter)
            self.object_readers[kind, told] = object_reader(adapter, sample, certain=certain)

    # the dialect ---------------------------------------------------------------------------------------------------

    def main_dialect(self, event: Event) -> type[Adapter] | None:
        """The dialect that the shape of an event tells, unless it is an aside."""
        root = self.by_shape(event)
        return None if root in self._asides else root

    def dialect_of(self, events: Sequence[Event], by_url: type[Adapter] | None) -> type[Adapter] | None:
        """The dialect of some events: by the shape of one, or else by the url, or else by the names in a usage."""
        for tell in (self.main_dialect, self.by_shape):
            for event in events:
                if (root := tell(event)) is not None:
                    return root
        if by_url is not None:
            return self.registry.root_of(by_url)
        return next((root for event in events if (root := self.by_usage(event)) is not None), None)

    # the label -----------------------------------------------------------------------------------------------------

    def label_of_hints(self, root: type[Adapter], kind: type, hints: FromUrl) -> str | None:
        """The label that the url tells, or else the SDK's type."""
        if hints.label is not None:
            return self._label_on_host(hints.label, root)
        return None if kind is dict else self.package_label(kind)

    def _label_on_host(self, label: str, root: type[Adapter]) -> str:
        """One host may answer under two labels: api.openai.com is OpenAI Chat and OpenAI Responses."""
        try:
            return self._shared_hosts[label, root]
        except KeyError:
            own = self.registry.by_label[label]
            shared = bool(own) and not set(own[0].hosts).isdisjoint(vars(root).get("hosts", ()))
            return self._shared_hosts.setdefault((label, root), root.provider if shared else label)

    def package_label(self, kind: type) -> str | None:
        """The label that an SDK's type tells."""
        try:
            return self._labels_of_types[kind]
        except KeyError:
            return self._labels_of_types.setdefault(kind, package_label(kind, self.registry))

    def usage_adapter(self, kind: type) -> type[Adapter] | None:
        """The adapter that a usage object's own type belongs to."""
        return usage_adapter(kind, self.registry)

    def marked(self, root: type[Adapter], event: Event, usage: Any) -> str | None:
        """The label that the names in a body or in its usage tell; None where nothing marks it."""
        return self._mark[root](event, fields_of(usage))

    def marked_in(self, root: type[Adapter], events: Sequence[Event]) -> str | None:
        """Whose marks a stream bears: its first event, its last, the last that carries usage, or one that ends a response."""
        if not events:
            return None
        with_usage = next((event for event in reversed(events) if root.locate(event) is not None), events[-1])
        stops = [event for event in events if any(stops(event) for stops in root.stop_tests)] if root.stop_tests else []
        for event in (events[0], events[-1], with_usage, *stops):
            located = root.locate(event)
            if (label := self.marked(root, event, None if located is None else located[0])) is not None:
                return label
        return None

    # both ----------------------------------------------------------------------------------------------------------

    def adapter(self, label: str, root: type[Adapter]) -> type[Adapter]:
        """The label's own adapter for a dialect, or else the dialect's."""
        try:
            return self._adapters[label][root]
        except KeyError:
            return self._adapters[label].setdefault(root, self.registry.adapter_for(label, root))


@lru_cache(maxsize=1)
def recogniser() -> Recogniser:
    """The recogniser of this process."""
    return Recogniser(registry())
