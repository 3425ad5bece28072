"""What `unimeter drift` shows."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Literal

from unimeter.cli.sources import sources
from unimeter.drift import Drift, drift_in, drift_of
from unimeter.errors import UnimeterError
from unimeter.registry import registry
from unimeter.summary import Section, printable, text_of

Form = Literal["text", "markdown", "json"]


def show_drift(paths: list[str], provider: str | None, url: str | None, form: Form) -> int:
    """Print the drift of all adapters, or of payloads; 1 if there is any, or a file cannot be read."""
    failed = False
    found: list[tuple[str, Drift]] = []
    if paths:
        for name, one in _in_files(paths, provider, url):
            if isinstance(one, str):
                sys.stderr.write(f"{name}: {one}\n")
                failed = True
            else:
                found.append((name, one))
    else:
        found = [(drift.adapter, drift) for adapter in registry().adapters if (drift := drift_of(adapter)) is not None]
    sys.stdout.write(_FORMS[form](found, "file" if paths else "adapter"))
    return int(failed or any(one.unread for _, one in found))


def _in_files(paths: list[str], provider: str | None, url: str | None) -> Iterator[tuple[str, Drift | str]]:
    for source in sources(paths, None):
        if source.problem:
            yield source.name, source.problem
            continue
        wire = None if source.fixture is None else source.fixture.wire
        where = url or (None if source.fixture is None else source.fixture.url)
        whose, headers = (provider, None) if wire is None else (provider or wire.provider, wire.headers or None)
        try:
            drifts = drift_in(source.body, whose, url=where, headers=headers)
        except UnimeterError as error:
            if source.fixture is None or not source.fixture.expected.error:
                yield source.name, f"{type(error).__name__}: {error}"
            continue
        for drift in drifts:
            yield source.name, drift


def _text(found: list[tuple[str, Drift]], what: str) -> str:
    unread = [(name, one) for name, one in found if one.unread]
    rows = [[name, one.adapter, one.sdk, leaf] for name, one in unread for leaf in one.unread]
    lost = [[name, one.adapter, one.sdk, leaf] for name, one in found for leaf in one.lost]
    missing = sorted({one.sdk for _, one in found if not one.installed})
    columns = [what, "read by", "of", "leaf"]
    parts = [
        Section("reported, and not read", columns, [[*map(printable, row)] for row in rows], 4),
        Section("read, and not in the SDK's types (servers may send it)", columns, lost, 4),
    ]
    shown = text_of([part for part in parts if part.rows]) if rows or lost else ""
    told = len(found) - sum(not one.installed for _, one in found)
    end = f"{told} compared; {len(rows)} leaves are not read" + "".join(f"; {one}" for one in missing)
    return f"{shown}\n\n{end}\n".lstrip("\n")


def _markdown(found: list[tuple[str, Drift]], what: str) -> str:
    lines = [f"| {what} | read by | of | not read | read, not in the SDK |", "| --- | --- | --- | --- | --- |"]
    for name, one in found:
        unread, lost = (", ".join(f"`{leaf}`" for leaf in leaves) for leaves in (one.unread, one.lost))
        lines.append(f"| {name} | {one.adapter} | {one.sdk} | {unread} | {lost} |")
    return "\n".join(lines) + "\n"


def _json(found: list[tuple[str, Drift]], what: str) -> str:
    return "".join(json.dumps({what: name, **one._asdict()}) + "\n" for name, one in found)


_FORMS = {"text": _text, "markdown": _markdown, "json": _json}
