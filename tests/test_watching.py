"""`watch`: the stream stays what it was, and says what it told."""

from __future__ import annotations

import asyncio
import copy
import json
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from pydantic import BaseModel

import unimeter
from unimeter.fixture import Fixture
from unimeter.testing.subject import told

from .conftest import FIXTURES

USAGE = {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}
ROLE = {"id": "x", "choices": [{"delta": {"role": "assistant", "content": ""}, "finish_reason": None}]}
WORD = {"id": "x", "choices": [{"delta": {"content": "Hello"}, "finish_reason": None}]}
STOP = {"id": "x", "choices": [{"delta": {}, "finish_reason": "stop"}]}
LAST = {"id": "x", "choices": [], "usage": USAGE}
CHUNKS: list[dict[str, Any]] = [ROLE, WORD, WORD, STOP, LAST]


class Clock:
    """Goes on by a second with every chunk."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        monkeypatch.setattr("unimeter.watching.time.monotonic", lambda: self.now)

    def ticking(self, chunks: list[Any]) -> Iterator[Any]:
        for chunk in chunks:
            self.now += 1.0
            yield chunk


class Stream:
    """As SDKs make them: iterated, entered, closed, with helpers that read it themselves."""

    def __init__(self, chunks: list[Any]) -> None:
        self._iterator = iter(chunks)
        self.closed = False

    def __iter__(self) -> Iterator[Any]:
        yield from self._iterator

    def __next__(self) -> Any:
        return next(self._iterator)

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *_: object) -> None:
        self.closed = True

    def text(self) -> str:
        return "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in self if chunk["choices"])


class AsyncStream:
    def __init__(self, chunks: list[Any]) -> None:
        self._chunks = chunks
        self.closed = False

    async def __aiter__(self) -> AsyncIterator[Any]:
        for chunk in self._chunks:
            await asyncio.sleep(0)
            yield chunk

    async def __aenter__(self) -> AsyncStream:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.closed = True


class Manager:
    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __enter__(self) -> Any:
        return self._stream

    def __exit__(self, *_: object) -> None: ...


def test_the_chunks_are_the_very_same() -> None:
    for stream in (iter(CHUNKS), (chunk for chunk in CHUNKS), Stream(CHUNKS), CHUNKS):
        watched = unimeter.watch(stream)
        assert isinstance(watched, type(stream))
        assert all(one is other for one, other in zip(watched, CHUNKS, strict=True))
        assert watched.reading.metrics.total_tokens == 11
        assert watched.reading.complete


def test_a_stream_is_the_very_same() -> None:
    stream = Stream(CHUNKS)
    watched = unimeter.watch(stream)
    assert watched is stream
    with watched as entered:
        assert entered is stream
        assert entered.text() == "HelloHello"
    assert stream.closed
    assert watched.reading.metrics.input_tokens == 9
    assert repr(type(stream)) == repr(Stream)


def test_what_a_manager_opens_is_watched() -> None:
    watched = unimeter.watch(Manager(Stream(CHUNKS)))
    with watched as stream:
        assert next(stream) is CHUNKS[0]
        assert len(list(stream)) == 4
        assert stream.reading == watched.reading
    assert watched.reading.complete


def test_times(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first token is not the role; the end is that of the last chunk."""
    clock = Clock(monkeypatch)
    stream = unimeter.watch(clock.ticking(CHUNKS), began=99.0)
    for _ in stream:
        pass
    clock.now += 50
    assert (stream.reading.metrics.time_to_first_token, stream.reading.metrics.duration) == (3.0, 6.0)


@pytest.mark.parametrize(
    ("delta", "is_token"),
    [
        ({"role": "assistant"}, False),
        ({"role": "assistant", "content": ""}, False),
        ({"content": "Hi"}, True),
        ({"reasoning_content": "Hm"}, True),
        ({"reasoning": "Hm"}, True),
        ({"tool_calls": [{"function": {"name": "add"}}]}, True),
    ],
)
def test_a_reasoning_token_is_a_token_and_a_role_is_none(delta: dict[str, Any], is_token: bool) -> None:
    stream = unimeter.watch(iter([{"choices": [{"delta": delta}]}, LAST]))
    assert len(list(stream)) == 2
    assert (stream.reading.metrics.time_to_first_token is not None) is is_token


