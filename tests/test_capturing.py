"""`capture`: what it hears, in which run it counts it, and that the program never notices."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

import unimeter
from unimeter import Run, Session, unharmed
from unimeter.adapters.anthropic import Anthropic
from unimeter.adapters.gemini import Gemini
from unimeter.adapters.openai_chat import OpenAIChat
from unimeter.adapters.openai_responses import OpenAIResponses
from unimeter.capturing import metered, taps
from unimeter.capturing.exchange import Exchange
from unimeter.capturing.hosts import Hosts
from unimeter.capturing.sifting import sift_for
from unimeter.fixture import Fixture, sse
from unimeter.recognise import recogniser
from unimeter.testing.subject import told

URL = "https://api.openai.com/v1/chat/completions"
USAGE = {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}
ANSWER = {"object": "chat.completion", "model": "m", "choices": [], "usage": USAGE}


def word(text: str) -> dict[str, Any]:
    return {"object": "chat.completion.chunk", "model": "m", "choices": [{"delta": {"content": text}, "finish_reason": None}]}


STOP = {**word(""), "choices": [{"delta": {}, "finish_reason": "stop"}]}
STREAM = [word(""), word("Hello"), word("!"), STOP, {**ANSWER, "object": "chat.completion.chunk"}, "[DONE]"]

Answer = Callable[[httpx.Request], httpx.Response]


class Pieces(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body that comes in pieces, as off the wire."""

    def __init__(self, pieces: list[bytes], error: Exception | None = None) -> None:
        self.pieces = pieces
        self.error = error
        self.closed = False

    def __iter__(self) -> Iterator[bytes]:
        yield from self.pieces
        if self.error:
            raise self.error

    async def __aiter__(self) -> Any:
        for piece in self.pieces:
            await asyncio.sleep(0)
            yield piece
        if self.error:
            raise self.error

    def close(self) -> None:
        self.closed = True

    async def aclose(self) -> None:
        self.closed = True


def streamed(events: list[Any] = STREAM, error: Exception | None = None) -> httpx.Response:
    body = sse(events)
    pieces = [body[at : at + 50] for at in range(0, len(body), 50)]
    return httpx.Response(200, headers={"content-type": "text/event-stream"}, stream=Pieces(pieces, error))


def client(answer: Answer | Any = ANSWER) -> httpx.Client:
    return httpx.Client(transport=httpx.MockTransport(answer if callable(answer) else lambda _: httpx.Response(200, json=answer)))


def counts(run: Run) -> tuple[int, int]:
    """The calls of a run, and those of them that told no usage."""
    extra = run.metrics.additional_metrics or {}
    return extra.get("calls", 0), extra.get("calls_without_usage", 0)


@pytest.fixture(autouse=True)
def _nothing_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unharmed, "_said", set())


@pytest.fixture
def clients() -> Iterator[httpx.Client]:
    with client() as made:
        yield made


# what is heard --------------------------------------------------------------------------------------------------------


def test_a_call_is_counted(clients: httpx.Client) -> None:
    session = Session()
    with unimeter.capture(session=session) as run:
        response = clients.post(URL, json={})
    assert response.json() == ANSWER
    assert counts(run) == (1, 0)
    assert run.metrics.total_tokens == session.metrics.total_tokens == 11
    (message,) = run.messages
    assert (message.reading.provider, message.reading.model) == ("OpenAI Chat", "m")
    assert message.duration is not None
    clients.post(URL, json={})
    assert counts(run) == (1, 0)


def test_a_stream_is_counted_with_its_first_token() -> None:
    with client(lambda _: streamed()) as made, unimeter.capture() as run, made.stream("POST", URL, json={}) as response:
        assert b"".join(response.iter_bytes()) == sse(STREAM)
    (message,) = run.messages
    assert message.reading.complete
    assert 0 <= message.time_to_first_token <= message.duration


