"""Where a job writes: what can be written to is checked before anything is read, and every failure is one `OutputError`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from unimeter.errors import UnimeterError


class OutputError(UnimeterError):
    """An output cannot be written: the disk is full, it is a folder, it lies below a file, or it may not be written to."""


class OutputInUse(OutputError):
    """Another job is writing the same output."""


def checked(path: Path) -> Path:
    """The file that a path stands for, symbolic links resolved: two names of one output are one output.

    Raises:
        OutputError: it is something that a file cannot take the place of, or an existing file that may not be written to.
    """
    with writing(path):
        real = Path(os.path.realpath(path))
        if real.is_dir():
            raise OutputError(f"{path}: it cannot be written: it is a folder")
        if real.exists():
            if not real.is_file():  # a device or a pipe; replaced by a file, it would be lost
                raise OutputError(f"{path}: it cannot be written: it is not a regular file")
            if not os.access(real, os.W_OK):
                raise OutputError(f"{path}: it cannot be written: it is read-only")
        return real


@contextmanager
def writing(path: Path | str) -> Iterator[None]:
    """Raise an `OutputError` that names the output instead of an OSError. Inputs must not be read within."""
    try:
        yield
    except OSError as error:
        raise OutputError(f"{path}: it cannot be written: {_reason(error)}") from error


def _reason(error: OSError) -> str:
    """Why, in one line. pyarrow's errors have the number of the system's error, and many words."""
    what = os.strerror(error.errno) if error.errno else str(error) or type(error).__name__
    where = f" ({error.filename})" if error.filename else ""
    return " ".join(f"{what}{where}".split())
