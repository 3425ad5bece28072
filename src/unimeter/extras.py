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
    ImportError: no_such_package is not installed; pip install 'unimeter[otel]'
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise ImportError(f"{(error.name or '').partition('.')[0]} is not installed; pip install 'unimeter[{extra}]'") from error
