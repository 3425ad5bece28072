"""`watch`: one live stream, metered while the program reads it.

    for chunk in (stream := unimeter.watch(client.chat.completions.create(..., stream=True))):
        ...
    stream.reading

The program keeps the stream that it has: the very same object, whose class alone is exchanged for one that hears what is
read by it. So every method stays, and those that read the stream themselves (`text_stream`, `get_final_message`) are
heard as well. A generator, whose class cannot be exchanged, is put into an object that stands for it.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import suppress
from functools import lru_cache
from inspect import isawaitable
from typing import Any, Protocol, TypeVar, overload

from unimeter.errors import MalformedUsage, MissingUsage
from unimeter.hearing import MOST, Hearing
from unimeter.interpret import Call
from unimeter.objects import is_pydantic
from unimeter.payload import Opener
from unimeter.reading import Reading
from unimeter.wire.json import loads

T = TypeVar("T")
_Chunk_co = TypeVar("_Chunk_co", covariant=True)


class Watched(Protocol[_Chunk_co]):
    """A stream that is watched: whatever it was before, and its reading."""

    @property
    def reading(self) -> Reading:
        """What the stream has told so far, with `duration` and `time_to_first_token`; raises as `unimeter.read` does."""
        ...

    def __iter__(self) -> Iterator[_Chunk_co]: ...
    def __aiter__(self) -> AsyncIterator[_Chunk_co]: ...
    def __enter__(self) -> Watched[Any]: ...
    def __exit__(self, *error: Any) -> Any: ...
    async def __aenter__(self) -> Watched[Any]: ...
    async def __aexit__(self, *error: Any) -> Any: ...
    def __getattr__(self, name: str) -> Any: ...


@overload
def watch(
    stream: Iterable[T] | AsyncIterable[T],
    provider: str | None = None,
    *,
    url: str | None = None,
    model: str | None = None,
    began: float | None = None,
) -> Watched[T]: ...
@overload
def watch(
    stream: Any, provider: str | None = None, *, url: str | None = None, model: str | None = None, began: float | None = None
) -> Watched[Any]: ...
def watch(
    stream: Any, provider: str | None = None, *, url: str | None = None, model: str | None = None, began: float | None = None
) -> Any:
    """Meter a stream while the program reads it. It hands on the very same chunks; `reading` says what they told.

    Chunks that the program changes are read as it left them.

    Args:
        stream: an SDK's stream, synchronous or not; a manager whose `with` gives one; any iterator of chunks, of text
            lines (`iter_lines()`) or of a body's bytes (`iter_bytes()`).
        provider, url, model: as for `unimeter.read`.
        began: when the request was made, by `time.monotonic()`. Without it, times count from now: an SDK hands out its
            stream when the headers have come, and what the server did until then is not in them.

    Raises:
        TypeError: it cannot be iterated.
        UnknownProvider: no provider has the given name.

    >>> usage = {"prompt_tokens": 9, "completion_tokens": 2}
    >>> chunks = [{"choices": [{"delta": {"content": "Hi"}, "finish_reason": "stop"}], "usage": usage}]
    >>> for chunk in (stream := watch(iter(chunks))):
    ...     assert chunk is chunks[0]
    >>> stream.reading.metrics.input_tokens, stream.reading.complete
    (9, True)
    """
    if isawaitable(stream) and not _is_stream(stream):
        raise TypeError("the stream is still to be awaited: watch(await ...)")
    if not _is_stream(stream):
        hint = "; of boto3's response give the stream in it" if isinstance(stream, dict) else ""
        raise TypeError(f"a {type(stream).__name__} is no stream{hint}")
    return _watched(stream, _Watching(Call(provider, url, model), time.monotonic() if began is None else began))


def _is_stream(value: Any) -> bool:
    """Whether something can be read chunk by chunk, or opens what can."""
    if isinstance(value, (dict, str, bytes)) or is_pydantic(type(value)):
        return False
    return any(hasattr(type(value), name) for name in _WAYS)


_WAYS = ("__iter__", "__next__", "__aiter__", "__anext__", "__enter__", "__aenter__")


class _Watching:
    """What is known of a stream."""

    __slots__ = ("_began", "_ended", "_failed", "_first_token", "_hearing", "_opener")

    def __init__(self, call: Call, began: float) -> None:
        self._hearing = Hearing(call)
        self._began = began
        self._ended: float | None = None
        self._first_token: float | None = None
        self._opener: Opener | None = None
        self._failed: Exception | None = None

    # what it hears; whatever fails in here, the program does not learn of it before it asks for the reading ---------------

    def take(self, chunk: Any) -> None:
        """Hear one chunk."""
        if self._failed is not None:
            return
        self._ended = None
        try:
            hearing = self._hearing
            if hearing.recent and hearing.recent[-1] is chunk:
                return  # a stream that is iterated by its own `next` is heard in both
            if self._opener is None and not hearing.recent and Opener.is_needed(chunk):
                self._opener = Opener(chunk, loads)
            events = [chunk] if self._opener is None else self._opener.events(chunk)
            if self._first_token is None and any(map(hearing.holds_content, events)):
                self._first_token = time.monotonic()
            hearing.recent += events
            self.tidy()
        except Exception as error:
            self._failed = error.with_traceback(None)

    def tidy(self) -> None:
        """Let go of what tells nothing, if there is much of it."""
        if len(self._hearing.recent) >= MOST:
            try:
                self._hearing.tidy()
            except Exception as error:
                self._failed = error.with_traceback(None)
                self._hearing.recent = []

    def end(self) -> None:
        """The stream ended, in whichever way; what is dropped later does not end it again."""
        if self._ended is None:
            self._ended = time.monotonic()

    def finish(self) -> None:
        """The stream was read to its end."""
        self.end()
        if self._opener is not None and self._failed is None:
            try:
                self._hearing.recent += self._opener.close()
            except Exception as error:
                self._failed = error.with_traceback(None)

    def heard(self, chunks: Iterator[Any]) -> Iterator[Any]:
        """The chunks of an iterator."""
        self._ended = None
        try:
            for chunk in chunks:
                self.take(chunk)
                yield chunk
                if self._first_token is not None and self._opener is None:
                    break
            recent = self._hearing.recent
            for chunk in chunks:  # most of them: nothing is to be found out about each
                if not recent or recent[-1] is not chunk:
                    recent.append(chunk)
                if len(recent) >= MOST:
                    self.tidy()
                    recent = self._hearing.recent
                yield chunk
            self.finish()
        finally:
            self.end()

    async def heard_async(self, chunks: AsyncIterator[Any]) -> AsyncIterator[Any]:
        """The chunks of an asynchronous iterator."""
        self._ended = None
        try:
            async for chunk in chunks:
                self.take(chunk)
                yield chunk
            self.finish()
        finally:
            self.end()

    def next(self, following: Callable[[], Any]) -> Any:
        """The next chunk of an iterator."""
        try:
            chunk = following()
        except StopIteration:
            self.finish()
            raise
        except BaseException:
            self.end()
            raise
        self.take(chunk)
        return chunk

    async def next_async(self, following: Callable[[], Awaitable[Any]]) -> Any:
        """The next chunk of an asynchronous iterator."""
        try:
            chunk = await following()
        except StopAsyncIteration:
            self.finish()
            raise
        except BaseException:
            self.end()
            raise
        self.take(chunk)
        return chunk

    # what it says ----------------------------------------------------------------------------------------------------

    @property
    def reading(self) -> Reading:
        """What the stream has told so far."""
        hearing, opener = self._hearing, self._opener
        if self._failed is not None:
            raise MalformedUsage(
                hearing.call.label or "", "the stream", "readable", type(self._failed).__name__
            ) from self._failed
        if not hearing.events:
            raise MissingUsage(hearing.call.label or "", "nothing was read of the stream yet")
        reading = hearing.reading(
            is_stream=opener is None or opener.is_stream,
            done=opener is not None and opener.done,
            cut=opener is not None and opener.cut,
        )
        reading.began = self._began
        reading.metrics.duration = (time.monotonic() if self._ended is None else self._ended) - self._began
        if self._first_token is not None:
            reading.metrics.time_to_first_token = self._first_token - self._began
        return reading


def _watched(stream: Any, watching: _Watching) -> Any:
    """A stream that is watched: itself, of another class, or what stands for it."""
    if _watching_of(stream) is not None:
        return stream  # as it is already
    kind: Any = type(stream)
    try:
        if not hasattr(kind, "reading") and "reading" not in vars(stream):
            stream.__class__ = _heard(kind)
            stream._unimeter_watching = watching
            return stream
    except Exception:  # a generator, an object with slots, a class that refuses: each says so by an error of its own
        with suppress(Exception):
            stream.__class__ = kind
    return (_AsyncStand if hasattr(kind, "__aiter__") or hasattr(kind, "__anext__") else _Stand)(stream, watching)


def _watching_of(stream: Any) -> _Watching | None:
    try:
        return stream._unimeter_watching  # type: ignore[no-any-return]  # ours, if it is there
    except Exception:  # whatever an object does when it is asked for what it has not
        return None


def _entered(outer: Any, inner: Any) -> Any:
    """What a `with` gives: the stream itself, or, of a manager, the stream that it opens."""
    if inner is outer or (isinstance(outer, _StandsFor) and inner is outer._stream):
        return outer
    watching = _watching_of(outer)
    return inner if watching is None or not _is_stream(inner) else _watched(inner, watching)


@lru_cache(maxsize=256)
def _heard(kind: Any) -> Any:
    """A class of streams that are heard: another's, with the methods by which it is read."""

    class Heard(kind):  # type: ignore[misc]  # a class of an SDK's
        _unimeter_watching: _Watching | None = None
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

    def __init__(self, stream: Any, watching: _Watching) -> None:
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
        return self._unimeter_watching.heard_async(aiter(self._stream))

    async def __anext__(self) -> Any:
        return await self._unimeter_watching.next_async(self._stream.__anext__)

    async def __aenter__(self) -> Any:
        return _entered(self, await self._stream.__aenter__())

    async def __aexit__(self, *error: Any) -> Any:
        self._unimeter_watching.end()
        return await self._stream.__aexit__(*error)
