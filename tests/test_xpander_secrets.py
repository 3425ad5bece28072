"""The report to xpander: no key, password or text is in an error, a log or a repr; what is read and sent is bounded."""

from __future__ import annotations

import base64
import gzip
import io
import json
import logging
import threading
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import pytest
from pydantic import ValidationError

from unimeter.export._xpander_http import MOST_SAID, Redactor, target_of
from unimeter.export.xpander import (
    LONGEST_TEXT,
    Configuration,
    ExecutionReport,
    ModuleException,
    Tokens,
    areport_metrics,
    report_metrics,
    reports_metrics,
)

from .test_xpander import both_ways, task

KEY = "violets-are-blue/+1'\"&"
"""A key with everything that is quoted in another way somewhere."""
PASSWORD = "roses%2Fred"  # not a real one
QUOTED = (
    KEY,
    repr(KEY),
    json.dumps(KEY),
    quote(KEY, safe=""),
    base64.b64encode(KEY.encode()).decode(),
    KEY.encode().hex(),
    KEY.upper(),
)


@dataclass
class Server:
    """A server whose answer a test decides."""

    url: str = ""
    answer: tuple[int, dict[str, str], bytes] = (403, {}, b"no")
    requests: list[tuple[str, dict[str, str], Any]] = field(default_factory=list)

    @property
    def port(self) -> str:
        return self.url.rpartition(":")[2]


