"""Compare the packages that are installed with a lock: `python check.py LOCK [NAME ...]`.

Run it with the Python of the environment. It prints each installed package that is not in the lock with the same version, and
ends with 1 if there is one. The named packages are not compared, nor is unimeter itself.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from importlib.metadata import distributions
from pathlib import Path

LINE = re.compile(r"([a-z0-9-]+)==([\w.+!-]+)( ; .+)?")
"""A line of a lock: name, version and marker."""


def versions(lock: str) -> dict[str, set[str]]:
    """The versions that a lock allows, by package; markers may choose among several."""
    allowed: dict[str, set[str]] = {}
    for line in lock.splitlines():
        if (found := LINE.fullmatch(line)) is None:
            raise ValueError(f"not a line of a lock, which is 'name==version ; marker': {line}")
        allowed.setdefault(found[1], set()).add(found[2])
    return allowed


def differences(installed: Iterable[tuple[str, str]], lock: str, others: Iterable[str] = ()) -> list[str]:
    """The installed packages that a lock does not hold, a line each."""
    allowed = versions(lock)
    lines = []
    for name, version in installed:
        name = re.sub(r"[-_.]+", "-", name).lower()
        if name in others or version in allowed.get(name, ()):
            continue
        lines.append(f"{name} {version}: {' or '.join(sorted(allowed.get(name, ()))) or 'not'} in the lock")
    return sorted(lines)


def main(lock: str, *others: str) -> int:
    """Print the differences; 1 if there are any."""
    installed = {(one.name, one.version) for one in distributions()}
    lines = differences(installed, Path(lock).read_text("utf-8"), {"unimeter", *others})
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return int(bool(lines))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
