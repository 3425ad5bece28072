"""What is not installed with the core, and how to get it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def needs(extra: str) -> Iterator[None]:
    """Around the imports that an extra brings: where they fail, the error says what to install.

    >>> with needs("otel"):
    ...     import no_such_package
    Traceback (most recent call last):
        ...
    ImportError: this needs what is not installed: pip install 'unimeter[otel]' (no module named no_such_package)
    """
    try:
        yield
    except ModuleNotFoundError as error:
        name = (error.name or "").partition(".")[0]
        raise ImportError(
            f"this needs what is not installed: pip install 'unimeter[{extra}]' (no module named {name})"
        ) from error
