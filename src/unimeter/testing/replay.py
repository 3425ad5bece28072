"""A server on loopback that answers every request with one fixture."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import cast

from unimeter.fixture import Fixture, sse


@contextmanager
def serving(fixture: Fixture) -> Iterator[str]:
    """The url of a server that replays the fixture while the context lasts."""
    with running(_Server(fixture)) as url:
        yield url


@contextmanager
def running(server: ThreadingHTTPServer) -> Iterator[str]:
    """The url of a server that answers while the context lasts."""
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, fixture: Fixture) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.fixture = fixture


class _Answer(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        fixture = cast(_Server, self.server).fixture
        # Gemini streams a JSON array, unless it is asked for server-sent events.
        body = sse(fixture.events) if fixture.events and "alt=sse" in self.path else fixture.bytes()
        self.send_response(200)
        for name, value in fixture.wire.headers.items():
            self.send_header(name, value)
        self.send_header("content-type", fixture.wire.content_type)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        self.do_POST()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name that it has above
        """Nothing: the test tells what went wrong."""
