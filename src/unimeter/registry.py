"""Which providers there are, by label, host, package and mark. All of it is read off the adapters."""

from __future__ import annotations

import re
import warnings
from collections import defaultdict
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

from unimeter.adapter import Adapter
from unimeter.adapters import ADAPTERS
from unimeter.adapters.rows import ROWS, Row
from unimeter.errors import UnknownProvider
from unimeter.values import name_of

ENTRY_POINTS = "unimeter.adapters"
"""The group under which other packages register adapters of their own."""

_LONGEST_NAME = 64


class PathFound(NamedTuple):
    """A path of an adapter, found in a url."""

    text: str
    adapter: type[Adapter]
    rest: str
    """What follows it."""


class Registry:
    """The adapters and rows, and everything that is looked up in them."""

    def __init__(self, adapters: tuple[type[Adapter], ...], rows: tuple[Row, ...]) -> None:
        self.adapters = adapters
        self.rows = rows
        self._named: tuple[Any, ...] = (*adapters, *rows)
        """Both have a provider, aliases and hosts."""

    @cached_property
    def roots(self) -> tuple[type[Adapter], ...]:
        """The adapters that are a dialect of their own: those that say by what shape it is told, or that it is free."""
        return tuple(adapter for adapter in self.adapters if adapter.free or ("shape" in vars(adapter) and adapter.shape))

    @cached_property
    def by_label(self) -> dict[str, tuple[type[Adapter], ...]]:
        """A label's adapters, the main one first."""
        found: dict[str, list[type[Adapter]]] = defaultdict(list)
        for adapter in sorted(self.adapters, key=_is_beside):
            found[adapter.provider].append(adapter)
        for row in self.rows:
            found[row.provider]
        return {label: tuple(adapters) for label, adapters in found.items()}

    def label(self, name: str) -> str:
        """The label that a name stands for.

        Raises:
            UnknownProvider: none.
        """
        found = self.labels.get(name.strip().lower()) or self.labels.get(slug(name))
        if found is None:
            shown = repr(name) if len(name) <= _LONGEST_NAME else name_of(name)  # a text in its place, perhaps
            raise UnknownProvider(f"no provider is called {shown}; known are: {', '.join(sorted(self.by_label))}")
        return found

    @cached_property
    def labels(self) -> dict[str, str]:
        """What `provider=` takes, in lower case, and the label it means."""
        named: dict[str, str] = {}
        for one in self._named:
            for name in (one.provider, slug(one.provider), *one.aliases):
                named.setdefault(name.lower(), one.provider)
        return named

    def names_of(self, label: str) -> list[str]:
        """The names that `provider=` takes for a label, in lower case, and those of who shares a host with it."""
        hosts = {host for one in self._named if one.provider == label for host in _own_hosts(one)}
        same = [one.provider for one in self._named if not hosts.isdisjoint(_own_hosts(one))]
        return [name for other in dict.fromkeys((label, *same)) for name, own in self.labels.items() if own == other]

    @cached_property
    def hosts(self) -> tuple[dict[str, str], tuple[tuple[re.Pattern[str], str], ...]]:
        """Labels by host; and by pattern, for hosts with a star."""
        exact: dict[str, str] = {}
        patterns = []
        for one in self._named:
            for host in one.hosts:
                if "*" in host:
                    patterns.append((re.compile(re.escape(host).replace(r"\*", ".*")), one.provider))
                else:
                    exact.setdefault(host, one.provider)
        return exact, tuple(patterns)

    @cached_property
    def url_paths(self) -> tuple[tuple[str, type[Adapter]], ...]:
        """What a url's path may hold, the longest first, and the dialect that it leads to: see `path_in`."""
        paths = [(path, adapter) for adapter in self.adapters for path in vars(adapter).get("url_paths", ())]
        return tuple(sorted(paths, key=lambda found: -len(found[0])))

    def path_in(self, where: str) -> PathFound | None:
        """The path of an adapter that a url (its host and path) holds; it ends where a word ends, or holds all below it."""
        for text, adapter in self.url_paths:
            at = where.rfind(text)
            if at >= 0:
                rest = where[at + len(text) :]
                if text.endswith("/") or not rest[:1].isalnum():
                    return PathFound(text, adapter, rest)
        return None

    @cached_property
    def models_in_paths(self) -> dict[str, re.Pattern[str]]:
        """Where the path of a provider's urls may hold the model's id, by its label."""
        own = (
            (one.provider, vars(one).get("model_in_path") if isinstance(one, type) else one.model_in_path) for one in self._named
        )
        return {label: re.compile(pattern) for label, pattern in own if pattern}

    @cached_property
    def publishers_in_paths(self) -> dict[str, re.Pattern[str]]:
        """Where the path of a provider's urls may name whose models answer, by its label."""
        own = ((adapter.provider, vars(adapter).get("publisher_in_path")) for adapter in self.adapters)
        return {label: re.compile(pattern) for label, pattern in own if pattern}

    @cached_property
    def packages(self) -> dict[str, str]:
        """Labels by the package whose objects come from that provider."""
        return {package: adapter.provider for adapter in self.adapters for package in vars(adapter).get("packages", ())}

    @cached_property
    def sdk_types(self) -> dict[tuple[str, str], type[Adapter]]:
        """Adapters by the top package and the name of an SDK's own usage type."""
        found: dict[tuple[str, str], type[Adapter]] = {}
        for adapter in self.adapters:
            for text in vars(adapter).get("sdk_types", ()):
                module, _, name = text.partition(":")
                found.setdefault((module, name), adapter)
        return found

    @cached_property
    def marks(self) -> dict[type[Adapter] | None, tuple[tuple[str, str, str], ...]]:
        """The marks (in the body or in its usage) by dialect; those that are told in any dialect, under None."""
        found: dict[type[Adapter] | None, list[tuple[str, str, str]]] = defaultdict(list)
        for adapter in self.adapters:
            root = self.root_of(adapter)
            for mark in vars(adapter).get("marks", ()):
                found[None if root is adapter else root].append((*_where(mark), adapter.provider))
        for row in self.rows:
            for mark in row.marks:
                found[None].append((*_where(mark), row.provider))
        return {root: tuple(marks) for root, marks in found.items()}

    def root_of(self, adapter: type[Adapter]) -> type[Adapter]:
        """The dialect that an adapter speaks."""
        return next((cls for cls in adapter.__mro__ if cls in self.roots), adapter)

    def adapter_for(self, label: str, root: type[Adapter]) -> type[Adapter]:
        """A provider's own adapter for a dialect, or else the dialect's root."""
        own = [adapter for adapter in self.by_label.get(label, ()) if issubclass(adapter, root)]
        return next((adapter for adapter in own if self.root_of(adapter) is root), (*own, root)[0])

    def main_adapter(self, label: str) -> type[Adapter]:
        """A provider's main adapter; of a provider without a table, the dialect that most of them speak."""
        return (*self.by_label[label], self.adapters[0])[0]