def test_a_break_a_close_and_an_error_leave_what_is_known() -> None:
    def broken() -> Iterator[Any]:
        yield {**WORD, "usage": USAGE}
        raise ConnectionResetError("reset")

    stream = unimeter.watch(iter([{**WORD, "usage": USAGE}, *CHUNKS]))
    for _ in stream:
        break
    assert not stream.reading.complete
    assert stream.reading.metrics.input_tokens == 9
    assert stream.reading.metrics.duration is not None
    assert len(list(stream)) == 5  # the program may go on
    assert stream.reading.complete

    failing = unimeter.watch(broken())
    with pytest.raises(ConnectionResetError, match="reset"):
        list(failing)
    assert not failing.reading.complete

    def consume() -> None:
        for _ in consumed:
            raise KeyError("mine")

    consumed = unimeter.watch(Stream([{**WORD, "usage": USAGE}, STOP]))
    with pytest.raises(KeyError, match="mine"):
        consume()
    assert not consumed.reading.complete

    generator = unimeter.watch(broken())
    assert next(generator)
    generator.close()
    assert not generator.reading.complete


def test_without_usage_it_says_how_to_ask() -> None:
    stream = unimeter.watch(iter([ROLE, WORD, STOP]))
    with pytest.raises(unimeter.MissingUsage, match="nothing was read"):
        _ = stream.reading
    list(stream)
    with pytest.raises(unimeter.MissingUsage, match="include_usage"):
        _ = stream.reading


def test_what_is_no_stream_is_said() -> None:
    async def later() -> Any:
        return iter(CHUNKS)

    coroutine = later()
    with pytest.raises(TypeError, match=r"watch\(await"):
        unimeter.watch(coroutine)
    coroutine.close()
    for value in (7, None, "text", b"text"):
        with pytest.raises(TypeError, match="is no stream"):
            unimeter.watch(value)
    with pytest.raises(TypeError, match="give the stream in it"):
        unimeter.watch({"stream": iter(())})
    with pytest.raises(unimeter.UnknownProvider):
        unimeter.watch(iter(CHUNKS), "nobody")


def test_asynchronous_streams() -> None:
    async def generator() -> AsyncIterator[Any]:
        for chunk in CHUNKS:
            yield chunk

    async def run() -> None:
        watched = unimeter.watch(AsyncStream(CHUNKS))
        async with watched as stream:
            assert [chunk async for chunk in stream] == CHUNKS
        assert watched.closed
        assert watched.reading.complete
        of_generator = unimeter.watch(generator())
        assert await anext(of_generator) is ROLE
        assert [chunk async for chunk in of_generator] == CHUNKS[1:]
        assert of_generator.reading.metrics.total_tokens == 11

    asyncio.run(run())


def test_a_cancelled_task_leaves_what_is_known() -> None:
    async def endless() -> AsyncIterator[Any]:
        yield {**WORD, "usage": USAGE}
        await asyncio.sleep(3600)

    async def run() -> None:
        stream = unimeter.watch(endless())

        async def consume() -> None:
            async for _ in stream:
                pass

        task = asyncio.create_task(consume())
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not stream.reading.complete
        assert stream.reading.metrics.input_tokens == 9

    asyncio.run(run())


STREAMED = {
    name: fixture for name, fixture in FIXTURES.items() if fixture.wire.content_type == "text/event-stream" and fixture.events
}


@pytest.mark.parametrize("case", STREAMED.values(), ids=STREAMED)
def test_pieces_and_lines_read_as_the_body(case: Fixture) -> None:
    """Whoever reads a body by itself watches its bytes, or its lines."""
    body = case.bytes()

    def outcome(read: Any) -> Any:
        try:
            reading = read()
        except unimeter.UnimeterError as error:
            return type(error)
        reading.metrics.duration = reading.metrics.time_to_first_token = None
        return reading

    def watched(chunks: list[Any]) -> Any:
        stream = unimeter.watch(iter(chunks), case.wire.provider, url=case.url)
        list(stream)
        return stream.reading

    whole = outcome(lambda: unimeter.read(body, case.wire.provider, url=case.url))
    assert outcome(lambda: watched([body[at : at + 7] for at in range(0, len(body), 7)])) == whole
    assert outcome(lambda: watched(body.decode().splitlines())) == whole
    assert outcome(lambda: watched(body.splitlines())) == whole
    text = body.decode()
    assert outcome(lambda: watched([text[at : at + 9] for at in range(0, len(text), 9)])) == whole


def test_memory_does_not_grow_with_the_stream() -> None:
    def endless(count: int) -> Iterator[Any]:
        for i in range(count):
            yield {
                "id": "x",
                "choices": [{"delta": {"content": f"{i}" * 50}}],
                "usage": {"prompt_tokens": 9, "completion_tokens": i},
            }
        yield STOP

    def peak(count: int) -> int:
        stream = unimeter.watch(endless(count))
        tracemalloc.start()
        try:
            for _ in stream:
                pass
            assert stream.reading.metrics.output_tokens == count - 1
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(1000)
    assert peak(20_000) < peak(1000) * 1.2