@pytest.mark.parametrize(
    ("method", "url", "answer"),
    [
        ("GET", URL, ANSWER),
        ("POST", "https://api.openai.com/v1/files", {"object": "file", "id": "x"}),
        ("POST", "https://api.anthropic.com/v1/messages/count_tokens", {"input_tokens": 12}),
        ("POST", "https://api.anthropic.com/v1/messages/batches", {"type": "message_batch", "id": "x"}),
        ("POST", "https://api.openai.com/v1/responses/input_tokens", {"object": "response.input_tokens", "input_tokens": 11}),
        ("POST", "https://generativelanguage.googleapis.com/v1beta/models/g:countTokens", {"totalTokens": 31}),
        ("POST", "https://acme.example/users", ANSWER),
        ("POST", "https://acme.example/survey/1/responses", {"ok": True}),
        ("POST", "https://acme.example/workflow/invoke", {"ok": True}),
        ("POST", "https://acme.example/v1/messages", {"sent": 3}),
    ],
)
def test_what_is_no_answer_of_a_model_is_not_counted(method: str, url: str, answer: Any) -> None:
    with client(answer) as made, unimeter.capture() as run:
        made.request(method, url)
    assert run.messages == []


def test_what_failed_is_not_counted_and_a_retry_is_a_call_of_its_own() -> None:
    answers = iter([httpx.Response(429, json={"error": {}}), httpx.Response(200, json=ANSWER)])
    with client(lambda _: next(answers)) as made, unimeter.capture() as run:
        while made.post(URL).status_code != 200:
            pass
    assert counts(run) == (1, 0)

    def refused(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    with client(refused) as made, unimeter.capture() as run, pytest.raises(httpx.ConnectError, match="refused"):
        made.post(URL)
    gc.collect()
    assert run.messages == []


def test_exchanges_under_one_id_are_a_call_each() -> None:
    with client({**ANSWER, "id": "x"}) as made, unimeter.capture() as run:
        made.post(URL)
        made.post(URL)
    assert counts(run) == (2, 0)


@pytest.mark.parametrize("response_id", ["fixed", None])
def test_what_is_captured_and_recorded_is_one_call(response_id: str | None) -> None:
    answer = {**ANSWER, "id": response_id}
    with client(answer) as made, unimeter.capture() as run:
        for _ in range(10):
            run.record(made.post(URL).json())
    assert counts(run) == (10, 0)
    with client(answer) as made, unimeter.capture() as run:  # max(n, m) calls, in whichever order they are observed
        run.record(answer)
        for _ in range(3):
            made.post(URL)
        run.record(answer)
    assert counts(run) == (3, 0)


def test_a_call_without_usage_is_one() -> None:
    with client(lambda _: streamed(STREAM[:4])) as made, unimeter.capture() as run:
        made.post(URL)
    assert counts(run) == (1, 1)


@pytest.mark.parametrize("hosts", [{"llm.acme.example": "groq"}, {"https://llm.acme.example/own/": "groq"}])
def test_a_host_of_ones_own(hosts: dict[str, str]) -> None:
    with client() as made, unimeter.capture(hosts=hosts) as run:
        made.post("https://llm.acme.example/own/way")
        made.post("https://llm.acme.examples/own/way")
    assert [message.reading.provider for message in run.messages] == ["Groq"]
    with client() as made, unimeter.capture(hosts={"api.openai.com": None}) as run:
        made.post(URL)
    assert run.messages == []
    with pytest.raises(unimeter.UnknownProvider):
        unimeter.capture(hosts={"x": "nobody"})


def test_a_server_on_localhost_is_known_by_its_marks() -> None:
    with client({**ANSWER, "timings": {"prompt_n": 1}}) as made, unimeter.capture() as run:
        made.post("http://localhost:8080/v1/chat/completions")
    assert run.messages[0].reading.provider == "llama.cpp"


# where it is counted --------------------------------------------------------------------------------------------------


def test_nested_captures_and_runs(clients: httpx.Client) -> None:
    with unimeter.capture() as outer:
        clients.post(URL)
        with Run() as step:
            clients.post(URL)
            with unimeter.capture() as inner:
                clients.post(URL)
        with Run(nested=False) as own:
            clients.post(URL)
    assert [counts(run)[0] for run in (outer, step, inner, own)] == [4, 2, 1, 1]


def test_captures_that_overlap(clients: httpx.Client) -> None:
    one, two = unimeter.capture(), unimeter.capture()
    one.start()
    two.start()
    clients.post(URL)
    one.stop()
    clients.post(URL)
    two.stop()
    clients.post(URL)
    assert (counts(one)[0], counts(two)[0]) == (2, 2)  # the second began inside the first
    assert Run.current() is None
    one.stop()
    with pytest.raises(RuntimeError, match="entered once"):
        one.start()


def test_threads_pools_and_tasks_take_the_run_along(clients: httpx.Client) -> None:
    async def tasks() -> None:
        await asyncio.gather(*(asyncio.to_thread(clients.post, URL) for _ in range(3)))

    with ThreadPoolExecutor(2) as early, unimeter.capture() as run:
        thread = threading.Thread(target=clients.post, args=(URL,))
        thread.start()
        thread.join()
        list(early.map(lambda _: clients.post(URL), range(3)))
        asyncio.run(tasks())
    assert counts(run)[0] == 7
    assert "run" not in vars(thread)


def test_concurrent_captures_do_not_mix() -> None:
    def one(number: int) -> tuple[int, int]:
        usage = {"prompt_tokens": number, "completion_tokens": 0}
        with client({**ANSWER, "usage": usage}) as made, unimeter.capture() as run:
            for _ in range(5):
                made.post(URL)
        return counts(run)[0], run.metrics.input_tokens

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(one, range(40))) == [(5, 5 * number) for number in range(40)]

    async def task(number: int) -> tuple[int, int]:
        answer = {**ANSWER, "usage": {"prompt_tokens": number, "completion_tokens": 0}}
        transport = httpx.MockTransport(lambda _: httpx.Response(200, json=answer))
        async with httpx.AsyncClient(transport=transport) as made, unimeter.capture() as run:
            for _ in range(5):
                await made.post(URL)
                await asyncio.sleep(0)
        return counts(run)[0], run.metrics.input_tokens

    async def tasks() -> list[tuple[int, int]]:
        return await asyncio.gather(*map(task, range(20)))

    assert asyncio.run(tasks()) == [(5, 5 * number) for number in range(20)]


