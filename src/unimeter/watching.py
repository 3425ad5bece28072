"""`watch`: one live stream, metered while the program reads it.

for chunk in (stream := unimeter.watch(client.chat.completions.create(..., stream=True))):
    ...
stream.reading
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Iterator
from inspect import isawaitable
from typing import Any, Protocol, TypeVar, overload

from unimeter.errors import MalformedUsage, MissingUsage, UnimeterError
from unimeter.hearing import MOST, Hearing
from unimeter.interpret import Call
from unimeter.payload import Opener
from unimeter.reading import Reading
from unimeter.watched import is_stream, watched
from unimeter.wire.framing import NotABody, Unreadable
from unimeter.wire.json import NotJSON, loads

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
    if isawaitable(stream) and not is_stream(stream):
        raise TypeError("the stream is still to be awaited: watch(await ...)")
    if not is_stream(stream):
        hint = "; of boto3's response give the stream in it" if isinstance(stream, dict) else ""
        raise TypeError(f"a {type(stream).__name__} is no stream{hint}")
    return watched(stream, Watching(Call(provider, url, model), time.monotonic() if began is None else began))


_OURS = (UnimeterError, Unreadable, NotABody, NotJSON)
"""Errors that say nothing of what the stream holds. What any other says may be a text of it."""


def _without_frames(error: Exception) -> Exception:
    """An error that can be kept: its frames, and those of errors before it, hold the program's chunks."""
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)


class Watching:
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
            self._failed = _without_frames(error)

    def tidy(self) -> None:
        """Let go of what tells nothing, if there is much of it."""
        if len(self._hearing.recent) >= MOST:
            try:
                self._hearing.tidy()
            except Exception as error:
                self._failed = _without_frames(error)
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
                self._failed = _without_frames(error)

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

    async def heard_async(self, chunks: AsyncIterable[Any]) -> AsyncIterator[Any]:
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
            ours = self._failed if isinstance(self._failed, _OURS) else None
            raise MalformedUsage(hearing.call.label or "", "the stream", "readable", type(self._failed).__name__) from ours
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
