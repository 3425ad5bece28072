"""The object that a program holds while its stream is watched.

The program keeps the stream that it has: the very same object, whose class alone is exchanged for one that hears what is
read by it. So every method stays, and those that read the stream themselves (`text_stream`, `get_final_message`) are
heard as well. A generator, whose class cannot be exchanged, is put into an object that stands for it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from unimeter.objects import is_mock, is_pydantic
from unimeter.reading import Reading

if TYPE_CHECKING:
    from unimeter.watching import Watching


def is_stream(value: Any) -> bool:
    """Whether something can be read chunk by chunk, or opens what can."""
    if isinstance(value, (dict, str, bytes)) or is_pydantic(type(value)):
        return False
    return any(hasattr(type(value), name) for name in _WAYS)


_WAYS = ("__iter__", "__next__", "__aiter__", "__anext__", "__enter__", "__aenter__")


def watched(stream: Any, watching: Watching) -> Any:
    """A stream that is watched: itself, of another class, or what stands for it."""
    if _watching_of(stream) is not None:
        return stream  # as it is already
    kind: Any = type(stream)
    try:
        if not is_mock(kind) and not hasattr(kind, "reading") and "reading" not in vars(stream):
            stream.__class__ = _heard(kind)
            stream._unimeter_watching = watching
            return stream
    except Exception:  # a generator, an object with slots, a class that refuses: each says so by an error of its own
        with suppress(Exception):
            stream.__class__ = kind
    is_async = hasattr(kind, "__aiter__") or hasattr(kind, "__anext__")
    is_sync = hasattr(kind, "__iter__") or hasattr(kind, "__next__")
    return (_EitherStand if is_async and is_sync else _AsyncStand if is_async else _Stand)(stream, watching)


def _watching_of(stream: Any) -> Watching | None:
    from unimeter.watching import Watching

    try:
        found = stream._unimeter_watching
    except Exception:  # whatever an object does when it is asked for what it has not
        return None
    return found if isinstance(found, Watching) else None  # a mock has something under every name


def _entered(outer: Any, inner: Any) -> Any:
    """What a `with` gives: the stream itself, or, of a manager, the stream that it opens."""
    if inner is outer or (isinstance(outer, _StandsFor) and inner is outer._stream):
        return outer
    watching = _watching_of(outer)
    return inner if watching is None or not is_stream(inner) else watched(inner, watching)


@lru_cache(maxsize=256)
def _heard(kind: Any) -> Any:
    """A class of streams that are heard: another's, with the methods by which it is read."""

    class Heard(kind):  # type: ignore[misc]  # a class of an SDK's
        _unimeter_watching: Watching | None = None
        """None in what the stream makes of its own class."""

        @property
        def reading(self) -> Reading:
            return self._unimeter_watching.reading  # type: ignore[union-attr]  # who asks has it watched

        def __reduce_ex__(self, protocol: Any) -> Any:
            """As what it was: a copy is not watched."""
            reduced: Any = super().__reduce_ex__(protocol)
            if isinstance(reduced, str):
                return reduced
            made, arguments, *rest = reduced
            if rest and isinstance(rest[0], dict):
                rest[0] = {name: value for name, value in rest[0].items() if name != "_unimeter_watching"}
            return (made, tuple(kind if one is Heard else one for one in arguments), *rest)

        if hasattr(kind, "__iter__"):

            def __iter__(self) -> Any:
                chunks, watching = super().__iter__(), self._unimeter_watching
                return self if chunks is self else chunks if watching is None else watching.heard(chunks)

        if hasattr(kind, "__next__"):

            def __next__(self) -> Any:
                watching = self._unimeter_watching
                return super().__next__() if watching is None else watching.next(super().__next__)

        if hasattr(kind, "__aiter__"):

            def __aiter__(self) -> Any:
                chunks, watching = super().__aiter__(), self._unimeter_watching
                return self if chunks is self else chunks if watching is None else watching.heard_async(chunks)

        if hasattr(kind, "__anext__"):

            async def __anext__(self) -> Any:
                watching = self._unimeter_watching
                return await (super().__anext__() if watching is None else watching.next_async(super().__anext__))

        if hasattr(kind, "__enter__"):

            def __enter__(self) -> Any:
                return _entered(self, super().__enter__())

            def __exit__(self, *error: Any) -> Any:
                if self._unimeter_watching is not None:
                    self._unimeter_watching.end()
                return super().__exit__(*error)

        if hasattr(kind, "__aenter__"):

            async def __aenter__(self) -> Any:
                return _entered(self, await super().__aenter__())

            async def __aexit__(self, *error: Any) -> Any:
                if self._unimeter_watching is not None:
                    self._unimeter_watching.end()
                return await super().__aexit__(*error)

    Heard.__name__, Heard.__qualname__, Heard.__module__ = kind.__name__, kind.__qualname__, kind.__module__
    return Heard


class _StandsFor:
    """Stands for a stream whose class cannot be exchanged."""

    def __init__(self, stream: Any, watching: Watching) -> None:
        self._stream = stream
        self._unimeter_watching = watching

    __class__: Any = property(lambda self: type(self._stream))  # for isinstance

    @property
    def reading(self) -> Reading:
        return self._unimeter_watching.reading

    def __getattr__(self, name: str) -> Any:
        if name in ("_stream", "_unimeter_watching"):  # of a copy that is being made
            raise AttributeError(name)
        return getattr(self._stream, name)

    def __repr__(self) -> str:
        return repr(self._stream)


class _Stand(_StandsFor):
    """Of a synchronous stream."""

    def __iter__(self) -> Iterator[Any]:
        return self._unimeter_watching.heard(iter(self._stream))

    def __next__(self) -> Any:
        return self._unimeter_watching.next(self._stream.__next__)

    def __enter__(self) -> Any:
        return _entered(self, self._stream.__enter__())

    def __exit__(self, *error: Any) -> Any:
        self._unimeter_watching.end()
        return self._stream.__exit__(*error)


class _AsyncStand(_StandsFor):
    """Of an asynchronous stream."""

    def __aiter__(self) -> AsyncIterator[Any]:
        return self._unimeter_watching.heard_async(self._stream)

    async def __anext__(self) -> Any:
        return await self._unimeter_watching.next_async(self._stream.__anext__)

    async def __aenter__(self) -> Any:
        return _entered(self, await self._stream.__aenter__())

    async def __aexit__(self, *error: Any) -> Any:
        self._unimeter_watching.end()
        return await self._stream.__aexit__(*error)


class _EitherStand(_Stand, _AsyncStand):
    """Of a stream that can be read both ways, as a `MagicMock` can."""