def test_a_call_block_inside_a_capture_is_one_call(clients: httpx.Client) -> None:
    with unimeter.capture() as run:
        with run.call("memory_model"):
            clients.post(URL)
        with run.call("memory_model") as call:
            reading = call.record(clients.post(URL).json())
        with Run() as step, step.call("parser_model") as call:
            call.record(clients.post(URL).json())
        with run.call("output_model") as call:  # over a wire that nobody hears
            call.record(ANSWER)
        with run.call("output_model"):
            pass
    assert reading is not None
    assert reading.metrics.total_tokens == 11
    assert [message.model_type for message in run.messages] == ["memory_model"] * 2 + ["parser_model"] + ["output_model"] * 2
    assert counts(run) == (5, 1)


def test_a_runs_first_token_is_when_it_came_and_not_when_it_was_recorded() -> None:
    with unimeter.capture() as run, client(lambda _: streamed()) as made, made.stream("POST", URL) as response:
        list(response.iter_bytes())
        read_after = run.metrics.duration
        time.sleep(0.05)
    assert run.metrics.time_to_first_token <= read_after
    with Run() as watched:
        stream = unimeter.watch(iter([word("Hello"), STREAM[-2]]))
        list(stream)
        read_after = watched.metrics.duration
        time.sleep(0.05)
        watched.record(stream.reading)
    assert watched.metrics.time_to_first_token <= read_after


def test_what_is_read_at_once_has_no_first_token() -> None:
    with client(lambda _: streamed()) as made, unimeter.capture() as run:
        made.post(URL)
    assert run.messages[0].reading.complete
    assert run.messages[0].time_to_first_token is None


# streams that are not read to their end -------------------------------------------------------------------------------

CUT = [{**word("Hello"), "usage": USAGE}, *STREAM]


