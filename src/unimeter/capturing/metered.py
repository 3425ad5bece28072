"""A call that is heard on the wire, from the bytes of its body to its reading in the runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from threading import RLock
from typing import Any

import msgspec

from unimeter import envelope
from unimeter.capturing.exchange import say_once
from unimeter.capturing.hosts import Told
from unimeter.errors import MalformedUsage, MissingUsage, UnimeterError
from unimeter.hearing import MOST, Hearing
from unimeter.payload import Event, Payload
from unimeter.reading import Reading
from unimeter.values import Refused
from unimeter.wire.body import BodyDecoder, NotABody, Unreadable
from unimeter.wire.headers import invocation_metrics
from unimeter.wire.json import loads

LARGEST_EVENT = 64 * 1024 * 1024
"""Bytes of a body that are heard without an event in them; the call is then counted as one without usage."""

_SMALL = 1024
"""Bytes of an event up to which it takes less to decode it than to choose what to decode."""

Count = Callable[["Reading | None", float, "float | None"], None]
"""Takes a call's reading, or None where it told no usage; its duration and the time to its first token, in seconds."""


class MeteredCall:
    """Hears one answer. Of the body it keeps only the events that carry usage; `settle` counts what was told."""

    def __init__(self, told: Told, count: Count, *, asks_for_usage: bool = False) -> None:
        """
        Args:
            told: what the url tells of the call.
            count: what is done with the reading.
            asks_for_usage: whether a request that does not ask for usage is to do so.
        """
        self.asks_for_usage = asks_for_usage and told.tells_usage_if_asked
        self._began = self._last = time.monotonic()
        self._first_token: float | None = None
        self._hearing = Hearing(told.call)
        self._is_generation = told.is_generation
        self._count: Count | None = count
        self._decoder = BodyDecoder(self._loads)
        self._decode = envelope.decoder(told.call.recogniser.registry)
        self._headers_event: dict[str, Any] | None = None
        self._is_stream = False
        self._since_event = 0
        self._unreadable: Exception | None = None
        self._lock = RLock()  # the run may settle the call in one thread while another reads its body

    # the ear ---------------------------------------------------------------------------------------------------------

    def answered(self, status: int, headers: Mapping[str, Any]) -> bool:
        """Only what succeeded is a call; a failed attempt told nothing and is not billed."""
        if not 200 <= status < 300:
            self._count = None
            return False
        self._is_stream = "json" not in str(headers.get("content-type") or "").lower().replace("ndjson", "")
        self._headers_event = invocation_metrics(headers)
        return True

    def hear(self, piece: bytes) -> None:
        """The events in a piece of the body."""
        with self._lock:
            if self._count is None or self._unreadable is not None:
                return
            self._last = time.monotonic()
            try:
                events = self._decoder.feed(piece)
            except (Unreadable, NotABody) as error:
                self._unreadable = error
                return
            if events:
                self._since_event = 0
                self._take(events)
            else:
                self._since_event += len(piece)
                if self._since_event > LARGEST_EVENT:
                    self._unreadable = Unreadable(f"{LARGEST_EVENT} bytes without an event")
                    self._decoder = BodyDecoder(self._loads)

    def end(self, whole: bool) -> None:
        """The end of the body."""
        with self._lock:
            if self._count is not None and self._unreadable is None:
                try:
                    self._take(self._decoder.close())
                except (Unreadable, NotABody) as error:
                    self._unreadable = error if whole else None
        self.settle()

    def settle(self) -> None:
        """Count the call by what it has told, unless that was done."""
        with self._lock:
            count, self._count = self._count, None
            if count is None:
                return
            reading = self._reading()
            if reading is None and not self._is_generation:
                return
            first = None if self._first_token is None else self._first_token - self._began
            count(reading, self._last - self._began, first)

    # its events ------------------------------------------------------------------------------------------------------

    def _loads(self, raw: bytes) -> Any:
        """What is small, and a stream's first token, is decoded whole; of anything else, what tells usage."""
        whole = len(raw) < _SMALL or (self._is_stream and self._first_token is None)
        return loads(raw, msgspec.json.decode if whole else self._decode)

    def _take(self, events: list[Any]) -> None:
        hearing = self._hearing
        if self._is_stream and self._first_token is None and any(map(hearing.holds_content, events)):
            self._first_token = self._last
        hearing.recent += events
        if len(hearing.recent) >= MOST:
            hearing.tidy()

    def _reading(self) -> Reading | None:
        """What the call told; None where it told no usage, or is none."""
        events: list[Event] = [event for event in self._hearing.events if isinstance(event, dict)]
        if self._headers_event is not None:
            events.append(self._headers_event)
        call = self._hearing.call.another()
        known = call.recogniser
        if self._unreadable is not None:
            if self._is_generation:
                say_once(
                    f"a body from {call.label or 'an unknown provider'} could not be read: {type(self._unreadable).__name__}"
                )
            return None
        if not self._is_generation and not any(known.by_shape(event) or known.by_usage(event) for event in events):
            return None  # a count of tokens, a file, a batch
        decoder = self._decoder
        held = Payload(
            events, decoder.framing != "json", decoder.done, decoder.cut, one_call=decoder.framing not in ("ndjson", "json array")
        )
        try:
            quick = None if decoder.framing == "json" or decoder.cut or self._headers_event else call.read_chunks(events, None)
            return quick if quick is not None and quick.complete else call.another().read_opened(held)
        except MissingUsage:
            return None
        except (Refused, MalformedUsage) as error:
            say_once(f"usage from {call.label} is malformed at {error.path}, and is not counted")
            return None
        except UnimeterError:
            return None
