"""The decoders: pieces of any size give the same events, and broken bytes are said to be broken."""

from __future__ import annotations

import gzip
import zlib
from typing import Any

import pytest

from unimeter.fixture import Fixture
from unimeter.wire.body import Body, BodyDecoder, read_body
from unimeter.wire.coding import LARGEST_PIECE, BrokenCoding, decoder_of
from unimeter.wire.eventstream import BrokenStream, EventStreamDecoder, Message, is_event_stream
from unimeter.wire.headers import invocation_metrics
from unimeter.wire.json import loads
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


def coded(coding: str, body: bytes) -> bytes:
    if coding == "deflate without a header":
        compressor = zlib.compressobj(wbits=-15)
        return compressor.compress(body) + compressor.flush()
    return {"gzip": gzip.compress, "deflate": zlib.compress, "x-gzip": gzip.compress, "identity": bytes, "utf-8": bytes}[coding](
        body
    )


@pytest.mark.parametrize("coding", ["gzip", "x-gzip", "deflate", "deflate without a header"])
@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_a_coding_is_undone_in_any_pieces(coding: str, size: int) -> None:
    body = b"Hello, Hello, Hello" * 100
    raw = coded(coding, body)
    if size == 1 and coding == "deflate without a header":
        size = 2  # that there is no header, the first byte alone does not tell
    decoder = decoder_of(coding.partition(" ")[0])
    assert decoder is not None
    assert b"".join(decoder.feed(raw[at : at + size]) for at in range(0, len(raw), size)) == body


def test_codings_are_undone_from_the_last() -> None:
    decoder = decoder_of("deflate, GZIP")
    assert decoder is not None
    assert decoder.feed(gzip.compress(zlib.compress(b"Hello"))) == b"Hello"
    for codings in ("", "identity", "utf-8"):
        assert decoder_of(codings) is None


def test_members_of_gzip_and_what_follows_them() -> None:
    decoder = decoder_of("gzip")
    assert decoder is not None
    raw = gzip.compress(b"Hello") + gzip.compress(b"!") + b"\0" * 10
    assert b"".join(decoder.feed(raw[at : at + 3]) for at in range(0, len(raw), 3)) == b"Hello!"


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_a_coding_that_is_broken_or_grows_without_end_is_refused(coding: str) -> None:
    decoder = decoder_of(coding)
    assert decoder is not None
    with pytest.raises(BrokenCoding, match="is broken"):
        decoder.feed(b"\x1f\x8b\x08 Hello, this is nothing")
    bomb = decoder_of(coding)
    assert bomb is not None
    with pytest.raises(BrokenCoding, match="grows to more"):
        bomb.feed(coded(coding, bytes(LARGEST_PIECE + 1)))


def test_every_body_is_read_byte_by_byte_as_it_is_at_once(fixture: Fixture) -> None:
    body = fixture.bytes()
    try:
        whole = read_body(body, loads)
    except ValueError as error:
        with pytest.raises(type(error)):
            in_pieces(body, 1)
        return
    for size in (1, 3, 1000):
        assert in_pieces(body, size) == whole
        if whole.framing == "sse":
            crlf = body.replace(b"\n", b"\r\n")
            assert in_pieces(crlf, size) == read_body(crlf, loads) == whole


def in_pieces(body: bytes, size: int) -> Body:
    decoder = BodyDecoder(loads)
    events = [event for at in range(0, len(body), size) for event in decoder.feed(body[at : at + size])] + decoder.close()
    return Body(events, decoder.framing, decoder.done, decoder.cut)
