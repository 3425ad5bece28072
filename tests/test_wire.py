"""The decoders: pieces of any size give the same events, and broken bytes are said to be broken."""

from __future__ import annotations

import zlib
from typing import Any

import pytest

from unimeter.fixture import Fixture
from unimeter.wire.eventstream import BrokenStream, EventStreamDecoder, Message, is_event_stream
from unimeter.wire.headers import invocation_metrics
from unimeter.wire.ndjson import NDJSONDecoder
from unimeter.wire.sse import SSEDecoder

from .conftest import FIXTURES

DECODERS = {
    "text/event-stream": SSEDecoder,
    "application/x-ndjson": NDJSONDecoder,
    "application/vnd.amazon.eventstream": EventStreamDecoder,
}


def decoded(decoder: Any, pieces: list[bytes]) -> list[Any]:
    events = [event for piece in pieces for event in decoder.feed(piece)]
    return events + (list(decoder.close()) if hasattr(decoder, "close") else [])


def test_any_pieces_give_the_same_events(fixture: Fixture) -> None:
    if not fixture.is_stream or fixture.wire.content_type not in DECODERS:
        return
    body, kind = fixture.bytes(), DECODERS[fixture.wire.content_type]
    whole = decoded(kind(), [body])
    assert len(whole) == len(fixture.events or [])
    assert decoded(kind(), [body[i : i + 1] for i in range(len(body))]) == whole
    for cut in range(0, len(body), 13):
        assert decoded(kind(), [body[:cut], body[cut:]]) == whole


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_sse_lines_end_in_any_way(newline: str) -> None:
    body = newline.join([": ping", "", "event: x", "id: 1", "data: a", "data:b", "", "data: c"]).encode()
    assert decoded(SSEDecoder(), [body]) == [b"a\nb", b"c"]
    assert decoded(SSEDecoder(), [body[i : i + 1] for i in range(len(body))]) == [b"a\nb", b"c"]


def event_stream() -> bytes:
    return FIXTURES["aws_bedrock/converse_stream_cache"].bytes()


def test_every_changed_byte_of_an_event_stream_is_noticed() -> None:
    body = event_stream()
    for i in range(len(body)):
        broken = body[:i] + bytes([body[i] ^ 1]) + body[i + 1 :]
        decoder = EventStreamDecoder()
        try:
            list(decoder.feed(broken))
        except BrokenStream:
            continue
        raise AssertionError(f"byte {i} was changed in silence")


def test_a_cut_event_stream_is_unfinished() -> None:
    decoder = EventStreamDecoder()
    messages = list(decoder.feed(event_stream()[:-1]))
    assert decoder.unfinished
    assert all(isinstance(message, Message) for message in messages)
    assert not is_event_stream(b"")
    assert not is_event_stream(b"data: {}\n\n")


def test_a_message_that_claims_too_much_is_refused() -> None:
    prelude = (2**31).to_bytes(4, "big") + (0).to_bytes(4, "big")
    with pytest.raises(BrokenStream):
        list(EventStreamDecoder().feed(prelude + zlib.crc32(prelude).to_bytes(4, "big")))


def test_headers() -> None:
    headers = {"X-Amzn-Bedrock-Input-Token-Count": "16", "x-amzn-bedrock-output-token-count": "11", "other": "7"}
    assert invocation_metrics(headers) == {"amazon-bedrock-invocationMetrics": {"inputTokenCount": 16, "outputTokenCount": 11}}
    assert invocation_metrics({"x-amzn-bedrock-invocation-latency": "3"}) is None