def _is_beside(adapter: type[Adapter]) -> bool:
    """Whether an adapter is of calls beside its provider's main ones: free, or made from another of the same label."""
    return bool(adapter.free) or any(vars(base).get("provider") == adapter.provider for base in adapter.__mro__[1:])


def slug(label: str) -> str:
    """A label in lower case, with hyphens for whatever is no letter or digit."""
    return re.sub(r"[^a-z0-9]+", "-", label.lower()).strip("-")


def _own_hosts(one: Any) -> tuple[str, ...]:
    """The hosts that an adapter or a row writes itself; an adapter inherits its dialect's."""
    return vars(one).get("hosts", ()) if isinstance(one, type) else one.hosts  # type: ignore[no-any-return]


def _where(mark: str) -> tuple[str, str]:
    return ("usage", mark.removeprefix("usage.")) if mark.startswith("usage.") else ("body", mark)


def _registered() -> tuple[type[Adapter], ...]:
    from importlib.metadata import entry_points  # as slow to import as all of this package

    found = []
    for entry in entry_points(group=ENTRY_POINTS):
        try:
            found.append(entry.load())
        except Exception as error:  # another package's mistake must not stop all reading
            warnings.warn(
                f"the adapter {entry.value} of {entry.dist and entry.dist.name} cannot be loaded: {error!r}", stacklevel=2
            )
    return tuple(found)


@lru_cache(maxsize=1)
def registry() -> Registry:
    """The registry of this process: our own adapters, then those that other packages register."""
    return Registry((*ADAPTERS, *_registered()), ROWS)
