"""What it costs to watch a stream, and to capture what goes over the wire.

    python benchmarks/stream.py           needs the dependency group `bench`

A chunk through `watch` against a bare loop; a 200-chunk stream and a request to no provider through the openai client and
httpx2 from a server on loopback, with and without a capture, in turns; the time to the first token against the delay
that the server is told to make. Medians.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import openai
from openai.types.chat import ChatCompletionChunk

import unimeter

CHUNKS = 10_000
WATCH_ROUNDS = 31
WIRE_ROUNDS = 31
CALLS_A_BLOCK = 8
STREAM_CHUNKS = 200
DELAYS = (0.02, 0.05, 0.1)

USAGE = {"prompt_tokens": 9, "completion_tokens": STREAM_CHUNKS, "total_tokens": 9 + STREAM_CHUNKS}


def chunk(delta: dict[str, Any], usage: dict[str, int] | None = None, reason: str | None = None) -> dict[str, Any]:
    choices = [] if usage else [{"index": 0, "delta": delta, "finish_reason": reason, "logprobs": None}]
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1_795_305_600,
        "model": "gpt-x",
        "system_fingerprint": "fp",
        "choices": choices,
        "usage": usage,
    }


def stream_of(count: int) -> list[dict[str, Any]]:
    words = [chunk({"content": f"word {i} "}) for i in range(count - 3)]
    return [chunk({"role": "assistant", "content": ""}), *words, chunk({}, reason="stop"), chunk({}, USAGE)]


# watch ----------------------------------------------------------------------------------------------------------------


def watching() -> None:
    """A chunk through `watch` against a bare loop."""
    data = stream_of(CHUNKS)
    kinds: dict[str, list[Any]] = {
        "openai's chunks": [ChatCompletionChunk.model_validate(one) for one in data],
        "with a service tier": [ChatCompletionChunk.model_validate({**one, "service_tier": "default"}) for one in data],
        "dicts": data,
        "anthropic's events": anthropic_events(),
    }
    for name, chunks in kinds.items():
        bare: list[float] = []
        watched: list[float] = []
        for _ in range(WATCH_ROUNDS):
            for times, stream in ((bare, iter(chunks)), (watched, unimeter.watch(iter(chunks)))):
                start = time.perf_counter()
                for _chunk in stream:
                    pass
                times.append((time.perf_counter() - start) / len(chunks) * 1e6)
            assert stream.reading.metrics.input_tokens == 9
        one, other = statistics.median(bare), statistics.median(watched)
        added = other - one
        asked = "(asked: ≤ 0.3)" + ("" if added <= 0.3 else " MISSED")
        print(f"watch, {name:24} {other:6.3f} µs a chunk, bare {one:6.3f}: adds {added:6.3f}  {asked}")


def anthropic_events() -> list[Any]:
    from anthropic.types import RawContentBlockDeltaEvent, RawMessageDeltaEvent, RawMessageStartEvent, RawMessageStopEvent

    usage = {"input_tokens": 9, "output_tokens": 1}
    message = {"id": "m", "type": "message", "role": "assistant", "model": "c", "content": [], "usage": usage}
    words = [
        RawContentBlockDeltaEvent.model_validate(
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": f"word {i} "}}
        )
        for i in range(CHUNKS)
    ]
    return [
        RawMessageStartEvent.model_validate({"type": "message_start", "message": message}),
        *words,
        RawMessageDeltaEvent.model_validate(
            {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 7}}
        ),
        RawMessageStopEvent(type="message_stop"),
    ]


# capture --------------------------------------------------------------------------------------------------------------

SERVER = """
import sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length", 0)))
        name, _, delay = self.path.strip("/").partition("/")[0].partition("-")
        body = BODIES["stream" if "chat" in self.path else "other"]
        self.send_response(200)
        self.send_header("content-type", "text/event-stream" if "chat" in self.path else "application/json")
        self.send_header("content-length", str(sum(map(len, body))))
        self.end_headers()
        if delay:
            self.wfile.write(body[0])
            self.wfile.flush()
            time.sleep(float(delay))
            body = body[1:]
        self.wfile.write(b"".join(body))
    def log_message(self, *_):
        pass

