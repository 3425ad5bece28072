"""How the time grows with whatever may come repeatedly: it must be linear.

    python benchmarks/growth.py [NAME ...]

Each thing is made n and 2n times, with n so large that it takes 0.1 s at least. The times are the process's own, medians of five.
Where twice as much takes more than 2.6 times as long, the line says so, and the script ends with 1.
"""

from __future__ import annotations

import base64
import gc
import gzip
import json
import statistics
import struct
import sys
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx

import unimeter
from unimeter import Run, Session
from unimeter.fixture import Fixture, load_all, sse
from unimeter.interpret import Call
from unimeter.registry import registry

LEAST = 0.1
"""Seconds that the smaller of the two measured must take."""
LARGEST = 2**19
"""What takes less than 0.1 s with so many is measured with so many."""
MOST = 2.6
TURNS = 5
URL = "https://api.openai.com/v1/chat/completions"

Work = Callable[[], object]
Make = Callable[[int], Work]
"""Makes n of something, and gives the work that is measured."""


def chat(number: int, *, with_id: bool = True) -> dict[str, Any]:
    body = {"object": "chat.completion", "model": "m", "choices": [{"finish_reason": "stop"}]}
    usage = {"prompt_tokens": number + 1, "completion_tokens": 2}
    return {**({"id": f"c{number}"} if with_id else {}), **body, "usage": usage}


def message(number: int, *, with_id: bool = True) -> dict[str, Any]:
    body = {"type": "message", "role": "assistant", "model": "c", "content": [], "stop_reason": "end_turn"}
    return {**({"id": f"m{number}"} if with_id else {}), **body, "usage": {"input_tokens": number + 1, "output_tokens": 5}}


def chunk(**fields: Any) -> dict[str, Any]:
    return {"id": "s", "object": "chat.completion.chunk", "model": "m", "choices": [], **fields}


USAGE = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
WORD = chunk(choices=[{"index": 0, "delta": {"content": "word"}, "finish_reason": None}])
END = chunk(usage=USAGE)


def lines(events: Iterable[Any]) -> str:
    return "\n".join(map(json.dumps, events))


def reading(payload: Any, **hints: Any) -> Work:
    def work() -> None:
        with suppress(unimeter.UnimeterError):  # some are refused: in time as well
            unimeter.read(payload, **hints)

    return work


def watching(pieces: Iterable[Any]) -> Work:
    kept = list(pieces)

    def work() -> None:
        stream = unimeter.watch(iter(kept))
        for _ in stream:
            pass
        with suppress(unimeter.UnimeterError):
            _ = stream.reading

    return work


def capturing(pieces: list[bytes]) -> Work:
    class Body(httpx.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            yield from pieces

    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers={"content-type": "text/event-stream"}, stream=Body())

    def work() -> None:
        client = httpx.Client(transport=httpx.MockTransport(answer))
        with client, unimeter.capture(), client.stream("POST", URL) as response:
            for _ in response.iter_raw():
                pass

    return work


def recording(readings: list[Any], *channels: str) -> Work:
    def work() -> None:
        run = Run()
        for channel in channels:
            for one in readings:
                run.record(one, channel=channel)
        _ = run.metrics, run.messages

    return work


def readings(count: int, **changes: Any) -> list[Any]:
    return [unimeter.read({**chat(number), **changes}) for number in range(count)]


def anthropic_stream(count: int, repeated: dict[str, Any]) -> list[dict[str, Any]]:
    start = {"type": "message_start", "message": {**message(0), "usage": {"input_tokens": 9, "output_tokens": 1}}}
    delta = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 7}}
    return [start, *[repeated] * count, delta, {"type": "message_stop"}]


def realtime(kind: str, count: int) -> list[dict[str, Any]]:
    def done(number: Any) -> dict[str, Any]:
        usage = {"total_tokens": 7, "input_tokens": 3, "output_tokens": 4}
        response = {"object": "realtime.response", "id": f"r{number}", "status": "completed", "output": [], "usage": usage}
        return {"type": "response.done", "event_id": f"e{number}", "response": response}

    def transcribed(number: int) -> dict[str, Any]:
        usage = {"type": "tokens", "total_tokens": 5, "input_tokens": 3, "output_tokens": 2}
        return {"type": "conversation.item.input_audio_transcription.completed", "event_id": f"t{number}", "usage": usage}

    made = done if kind == "answers" else transcribed
    return [done("first"), *(made(number) for number in range(count)), done("last")]


