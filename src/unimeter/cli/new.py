"""What `unimeter new` writes."""

from __future__ import annotations

import json
import sys
from importlib.util import find_spec
from keyword import iskeyword
from pathlib import Path
from typing import Any

from unimeter.fixture import is_fixture
from unimeter.merge import merged
from unimeter.testing.draft import class_name, draft_of, fixture_of, module_name, places_in, table_of, test_of
from unimeter.wire.body import read_body
from unimeter.wire.json import loads


def events_in(body: bytes) -> list[Any]:
    """The events of a recorded body, or of a fixture; a response is a single one.

    Raises:
        ValueError: there are none.
    """
    found = read_body(body, loads).events
    if len(found) == 1 and is_fixture(found[0]):
        recorded = found[0]
        found = recorded["events"] if recorded.get("events") is not None else [recorded.get("response")]
    events = [event for event in found if isinstance(event, dict)]
    if not events:
        raise ValueError("a response is needed: a JSON object, or a stream's events")
    return events


def write_new(name: str, recorded: Path, path: str, folder: Path) -> int:
    """Write a provider's adapter, fixture and test; 1 if that is not possible. Nothing is ever overwritten."""
    module = module_name(name)
    if not class_name(name).isidentifier() or iskeyword(module) or find_spec(module) is not None:
        sys.stderr.write(f"{name!r}: a provider's name gives a class and a module that does not exist yet\n")
        return 1
    try:
        events = events_in(recorded.read_bytes())
        draft = draft_of(merged(events), [place for event in events for place in places_in(event)])
    except (OSError, ValueError, RecursionError, KeyError) as error:
        sys.stderr.write(f"{recorded}: {error}\n")
        return 1
    fixture = json.dumps(fixture_of(name, events, draft, path), indent=1, ensure_ascii=False) + "\n"
    files = {
        folder / f"{module}.py": table_of(name, draft),
        folder / "fixtures" / module / ("plain.json" if len(events) == 1 else "stream.json"): fixture,
        folder / f"test_{module}.py": test_of(name),
    }
    if recorded.resolve() in {file.resolve() for file in files} and is_fixture(json.loads(recorded.read_bytes())):
        files.pop(next(file for file in files if file.resolve() == recorded.resolve()))  # it is a fixture, and in its place
    if there := [str(file) for file in files if file.exists()]:
        sys.stderr.write(f"{', '.join(there)}: exists already\n")
        return 1
    for file, text in files.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
        sys.stdout.write(f"{file}\n")
    sys.stdout.write(f"Look for `to do` in them, then: unimeter check {module}:{class_name(name)}\n")
    return 0