lines = sys.stdin.read().split("\\n\\n")
BODIES = {"stream": [line.encode() + b"\\n\\n" for line in lines if line], "other": [b'{"rows": [1, 2, 3]}']}
server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
print(server.server_port, flush=True)
server.serve_forever()
"""


@contextmanager
def server() -> Iterator[str]:
    """A server in a process of its own, which answers with the stream, or with JSON that is nobody's usage."""
    lines = [f"data: {json.dumps(one)}" for one in stream_of(STREAM_CHUNKS)] + ["data: [DONE]"]
    with subprocess.Popen([sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("\n\n".join(lines))
        process.stdin.close()
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.kill()


def with_and_without(task: Callable[[], object], rounds: int) -> tuple[list[float], list[float], list[float]]:
    """Seconds that a task takes without a capture, within one, and without again: some of each, in turns."""
    bare: list[float] = []
    captured: list[float] = []
    again: list[float] = []

    def take(times: list[float]) -> None:
        task()  # to patch a class, or to restore it, is the capture's cost and not a call's
        for _ in range(CALLS_A_BLOCK):
            start = time.perf_counter()
            task()
            times.append(time.perf_counter() - start)

    for _ in range(rounds):
        take(bare)
        with unimeter.capture():
            take(captured)
        take(again)
    return bare, captured, again


def capturing(url: str) -> None:
    """A stream through openai's client, and a request to no provider."""
    client = openai.OpenAI(base_url=f"{url}/fast/v1", api_key="x", max_retries=0)
    other = httpx2.Client()

    def stream() -> None:
        asked = {"model": "m", "messages": [{"role": "user", "content": "Hello"}], "stream_options": {"include_usage": True}}
        for _ in client.chat.completions.create(stream=True, **asked):  # type: ignore[call-overload]
            pass

    def request() -> None:
        other.post(f"{url}/rows", json={}).json()

    with unimeter.capture() as run:
        stream()
    assert run.metrics.total_tokens == USAGE["total_tokens"]
    for name, task, rounds, most in (
        ("200 chunks by openai's client", stream, WIRE_ROUNDS, 3.0),
        ("no provider's", request, WIRE_ROUNDS * 4, None),
    ):
        bare, captured, again = (statistics.median(times) for times in with_and_without(task, rounds))
        added, noise = (captured / bare - 1) * 100, (again / bare - 1) * 100
        asked = "(asked: nothing measurable)" if most is None else f"(asked: ≤ {most}%)" + ("" if added <= most else " MISSED")
        print(
            f"capture, {name:30} {captured * 1e3:7.3f} ms, bare {bare * 1e3:7.3f}: adds {added:5.2f}%, "
            f"bare again {noise:5.2f}%  {asked}"
        )


def first_tokens(url: str) -> None:
    """The time to the first token against the delay that the server makes before it, headers and role sent."""
    for delay in DELAYS:
        client = openai.OpenAI(base_url=f"{url}/slow-{delay}/v1", api_key="x", max_retries=0)
        asked = {"model": "m", "messages": [{"role": "user", "content": "Hello"}], "stream": True}
        options = {"stream_options": {"include_usage": True}}
        told: dict[str, list[float]] = {"capture": [], "watch": []}
        for _ in range(11):  # each by itself: one would wait for what the other does
            with unimeter.capture() as run:
                for _chunk in client.chat.completions.create(**asked, **options):  # type: ignore[call-overload]
                    pass
            told["capture"].append(run.messages[0].time_to_first_token or 0.0)
            began = time.monotonic()
            watched = unimeter.watch(client.chat.completions.create(**asked, **options), began=began)  # type: ignore[call-overload]
            for _chunk in watched:
                pass
            told["watch"].append(watched.reading.metrics.time_to_first_token or 0.0)
        for name, seconds in told.items():
            late = (statistics.median(seconds) - delay) * 1e3
            asked_for = "(asked: within 5)" + ("" if abs(late) <= 5 else " MISSED")
            print(f"first token by {name:8} after {delay * 1e3:4.0f} ms: {late:5.2f} ms later  {asked_for}")


def main() -> None:
    """Print the figures."""
    watching()
    with server() as url:
        capturing(url)
        first_tokens(url)


if __name__ == "__main__":
    main()