def test_a_response_in_pieces() -> None:
    """Not a stream at all, or one as a JSON array: it is told at its end."""
    answer = {"object": "chat.completion", "choices": [], "usage": USAGE}
    for body in (json.dumps(answer), json.dumps([*CHUNKS], indent=1), json.dumps(answer, indent=1)):
        stream = unimeter.watch(iter([body[at : at + 5].encode() for at in range(0, len(body), 5)]))
        assert "".join(piece.decode() for piece in stream) == body
        assert stream.reading.metrics.total_tokens == 11
        assert stream.reading.complete


def test_what_cannot_be_read_is_said_at_the_reading_and_not_before() -> None:
    pieces = [b"data: {broken\n\n", b'data: {"a": 1}\n\n', b"data: {}\n\n"]
    stream = unimeter.watch(iter(pieces))
    assert list(stream) == pieces
    with pytest.raises(unimeter.MalformedUsage):
        _ = stream.reading


def test_an_sdks_response_is_no_stream() -> None:
    class Response(BaseModel):
        usage: dict[str, int] = USAGE

    with pytest.raises(TypeError, match="is no stream"):
        unimeter.watch(Response())


def timeless(stream: Any) -> unimeter.Reading:
    """A stream's reading without its times."""
    reading = stream.reading
    reading.metrics.duration = reading.metrics.time_to_first_token = None
    return reading


class Slotted:
    __slots__ = ("chunks",)

    def __init__(self) -> None:
        self.chunks = iter(CHUNKS)

    def __iter__(self) -> Slotted:
        return self

    def __next__(self) -> Any:
        return next(self.chunks)

    def __enter__(self) -> Slotted:
        return self

    def __exit__(self, *_: object) -> None: ...


class Refusing(Stream):
    """Its class may not be inherited from."""

    def __init_subclass__(cls) -> None:
        raise RuntimeError("final")


class WithReading(Stream):
    reading = "its own"


class Restless(Stream):
    """Iterated by its own `next`."""

    def __iter__(self) -> Iterator[Any]:
        while True:
            try:
                yield next(self)
            except StopIteration:
                return


@pytest.mark.parametrize("kind", [Slotted, lambda: Refusing(CHUNKS), lambda: WithReading(CHUNKS), lambda: Restless(CHUNKS)])
def test_classes_that_are_not_like_others(kind: Any) -> None:
    original = kind()
    before = type(original)
    with unimeter.watch(original) as stream:
        assert isinstance(stream, before)
        assert list(stream) == CHUNKS
    assert stream.reading.metrics.total_tokens == 11
    assert len(stream._unimeter_watching._hearing.events) <= len(CHUNKS)  # none is heard twice
    assert unimeter.watch(stream) is stream


def test_what_a_manager_gives_and_is_no_stream_stays_as_it_is() -> None:
    for value in (None, 7, "text", {"a": 1}):
        with unimeter.watch(Manager(value)) as given:
            assert given is value


def test_a_copy_is_not_watched() -> None:
    stream = unimeter.watch(Stream(CHUNKS))
    state = copy.copy(stream)
    assert type(state) is Stream
    assert "_unimeter_watching" not in vars(state)
    assert repr(copy.copy(unimeter.watch(iter(CHUNKS)))).startswith("<list_iterator")


def test_events_that_fail_when_they_are_looked_at_reach_nobody() -> None:
    class Odd:
        choices = ()

        def __eq__(self, other: object) -> bool:
            raise RuntimeError("odd")

        __hash__ = None  # type: ignore[assignment]

    chunks = [Odd() for _ in range(600)]
    stream = unimeter.watch(iter(chunks), "openai-chat")
    assert [id(chunk) for chunk in stream] == [id(chunk) for chunk in chunks]
    with pytest.raises(unimeter.UnimeterError):
        _ = stream.reading


@pytest.mark.parametrize("before", [0, 3, 4, 8, 40])
def test_a_stream_that_begins_with_what_nobody_knows(before: int) -> None:
    usage = {"input_tokens": 10, "output_tokens": 1}
    start = {"type": "message_start", "message": {"type": "message", "id": "m", "model": "c", "usage": usage}}
    events = [{"type": "ping"}] * before
    events += [start, *[{"type": "content_block_delta", "delta": {"text": f"{i}"}} for i in range(700)]]
    events += [{"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 7}}]
    events += [{"type": "message_stop"}]
    stream = unimeter.watch(iter(events))
    list(stream)
    assert told(timeless(stream)) == told(unimeter.read(events))
    assert (stream.reading.metrics.input_tokens, stream.reading.metrics.output_tokens) == (10, 7)


def test_equal_answers_in_one_stream_are_calls_of_their_own() -> None:
    word, last = (
        {"model": "m", "response": "x", "done": False},
        {"model": "m", "done": True, "prompt_eval_count": 4, "eval_count": 5},
    )
    events = ([word] * 300 + [last]) * 3
    stream = unimeter.watch(iter([dict(event) for event in events]))
    list(stream)
    assert told(timeless(stream)) == told(unimeter.read(events))
    assert stream.reading.metrics.total_tokens == 27
