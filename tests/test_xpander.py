"""The report to xpander: its body, its way over the wire, and what comes of refusals. A loopback server takes it."""

from __future__ import annotations

import asyncio
import json
import pickle
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import pytest

import unimeter
from unimeter import RunMetrics
from unimeter.adapters import ADAPTERS
from unimeter.export.xpander import (
    Configuration,
    ExecutionReport,
    ModuleException,
    Tokens,
    areport_metrics,
    report_metrics,
    reports_metrics,
)


@dataclass
class Server:
    """A metrics store that keeps what it is sent."""

    url: str
    status: int = 200
    wait: threading.Event | None = None
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            held.requests.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
            if held.wait is not None:
                held.wait.wait(5)
            answer = b"{}" if held.status == 200 else b"not today"
            self.send_response(held.status)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: Any) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        held = Server(f"http://127.0.0.1:{http.server_port}")
        monkeypatch.setenv("XPANDER_BASE_URL", held.url)
        monkeypatch.setenv("XPANDER_API_KEY", "key")
        http.handle_error = lambda *_: None  # type: ignore[method-assign]  # a client that did not wait is no error here
        thread = threading.Thread(target=http.serve_forever, args=(0.01,))
        thread.start()
        yield held
        http.shutdown()
        thread.join()


class Status(Enum):
    COMPLETED = "completed"


def task(**more: Any) -> Any:
    attributes = {
        "id": "t1",
        "agent_id": "a1",
        "source": "sdk",
        "input": SimpleNamespace(text="Hello"),
        "status": Status.COMPLETED,
        "internal_status": None,
        "used_tools": ["search"],
        "result": "done ✓",
        "tokens": Tokens(prompt_tokens=100, completion_tokens=40, cache_read_tokens=64, cache_write_tokens=8),
    }
    return SimpleNamespace(**attributes | more)


def both_ways(one: Any, **options: Any) -> list[Callable[[], None]]:
    return [lambda: report_metrics(one, **options), lambda: asyncio.run(areport_metrics(one, **options))]


def test_the_wire(server: Server) -> None:
    for report in both_ways(task()):
        report()
    for path, headers, body in server.requests:
        assert path == "/agents-metrics/a1/execution"
        assert (headers["x-api-key"], headers["content-type"]) == ("key", "application/json")
        assert json.loads(body) == {
            "execution_id": "t1",
            "source": "sdk",
            "sub_executions": [],
            "memory_thread_id": "t1",
            "task": "Hello",
            "triggered_by": "N/A",
            "skills": [],
            "status": "completed",
            "internal_status": None,
            "duration": 0.0,
            "ai_model": "xpander",
            "worker": None,
            "ai_employee_id": None,
            "api_calls_made": ["search"],
            "result": "done ✓",
            "llm_tokens": {
                "inner": {
                    "completion_tokens": 0,
                    "prompt_tokens": 0,
                    "cache_read_tokens": 0,
                    "cache_write_tokens": 0,
                    "total_tokens": 0,
                },
                "worker": {
                    "completion_tokens": 40,
                    "prompt_tokens": 100,
                    "cache_read_tokens": 64,
                    "cache_write_tokens": 8,
                    "total_tokens": 140,
                },
            },
        }
    assert len(server.requests) == 2


def test_the_model_that_served_wins(server: Server) -> None:
    report_metrics(task(served_model=" GPT-X "))
    report_metrics(task(served_model=None))
    assert [json.loads(body)["ai_model"] for _, _, body in server.requests] == ["gpt-x", "xpander"]


def test_an_orchestration_that_returns_its_metrics_reports_none() -> None:
    report = ExecutionReport.of(task(source="orchestration", return_metrics=True))
    assert report.api_calls_made == []
    assert report.llm_tokens.worker == Tokens()
    assert ExecutionReport.of(task(source="orchestration", return_metrics=False)).api_calls_made == ["search"]
    assert ExecutionReport.of(task(source="sdk", return_metrics=True)).api_calls_made == ["search"]


def test_without_tokens_there_is_nothing_to_report(server: Server) -> None:
    for report in both_ways(task(tokens=None)):
        with pytest.raises(ValueError, match="tokens"):
            report()
    assert server.requests == []


@pytest.mark.parametrize("status", [302, 401, 404, 429, 500])
def test_a_refusal(server: Server, status: int) -> None:
    server.status = status
    for report in both_ways(task(), retries=3):
        with pytest.raises(ModuleException) as caught:
            report()
        assert (caught.value.status_code, caught.value.description) == (status, "not today")
        assert str(caught.value) == f"[{status}] not today"
    assert len(server.requests) == 2  # what was sent is not sent again


def test_a_server_that_does_not_answer_in_time(server: Server) -> None:
    server.wait = threading.Event()
    for report in both_ways(task(), timeout=0.05):
        with pytest.raises(ModuleException, match="Failed to report metrics") as caught:
            report()
        assert caught.value.status_code == 500
    server.wait.set()


def test_nobody_listens() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        there = Configuration(api_key="key", base_url=f"http://127.0.0.1:{free.getsockname()[1]}")
        for report in both_ways(task(), configuration=there):
            with pytest.raises(ModuleException, match=r"\[500\] Failed to report metrics to 127.0.0.1:\d+ - ."):
                report()


