"""Fixtures from live traffic: every answer of a provider that goes over the wire becomes the draft of one.

    with unimeter.testing.record("fixtures/acme/chat.json"):
        client.chat.completions.create(...)

It listens where `unimeter.capture` does. Of a request the url's host and path and the SDK's name and version (from
`user-agent`) are kept; of the response's headers those that tell usage, and the server's name.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import RLock
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from unimeter.capturing import taps
from unimeter.capturing.hosts import Hosts
from unimeter.errors import UnimeterError
from unimeter.fixture import ContentType, Expected, Fixture, Wire
from unimeter.meter import read
from unimeter.recognise import recogniser
from unimeter.registry import registry
from unimeter.testing.anonymous import Anonymous, model_name
from unimeter.testing.subject import told
from unimeter.wire.body import BodyDecoder
from unimeter.wire.framing import NotABody, Unreadable
from unimeter.wire.headers import TELLING
from unimeter.wire.json import loads
from unimeter.wire.sse import SSEDecoder

_QUERY = frozenset(("alt", "beta", "api-version"))
"""What of a url's query says how the answer is spelt; anything else may be a secret."""

_ACCOUNTS = re.compile(r"(?<=/)(projects|accounts|organizations|orgs|tenants|subscriptions|workspaces|gateways)/[^/]+")


_SECRET = re.compile(
    r"""(?xi) (?:sk|pk|rk|key|token|secret|gh[pousr]|xox[a-z])[-_][\w-]+ | AKIA\w+ | AIza[\w-]+ | [^/]+@[^/]+
    | [0-9a-f]{16,} | [0-9a-f]{8}-[0-9a-f-]{27} | (?=[^/]*\d)(?=[^/]*(?-i:[a-z]))(?=[^/]*(?-i:[A-Z]))[A-Za-z0-9_]{20,}"""
)
"""What in a url's path may be whose it is, or what lets one in."""


class Recording:
    """The fixtures that were written so far."""

    def __init__(
        self,
        to: str | Path,
        keep_text: bool,
        hosts: Mapping[str, str | None] | None,
        report: Callable[[dict[str, str]], None] | None = None,
    ) -> None:
        """
        Args:
            to, keep_text, hosts: as for `record`.
            report: is told at once of each `file` that was written, and each `problem`.
        """
        self.files: list[Path] = []
        """Where they are."""
        self.problems: list[str] = []
        """What could not be written, and why."""
        self._to = Path(to)
        self._keep_text = keep_text
        self._hosts = Hosts(hosts)
        self._report = report or (lambda _: None)
        self._lock = RLock()

    def ear_of(self, method: str, url: str, headers: Mapping[str, Any]) -> _Recorded | None:
        """An ear for a request; None where it is no call to a model."""
        found = self._hosts.told(method, url)
        if found is None:
            return None
        provider = None if recogniser().from_url(url).label is not None else found.call.label
        return _Recorded(self, url, str(headers.get("user-agent") or headers.get("User-Agent") or ""), provider)

    def write(self, fixture: Fixture) -> None:
        """Write a fixture, next to what is there already."""
        text = json.dumps(fixture.model_dump(mode="json", exclude_defaults=True), indent=1, ensure_ascii=False) + "\n"
        with self._lock:
            file = _new_file(self._to, fixture)
            file.write_text(text, "utf-8")
            self.files.append(file)
            self._report({"file": str(file)})

    def fail(self, problem: str) -> None:
        """Say what could not be written."""
        self.problems.append(problem)
        self._report({"problem": problem})


class _Recorded:
    """An ear that keeps the whole answer, for as long as it takes to make a fixture of it."""

    asks_for_usage = False

    def __init__(self, recording: Recording, url: str, client: str, provider: str | None) -> None:
        self._recording = recording
        self._url = url
        self._client = client
        self._provider = provider
        self._headers: Mapping[str, Any] = {}
        self._pieces: list[bytes] = []
        self._status = 0

    def answered(self, status: int, headers: Mapping[str, Any]) -> bool:
        self._headers = headers
        self._status = status
        if not 200 <= status < 300:
            self._recording.fail(f"{self._wire().path}: answered with status {status}")
            return False
        return True

    def hear(self, piece: bytes, live: bool = True) -> None:  # noqa: ARG002  # when it came is no matter
        self._pieces.append(bytes(piece))

    def end(self, whole: bool) -> None:  # noqa: ARG002  # the body itself tells
        recording = self._recording
        if not self._status:
            return  # nobody answered
        wire = self._wire()
        server = _product(str(self._headers.get("server") or "")) or wire.host
        client = _product(self._client)
        source = f"recorded {datetime.now(UTC).date()} from {server}" + (f" by {client}" if client else "")
        try:
            recording.write(draft(wire, b"".join(self._pieces), source, recording._keep_text))
        except (Unreadable, NotABody, ValueError, OSError) as error:
            recording.fail(f"{wire.path}: {error}")

    def _wire(self) -> Wire:
        return wire_of(self._url, self._headers, self._provider)