def frame(event: bytes) -> bytes:
    payload = b'{"bytes": "' + base64.b64encode(event) + b'"}'
    headers = b"\x0b:event-type\x07\x00\x05chunk"
    prelude = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    head = prelude + struct.pack(">I", zlib.crc32(prelude)) + headers + payload
    return head + struct.pack(">I", zlib.crc32(head))


def pieces_of(body: bytes) -> list[bytes]:
    return [body[at : at + 16] for at in range(0, len(body), 16)]


def gemini(number: int) -> dict[str, Any]:
    return {"candidates": [], "responseId": "g", "usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": number}}


def ollama(number: int) -> dict[str, Any]:
    return {"model": "l", "message": {"content": "x"}, "done": False, "eval_count": number}


def batch_line(number: int) -> dict[str, Any]:
    return {"custom_id": f"r{number}", "response": {"status_code": 200, "body": chat(number)}, "error": None}


def numbered(event: dict[str, Any], count: int) -> list[dict[str, Any]]:
    return [{**event, "number": at} for at in range(count)]


def calling_tools(count: int) -> Work:
    def work() -> None:
        run = Run()
        for at in range(count):
            run.record_tool(f"tool {at}", 0.1)
        _ = run.metrics, run.tools

    return work


def running(count: int) -> Work:
    runs = []
    for one in readings(count):
        run = Run()
        run.record(one)
        runs.append(run)

    def work() -> None:
        session = Session()
        for run in runs:
            session.add(run)
        _ = session.to_dict()

    return work


def recording_agents(made: list[Any]) -> Work:
    def work() -> None:
        run = Run()
        for at, one in enumerate(made):
            run.record(one, agent=f"agent {at}")
        _ = run.by_agent()

    return work


def saved(count: int) -> Work:
    text = unimeter.read([chat(number) for number in range(count)]).to_json()
    return lambda: unimeter.Reading.from_json(text) == unimeter.Reading.from_json(text)


