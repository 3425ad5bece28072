"""Calls that several channels observe count once; calls that one channel observes count each."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from typing import Any

import httpx
import pytest

import unimeter
from unimeter import Reading, Run, Session
from unimeter.errors import MalformedUsage
from unimeter.fixture import sse
from unimeter.integrations.listener import Listener

URL = "https://api.openai.com/v1/chat/completions"
OWN, CONSTANT, COLLIDING, NONE = "own ids", "one constant id", "colliding ids", "no ids"
CALLS = 6
CHANNELS = [
    channels
    for size in (1, 2, 3)
    for channels in product(("capture", "block", "hook", "record"), repeat=size)
    if list(channels) == sorted(set(channels)) and not {"block", "hook"} <= set(channels)
]
"""A framework's integration tells of a call in a block around it, or by a hook when the call is over."""


def answer(number: int, ids: str, *, usage: bool = True) -> dict[str, Any]:
    """The response to one call; equal ones where ids are reused."""
    response_id = {OWN: f"id-{number}", CONSTANT: "same", COLLIDING: f"id-{number % 3}", NONE: None}[ids]
    tokens = {OWN: number, CONSTANT: 1, COLLIDING: number % 3, NONE: 1}[ids]
    body = {"object": "chat.completion", "model": "m", "choices": [{"index": 0, "finish_reason": "stop"}]}
    told = {"usage": {"prompt_tokens": 10 + tokens, "completion_tokens": 2}} if usage else {}
    return {**({} if response_id is None else {"id": response_id}), **body, **told}


def chunks(response: dict[str, Any]) -> list[dict[str, Any]]:
    """The same response as a stream's events."""
    usage = response.get("usage")
    head = {name: value for name, value in response.items() if name in ("id", "model")} | {"object": "chat.completion.chunk"}
    words = [{**head, "choices": [{"index": 0, "delta": {"content": word}, "finish_reason": None}]} for word in ("a", "b")]
    end = [{**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}]
    return words + end + ([{**head, "choices": [], "usage": usage}] if usage else [])


class Program:
    """A program whose calls are observed on some channels, in some way."""

    def __init__(self, channels: tuple[str, ...], ids: str, *, streamed: bool, usage: bool) -> None:
        self.channels = channels
        self.responses = [answer(number, ids, usage=usage) for number in range(CALLS)]
        self.streamed = streamed
        self.listener = Listener(channel="one framework")

    def transport(self) -> httpx.MockTransport:
        def answered(request: httpx.Request) -> httpx.Response:
            response = self.responses[int(request.headers["x-number"])]
            if self.streamed:
                return httpx.Response(
                    200, headers={"content-type": "text/event-stream"}, content=sse([*chunks(response), "[DONE]"])
                )
            return httpx.Response(200, json=response)

        return httpx.MockTransport(answered)

    def begin(self, number: int) -> None:
        if "block" in self.channels:
            self.listener.call_begins(number)

    def end(self, run: Run, number: int) -> None:
        response = self.responses[number]
        body = chunks(response) if self.streamed else response
        if "block" in self.channels:
            self.listener.call_ends(number, body)
        if "hook" in self.channels:
            self.listener.call_begins(number)
            self.listener.call_ends(number, body)
        if "record" in self.channels:
            run.record(body)

    def call(self, run: Run, client: httpx.Client, number: int) -> None:
        self.begin(number)
        if "capture" in self.channels:
            client.post(URL, headers={"x-number": str(number)})
        self.end(run, number)

    async def acall(self, run: Run, client: httpx.AsyncClient, number: int) -> None:
        self.begin(number)
        await asyncio.sleep(0)
        if "capture" in self.channels:
            await client.post(URL, headers={"x-number": str(number)})
        await asyncio.sleep(0)
        self.end(run, number)

    def run(self, how: str) -> Run:
        new_run: Any = unimeter.capture if "capture" in self.channels else Run
        if how == "tasks":

            async def main() -> Run:
                async with httpx.AsyncClient(transport=self.transport()) as client, new_run() as run:
                    await asyncio.gather(*(self.acall(run, client, number) for number in range(CALLS)))
                    return run  # type: ignore[no-any-return]

            return asyncio.run(main())
        with httpx.Client(transport=self.transport()) as client, new_run() as run:
            if how == "threads":
                with ThreadPoolExecutor(3) as pool:
                    list(pool.map(run.bound(lambda number: self.call(run, client, number)), range(CALLS)))
            else:
                for number in range(CALLS):
                    self.call(run, client, number)
        return run  # type: ignore[no-any-return]


@pytest.mark.parametrize("usage", [True, False], ids=["with usage", "without"])
@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("how", ["one by one", "threads", "tasks"])
@pytest.mark.parametrize("channels", CHANNELS, ids="+".join)
def test_each_call_counts_once(channels: tuple[str, ...], how: str, streamed: bool, usage: bool) -> None:
    for ids in (OWN, CONSTANT, COLLIDING, NONE):
        program = Program(channels, ids, streamed=streamed, usage=usage)
        metrics = program.run(how).metrics
        counts = metrics.additional_metrics or {}
        assert (counts["calls"], counts["calls_without_usage"]) == (CALLS, 0 if usage else CALLS), ids
        assert metrics.input_tokens == sum((one.get("usage") or {}).get("prompt_tokens", 0) for one in program.responses), ids


