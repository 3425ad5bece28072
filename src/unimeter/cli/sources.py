"""What `unimeter read` is given: files, folders, standard input; in them raw bodies, fixtures or lines."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from unimeter.fixture import Fixture, is_fixture, problem_of

_LINES = {".jsonl"}
"""Files of which each line is a response of its own. In .ndjson, lines are mostly the events of one."""


@dataclass(frozen=True, slots=True)
class Source:
    """One response to read, or why there is none."""

    name: str
    body: bytes = b""
    fixture: Fixture | None = None
    problem: str = ""


def sources(paths: Iterable[str], lines: bool | None) -> Iterator[Source]:
    """Every response in some files and folders, in order of their names."""
    for path in paths:
        if path == "-":
            yield from _in_body("-", sys.stdin.buffer.read(), bool(lines))
        elif path and (folder := Path(path)).is_dir():
            files = [file for file in sorted(folder.rglob("*")) if file.is_file() and not _is_hidden(file.relative_to(folder))]
            for file in files:
                yield from _in_file(file, lines)
            if not files:
                yield Source(path, problem="an empty folder")
        elif path:
            yield from _in_file(Path(path), lines)
        else:
            yield Source("''", problem="no path")


def _is_hidden(file: Path) -> bool:
    return any(part.startswith(".") for part in file.parts)


def _in_file(file: Path, lines: bool | None) -> Iterator[Source]:
    try:
        body = file.read_bytes()
    except OSError as error:
        yield Source(str(file), problem=error.strerror or str(error))
        return
    if file.suffix == ".json" and (fixture := _fixture(file, body)) is not None:
        yield fixture
    else:
        yield from _in_body(str(file), body, file.suffix in _LINES if lines is None else lines)


def _fixture(file: Path, body: bytes) -> Source | None:
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not is_fixture(data):
        return None
    name = f"{file.parent.name}/{file.stem}"
    try:
        fixture = Fixture.model_validate({**data, "name": name})
        return Source(name, fixture.bytes(), fixture)
    except (ValueError, TypeError, AttributeError) as error:  # not a fixture after all, or events that are none
        return Source(str(file), problem=f"a fixture with mistakes: {problem_of(error)}")


def _in_body(name: str, body: bytes, lines: bool) -> Iterator[Source]:
    if not lines:
        yield Source(name, body)
        return
    for number, line in enumerate(body.splitlines(), 1):
        if line.strip():
            yield Source(f"{name}:{number}", line)