def test_what_is_left_open_is_counted_as_not_complete() -> None:
    body = Pieces([sse([event]) for event in CUT])
    response = httpx.Response(200, headers={"content-type": "text/event-stream"}, stream=body)
    with client(lambda _: response) as made, unimeter.capture() as run:
        pieces = made.send(made.build_request("POST", URL), stream=True).iter_raw()
        next(pieces)
    assert [message.reading.complete for message in run.messages] == [False]
    assert b"DONE" in b"".join(pieces)
    assert counts(run) == (1, 0)


@pytest.mark.parametrize("how", ["close", "drop", "error"])
def test_a_stream_that_is_cut(how: str) -> None:
    error = httpx.ReadError("reset") if how == "error" else None
    response = httpx.Response(
        200, headers={"content-type": "text/event-stream"}, stream=Pieces([sse([event]) for event in CUT[:2]], error)
    )
    with client(lambda _: response) as made, unimeter.capture() as run:
        opened = made.send(made.build_request("POST", URL), stream=True)
        pieces = opened.iter_raw()
        next(pieces)
        if how == "close":
            opened.close()
        elif how == "error":
            with pytest.raises(httpx.ReadError, match="reset"):
                list(pieces)
        else:
            del response, opened, pieces
            made = None  # type: ignore[assignment]  # all that holds it
            gc.collect()
        assert counts(run) == (1, 0)
        assert not run.messages[0].reading.complete


def test_what_the_collector_is_about_to_end_is_counted_when_the_capture_ends() -> None:
    """In another thread it may have let go of a stream that nobody closed, and not have come to ending it."""
    with unimeter.capture() as run:
        call = run._hears("POST", URL)
        assert call is not None
        call.answered(200, {"content-type": "text/event-stream"})
        call.hear(sse(CUT[:1]))
        del call
        gc.collect()
    assert counts(run) == (1, 0)


def test_no_more_is_held_than_what_is_still_heard() -> None:
    with unimeter.capture() as run:
        for status in (200, 500):
            exchange = Exchange([ear for ear in [run._hears("POST", URL)] if ear is not None])
            exchange.answered(status, {"content-type": "application/json"})
            exchange.feed(json.dumps(ANSWER).encode())
            assert len(run._open) == (status == 200)
            exchange.end()
            assert not run._open
        Exchange([ear for ear in [run._hears("POST", URL)] if ear is not None])  # nobody answers, and it is dropped
        assert not run._open
    assert counts(run) == (1, 0)


def test_whether_a_call_counts_is_known_when_it_is_settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """A framework that tells of the same call in another thread, meanwhile, must not count it again."""
    told_of = Hosts({}).told("POST", URL)
    assert told_of is not None
    call = metered.MeteredCall(told_of, lambda *_: None)
    call.answered(200, {"content-type": "application/json"})
    call.hear(json.dumps(ANSWER).encode())
    begun, go_on = threading.Event(), threading.Event()
    reading = call._reading

    def slowly() -> Any:
        begun.set()
        go_on.wait(5)
        return reading()

    monkeypatch.setattr(call, "_reading", slowly)
    with ThreadPoolExecutor(2) as pool:
        pool.submit(call.end, whole=True)
        assert begun.wait(5)
        asked = pool.submit(lambda: call.counts)
        time.sleep(0.05)
        go_on.set()
        assert asked.result(5)


def test_a_task_that_is_closed_while_it_waits_for_an_answer() -> None:
    async def never(_: httpx.Request) -> httpx.Response:
        await asyncio.sleep(3600)
        raise AssertionError

    async def ask() -> None:
        async with httpx.AsyncClient(transport=httpx.MockTransport(never)) as made:
            with unimeter.capture():
                await made.post(URL)

    loop = asyncio.new_event_loop()
    coroutine = ask()
    task = loop.create_task(coroutine)
    loop.run_until_complete(asyncio.sleep(0.01))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        loop.run_until_complete(task)
    loop.close()
    assert not taps._listeners


# what the program sees ------------------------------------------------------------------------------------------------


