"""The folder of a job's parts. It says which job they are of, and which version of unimeter wrote them."""

from __future__ import annotations

import json
import shutil
from contextlib import suppress
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from unimeter import __version__
from unimeter.batch import lock
from unimeter.extras import needs
from unimeter.registry import ENTRY_POINTS

with needs("batch"):
    import pyarrow as pa

_SOFTWARE = ("unimeter", "adapters")
_INSTEAD = "without --resume they are deleted"


class OtherJob(Exception):
    """The parts that are there are of another job, or another version wrote them."""


def software() -> dict[str, Any]:
    """What readings depend on besides the inputs: the version of unimeter and of every package that brings adapters."""
    others = sorted(f"{entry.name} {entry.dist.version if entry.dist else ''}" for entry in entry_points(group=ENTRY_POINTS))
    return dict(zip(_SOFTWARE, (__version__, others), strict=True))


def begin(parts: Path, job: dict[str, Any], resume: bool) -> None:
    """Make a folder ready for a job, whose lock is held.

    Args:
        parts: the folder.
        job: what the parts depend on: inputs and options.
        resume: whether parts of an earlier job are kept. If not, they are deleted.

    Raises:
        OtherJob: the parts that are to be kept are of another job, or another version wrote them.
    """
    about = parts / "job.json"
    own = json.loads(json.dumps({**software(), **job}))
    if resume and about.exists():
        _compare(parts, _described(about), own)
        return
    clear(parts)
    new = about.with_name(f"{about.name}.new")
    try:
        new.write_text(json.dumps(own), "utf-8")
        new.replace(about)
    finally:
        new.unlink(missing_ok=True)


def _described(about: Path) -> dict[str, Any]:
    try:
        described = json.loads(about.read_text("utf-8"))
    except ValueError:
        return {}
    return described if isinstance(described, dict) else {}


def _compare(parts: Path, earlier: dict[str, Any], own: dict[str, Any]) -> None:
    if any(earlier.get(name) != own[name] for name in _SOFTWARE):
        wrote, reads = (f"unimeter {one.get('unimeter') or 'of an unknown version'}" for one in (earlier, own))
        if wrote == reads:
            wrote, reads = f"{wrote} with other adapters", "this one"
        raise OtherJob(f"{parts} holds parts that {wrote} wrote, and {reads} may read them differently; {_INSTEAD}")
    if earlier != own:
        raise OtherJob(f"{parts} holds parts of a job with other inputs or options; {_INSTEAD}")


def clear(parts: Path, *, whole: bool = False) -> None:
    """Delete what a folder holds.

    Args:
        parts: the folder, whose lock is held.
        whole: delete the lock's file and the folder as well, at the end of a job.
    """
    for one in parts.iterdir():
        if one.is_dir() and not one.is_symlink():
            shutil.rmtree(one)
        elif one.name != lock.NAME:
            one.unlink()
    if whole:
        with suppress(OSError):  # the next job may be waiting in it already
            (parts / lock.NAME).unlink()
            parts.rmdir()


def part_path(parts: Path, number: int) -> Path:
    """The file of a part."""
    return parts / f"{number:08}.arrow"


def stamped(schema: pa.Schema) -> pa.Schema:
    """A part's schema, which says what wrote it."""
    return schema.with_metadata({"unimeter": __version__})


def opened(part: Path, schema: pa.Schema) -> Any:
    """A part, to be read.

    Raises:
        OtherJob: it is broken, or another version wrote it.
    """
    try:
        reader = pa.ipc.open_file(pa.memory_map(str(part)))
    except pa.ArrowInvalid as error:
        raise OtherJob(f"{part} is not a part of a job: {error}; {_INSTEAD}") from None
    if not reader.schema.equals(stamped(schema), check_metadata=True):
        raise OtherJob(f"another version of unimeter wrote {part}; {_INSTEAD}")
    return reader