def test_where_it_goes(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    own = Configuration(api_key="own", base_url=server.url)
    given = Configuration(api_key="given", base_url=server.url)
    report_metrics(task(configuration=own, agent_id="a/1"))
    report_metrics(task(configuration=own), given)
    assert [(path, headers["x-api-key"]) for path, headers, _ in server.requests] == [
        ("/agents-metrics/a%2F1/execution", "own"),
        ("/agents-metrics/a1/execution", "given"),
    ]
    monkeypatch.delenv("XPANDER_API_KEY")
    for report in both_ways(task()):
        with pytest.raises(ModuleException, match="api_key"):
            report()


@pytest.mark.parametrize(
    ("base_url", "full"),
    [
        ("inbound.xpander.ai", "https://inbound.xpander.ai"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("https://agent-controller.xpander.ai", "https://agent-controller.xpander.ai/org"),
        ("https://agent-controller-acme.example", "https://agent-controller-acme.example/org"),
        ("http://localhost:9016", "http://localhost:9016/org"),
        ("https://acme.example/agent-controller", "https://acme.example/agent-controller/org"),
        ("https://acme.example/x/agent-controller", "https://acme.example/x/agent-controller"),
    ],
)
def test_agent_controllers_are_addressed_by_organization(base_url: str, full: str) -> None:
    assert Configuration(base_url=base_url, organization_id="org").get_full_url() == full


def test_a_handler_reports_once_at_its_end_if_there_are_tokens(server: Server) -> None:
    @reports_metrics
    def handle(one: Any) -> str:
        assert server.requests == []
        one.tokens = Tokens(prompt_tokens=1)
        return "result"

    @reports_metrics
    async def ahandle(one: Any) -> str:
        one.tokens = Tokens(prompt_tokens=1)
        return "result"

    assert handle(task(tokens=None)) == "result"
    assert asyncio.run(ahandle(task(tokens=None))) == "result"
    assert len(server.requests) == 2
    reports_metrics(lambda one: one)(task(tokens=None))
    assert len(server.requests) == 2


def test_a_handler_that_fails_says_why_though_the_report_fails_as_well(server: Server) -> None:
    def fail(one: Any) -> None:
        raise ZeroDivisionError(one.id)

    async def afail(one: Any) -> None:
        fail(one)

    for status in (200, 500):
        server.status = status
        for handle in (reports_metrics(fail), lambda one: asyncio.run(reports_metrics(afail)(one))):
            with pytest.raises(ZeroDivisionError) as caught:
                handle(task())
            assert bool(getattr(caught.value, "__notes__", [])) is (status == 500)
    assert len(server.requests) == 4


def test_the_task_is_found_among_the_arguments(server: Server) -> None:
    class Agent:
        @reports_metrics
        def handle(self, context: str, one: Any) -> str:
            return context

    assert Agent().handle("context", task()) == "context"
    assert reports_metrics(lambda *, task: task.id)(task=task()) == "t1"
    assert len(server.requests) == 2
    with pytest.raises(TypeError, match="without a task"):
        reports_metrics(lambda _: None)(3)

    def stream(one: Any) -> Any:
        yield one

    with pytest.raises(TypeError, match="generator"):
        reports_metrics(stream)


def test_a_refusal_travels_between_processes() -> None:
    refused = pickle.loads(pickle.dumps(ModuleException(401, "no")))  # our own
    assert (refused.status_code, refused.description) == (401, "no")


def test_an_agent_controller_needs_an_organization(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XPANDER_ORGANIZATION_ID", raising=False)
    with pytest.raises(ValueError, match="organization_id"):
        Configuration(base_url="https://agent-controller.xpander.ai").get_full_url()


# tokens in the provider's own way --------------------------------------------------------------------------------------


def test_the_cache_stands_where_the_provider_counts_it() -> None:
    run = unimeter.Run()
    run.record({"type": "message", "id": "1", "usage": {"input_tokens": 3, "cache_read_input_tokens": 7, "output_tokens": 2}})
    usage = {"prompt_tokens": 100, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 64}}
    run.record({"choices": [], "id": "2", "usage": usage}, "memory_model")
    usage = {"inputTokens": 10, "outputTokens": 1, "cacheReadInputTokens": 20, "cacheWriteInputTokens": 30}
    run.record({"output": {}, "stopReason": "end_turn", "usage": usage})
    tokens = Tokens.from_run(run.metrics)
    assert tokens == Tokens(prompt_tokens=3 + 100 + 10, completion_tokens=8, cache_read_tokens=91, cache_write_tokens=30)
    assert Tokens.from_run(RunMetrics(input_tokens=5, cache_read_tokens=4)).prompt_tokens == 5  # whose it is is not known


def test_who_counts_the_cache_apart_is_read_off_the_tables() -> None:
    run = {adapter.provider: RunMetrics() for adapter in ADAPTERS}
    for provider, metrics in run.items():
        told = unimeter.MessageMetrics(input_tokens=10, cache_read_tokens=4, cache_write_tokens=1)
        metrics.record(unimeter.Reading(provider, "m", None, told))
    apart = {provider for provider, metrics in run.items() if Tokens.from_run(metrics).prompt_tokens == 5}
    inside = {provider for provider, metrics in run.items() if Tokens.from_run(metrics).prompt_tokens == 10}
    assert {"Anthropic", "AWS Bedrock"} <= apart
    assert {"OpenAI Chat", "Google Gemini", "Groq"} <= inside
    assert apart | inside == set(run)


def test_wrong_tokens_are_refused() -> None:
    run = unimeter.Run()
    run.record({"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 1}})
    for tokens in (run, run.metrics, {"input_tokens": 3}, object()):
        with pytest.raises(ValueError, match="from_run"):
            ExecutionReport.of(task(tokens=tokens))
    assert Tokens.from_run(run) == Tokens.from_run(run.metrics) == Tokens(prompt_tokens=1, completion_tokens=1)
    for tokens in (SimpleNamespace(prompt_tokens=-1), {"prompt_tokens": "many"}):
        with pytest.raises(ValueError, match="prompt_tokens"):
            ExecutionReport.of(task(tokens=tokens))
