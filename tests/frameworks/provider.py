"""A provider on loopback that speaks five dialects and answers in two turns: a tool's call, then a text.

Each turn tells every count there is, so that whatever a framework loses of it is seen. The figures are ours.
"""

from __future__ import annotations

import json
import struct
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from unimeter.testing.replay import running

BEFORE_FIRST_CHUNK = 0.05
"""Seconds."""


class Turn(NamedTuple):
    """What one call uses; the input and the output inclusive."""

    input: int
    output: int
    cache_read: int
    cache_write: int
    reasoning: int
    audio_in: int
    audio_out: int
    cost: float


TURNS = (Turn(100, 40, 64, 8, 24, 2, 1, 0.0011), Turn(150, 30, 96, 0, 10, 0, 0, 0.0022))
TEXT = "It is sunny in Paris."
ARGUMENTS = {"city": "Paris"}


@contextmanager
def provider() -> Iterator[str]:
    """The url of the provider while the context lasts."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Answer)
    server.daemon_threads = True
    with running(server) as url:
        yield url


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))) or b"{}")
        path = self.path.partition("?")[0]
        endings = {
            "/chat/completions": _chat,
            "/responses": _responses,
            "/messages": _anthropic,
            ":generateContent": _gemini,
            ":streamGenerateContent": _gemini,
            "/converse": _converse,
            "/converse-stream": _converse,
        }
        dialect = next((answer for ending, answer in endings.items() if path.endswith(ending)), None)
        if dialect is None:
            self._send(404, b"{}", "application/json")
        elif "fail" in str(asked.get("model", path)):
            self._send(400, b'{"error": {"message": "no such model", "type": "invalid_request_error"}}', "application/json")
        else:
            streams = bool(asked.get("stream")) or "stream" in path.lower()
            answer = dialect(asked, path, streams)
            if not streams:
                self._send(200, json.dumps(answer).encode(), "application/json")
            elif dialect is _converse:
                self._stream([_framed(name, event) for name, event in answer], "application/vnd.amazon.eventstream")
            else:
                self._stream([_event(event) for event in answer], "text/event-stream")

    def _send(self, status: int, body: bytes, content_type: str) -> None:
        self.send_response(status)
        self.send_header("content-type", content_type)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, events: list[bytes], content_type: str) -> None:
        self.send_response(200)
        self.send_header("content-type", content_type)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        time.sleep(BEFORE_FIRST_CHUNK)
        for event in (*events, b""):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(event), event))
            self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name that it has above
        """Nothing: the test tells what went wrong."""


def _event(event: Any) -> bytes:
    if isinstance(event, str):
        return f"data: {event}\n\n".encode()
    name = f"event: {event['type']}\n" if isinstance(event.get("type"), str) else ""
    return f"{name}data: {json.dumps(event)}\n\n".encode()


def _turn(tools: list[str], answered: bool) -> tuple[int, str | None]:
    """Which turn it is, and the tool that is to be called in it."""
    tool = next((name for name in tools if "weather" in name), None)
    return (0, tool) if tool and not answered else (1, None)


# the dialects --------------------------------------------------------------------------------------------------------


def _chat(asked: dict[str, Any], _: str, streams: bool) -> Any:
    tools = [tool["function"]["name"] for tool in asked.get("tools") or ()]
    number, tool = _turn(tools, any(message["role"] == "tool" for message in asked["messages"]))
    turn = TURNS[number]
    usage = {
        "prompt_tokens": turn.input,
        "completion_tokens": turn.output,
        "total_tokens": turn.input + turn.output,
        "cost": turn.cost,
        "prompt_tokens_details": {
            "cached_tokens": turn.cache_read,
            "cache_write_tokens": turn.cache_write,
            "audio_tokens": turn.audio_in,
        },
        "completion_tokens_details": {"reasoning_tokens": turn.reasoning, "audio_tokens": turn.audio_out},
    }
    head = {"id": f"chatcmpl-{time.time_ns()}", "created": int(time.time()), "model": asked["model"], "service_tier": "default"}
    call = {"id": "call_1", "type": "function", "function": {"name": tool, "arguments": json.dumps(ARGUMENTS)}}
    reason = "tool_calls" if tool else "stop"
    if not streams:
        message = {"role": "assistant", "content": None if tool else TEXT, **({"tool_calls": [call]} if tool else {})}
        choice = {"index": 0, "message": message, "finish_reason": reason}
        return {**head, "object": "chat.completion", "choices": [choice], "usage": usage}

    def chunk(delta: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
        choices = [{"index": 0, "delta": delta, "finish_reason": reason}]
        return {**head, "object": "chat.completion.chunk", "choices": choices}

    words = [{"tool_calls": [{"index": 0, **call}]}] if tool else [{"content": f"{word} "} for word in TEXT.split()]
    events: list[Any] = [chunk({"role": "assistant", "content": ""}), *map(chunk, words), chunk({}, reason)]
    if (asked.get("stream_options") or {}).get("include_usage"):
        events.append({**head, "object": "chat.completion.chunk", "choices": [], "usage": usage})
    return [*events, "[DONE]"]


def _responses(asked: dict[str, Any], _: str, streams: bool) -> Any:
    given = asked["input"] if isinstance(asked["input"], list) else []
    tools = [tool["name"] for tool in asked.get("tools") or () if tool["type"] == "function"]
    number, tool = _turn(tools, any(item.get("type") == "function_call_output" for item in given))
    turn = TURNS[number]
    part = {"type": "output_text", "text": TEXT, "annotations": [], "logprobs": []}
    item: dict[str, Any] = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [part]}
    if tool:
        arguments = json.dumps(ARGUMENTS)
        item = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": tool, "arguments": arguments}
        item["status"] = "completed"
    response = {
        "id": f"resp_{time.time_ns()}",
        "object": "response",
        "created_at": time.time(),
        "model": asked["model"],
        "status": "completed",
        "output": [item],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": {
            "input_tokens": turn.input,
            "output_tokens": turn.output,
            "total_tokens": turn.input + turn.output,
            "input_tokens_details": {"cached_tokens": turn.cache_read, "cache_write_tokens": turn.cache_write},
            "output_tokens_details": {"reasoning_tokens": turn.reasoning},
        },
    }
    if not streams:
        return response
    begun = {**response, "status": "in_progress", "output": [], "usage": None}
    at = {"output_index": 0, "item_id": item["id"]}
    if tool:
        events = [
            {"type": "response.output_item.added", "output_index": 0, "item": {**item, "arguments": ""}},
            {"type": "response.function_call_arguments.delta", **at, "delta": item["arguments"]},
            {"type": "response.function_call_arguments.done", **at, "arguments": item["arguments"], "name": tool},
        ]
    else:
        in_part = {**at, "content_index": 0}
        events = [
            {"type": "response.output_item.added", "output_index": 0, "item": {**item, "content": []}},
            {"type": "response.content_part.added", **in_part, "part": {**part, "text": ""}},
            *({"type": "response.output_text.delta", **in_part, "delta": f"{word} ", "logprobs": []} for word in TEXT.split()),
            {"type": "response.output_text.done", **in_part, "text": TEXT, "logprobs": []},
            {"type": "response.content_part.done", **in_part, "part": part},
        ]
    events = [
        {"type": "response.created", "response": begun},
        *events,
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": response},
    ]
    return [{**event, "sequence_number": number} for number, event in enumerate(events)]


def _anthropic(asked: dict[str, Any], _: str, streams: bool) -> Any:
    parts = [part for message in asked["messages"] if isinstance(message["content"], list) for part in message["content"]]
    tools = [tool["name"] for tool in asked.get("tools") or ()]
    number, tool = _turn(tools, any(part["type"] == "tool_result" for part in parts))
    turn = TURNS[number]
    usage = {
        "input_tokens": turn.input - turn.cache_read - turn.cache_write,
        "cache_read_input_tokens": turn.cache_read,
        "cache_creation_input_tokens": turn.cache_write,
        "output_tokens": turn.output,
        "output_tokens_details": {"thinking_tokens": turn.reasoning},
    }
    content = {"type": "tool_use", "id": "toolu_1", "name": tool, "input": ARGUMENTS} if tool else {"type": "text", "text": TEXT}
    reason = {"stop_reason": "tool_use" if tool else "end_turn", "stop_sequence": None}
    head = {"id": f"msg_{time.time_ns()}", "type": "message", "role": "assistant", "model": asked["model"]}
    message = {**head, "content": [content], **reason, "usage": usage}
    if not streams:
        return message
    empty = {**content, "input": {}} if tool else {**content, "text": ""}
    delta = {"type": "input_json_delta", "partial_json": json.dumps(ARGUMENTS)} if tool else {"type": "text_delta", "text": TEXT}
    begun = {**message, "content": [], "stop_reason": None, "usage": {**usage, "output_tokens": 1}}
    return [
        {"type": "message_start", "message": begun},
        {"type": "content_block_start", "index": 0, "content_block": empty},
        {"type": "content_block_delta", "index": 0, "delta": delta},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": reason, "usage": usage},
        {"type": "message_stop"},
    ]


def _gemini(asked: dict[str, Any], path: str, streams: bool) -> Any:
    tools = [one["name"] for tool in asked.get("tools") or () for one in tool.get("functionDeclarations", ())]
    parts = [part for content in asked["contents"] for part in content["parts"]]
    number, tool = _turn(tools, any("functionResponse" in part for part in parts))
    turn = TURNS[number]
    usage = {
        "promptTokenCount": turn.input,
        "cachedContentTokenCount": turn.cache_read,
        "candidatesTokenCount": turn.output - turn.reasoning,
        "thoughtsTokenCount": turn.reasoning,
        "totalTokenCount": turn.input + turn.output,
        "promptTokensDetails": [{"modality": "AUDIO", "tokenCount": turn.audio_in}],
        "candidatesTokensDetails": [{"modality": "AUDIO", "tokenCount": turn.audio_out}],
    }
    head = {"responseId": f"g{time.time_ns()}", "modelVersion": path.rpartition("/")[2].partition(":")[0]}

    def said(part: dict[str, Any], *, last: bool) -> dict[str, Any]:
        candidate = {"content": {"role": "model", "parts": [part]}, "index": 0, **({"finishReason": "STOP"} if last else {})}
        return {**head, "candidates": [candidate], "usageMetadata": usage if last else {**usage, "candidatesTokenCount": 1}}

    if tool:
        whole = said({"functionCall": {"name": tool, "args": ARGUMENTS}}, last=True)
        return [whole] if streams else whole
    words = TEXT.split(" ")
    if not streams:
        return said({"text": TEXT}, last=True)
    return [said({"text": f"{word} "}, last=False) for word in words[:-1]] + [said({"text": words[-1]}, last=True)]


def _converse(asked: dict[str, Any], _: str, streams: bool) -> Any:
    parts = [part for message in asked["messages"] for part in message["content"]]
    tools = [tool["toolSpec"]["name"] for tool in (asked.get("toolConfig") or {}).get("tools", ()) if "toolSpec" in tool]
    number, tool = _turn(tools, any("toolResult" in part for part in parts))
    turn = TURNS[number]
    usage = {
        "inputTokens": turn.input - turn.cache_read - turn.cache_write,
        "outputTokens": turn.output,
        "totalTokens": turn.input + turn.output,
        "cacheReadInputTokens": turn.cache_read,
        "cacheWriteInputTokens": turn.cache_write,
    }
    reason = {"stopReason": "tool_use" if tool else "end_turn"}
    use = {"toolUseId": "toolu_1", "name": tool}
    told = {"usage": usage, "metrics": {"latencyMs": 5}}
    if not streams:
        content = {"toolUse": {**use, "input": ARGUMENTS}} if tool else {"text": TEXT}
        return {"output": {"message": {"role": "assistant", "content": [content]}}, **reason, **told}
    delta = {"toolUse": {"input": json.dumps(ARGUMENTS)}} if tool else {"text": TEXT}
    return [
        ("messageStart", {"role": "assistant"}),
        *([("contentBlockStart", {"contentBlockIndex": 0, "start": {"toolUse": use}})] if tool else []),
        ("contentBlockDelta", {"contentBlockIndex": 0, "delta": delta}),
        ("contentBlockStop", {"contentBlockIndex": 0}),
        ("messageStop", reason),
        ("metadata", told),
    ]


def _framed(name: str, event: dict[str, Any]) -> bytes:
    """An event as AWS frames it."""
    headers = b""
    for key, value in ((":event-type", name), (":content-type", "application/json"), (":message-type", "event")):
        headers += bytes([len(key)]) + key.encode() + b"\x07" + struct.pack(">H", len(value)) + value.encode()
    payload = json.dumps(event).encode()
    prelude = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    message = prelude + struct.pack(">I", zlib.crc32(prelude)) + headers + payload
    return message + struct.pack(">I", zlib.crc32(message))
