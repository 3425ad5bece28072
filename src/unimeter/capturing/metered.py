"""A call that is heard on the wire, from the bytes of its body to its reading in the runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from threading import RLock
from typing import Any, NamedTuple

import msgspec

from unimeter import envelope
from unimeter.capturing.hosts import Told
from unimeter.capturing.sifting import sift_for
from unimeter.errors import MalformedUsage, MissingUsage, UnimeterError
from unimeter.hearing import MOST, Hearing
from unimeter.pairing import UNKNOWN, WIRE, CallInfo, Observation, ObservedCall, joined
from unimeter.reading import Reading, calls_without_usage
from unimeter.unharmed import say_once
from unimeter.wire.body import BodyDecoder
from unimeter.wire.framing import NotABody, Unreadable
from unimeter.wire.headers import TELLING, invocation_metrics
from unimeter.wire.json import loads

LARGEST_EVENT = 64 * 1024 * 1024
"""Bytes of a body that are heard without an event in them; the call is then counted as one without usage."""

_BEGINNING = 2048
"""Bytes of a large first piece that are heard before the rest: what they tell spares to decode most of it."""


class Heard(NamedTuple):
    """What an exchange told, once it is over."""

    observation: Observation
    """The wire, and the channels of the blocks around it that have recorded the call."""
    duration: float
    """Seconds from the request to the end of the answer."""
    first_token: float | None
    """Seconds from the request to the first token."""


Count = Callable[["Reading | None", Heard], "Sequence[ObservedCall] | None"]
"""Counts a reading (None where the exchange told no usage), and gives the calls as they are counted."""


class MeteredCall:
    """Hears one answer. Of the body it keeps only the events that carry usage; `settle` counts what was told."""

    def __init__(
        self,
        told: Told,
        count: Count,
        *,
        asks_for_usage: bool = False,
        over: Callable[[MeteredCall], None] | None = None,
        channels: tuple[str, ...] = (WIRE,),
    ) -> None:
        """
        Args:
            told: what the url tells of the call.
            count: what is done with the reading.
            asks_for_usage: whether a request that does not ask for usage is to do so.
            over: is told when there is nothing more to hear, and what there was is counted.
            channels: the wire, and the channel of a framework's block that the call is made in.
        """
        self.asks_for_usage = asks_for_usage and told.tells_usage_if_asked
        self._began = self._last = time.monotonic()
        self._first_token: float | None = None
        self._hearing = Hearing(told.call)
        self._info = told.info
        self._is_generation, self._is_certain = told.is_generation, told.is_certain
        self._count: Count | None = count
        self._over = over
        self._decoder = BodyDecoder(self._loads, msgspec.json.decode)
        self._decode = envelope.decoder(told.call.recogniser.registry)
        self._headers_event: dict[str, Any] | None = None
        self._channels = channels
        self._joined: list[ObservedCall] = []
        """What blocks around it recorded of the call, before it was counted."""
        self._observed: Sequence[ObservedCall] | None = None
        self._id: str | None = None
        """The response's id, as its headers tell it."""
        self._answered = self._counted = False
        self._is_stream = False
        self._sifts = False
        self._since_event = 0
        self._unreadable = ""
        self._lock = RLock()  # the run may settle the call in one thread while another reads its body

    # the ear ---------------------------------------------------------------------------------------------------------

    def answered(self, status: int, headers: Mapping[str, Any]) -> bool:
        """Only what succeeded is a call; a failed attempt told nothing and is not billed."""
        if not 200 <= status < 300:
            self._is_over()
            return False
        self._answered = True
        dialect = self._hearing.call.hints.dialect
        if dialect is not None and dialect.id_header:
            self._id = headers.get(dialect.id_header)
        self._is_stream = "json" not in str(headers.get("content-type") or "").lower().replace("ndjson", "")
        if any(headers.get(name) is not None for name in TELLING):
            self._headers_event = invocation_metrics(headers)
        return True

    def hear(self, piece: bytes, live: bool = True) -> None:
        """The events in a piece of the body."""
        with self._lock:
            if self._count is None or self._unreadable:
                return
            self._last = time.monotonic()
            looking = self._is_stream and not self._sifts and len(piece) > 2 * _BEGINNING
            for part in (piece[:_BEGINNING], piece[_BEGINNING:]) if looking else (piece,):
                self._hear_part(part, live)

    def _hear_part(self, piece: bytes, live: bool) -> None:
        if self._unreadable:
            return
        try:
            events = self._decoder.feed(piece)
        except (Unreadable, NotABody) as error:
            self._unreadable = type(error).__name__  # the error itself would keep the program's frames
            return
        if events:
            self._since_event = 0
            self._take(events, live)
            return
        self._since_event += len(piece)
        if self._since_event > LARGEST_EVENT:
            self._unreadable = "no event in it"
            self._decoder = BodyDecoder(self._loads)

    def end(self, whole: bool) -> None:
        """The end of the body."""
        try:
            with self._lock:
                if self._count is not None and not self._unreadable:
                    try:
                        self._take(self._decoder.close(), live=False)
                    except (Unreadable, NotABody) as error:
                        self._unreadable = type(error).__name__ if whole else ""
            self.settle()
        finally:
            self._is_over()

    def _is_over(self) -> None:
        if self._over is not None:
            self._over(self)

    def settle(self) -> None:
        """Count the call by what it has told, unless that was done, or nobody has answered yet."""
        with self._lock:
            if self._count is None or not self._answered:
                return
            count, self._count = self._count, None
            if self._headers_event is not None:
                self._hearing.recent.append(self._headers_event)
            is_call = self._may_be_call()
            reading, info, is_due = self._told() if is_call else (None, self._info, False)
            recorded, self._joined = self._joined, []
            if not recorded and reading is None and not (is_due and self._is_generation):
                return  # it was a batch, or a file, or nothing that we know
            self._counted = True
        channels = (*self._channels, *(channel for seen in recorded for channel in seen.channels))
        if reading is None:  # then what a block recorded counts
            reading = next((seen.reading for seen in recorded if seen.reading is not None), None)
        for seen in recorded:
            info = info.filled_from(seen.info)
        first = None if self._first_token is None else self._first_token - self._began
        heard = Heard(Observation(tuple(dict.fromkeys(channels)), info), self._last - self._began, first)
        observed = count(reading, heard) or ()
        with self._lock:
            self._observed, late = observed, self._joined
        for seen in late:
            joined(observed, seen)

    @property
    def counts(self) -> bool:
        """Whether it was counted, or will be."""
        with self._lock:  # while it is being settled, that is not yet known
            return self._answered and (self._counted or self._count is not None)

    @property
    def observed(self) -> Sequence[ObservedCall]:
        """The calls that it counted so far."""
        return self._observed or ()

    def join(self, seen: ObservedCall) -> bool:
        """Take in what a block around it recorded of the same call; False if its channel has observed that already."""
        with self._lock:
            if self._observed is None:
                self._joined.append(seen)
                return True
        return joined(self._observed, seen)

    # its events ------------------------------------------------------------------------------------------------------

    def _loads(self, raw: bytes) -> Any:
        """Of a stream all is decoded until the first token is found; afterwards, and of all else, what tells usage."""
        looking = self._is_stream and not self._sifts
        return loads(raw, msgspec.json.decode if looking else self._decode)

    def _take(self, events: list[Any], live: bool) -> None:
        hearing = self._hearing
        if self._is_stream and not self._sifts and any(map(hearing.holds_content, events)):
            self._first_token = self._last if live else None
            self._sift(events)
        hearing.recent += events
        if len(hearing.recent) >= MOST:
            hearing.tidy()

    def _sift(self, events: list[Any]) -> None:
        """From the first token on, most events need not be decoded."""
        self._sifts = True
        known = self._hearing.call.recogniser
        root = next((root for event in events if isinstance(event, dict) and (root := known.by_shape(event)) is not None), None)
        sift = None if root is None else sift_for(root, known)
        if sift is not None:
            self._decoder.sift(sift)

    def _may_be_call(self) -> bool:
        """Whether this was an answer of somebody's whom we know: by the host, or by what stands in it."""
        call = self._hearing.call
        if self._is_certain:
            return True
        known = call.recogniser
        return any(known.by_shape(event) or known.by_usage(event) for event in self._hearing.events if isinstance(event, dict))

    def _told(self) -> tuple[Reading | None, CallInfo, bool]:
        """What the call told: its reading, or what is known of it without usage; and whether it should have told some."""
        call = self._hearing.call
        is_due = True
        if self._unreadable:
            say_once(f"a body from {call.label or 'an unknown provider'} could not be read: {self._unreadable}")
        try:
            return self._reading(), UNKNOWN, True
        except MalformedUsage as error:
            say_once(f"usage from {error.provider} is malformed at {error.path}, and is not counted")
            told = call.another().without_usage(None, next((one for one in self._hearing.events if isinstance(one, dict)), None))
            info = CallInfo(error.provider or told.provider or None, told.model, told.id)
        except MissingUsage as missing:
            info = CallInfo(missing.provider or None, missing.model, missing.id, None, missing.hint)
            is_due = bool(calls_without_usage(missing))
        except UnimeterError:
            info = UNKNOWN
        return None, info.filled_from(self._info), is_due

    def _reading(self) -> Reading:
        decoder = self._decoder
        reading = self._hearing.reading(
            is_stream=decoder.framing != "json",
            done=decoder.done,
            cut=decoder.cut or bool(self._unreadable),
            one_call=decoder.framing not in ("ndjson", "json array"),
        )
        reading.began = self._began
        if reading.id is None and decoder.framing == "json":  # an SDK gives a stream's events no id
            reading.id = self._id
        return reading