BLANK = b" " * 16
THINGS: dict[str, Make] = {
    # responses in one body
    "responses, a line each": lambda n: reading(lines(chat(number) for number in range(n))),
    "responses without ids, a line each": lambda n: reading(lines(chat(number, with_id=False) for number in range(n))),
    "responses in a list": lambda n: reading([chat(number) for number in range(n)]),
    "responses without ids in a list": lambda n: reading([chat(number, with_id=False) for number in range(n)]),
    "responses of one id in a list": lambda n: reading([chat(1)] * n),
    "messages, a line each": lambda n: reading(lines(message(number) for number in range(n))),
    "messages without ids in a list": lambda n: reading([message(number, with_id=False) for number in range(n)]),
    "responses in a JSON array": lambda n: reading(json.dumps([chat(number) for number in range(n)])),
    "pretty-printed responses in a row": lambda n: reading("\n".join(json.dumps(chat(number), indent=2) for number in range(n))),
    "lines of a batch": lambda n: reading(lines(map(batch_line, range(n)))),
    "equal lines of a batch": lambda n: reading(lines(batch_line(1) for _ in range(n))),
    "failed lines of a batch": lambda n: reading(
        lines({"custom_id": f"r{at}", "response": {"status_code": 400, "body": {"error": {}}}} for at in range(n)), url=URL
    ),
    # events of a stream
    "words": lambda n: reading(sse([*[WORD] * n, END, "[DONE]"])),
    "words, watched": lambda n: watching([*numbered(WORD, n), END]),
    "words, captured": lambda n: capturing([sse([WORD])] * n + [sse([END, "[DONE]"])]),
    "usage in each event": lambda n: reading([chunk(usage={**USAGE, "completion_tokens": at}) for at in range(n)]),
    "usage in each event, watched": lambda n: watching([chunk(usage={**USAGE, "completion_tokens": at}) for at in range(n)]),
    "Anthropic's deltas": lambda n: reading(anthropic_stream(n, {"type": "content_block_delta", "delta": {"text": "x"}})),
    "Anthropic's deltas with usage": lambda n: reading(
        anthropic_stream(n, {"type": "message_delta", "usage": {"output_tokens": 3}})
    ),
    "Anthropic's ends": lambda n: reading(anthropic_stream(n, {"type": "message_stop"})),
    "Anthropic's ends, numbered": lambda n: reading(
        [*anthropic_stream(0, {}), *numbered({"type": "message_stop"}, n), *anthropic_stream(0, {})]
    ),
    "streams one after another": lambda n: reading(sse(anthropic_stream(0, {}) * n)),
    "tool calls in a chunk": lambda n: reading([chunk(choices=[{"index": 0, "delta": {"tool_calls": [{"index": 0}] * n}}]), END]),
    "pings": lambda n: reading(anthropic_stream(n, {"type": "ping"})),
    "events that nobody knows": lambda n: reading(anthropic_stream(n, {"type": "nobody_knows", "x": 1})),
    "Gemini's chunks": lambda n: reading([gemini(number) for number in range(n)]),
    "Ollama's lines": lambda n: reading(lines(map(ollama, range(n)))),
    "chunks on AWS": lambda n: reading(
        b"".join(frame(json.dumps(one).encode()) for one in anthropic_stream(n, {"type": "ping"}))
    ),
    "answers in a realtime session": lambda n: reading(realtime("answers", n)),
    "answers in a realtime session, watched": lambda n: watching(realtime("answers", n)),
    "transcriptions in a realtime session": lambda n: reading(realtime("transcriptions", n)),
    "transcriptions in a realtime session, watched": lambda n: watching(realtime("transcriptions", n)),
    # bytes
    "words in pieces, watched": lambda n: watching(pieces_of(sse([*[WORD] * (n // 16), END, "[DONE]"]))),
    "lines in pieces, watched": lambda n: watching(pieces_of(lines(ollama(at) for at in range(n // 8)).encode())),
    "frames in pieces, watched": lambda n: watching(
        pieces_of(b"".join(frame(json.dumps(one).encode()) for one in anthropic_stream(n // 16, {"type": "ping"})))
    ),
    "an array in pieces, watched": lambda n: watching(pieces_of(json.dumps([gemini(at) for at in range(n // 8)]).encode())),
    "comments": lambda n: reading(b": ping\n\n" * n + sse([END, "[DONE]"])),
    "data lines of one event": lambda n: reading(b"data: {\n" + b"data: \n" * n + b'data: "usage": {"prompt_tokens": 1}}\n\n'),
    "carriage returns": lambda n: watching([b"\r"] * n + [sse([END, "[DONE]"])]),
    "broken lines": lambda n: reading(lines(map(chat, range(4))) + "\n{broken" * n),
    "cut braces": lambda n: reading("{" * n),
    "quotes": lambda n: reading(json.dumps(chat(1) | {"x": '"' * n})),
    "blanks behind": lambda n: watching([json.dumps(chat(1)).encode(), *[BLANK] * n]),
    "text lines in a list": lambda n: reading([json.dumps(chat(number)) for number in range(n)]),
    "pretty-printed responses in pieces": lambda n: watching(
        pieces_of("\n".join(json.dumps(chat(at), indent=2) for at in range(n // 8)).encode())
    ),
    "leading blanks": lambda n: reading(b" " * n + json.dumps(chat(1)).encode()),
    "leading blanks in pieces": lambda n: watching([*[BLANK] * n, json.dumps(chat(1)).encode()]),
    "leading newlines in pieces, captured": lambda n: capturing([*[b"\n"] * n, sse([END, "[DONE]"])]),
    "blanks between lines": lambda n: reading(json.dumps(chat(1)) + "\n" * n + json.dumps(chat(2))),
    "pieces of one byte": lambda n: watching([bytes([byte]) for byte in sse([*[WORD] * (n // 100), END, "[DONE]"])]),
    "pieces of one line": lambda n: watching(pieces_of(sse([{**END, "x": "x" * 16 * n}]))),
    "gzip members": lambda n: reading(
        b"".join(gzip.compress(json.dumps(chat(number)).encode() + b"\n", 1) for number in range(n))
    ),
    "empty gzip members": lambda n: reading(gzip.compress(b"") * n),
    # one usage
    "names in a usage": lambda n: reading(chat(1) | {"usage": {**USAGE, **{f"unknown_{at}_tokens": at for at in range(n)}}}),
    "items of a list in a usage": lambda n: reading(
        {
            "candidates": [],
            "usageMetadata": {"promptTokensDetails": [{"modality": "TEXT", "tokenCount": 1}] * n, "totalTokenCount": n},
        }
    ),
    "iterations in a usage": lambda n: reading(
        message(1)
        | {"usage": {"input_tokens": 1, "output_tokens": 1, "iterations": [{"type": "message", "input_tokens": 1}] * n}}
    ),
    "depth of a usage": lambda n: reading(
        json.dumps(chat(1)).replace('"completion_tokens": 2', '"a": ' + '{"a": ' * n + "1" + "}" * n)
    ),
    "names in a body": lambda n: reading(json.dumps(chat(1) | {f"unknown_{at}": at for at in range(n)})),
    "items of a body": lambda n: reading(
        json.dumps({"object": "response", "output": [{"type": "message"}] * n, "usage": {"input_tokens": 1, "output_tokens": 1}})
    ),
    "choices with a usage each": lambda n: reading(
        [chunk(choices=[{"index": at, "usage": dict(USAGE)} for at in range(n)])], provider="Moonshot"
    ),
    "names in a tree": lambda n: reading(
        message(1) | {"usage": {"input_tokens": 1, "server_tool_use": {f"a{at}": at for at in range(n)}}}
    ),
    "choices": lambda n: reading(chat(1) | {"choices": [{"finish_reason": "stop", "message": {"content": "x"}}] * n}),
    # runs
    "calls in a run": lambda n: recording(readings(n), "record"),
    "calls of one id in a run": lambda n: recording(readings(n, id="same"), "record"),
    "calls on three channels": lambda n: recording(readings(n), "wire", "record", "hook"),
    "calls of one id on three channels": lambda n: recording(readings(n, id="same"), "wire", "record", "hook"),
    "calls without ids on three channels": lambda n: recording(readings(n, id=None), "wire", "record", "hook"),
    "calls without usage on three channels": lambda n: recording([None] * n, "wire", "record", "hook"),
    "silent calls with ids, the other way round": lambda n: (
        lambda: (
            (run := Run()),
            [run.record({**chat(number), "usage": None}, channel="wire") for number in range(n)],
            [run.record({**chat(number), "usage": None}) for number in reversed(range(n))],
        )
    ),
    "tools in a run": lambda n: calling_tools(n),
    "runs in a session": lambda n: running(n),
    "agents in a run": lambda n: recording_agents(readings(n)),
    "calls read from what was saved": lambda n: saved(n),
    "calls of models of their own": lambda n: recording(
        [one for at in range(n) for one in readings(1, model=f"m{at}")], "record"
    ),
}


def events_of_each_dialect() -> dict[str, Make]:
    """Each kind of event, repeated where it stands in a recorded stream: of each dialect, the stream with most kinds."""
    known = registry()
    streams: dict[Any, dict[str, tuple[Fixture, int]]] = {}
    for fixture in load_all(Path(__file__).parent.parent / "fixtures"):
        if fixture.events is None or fixture.expected.error:
            continue
        events = [event for event in fixture.events if isinstance(event, dict)]
        adapter = Call(fixture.wire.provider, fixture.url, None).adapter_of(events, None)
        kinds = {_kind(event): (fixture, at) for at, event in enumerate(fixture.events) if isinstance(event, dict)}
        root = known.root_of(adapter)
        if len(kinds) > len(streams.get(root, ())):
            streams[root] = kinds

    def make(fixture: Fixture, at: int, how: Callable[..., Work], **hints: Any) -> Make:
        events: list[Any] = fixture.events or []
        return lambda n: how([*events[:at], *numbered(events[at], n), *events[at:]], **hints)

    things: dict[str, Make] = {}
    for root, kinds in streams.items():
        for kind, (fixture, at) in kinds.items():
            things[f"{root.__name__}: {kind}"] = make(fixture, at, reading, url=fixture.url, provider=fixture.wire.provider)
            things[f"{root.__name__}: {kind}, watched"] = make(fixture, at, watching)
    return things


def _kind(event: dict[str, Any]) -> str:
    names = (event.get("type") or event.get("event_type"), *sorted(name for name, value in event.items() if value is not None))
    return " ".join(str(name) for name in names if name)[:48]


def measured(work: Work) -> float:
    """Seconds of the process, without those of Python's garbage collector, which looks at all that the process holds."""
    gc.collect()
    gc.disable()
    began = time.process_time()
    try:
        work()
        return time.process_time() - began
    finally:
        gc.enable()


def main(names: list[str]) -> int:
    """Print the factors; 1 if one is too large."""
    slow = 0
    for name, make in {**THINGS, **events_of_each_dialect()}.items():
        if names and name not in names:
            continue
        size = 256
        make(16)()  # what is made once is made here
        while measured(make(size)) < LEAST and size < LARGEST:
            size *= 2
        works = [make(size), make(2 * size)]
        times: list[list[float]] = [[], []]
        for _ in range(TURNS):
            for at, work in enumerate(works):
                times[at].append(measured(work))
        once, twice = map(statistics.median, times)
        factor = twice / once
        slow += factor > MOST
        print(f"{name:72} {size:9,} {once * 1e3:8.1f} ms  {factor:5.2f}{'  TOO MUCH' * (factor > MOST)}", flush=True)
    return int(bool(slow))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
