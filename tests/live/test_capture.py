"""A real server, and hundreds of streams at once under a capture: none is lost, none is counted for whole that was cut."""

from __future__ import annotations

import asyncio
import gc
import os
import random
import re
import tracemalloc
from typing import Any, NamedTuple

import openai
import pytest

import unimeter

from .conftest import Server
from .test_llamacpp import ADD, MODEL, NUMBERS

pytestmark = pytest.mark.live

STREAMS = 200
TOOL = {"type": "function", "function": {**ADD, "parameters": NUMBERS}}


class Told(NamedTuple):
    """What a call's own last chunk says."""

    read: int
    generated: int


async def ask(client: Any, number: int, cut_after: int | None) -> Told | None:
    """One stream, read to its end or cut; with the usage in its own last chunk. What is cut would have called a tool."""
    stream = await client.chat.completions.create(
        model=MODEL,
        messages=[{"role": "user", "content": f"How much is {number} and {number}?" + " And more?" * (number % 7)}],
        stream=True,
        stream_options={"include_usage": True},
        **({} if cut_after is None else {"tools": [TOOL]}),
    )
    told = None
    async with stream:
        heard = 0
        async for chunk in stream:
            heard += 1
            if cut_after is not None and heard > cut_after:
                return None
            if chunk.usage is not None:
                told = Told(chunk.usage.prompt_tokens, chunk.usage.completion_tokens)
    return told


async def ask_all(address: str, seed: int) -> list[Told]:
    """All streams at once, half of them cut at a random chunk before the last; what the whole ones told."""
    chance = random.Random(seed)
    cuts = [chance.randrange(0, 5) if number % 2 else None for number in range(STREAMS)]
    http = openai.DefaultAsyncHttpxClient(trust_env=False, headers={"Connection": "close"}, limits=openai_limits())
    async with openai.AsyncOpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0, http_client=http) as client:
        told = await asyncio.gather(*(ask(client, number, cut) for number, cut in enumerate(cuts)))
    return [one for one in told if one is not None]


def openai_limits() -> Any:
    import httpx2

    return httpx2.Limits(max_connections=STREAMS)


def counted_by_server(log: str) -> list[Told]:
    """What the server's log says of each task that it finished."""
    generated = {task: int(count) for task, count in re.findall(r"task (\d+) \| +eval time =.*?/ +(\d+) tokens", log)}
    held = {task: int(count) for task, count in re.findall(r"task (\d+) \| stop processing: n_tokens = (\d+)", log)}
    return [Told(held[task] - count + 1, count) for task, count in generated.items()]


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_two_hundred_streams_half_of_them_cut(busy_server: Server) -> None:
    grown: list[int] = []
    files: list[int] = []
    before = len(counted_by_server(busy_server.log.read_text()))
    whole: list[Told] = []
    tracemalloc.start()
    try:
        for seed in range(4):
            with unimeter.capture() as run:
                told = asyncio.run(ask_all(busy_server.address, seed))
            whole += told
            check(run, told)
            del run
            gc.collect()
            grown.append(tracemalloc.get_traced_memory()[0])
            files.append(open_files())
    finally:
        tracemalloc.stop()
    assert files[1:] == files[1:2] * 3
    assert grown[-1] - grown[1] < 200_000, grown

    finished = counted_by_server(busy_server.log.read_text())[before:]
    answers = sorted(one for one in finished if one.generated == whole[0].generated)  # a tool's call is longer
    assert answers == sorted(whole)


def check(run: unimeter.Run, told: list[Told]) -> None:
    """A run heard every stream: the whole ones to the token, the others as cut, or as calls without usage."""
    readings = [message.reading for message in run.messages]
    assert len(readings) == STREAMS
    complete = [reading.metrics for reading in readings if reading is not None and reading.complete]
    assert sorted(Told(metrics.input_tokens, metrics.output_tokens) for metrics in complete) == sorted(told)
    assert len(told) == STREAMS // 2
    assert len([reading for reading in readings if reading is None or not reading.complete]) == STREAMS // 2
    for message in run.messages:
        if message.reading is not None and message.reading.complete:
            assert message.time_to_first_token is not None
            assert message.time_to_first_token <= message.duration