@pytest.fixture(scope="module")
def one_server() -> Iterator[Server]:
    held = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            held.requests.append((self.path, {name.lower(): value for name, value in self.headers.items()}, json.loads(body)))
            status, headers, answer = held.answer
            self.send_response(status)
            for name, value in {"content-length": str(len(answer)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: Any) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        held.url = f"http://127.0.0.1:{http.server_port}"
        http.handle_error = lambda *_: None  # type: ignore[method-assign]  # a client that did not read to the end
        thread = threading.Thread(target=http.serve_forever, args=(0.01,))
        thread.start()
        yield held
        http.shutdown()
        thread.join()


@pytest.fixture(autouse=True, scope="module")
def one_context() -> Iterator[None]:
    """A context for TLS takes longer to make than all else here."""
    import httpx

    context = httpx.create_ssl_context()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(httpx, "create_ssl_context", lambda: context)
        yield


@pytest.fixture
def server(one_server: Server) -> Server:
    one_server.requests.clear()
    one_server.answer = 403, {}, b"no"
    return one_server


def shown(error: BaseException) -> str:
    """All that a program can show of an exception: its texts, its traceback with local variables, and what it holds."""
    seen: list[str] = []
    inside: list[Any] = [error]
    while inside:
        one = inside.pop()
        seen += (str(one), repr(one), repr(vars(one)), *traceback.format_exception(one))
        stack = traceback.walk_tb(one.__traceback__)
        frames = [
            frame for frame, _ in stack if "unimeter" in frame.f_code.co_filename and "tests" not in frame.f_code.co_filename
        ]
        seen += (
            repr(value)
            for frame in frames
            for name, value in frame.f_locals.items()
            if name not in ("task", "where", "configuration")
        )
        inside += (held for held in (one.__cause__, one.__context__) if held is not None)
    return "\n".join(seen)


def refused(one: Any, configuration: Any, **options: Any) -> list[ModuleException]:
    """The exceptions of both ways to report."""
    found = []
    for report in both_ways(one, configuration=configuration, **options):
        with pytest.raises(ModuleException) as caught:
            report()
        found.append(caught.value)
    return found


# keys ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrong", ["\n", "\r\nx: y", " ", "\t", "\u20ac", "\xa0", "\x00", "\x7f", "\ud800", "\u2028"])
@pytest.mark.parametrize("place", ["end", "start", "middle"])
def test_a_key_that_no_header_can_carry_is_refused_without_it(wrong: str, place: str) -> None:
    key = {"end": f"violets{wrong}", "start": f"{wrong}violets", "middle": f"violets{wrong}violets"}[place]
    configuration = Configuration(api_key=key, base_url="http://127.0.0.1:9")
    for error in refused(task(), configuration):
        assert error.description.startswith("Failed to report metrics - the api_key cannot be sent: it holds a ")
        assert "violets" not in shown(error)
    assert "violets" not in repr(configuration)


def test_a_key_of_another_type_is_refused() -> None:
    for key in (b"violets", 3, ["violets"]):
        where = SimpleNamespace(api_key=key, get_full_url=lambda: "http://127.0.0.1:9")
        for error in refused(task(), where):
            assert "not a text" in str(error)
            assert "violets" not in shown(error)
        with pytest.raises(ValidationError) as caught:
            Configuration(api_key=[key])  # type: ignore[arg-type]
        assert "violets" not in str(caught.value)


@pytest.mark.parametrize("quoted", QUOTED, ids=range(len(QUOTED)))
def test_a_key_that_the_answer_quotes_is_removed(quoted: str, server: Server) -> None:
    server.answer = 401, {}, f"the key {quoted} is unknown, so is {quoted}".encode()
    (error, _) = refused(task(), Configuration(api_key=KEY, base_url=server.url))
    assert error.status_code == 401
    assert error.description.replace('"', "").replace("'", "") == "the key [removed] is unknown, so is [removed]"
    assert quoted not in shown(error)


def test_a_key_in_an_answer_that_is_no_http_is_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client's own error quotes what came."""
    import httpx

    def send(self: Any, request: Any) -> Any:
        raise httpx.RemoteProtocolError(f"illegal status line: {request.headers['x-api-key'].encode()!r}", request=request)

    monkeypatch.setattr(httpx.HTTPTransport, "handle_request", send)
    with pytest.raises(ModuleException) as caught:
        report_metrics(task(), Configuration(api_key=KEY, base_url="http://127.0.0.1:9"))
    assert "illegal status line" in str(caught.value)
    assert "violets" not in shown(caught.value)


def test_an_error_holds_no_request(server: Server) -> None:
    """An exception of the client has the request with the key in it; the chain of ours must not lead there."""
    for configuration in (
        Configuration(api_key=KEY, base_url=server.url),
        Configuration(api_key=KEY, base_url="http://127.0.0.1:1"),
    ):
        for error in refused(task(), configuration):
            assert error.__cause__ is None
            assert error.__context__ is None
            assert "violets" not in shown(error)


def test_a_key_at_the_edge_of_what_is_read_is_removed(server: Server) -> None:
    for filled in (MOST_SAID, 16_384):
        for shift in range(0, len(KEY), 5):
            server.answer = 500, {}, b"y" * (filled - shift) + KEY.encode() + b"z" * 20_000
            with pytest.raises(ModuleException) as caught:
                report_metrics(task(), Configuration(api_key=KEY, base_url=server.url))
            assert "violets" not in str(caught.value)
    assert "viol" not in Redactor([KEY]).clean((KEY * 1000)[:16_384], was_cut=True)


def test_a_key_goes_nowhere_else(server: Server) -> None:
    for status in (301, 307, 308):
        server.answer = status, {"location": f"{server.url}/elsewhere"}, b"moved"
        for error in refused(task(), Configuration(api_key=KEY, base_url=server.url)):
            assert error.status_code == status
    assert {path for path, _, _ in server.requests} == {"/agents-metrics/a1/execution"}


# urls ----------------------------------------------------------------------------------------------------------------


def test_a_password_in_the_url_is_sent_and_never_shown(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    configuration = Configuration(api_key=KEY, base_url=server.url.replace("//", f"//nobody:{PASSWORD}@"))
    token = base64.b64encode(b"nobody:roses/red")
    server.answer = 401, {}, b"not roses/red, nor nobody:roses/red, nor " + token
    errors = refused(task(), configuration)
    errors += refused(task(), Configuration(api_key=KEY, base_url=f"http://nobody:{PASSWORD}@127.0.0.1:1"))
    assert [headers["authorization"] for _, headers, _ in server.requests] == [f"Basic {token.decode()}"] * 2
    said = "\n".join(
        [*map(shown, errors), repr(configuration), str(configuration), *map(logging.Formatter().format, caplog.records)]
    )
    for secret in ("nobody", "roses", token.decode(), KEY):
        assert secret not in said
    assert "127.0.0.1:1 - " in said
    assert f"base_url='{server.url}'" in repr(configuration)
    assert any(record.name == "httpx" for record in caplog.records)


@pytest.mark.parametrize(
    "base_url",
    [
        "http://nobody:violets@127.0.0.1:99999999",
        "http://nobody:violets@127.0.0.1:-1",
        "http://nobody:violets@127.0.0.1:x",
        "http://nobody:violets@127.0.0.1:",
        "http://nobody:violets@",
        "http://nobody:violets",
        "http://nobody:violets/x@127.0.0.1",
        "http://nobody:1/violets@127.0.0.1",
        "http://nobody:1?violets@127.0.0.1",
        "http://nobody:1#violets@127.0.0.1",
        "http://127.0.0.1?key=violets",
        "http://127.0.0.1/?",
        "http://127.0.0.1/x#violets",
        "http://127.0.0.1\\@violets",
        "http://[violets",
        "http://violets\u2100@127.0.0.1",
        "http://violets @127.0.0.1",
        "http://127.0.0.1/violets\n",
        "ftp://nobody:violets@127.0.0.1",
        "violets://127.0.0.1",
        "file:///violets",
        "http:///violets",
        "://violets",
    ],
)
def test_a_url_that_is_none_is_refused_without_it(base_url: str) -> None:
    configuration = Configuration(api_key="key-1", base_url=base_url)
    for where in (configuration, SimpleNamespace(api_key="key-1", get_full_url=lambda: base_url)):
        for error in refused(task(), where):
            assert "violets" not in shown(error)
            assert error.status_code == 500
    with pytest.raises(ValueError, match=r"^the base_url ") as caught:
        configuration.get_full_url()
    assert "violets" not in shown(caught.value)
    assert "violets" not in repr(configuration)


def test_urls_that_are_fine() -> None:
    for url, host in (
        ("http://127.0.0.1:8080/", "127.0.0.1:8080"),
        ("HTTPS://Example.org/a/b", "example.org"),
        ("http://[::1]:80", "[::1]:80"),
        ("https://me:a%40b@example.org", "example.org"),
    ):
        assert target_of(url).host == host
    assert target_of("https://me:a%40b@example.org").auth == ("me", "a@b")
    assert Configuration(base_url="http://localhost:9016", organization_id="a/../b?c").get_full_url().endswith("/a%2F..%2Fb%3Fc")


def test_proxies_of_the_environment_are_ignored_unless_asked(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
        monkeypatch.setenv(name, server.url)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    there = Configuration(api_key=KEY, base_url="http://127.0.0.1:1")
    assert all("127.0.0.1:1 - " in str(error) for error in refused(task(), there))
    assert server.requests == []
    assert [error.status_code for error in refused(task(), there, trust_env=True)] == [403, 403]
    assert len(server.requests) == 2
    for report in (report_metrics, lambda *words, **more: areport_metrics(*words, **more).send(None)):
        with pytest.raises(ValueError, match="exclude each other"):
            report(task(), there, trust_env=True, retries=1)


# answers -------------------------------------------------------------------------------------------------------------


def test_a_long_answer_is_read_and_quoted_in_part(server: Server) -> None:
    server.answer = 502, {}, b"y" * 3_000_000
    for error in refused(task(), Configuration(api_key=KEY, base_url=server.url)):
        assert error.status_code == 502
        assert error.description.startswith("yyy")
        assert error.description.endswith("… (cut)")
        assert len(str(error)) < 3_000


def test_an_answer_is_not_decompressed(server: Server) -> None:
    file = io.BytesIO()
    with gzip.GzipFile(fileobj=file, mode="w", mtime=0) as zipped:
        zipped.write(b"y" * 10_000_000)
    server.answer = 500, {"content-encoding": "gzip"}, file.getvalue()
    for error in refused(task(), Configuration(api_key=KEY, base_url=server.url)):
        assert error.description == "(the answer is compressed)"
    assert {headers["accept-encoding"] for _, headers, _ in server.requests} == {"identity"}


def test_an_answer_in_any_encoding_is_text(server: Server) -> None:
    for encoding, body, said in (
        ("latin-1", b"caf\xe9", "café"),
        ("none-at-all", b"caf\xc3\xa9", "café"),
        ("zlib", b"x", "x"),
        ("utf-8", b"\xff", "\ufffd"),
    ):
        server.answer = 500, {"content-type": f"text/plain; charset={encoding}"}, body
        with pytest.raises(ModuleException) as caught:
            report_metrics(task(), Configuration(api_key=KEY, base_url=server.url))
        assert caught.value.description == said


# what is reported ----------------------------------------------------------------------------------------------------


def sent(server: Server, **attributes: Any) -> dict[str, Any]:
    server.answer = 200, {}, b"{}"
    report_metrics(task(**attributes), Configuration(api_key=KEY, base_url=server.url))
    body: dict[str, Any] = server.requests[-1][2]
    return body


def test_a_text_that_is_too_long_is_cut_and_it_is_said(server: Server) -> None:
    with pytest.warns(UserWarning, match="of a task is cut: it has 250,000 characters, 100,000 are reported") as said:
        body = sent(server, result="r" * 250_000, input=SimpleNamespace(text="q" * 250_000), used_tools=["t" * 250_000])
    assert len(said) == 3
    for text in (body["result"], body["task"], *body["api_calls_made"]):
        assert len(text) == LONGEST_TEXT
        assert text.endswith("… (cut: it had 250,000 characters)")
    assert sent(server, result="r" * LONGEST_TEXT)["result"] == "r" * LONGEST_TEXT


def test_half_of_a_character_is_replaced(server: Server) -> None:
    body = sent(server, result="a\ud800b", input=SimpleNamespace(text="\udc00"), used_tools=["\ud83d\ude00\ud83d"])
    assert (body["result"], body["task"], body["api_calls_made"]) == ("a\ufffdb", "\ufffd", ["\U0001f600\ufffd"])


@pytest.mark.parametrize(
    "attributes",
    [
        {"status": None},
        {"status": ["violets"]},
        {"id": 3},
        {"id": "violets\ud800"},
        {"source": None},
        {"internal_status": {"violets": 1}},
        {"result": {"violets": 1}},
        {"input": None},
        {"input": SimpleNamespace(text=["violets"])},
        {"used_tools": 3},
        {"used_tools": [{1, 2}, object]},
        {"tokens": {"prompt_tokens": "violets", "completion_tokens": 1}},
        {"tokens": {"violets": 1}},
        {"tokens": SimpleNamespace(prompt_tokens=-1)},
        {"agent_id": None},
        {"agent_id": ""},
        {"agent_id": ".."},
        {"agent_id": "violets\ud800"},
    ],
    ids=str,
)
def test_a_task_that_cannot_be_reported_is_refused_without_its_texts(attributes: dict[str, Any], server: Server) -> None:
    for error in refused(task(**attributes), Configuration(api_key=KEY, base_url=server.url)):
        assert error.status_code == 500
        assert len(str(error)) > 40
        assert "violets" not in shown(error)
    assert server.requests == []


def test_without_tokens_it_is_still_a_value_error() -> None:
    with pytest.raises(ValueError, match="tokens must be provided"):
        report_metrics(task(tokens=None))


def test_a_validation_of_ours_quotes_no_text() -> None:
    for make in (
        lambda: ExecutionReport.of(task(result=["violets"])),
        lambda: Tokens(prompt_tokens="violets"),  # type: ignore[arg-type]
    ):
        with pytest.raises(ValidationError) as caught:
            make()
        assert "violets" not in str(caught.value)


def test_a_note_on_a_handler_s_error_tells_no_key(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XPANDER_API_KEY", KEY)
    monkeypatch.setenv("XPANDER_BASE_URL", server.url)
    server.answer = 401, {}, KEY.encode()

    @reports_metrics
    def handle(one: Any) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError) as caught:
        handle(task())
    assert caught.value.__notes__ == ["and the report of its tokens failed: [401] [removed]"]
