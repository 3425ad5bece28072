"""A server on loopback that answers as it is told to in the query: with which body, coding, framing, and which fault."""

from __future__ import annotations

import gzip
import socket
import struct
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from typing import Any
from urllib.parse import parse_qs, urlsplit

from unimeter.fixture import Fixture, sse
from unimeter.testing.replay import running

from ..conftest import FIXTURES

CODINGS: dict[str, Callable[[bytes], bytes]] = {
    "identity": lambda body: body,
    "gzip": lambda body: gzip.compress(body, mtime=0),
    "deflate": zlib.compress,
    "br": lambda body: import_module("brotli").compress(body),
    "zstd": lambda body: import_module("zstandard").ZstdCompressor().compress(body),
}


@contextmanager
def wire_server(fixture: Fixture | None = None, coding: str = "identity") -> Iterator[str]:
    """The url of a server.

    Query: `fixture` and `coding` (unless they are given here), `framing` (`length`, `chunked`, `close`), `pieces` (bytes of
    each), `pause` (seconds between them), `fault` (`reset`, `cut`, `short`, `garbage`) and `at` (the byte where it happens).
    """
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Answer)
    server.daemon_threads = True
    server.fixture, server.coding = fixture, coding  # type: ignore[attr-defined]  # for the handler
    with running(server) as url:
        yield url


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self.do_POST()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        asked = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        fixture = self.server.fixture or FIXTURES[asked["fixture"]]  # type: ignore[attr-defined]
        accepted = {name.partition(";")[0].strip() for name in self.headers.get("accept-encoding", "").split(",")}
        coding = asked.get("coding", self.server.coding)  # type: ignore[attr-defined]
        if coding not in accepted:
            coding = "identity"
        # Gemini streams a JSON array, unless it is asked for server-sent events.
        body = CODINGS[coding](sse(fixture.events) if fixture.events and "alt=sse" in self.path else fixture.bytes())
        fault, at = asked.get("fault"), int(asked.get("at", len(body) // 2))
        if fault == "garbage":
            body = body[:at] + b"\x00garbage\x00" + body[at + 3 :]
        framing = asked.get("framing", "length")
        self.send_response(200)
        for name, value in fixture.wire.headers.items():
            self.send_header(name, value)
        self.send_header("content-type", fixture.wire.content_type)
        if coding != "identity":
            self.send_header("content-encoding", coding)
        if framing == "length":
            self.send_header("content-length", str(len(body) + (7 if fault == "short" else 0)))
        elif framing == "chunked":
            self.send_header("transfer-encoding", "chunked")
        if framing == "close" or fault:
            self.send_header("connection", "close")
            self.close_connection = True
        self.end_headers()
        if fault in ("reset", "cut"):
            body = body[:at]
        self._send(body, framing == "chunked", int(asked.get("pieces", 0)) or len(body) or 1, float(asked.get("pause", 0)))
        if fault == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
        elif framing == "chunked" and fault is None:
            self.wfile.write(b"0\r\n\r\n")

    def _send(self, body: bytes, chunked: bool, size: int, pause: float) -> None:
        for start in range(0, len(body), size):
            piece = body[start : start + size]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece)
            self.wfile.flush()
            time.sleep(pause)

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except (OSError, ValueError):  # the client, or we, closed it
            self.close_connection = True

    def finish(self) -> None:
        with suppress(OSError, ValueError):
            super().finish()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the name that it has above
        """Nothing: the test tells what went wrong."""
