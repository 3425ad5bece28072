"""Our report against the one of xpander's own SDK: path, key and every byte of the body, over all kinds of tasks."""

from __future__ import annotations

import datetime
import itertools
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from typing import Any

import pytest

from unimeter.export.xpander import Tokens, report_metrics

sdk: Any = None
"""xpander's SDK. It reads the environment and looks for a project when it is imported: the fixture does that."""
pytestmark = pytest.mark.xpander

SOURCES = ("sdk", "api", "orchestration")
STATUSES = ("pending", "executing", "paused", "error", "failed", "completed", "stopped")
KINDS = itertools.product(
    SOURCES, (False, True), STATUSES, (None, "x"), ([], ["a", "b"]), (None, "", "done ✓"), (None, "GPT-X "), (None, "hé")
)
NAMES = ("source", "return_metrics", "status", "internal_status", "used_tools", "result", "llm_model_name", "text")


@pytest.fixture(scope="module")
def requests() -> Iterator[list[tuple[str, dict[str, str], bytes]]]:
    taken: list[tuple[str, dict[str, str], bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            told = {name: self.headers[name] for name in ("x-api-key", "content-type", "content-length")}
            taken.append((self.path, told, body))
            self.send_response(200)
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: Any) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http, pytest.MonkeyPatch.context() as patch:
        patch.setenv("XPANDER_BASE_URL", f"http://127.0.0.1:{http.server_port}")
        patch.setenv("XPANDER_API_KEY", "key")
        patch.setenv("XPANDER_ORGANIZATION_ID", "org")
        thread = threading.Thread(target=http.serve_forever, args=(0.01,))
        thread.start()
        global sdk
        sdk = import_module("xpander_sdk")
        yield taken
        http.shutdown()
        thread.join()


def task_of(kind: tuple[Any, ...]) -> Any:
    attributes = dict(zip(NAMES, kind, strict=True))
    attributes["input"] = {"text": attributes.pop("text")}
    return sdk.Task(
        configuration=sdk.Configuration(),
        id="t1",
        agent_id="a1",
        organization_id="org",
        created_at=datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
        **attributes,
    )


@pytest.mark.parametrize("kind", list(KINDS)[::7], ids=str)
def test_the_same_report(kind: tuple[Any, ...], requests: list[tuple[str, dict[str, str], bytes]]) -> None:
    task = task_of(kind)
    task.tokens = sdk.Tokens(prompt_tokens=100, completion_tokens=40, cache_read_tokens=64, cache_write_tokens=8)
    requests.clear()
    task.report_metrics()
    report_metrics(task)
    theirs, ours = requests
    assert ours == theirs


def test_our_tokens_are_taken_by_the_sdk(requests: list[tuple[str, dict[str, str], bytes]]) -> None:
    values = {"prompt_tokens": 9, "completion_tokens": 2, "cache_read_tokens": 4, "cache_write_tokens": None}
    assert Tokens(**values).model_dump_json() == sdk.Tokens(**values).model_dump_json()


@pytest.mark.usefixtures("requests")
def test_without_tokens_ours_is_the_error_that_is_documented() -> None:
    task = task_of(("sdk", False, "completed", None, [], None, None, "Hello"))
    with pytest.raises(ValueError, match="tokens"):
        report_metrics(task)
    with pytest.raises(Exception, match="tokens must be provided") as caught:
        task.report_metrics()
    assert type(caught.value).__name__ == "ModuleException"  # the SDK wraps its own ValueError