def reading(number: int = 1, **changes: Any) -> Reading:
    return unimeter.read({**answer(number, OWN), **changes})


def counts(of: Run | Session) -> tuple[int, int, int]:
    """The calls, those without usage, and the input."""
    extra = of.metrics.additional_metrics or {}
    return extra.get("calls", 0), extra.get("calls_without_usage", 0), of.metrics.input_tokens


# runs ------------------------------------------------------------------------------------------------------------------


def test_runs_beside_one_another_are_not_paired() -> None:
    session = Session()
    with Run(session=session) as outer:
        with Run() as one:
            one.record(reading(), channel="wire")
        with Run() as other:
            other.record(reading())
    assert counts(one) == counts(other) == (1, 0, 11)
    assert counts(outer) == counts(session) == (2, 0, 22)


@pytest.mark.parametrize("channels", [("wire", "record"), ("record", "wire")])
def test_a_run_and_the_one_around_it_are_paired(channels: tuple[str, str]) -> None:
    session = Session()
    with Run(session=session) as outer, Run() as middle:
        with Run() as inner:
            inner.record(reading(), channel=channels[0])
            outer.record(reading(), channel=channels[1])
        with Run() as later:
            outer.record(reading(2), channel=channels[0])
            later.record(reading(2), channel=channels[1])
    assert counts(inner) == (1, 0, 11)
    assert counts(later) == (1, 0, 12)  # the call was made here, as it is known now
    assert counts(outer) == counts(middle) == counts(session) == (2, 0, 23)
    assert [message.reading and message.reading.id for message in later.messages] == ["id-2"]


def test_a_call_that_is_counted_in_other_runs_too_is_paired_there() -> None:
    """A capture hears what is made in a run that is not nested in it; the program records there, or here."""
    with Run(nested=False) as here, Run(nested=False) as there:
        here.record(reading(), channel="wire", also=[there])
        there.record(reading())
        here.record(reading(2))
        here.record(reading(2), channel="wire", also=[there])
    assert counts(here) == counts(there) == (2, 0, 23)


def test_three_channels_in_any_order_and_more_of_one() -> None:
    for order in (("wire", "hook", "record"), ("record", "wire", "hook"), ("hook", "record", "wire")):
        run = Run()
        for channel, times in zip(order, (4, 2, 5), strict=True):
            for _ in range(times):
                run.record(reading(), channel=channel)
        assert counts(run) == (5, 0, 55)


def test_many_calls_of_one_id_are_paired_in_order() -> None:
    run = Run()
    for channel in ("wire", "record", "hook"):
        for _ in range(3_000):
            run.record(reading(), channel=channel)
    assert counts(run)[0] == 3_000


# what is used of a pair --------------------------------------------------------------------------------------------------


def test_of_two_with_usage_the_wires_is_used() -> None:
    session = Session()
    run = Run(session=session)
    plain = {"usage": {"prompt_tokens": 11, "completion_tokens": 2}}
    told = {"prompt_tokens": 11, "completion_tokens": 2, "cost": 0.1, "prompt_tokens_details": {"cached_tokens": 4}}
    run.record(reading(**plain), "memory_model", agent="guide")
    run.record(reading(2))
    from_wire = unimeter.read({**answer(1, OWN), "usage": told}, "openrouter")
    run.record(from_wire, channel="wire", duration=2.0)
    for metrics in (run.metrics, session.metrics):
        assert (metrics.input_tokens, metrics.cache_read_tokens, metrics.cost) == (23, 4, 0.1)
        details = {
            role: [(entry.provider, entry.input_tokens) for entry in made] for role, made in (metrics.details or {}).items()
        }
        assert details == {"memory_model": [("OpenRouter", 11)], "model": [("OpenAI Chat", 12)]}
        assert (metrics.additional_metrics or {})["calls_without_cost"] == 1
    message = run.messages[0]
    assert (message.model_type, message.agent, message.provider, message.duration) == ("memory_model", "guide", "OpenRouter", 2.0)


def test_what_is_taken_out_of_a_sum_leaves_the_rest() -> None:
    run = Run()
    usage = {"prompt_tokens": 11, "completion_tokens": 2}
    run.record(unimeter.read({**answer(1, OWN), "usage": {**usage, "cost": 0.1}, "service_tier": "flex"}))
    run.record(unimeter.read({**answer(2, OWN), "usage": {**usage, "cost": 0.2}, "service_tier": "flex"}))
    run.record(unimeter.read({**answer(1, OWN), "usage": usage}), channel="wire")
    assert (run.metrics.cost, counts(run)) == (0.2, (2, 0, 22))
    run.record(unimeter.read({**answer(2, OWN), "usage": usage}), channel="wire")
    assert (run.metrics.cost, counts(run)) == (None, (2, 0, 22))  # and not 0.0, which nobody reported