@contextmanager
def record(to: str | Path, *, keep_text: bool = False, hosts: Mapping[str, str | None] | None = None) -> Iterator[Recording]:
    """Write a fixture of every provider's answer that the program gets meanwhile, in whichever thread.

    Ids are replaced by others of the same shape, and texts by placeholders: what is kept is what tables read, words that
    say what kind of thing something is, and numbers. What is `expected` is what unimeter reads today: a proposal, to be
    held against the provider's documents. Nothing is ever overwritten: a second answer gets a number in its name.

    Args:
        to: a folder, or the file of the first fixture.
        keep_text: leave the texts and ids of the answer as they are.
        hosts: servers and gateways of your own, as for `capture`.
    """
    recording = Recording(to, keep_text, hosts)
    taps.open_to(recording.ear_of)
    try:
        yield recording
    finally:
        taps.close_to(recording.ear_of)


def draft(wire: Wire, body: bytes, source: str, keep_text: bool) -> Fixture:
    """The draft of a fixture.

    Raises:
        Unreadable, NotABody: the body cannot be read.
        ValueError: without its texts it would be read otherwise.
    """
    form, events = _events(body)
    anonymous = Anonymous()
    kept = [event if keep_text or _is_done(event) else anonymous.of(event) for event in events]
    fixture = Fixture(
        name="recorded",
        source=source,
        wire=wire,
        response=kept[0] if form == "response" else None,
        events=kept if form == "events" else None,
        expected=Expected(),
    )
    expected = _expected(fixture, fixture.bytes())
    if expected != _expected(fixture, body):
        raise ValueError("without its texts it would be read otherwise: record it with its text kept, and look at what differs")
    return fixture.model_copy(update={"expected": expected})


def wire_of(url: str, headers: Mapping[str, Any], provider: str | None) -> Wire:
    """How an answer travelled, without whose account it was."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    for pattern, _ in registry().hosts[1]:
        if pattern.fullmatch(host):
            host = "fixture" + host[host.index(".") :] if "*" in pattern.pattern or host.count(".") > 2 else host
            break
    path = "/".join("fixture" if _SECRET.fullmatch(part) else part.partition(";")[0] for part in parts.path.split("/"))
    path = _ACCOUNTS.sub(r"\1/fixture", path)
    path = re.sub(r"(?<!\d)\d{12}(?!\d)", "0" * 12, path)
    query = urlencode([(name, value) for name, value in parse_qsl(parts.query) if name in _QUERY])
    return Wire(
        host=host,
        path=path + (f"?{query}" if query else ""),
        content_type=_content_type(str(headers.get("content-type") or "")),
        provider=provider,
        headers={name.lower(): str(value) for name, value in headers.items() if name.lower() in TELLING},
    )


def _product(text: str) -> str:
    """The name and the version of a product, of what may tell more: the rest may be anybody's."""
    found = re.match(r"[A-Za-z][\w.+-]*(/[A-Za-z0-9][\w.+-]*( \d[\w.+-]*)?)?", text)
    return found[0] if found else ""


def _content_type(text: str) -> ContentType:
    kind = text.partition(";")[0].strip().lower()
    if kind in ("text/event-stream", "application/x-ndjson", "application/vnd.amazon.eventstream"):
        return kind  # type: ignore[return-value]  # one of them, just now
    return "application/x-ndjson" if kind in ("application/ndjson", "application/jsonl") else "application/json"


def _events(body: bytes) -> tuple[str, list[Any]]:
    """What a fixture holds, and its events."""
    decoder = BodyDecoder(loads)
    events = [*decoder.feed(body), *decoder.close()]
    if decoder.cut:
        raise Unreadable("it breaks off in the middle of an event")
    if decoder.framing == "json":
        return "response", events
    if decoder.framing != "sse":
        return "events", events
    lines = SSEDecoder()
    datas = [*lines.feed(body), *lines.close()]
    return "events", [
        data.decode() if data.strip() == b"[DONE]" or data[:1] not in (b"{", b"[") else json.loads(data) for data in datas
    ]


def _is_done(event: Any) -> bool:
    """Whether an event is the text that ends a stream; any other text may be the answer."""
    return isinstance(event, str) and event.strip() == "[DONE]"


def _expected(fixture: Fixture, body: bytes) -> Expected:
    """What is read of a body that came as a fixture's did; of the model's name only what may stay."""
    try:
        reading = read(body, fixture.wire.provider, url=fixture.url, headers=fixture.wire.headers or None)
    except UnimeterError as error:
        return Expected(error=type(error).__name__, provider=getattr(error, "provider", ""))  # type: ignore[arg-type]
    expected = told(reading)
    return expected.model_copy(update={"model": expected.model and model_name(expected.model)})


def _new_file(to: Path, fixture: Fixture) -> Path:
    """A file that does not exist yet."""
    if to.suffix == ".json":
        folder, name = to.parent, to.stem
    else:
        words = [word for word in re.split(r"[/:]", fixture.wire.path.partition("?")[0]) if word]
        name = re.sub(r"\W+", "_", "_".join(words[-2:] if len(words) > 1 and words[-2].isalpha() else words[-1:])) or "answer"
        folder, name = to, f"{name}_stream" if fixture.is_stream else name
    folder.mkdir(parents=True, exist_ok=True)
    number = 1
    while True:
        file = folder / (f"{name}.json" if number == 1 else f"{name}_{number}.json")
        try:
            os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
            return file
        except FileExistsError:
            number += 1