def test_everything_is_restored() -> None:
    before = (httpx.Client.send, httpx.AsyncClient.send, threading.Thread.start, ThreadPoolExecutor.submit)
    with unimeter.capture():
        assert httpx.Client.send is not before[0]
        with unimeter.capture():
            pass
        assert httpx.Client.send is not before[0]
    assert (httpx.Client.send, httpx.AsyncClient.send, threading.Thread.start, ThreadPoolExecutor.submit) == before


def test_who_patched_ours_keeps_theirs(clients: httpx.Client) -> None:
    original = httpx.Client.send
    capture = unimeter.capture()
    capture.start()
    ours = httpx.Client.send

    def theirs(*arguments: Any, **options: Any) -> Any:
        return ours(*arguments, **options)

    httpx.Client.send = theirs
    try:
        capture.stop()
        assert httpx.Client.send is theirs
        assert clients.post(URL).status_code == 200
    finally:
        httpx.Client.send = original
    assert counts(capture) == (0, 0)


@pytest.mark.parametrize(
    ("owner", "name"),
    [(metered.MeteredCall, "hear"), (metered.MeteredCall, "settle"), (metered.MeteredCall, "answered"), (Run, "record")],
)
def test_a_failure_inside_never_reaches_the_program(
    owner: Any, name: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("ours")

    monkeypatch.setattr(owner, name, fail)
    with caplog.at_level(logging.WARNING), client(lambda _: streamed()) as made, unimeter.capture():
        for _ in range(3):
            with made.stream("POST", URL, json={"secret": "Hello"}) as response:
                assert b"".join(response.iter_bytes()) == sse(STREAM)
    said = [record.getMessage() for record in caplog.records]
    assert any("unimeter failed" in message for message in said)
    assert len({*said}) == len(said)
    assert "Hello" not in caplog.text


def test_a_malformed_answer_is_said_once_and_without_its_text(caplog: pytest.LogCaptureFixture) -> None:
    bad = {**ANSWER, "usage": {**USAGE, "prompt_tokens": "Hello"}}
    with caplog.at_level(logging.WARNING), client(bad) as made, unimeter.capture() as run:
        made.post(URL)
        made.post(URL)
    assert counts(run) == (2, 2)
    assert len(caplog.records) == 1
    assert "prompt_tokens" in caplog.text
    assert "Hello" not in caplog.text


def test_a_body_is_not_kept() -> None:
    secret = "a prompt that nobody else may read"
    kept: list[metered.MeteredCall] = []
    of = metered.MeteredCall.__init__

    def init(self: Any, *arguments: Any, **options: Any) -> None:
        of(self, *arguments, **options)
        kept.append(self)

    events = [word(secret)] * 2000 + STREAM
    with pytest.MonkeyPatch.context() as patch, client(lambda _: streamed(events)) as made, unimeter.capture() as run:
        patch.setattr(metered.MeteredCall, "__init__", init)
        made.post(URL)
    (call,) = kept
    assert len(call._hearing.events) < 300
    assert run.messages[0].reading.complete
    assert secret not in repr(run.messages)


def test_a_call_within_a_call_is_heard(clients: httpx.Client) -> None:
    """A hook of the program's own, or an application that runs in the process, may call a model while a request is made."""
    other = "https://api.anthropic.com/v1/messages"

    def app(_: httpx.Request) -> httpx.Response:
        clients.post(other)
        return httpx.Response(200, json=ANSWER)

    with client(app) as made, unimeter.capture() as run:
        made.post(URL)
    assert counts(run) == (2, 0)


# usage that is asked for ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        ({"stream": True}, {"stream": True, "stream_options": {"include_usage": True}}),
        ({"stream": True, "stream_options": {"x": 1}}, {"stream": True, "stream_options": {"x": 1, "include_usage": True}}),
        ({"stream": True, "stream_options": {"include_usage": False}}, None),
        ({"stream": False}, None),
        ({}, None),
    ],
)
def test_usage_is_asked_for(asked: Any, sent: Any) -> None:
    bodies: list[bytes] = []

    def answer(request: httpx.Request) -> httpx.Response:
        assert request.headers["content-length"] == str(len(request.content))
        assert request.headers["authorization"] == "x"
        bodies.append(request.content)
        return streamed()

    with client(answer) as made, unimeter.capture(inject_usage=True):
        made.post(URL, json=asked, headers={"authorization": "x"})
        made.post("https://api.anthropic.com/v1/messages", json=asked, headers={"authorization": "x"})
    assert [json.loads(body) for body in bodies] == [sent or asked, asked]