def test_what_cannot_be_counted_changes_nothing() -> None:
    run = Run()
    run.record(reading())
    broken = reading()
    broken.metrics.cost = float("inf")
    with pytest.raises(MalformedUsage):
        run.record(broken, channel="wire")
    assert (counts(run), run.metrics.cost) == ((1, 0, 11), None)
    assert run.messages[0].metrics.cost is None
    run.record(reading(), channel="wire")
    assert counts(run) == (1, 0, 11)


@pytest.mark.parametrize("first", ["wire", "record"])
def test_usage_is_used_before_none(first: str) -> None:
    session = Session()
    with Run(session=session) as outer, Run() as run:
        silent = {name: value for name, value in answer(1, OWN).items() if name != "usage"}
        for channel in (first, "record" if first == "wire" else "wire"):
            run.record(silent if channel == "wire" else answer(1, OWN), channel=channel)
        run.record(answer(1, OWN), channel="hook")
    assert counts(run) == counts(outer) == counts(session) == (1, 0, 11)


def test_calls_without_usage_are_paired_by_what_is_known_of_them() -> None:
    run = Run()
    silent = {name: value for name, value in answer(1, OWN).items() if name != "usage"}
    run.record({**silent, "id": "a"}, channel="wire")
    run.record({**silent, "id": "b"}, channel="wire")
    run.record({**silent, "id": "b"})
    run.record(None)  # of this nothing is known: it is the other one
    assert counts(run) == (2, 2, 0)
    run.record({**silent, "id": "c"})
    assert counts(run) == (3, 3, 0)


def test_without_an_id_provider_and_model_tell_calls_apart() -> None:
    run = Run()
    wire = unimeter.read(answer(1, NONE), "groq")
    for other in (unimeter.read(answer(1, NONE), "mistral"), unimeter.read({**answer(1, NONE), "model": "other"}, "groq")):
        run = Run()
        run.record(wire, channel="wire")
        run.record(other)
        assert counts(run)[0] == 2
    run = Run()
    run.record(wire, channel="wire")
    run.record(answer(1, NONE))  # a body alone does not tell whose server it was
    assert counts(run)[0] == 1


# blocks ------------------------------------------------------------------------------------------------------------------


def client(*responses: httpx.Response) -> httpx.Client:
    left = iter(responses)
    return httpx.Client(transport=httpx.MockTransport(lambda _: next(left)))


def stream(response: dict[str, Any]) -> httpx.Response:
    def pieces() -> Iterator[bytes]:
        yield from (sse([event]) for event in [*chunks(response), "[DONE]"])

    return httpx.Response(200, headers={"content-type": "text/event-stream"}, content=pieces())


def test_a_blocks_usage_counts_where_the_wire_told_none() -> None:
    silent = answer(1, OWN, usage=False)
    with client(stream(silent), stream(silent)) as made, unimeter.capture() as run:
        with run.call("memory_model", agent="guide") as call:
            made.post(URL)
            call.record(answer(1, OWN))
        with run.call() as call:  # it is over before its stream is
            opened = made.send(made.build_request("POST", URL), stream=True)
            call.record(answer(1, OWN))
        opened.read()
    assert counts(run) == (2, 0, 22)
    assert [(message.model_type, message.agent) for message in run.messages] == [("memory_model", "guide"), ("model", None)]


def test_an_attempt_that_broke_off_does_not_take_the_usage_of_the_next() -> None:
    silent, told = answer(1, OWN, usage=False), answer(2, OWN)
    with client(stream(silent), httpx.Response(200, json=told)) as made, unimeter.capture() as run, run.call() as call:
        with made.stream("POST", URL):
            pass  # the program hangs up, and asks again
        made.post(URL)
        call.record(told)
    assert counts(run) == (2, 1, 12)


def test_each_record_of_a_block_is_of_one_exchange() -> None:
    responses = [httpx.Response(200, json=answer(number, OWN)) for number in range(2)]
    with client(*responses) as made, unimeter.capture() as run, run.call() as call:
        for number in range(2):
            made.post(URL)
            call.record(answer(number, OWN))
        call.record(answer(7, OWN))  # over a wire that nobody hears
    assert counts(run) == (3, 0, 10 + 11 + 17)


def test_what_is_heard_in_a_block_is_not_taken_for_an_earlier_call_of_its_channel() -> None:
    listener = Listener(channel="one framework")
    response = answer(1, CONSTANT)
    with client(httpx.Response(200, json=response)) as made, unimeter.capture() as run:
        listener.call_begins("elsewhere")
        listener.call_ends("elsewhere", response)  # made where nobody hears it
        listener.call_begins("here")
        made.post(URL)
        listener.call_ends("here", response)
    assert counts(run) == (2, 0, 22)


def test_threads_that_observe_on_different_channels_pair_every_call() -> None:
    run = Run()
    readings = [reading(number) for number in range(500)]

    def observe(channel: str) -> None:
        for one in readings:
            run.record(one, channel=channel)

    threads = [threading.Thread(target=observe, args=(channel,)) for channel in ("wire", "record", "hook")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts(run)[:2] == (500, 0)
    assert len(run.messages) == 500
