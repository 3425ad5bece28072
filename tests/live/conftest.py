"""A llama.cpp server of our own, the clients that call it, and the bytes that came over the wire."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import anthropic
import openai
import pytest

from . import tiny_model

SECONDS_TO_START = 60
SECONDS_TO_STOP = 30


class Server(NamedTuple):
    """A llama.cpp server that says what `tiny_model` makes it say."""

    address: str
    log: Path


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server with one slot: a repeated prompt meets its own cache. It starts and ends with the tests."""
    with _running(tmp_path_factory.mktemp("llamacpp"), slots=1) as running:
        yield running.address


@pytest.fixture(scope="module")
def busy_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that answers four at a time."""
    with _running(tmp_path_factory.mktemp("llamacpp"), slots=4) as running:
        yield running


@contextmanager
def _running(folder: Path, slots: int) -> Iterator[Server]:
    model, log = folder / "tiny.gguf", folder / "server.log"
    tiny_model.write(model)
    command = [sys.executable, str(Path(__file__).with_name("serve.py")), str(model), str(slots)]
    with (
        log.open("wb") as errors,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True) as process,
    ):
        try:
            yield Server(_address(process, log), log)
            process.stdin.close()
            assert process.wait(SECONDS_TO_STOP) == 0, log.read_text()
        finally:
            process.kill()


def _address(process: subprocess.Popen[str], log: Path) -> str:
    """The line that the server prints once it answers."""
    too_late = threading.Timer(SECONDS_TO_START, process.kill)
    too_late.start()
    address = process.stdout.readline().strip()
    too_late.cancel()
    return address or pytest.fail(f"llama.cpp did not start:\n{log.read_text()}")


class Wire:
    """The bytes of the last answer, kept while the SDK reads them."""

    def __init__(self) -> None:
        self.url = ""
        self._pieces: list[bytes] = []

    @property
    def body(self) -> bytes:
        """What was read of the last answer."""
        return b"".join(self._pieces)

    def tap(self, response: Any) -> None:
        """An httpx hook: keep what is read of a response, from now on."""
        self.url = str(response.url)
        self._pieces = pieces = []
        untapped = response.iter_bytes

        def iter_bytes(chunk_size: int | None = None) -> Iterator[bytes]:
            for piece in untapped(chunk_size):
                pieces.append(piece)
                yield piece

        response.iter_bytes = iter_bytes


@pytest.fixture(scope="module")
def wire() -> Wire:
    """What the clients' last answer was on the wire."""
    return Wire()


@pytest.fixture(scope="module")
def clients(server: str, wire: Wire) -> Iterator[SimpleNamespace]:
    """The real SDKs, on our server and nowhere else: no proxy of the environment, no retry that would hide an error."""
    transport = {
        "event_hooks": {"response": [wire.tap]},
        "trust_env": False,
        # llama.cpp promises to keep a connection and at times closes it after a stream: each call opens its own.
        "headers": {"Connection": "close"},
    }
    common = {"api_key": "none", "max_retries": 0}
    with (
        openai.OpenAI(base_url=f"{server}/v1", http_client=openai.DefaultHttpxClient(**transport), **common) as of_openai,
        anthropic.Anthropic(base_url=server, http_client=anthropic.DefaultHttpxClient(**transport), **common) as of_anthropic,
    ):
        yield SimpleNamespace(openai=of_openai, anthropic=of_anthropic)