def test_nothing_is_asked_for_unless_it_is_wanted() -> None:
    bodies: list[bytes] = []

    def answer(request: httpx.Request) -> httpx.Response:
        bodies.append(request.content)
        return streamed()

    with client(answer) as made, unimeter.capture():
        made.post(URL, content=b'{"stream": true}')
    assert bodies == [b'{"stream": true}']


# hooks ----------------------------------------------------------------------------------------------------------------


def test_hooks_of_a_client() -> None:
    run, other = Run(), Run()
    one, two = unimeter.httpx_hooks(run), unimeter.httpx_hooks(other)
    hooks = {name: one[name] + two[name] for name in one}
    transport = httpx.MockTransport(lambda _: streamed())
    with httpx.Client(transport=transport, event_hooks=hooks) as made, made.stream("POST", URL) as response:
        assert b"".join(response.iter_bytes()) == sse(STREAM)

    async def ask() -> None:
        async with httpx.AsyncClient(transport=transport, event_hooks=hooks) as made:
            assert (await made.post(URL)).content == sse(STREAM)
            await made.get("https://acme.example/")

    asyncio.run(ask())
    assert counts(run) == counts(other) == (2, 0)
    own = Run()
    with (
        unimeter.capture() as capture,
        own,
        httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200, json=ANSWER))) as made,
    ):
        made.event_hooks = unimeter.httpx_hooks(own)
        made.post(URL)
    assert counts(own) == counts(capture) == (1, 0)
    with unimeter.capture() as capture, pytest.raises(TypeError, match="hears by itself"):
        unimeter.httpx_hooks(capture)


# a body as it goes by --------------------------------------------------------------------------------------------------


def heard_of(fixture: Fixture, body: bytes, size: int) -> Any:
    """What a call tells whose body comes in pieces of a size; the name of an error where it tells nothing."""
    found: list[Any] = []
    told_by = Hosts({"own.example": fixture.wire.provider or fixture.expected.provider or ""})
    told_of = told_by.told("POST", f"https://own.example{fixture.wire.path}")
    assert told_of is not None
    call = metered.MeteredCall(told_of, lambda reading, *_: found.append(reading))
    call.answered(200, {**fixture.wire.headers, "content-type": fixture.wire.content_type})
    for at in range(0, len(body), size):
        call.hear(body[at : at + size])
    call.end(whole=True)
    return told(found[0]) if found and found[0] is not None else None


def longer(fixture: Fixture) -> bytes:
    """A stream's body with every event a hundred times that is neither its first nor among its last three."""
    events = fixture.events or []
    middle = [event for event in events[1:-3] for _ in range(100)]
    return with_events(fixture, [*events[:1], *middle, *events[-3:]] if len(events) > 4 else events)


def with_events(fixture: Fixture, events: list[Any]) -> bytes:
    return fixture.model_copy(update={"events": events}).bytes()


def read_of(fixture: Fixture, body: bytes) -> Any:
    provider = fixture.wire.provider or fixture.expected.provider or None
    try:
        return told(unimeter.read(body, provider, url=fixture.wire.path, headers=fixture.wire.headers or None))
    except unimeter.UnimeterError:
        return None


@pytest.mark.parametrize("size", [7, 1000, 10**9])
def test_a_body_that_goes_by_is_read_as_one_that_is_there(read_fixture: Fixture, size: int) -> None:
    if read_fixture.wire.headers or read_fixture.wire.provider or "/batches/" in read_fixture.wire.path:
        return  # a host of one's own names whose it is, and not which dialect the caller meant; a batch is fetched
    assert heard_of(read_fixture, read_fixture.bytes(), size) == read_fixture.expected
    if read_fixture.events is not None and read_fixture.name != "aws_bedrock/agent_stream":
        body = longer(read_fixture)
        assert heard_of(read_fixture, body, size) == read_of(read_fixture, body)


