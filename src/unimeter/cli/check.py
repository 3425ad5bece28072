"""What `unimeter check` shows: each check of the contract, and what breaks it."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

from unimeter.adapter import Adapter
from unimeter.fixture import Fixture
from unimeter.summary import printable
from unimeter.testing import checks
from unimeter.testing.subject import Subject


def adapter_named(text: str) -> type[Adapter]:
    """The adapter at `module:Class`; modules of the working directory are found as well.

    Raises:
        ValueError: there is none.
    """
    module, _, name = text.partition(":")
    sys.path.insert(0, "")
    try:
        found = getattr(import_module(module), name) if name else None
    except Exception as error:  # whatever is wrong with somebody's module is said, and not shown as ours
        raise ValueError(f"{type(error).__name__}: {error}") from None
    finally:
        sys.path.remove("")
    if not isinstance(found, type) or not issubclass(found, Adapter):
        raise ValueError(f"{text} is no adapter; it is named as module:Class")
    return found


def show_checks(adapter: type[Adapter], fixtures: Path) -> int:
    """Print the outcome of every check; 1 if one is broken."""
    subject = Subject(adapter, fixtures)
    try:
        found = subject.fixtures
    except (OSError, ValueError) as error:
        sys.stderr.write(f"{' '.join(str(error).split())}\n")
        return 1
    if not found:
        sys.stderr.write(f"there is no fixture of {adapter.__name__} ({adapter.provider}) in {fixtures}\n")
        return 1
    broken = []
    for check in checks.CHECKS:
        outcome, why = _outcome(check, subject)
        sys.stdout.write(f"{check.__name__:18} {outcome:7} {printable(why)}".rstrip() + "\n")
        if outcome == "broken":
            broken.append(check)
    for check in broken:
        sys.stdout.write(f"\n{check.__name__}: {(check.__doc__ or '').strip()}\n")
    lacking = [kind for kind, there in _kinds(subject) if not there]
    if lacking:
        sys.stdout.write(f"\nno fixture is {', or '.join(lacking)}; what is not recorded is not checked\n")
    count = f"{len(broken)} of {len(checks.CHECKS)} checks are broken" if broken else "the contract is kept"
    sys.stdout.write(f"\n{adapter.__name__}, {len(subject.fixtures)} fixtures: {count}\n")
    return int(bool(broken))


def _kinds(subject: Subject) -> list[tuple[str, bool]]:
    """The kinds of cases that every provider has, and whether there is a fixture of each."""
    return [
        ("a plain response", bool(subject.plain)),
        ("a stream", bool(subject.streams)),
        (
            "a stream that was cut",
            any(not fixture.expected.complete or _is_missing(fixture) for fixture in subject.fixtures if fixture.is_stream),
        ),
        ("a response without usage", any(_is_missing(fixture) and not fixture.is_stream for fixture in subject.fixtures)),
    ]


def _is_missing(fixture: Fixture) -> bool:
    return fixture.expected.error == "MissingUsage"


def _outcome(check: checks.Check, subject: Subject) -> tuple[str, str]:
    try:
        check(subject)
    except checks.NotNow as reason:
        return "skipped", str(reason)
    except checks.Broken as broken:
        return "broken", str(broken)
    except Exception as error:  # an adapter's own method that crashes keeps no contract
        return "broken", f"{type(error).__name__}: {error}"
    return "kept", ""