def test_what_is_sifted_out_tells_nothing() -> None:
    """What stands beside the usage is needed when it changes, also when it changes back."""
    sift = sift_for(OpenAIChat, recogniser())
    assert sift is not None
    tiers = [None, "a", "a", "b", "b", "a", "a", None]
    events = [{**word(f"{i}"), "usage": None, "service_tier": tier} for i, tier in enumerate(tiers)]
    needed = sift([json.dumps(event).encode() for event in events])
    assert [json.loads(data)["service_tier"] for data in needed] == ["a", "b", "a"]
    for event in (STOP, STREAM[4], {"error": {}}, {"x_groq": {"usage": {}}}, {**word("x"), "usage": {"prompt_tokens": 0}}):
        assert sift([json.dumps(event).encode()])
    assert sift([b'{"choices": "odd"}', b"{"]) == [b'{"choices": "odd"}', b"{"]
    assert sift_for(Anthropic, recogniser()) is None


@pytest.mark.parametrize(
    ("root", "needed"),
    [
        (Gemini, {"candidates": [{"finishReason": "STOP"}]}),
        (Gemini, {"candidates": [{"finish_reason": "STOP"}]}),
        (Gemini, {"promptFeedback": {}}),
        (OpenAIResponses, {"type": "response.completed"}),
        (OpenAIResponses, {"type": "response.incomplete"}),
        (OpenAIResponses, {"type": "response.failed"}),
        (OpenAIResponses, {"type": "response.done"}),
    ],
    ids=str,
)
def test_every_end_of_a_stream_is_needed(root: Any, needed: Any) -> None:
    """Whichever of the words for it a server uses."""
    sift = sift_for(root, recogniser())
    assert sift is not None
    dull = json.dumps({"type": "response.output_text.delta", "candidates": [{}], "delta": "x"}).encode()
    data = json.dumps(needed).encode()
    assert sift([dull, data, dull]) == [data]


def test_who_replaces_what_a_thread_does_finds_a_method(clients: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Instrumentations call the function of `Thread.run` with the thread."""
    start = threading.Thread.start

    def instrumented(thread: threading.Thread) -> None:
        function = getattr(thread.run, "__func__", thread.run)
        monkeypatch.setattr(thread, "run", lambda: function(thread))
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", instrumented)
    with unimeter.capture() as run:
        thread = threading.Thread(target=clients.post, args=(URL,))
        thread.start()
        thread.join()
    assert counts(run) == (1, 0)


@pytest.mark.parametrize("is_taken_away", [True, False])
def test_a_tap_that_was_taken_away_is_said(is_taken_away: bool, clients: httpx.Client, caplog: pytest.LogCaptureFixture) -> None:
    original = httpx.Client.send
    with unimeter.capture() as run:
        ours = httpx.Client.send

        def around(client: httpx.Client, request: httpx.Request, **options: Any) -> httpx.Response:
            return ours(client, request, **options)

        httpx.Client.send = original if is_taken_away else around  # type: ignore[method-assign, assignment]
        clients.post(URL)
    httpx.Client.send = original  # type: ignore[method-assign]
    assert len(run.messages) == int(not is_taken_away)
    assert any("httpx.Client.send was replaced" in record.getMessage() for record in caplog.records) == is_taken_away


def test_an_id_that_stands_in_a_header_is_the_responses() -> None:
    """boto3 hands it on, and the body has none."""
    url = "https://bedrock-runtime.us-east-1.amazonaws.com/model/amazon.nova-lite-v1%3A0/converse"
    body = {
        "output": {"message": {}},
        "stopReason": "end_turn",
        "usage": {"inputTokens": 9, "outputTokens": 2, "totalTokens": 11},
    }
    answer = httpx.Response(200, headers={"x-amzn-RequestId": "request-1"}, json=body)
    with client(lambda _: answer) as made, unimeter.capture() as run:
        made.post(url)
        run.record({**body, "ResponseMetadata": {"RequestId": "request-1", "HTTPStatusCode": 200}})
    assert counts(run) == (1, 0)
    assert run.messages[0].reading.id == "request-1"
