"""One request and its answer, as a tap hears them. Whatever fails in here, the program never learns of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from unimeter.unharmed import say_lost, say_once, unharmed
from unimeter.wire.coding import BrokenCoding, Decoder, decoder_of


class Ear(Protocol):
    """Who listens to an exchange."""

    asks_for_usage: bool
    """Whether the request is to ask for usage, if it does not."""

    def answered(self, status: int, headers: Mapping[str, Any]) -> bool:
        """The answer begins; whether its body is worth hearing."""
        ...

    def hear(self, piece: bytes, live: bool = True) -> None:
        """A piece of the body, its content coding undone; `live` if it came just now."""

    def end(self, whole: bool) -> None:
        """The body ended, or will not be read further."""


class Exchange:
    """What a tap calls: `answered` once, `feed` with what the program reads, `end` when it has read all or stops.

    A tap that never says `end` is no matter: whoever drops the exchange ends it.
    """

    __slots__ = ("__weakref__", "_coding", "_ears", "_ended")

    def __init__(self, ears: Sequence[Ear]) -> None:
        self._ears = list(ears)
        self._coding: Decoder | None = None
        self._ended = False

    @unharmed
    def answered(self, status: int, headers: Mapping[str, Any]) -> None:
        """The status and the headers came."""
        heard, self._ears = self._ears, []
        self._ears = [ear for ear in heard if ear.answered(status, headers)]
        if self._ears:
            try:
                self._coding = decoder_of(str(headers.get("content-encoding") or ""))
            except BrokenCoding as error:
                say_once(f"a response could not be heard: {error}")
                self._close(whole=False)

    @property
    def asks_for_usage(self) -> bool:
        """Whether the request is to ask for usage, if it does not."""
        return any(ear.asks_for_usage for ear in self._ears)

    @property
    def heard(self) -> bool:
        """Whether anybody listens."""
        return bool(self._ears)

    def feed(self, piece: bytes, decoded: bool = False, live: bool = True) -> None:
        """The program got a piece of the body.

        Args:
            piece: the bytes.
            decoded: whether their content coding is undone already.
            live: whether they came just now, and not some time ago, as of a body that is read whole.
        """
        try:  # what `unharmed` does, without another call for every piece
            if self._coding is not None and not decoded:
                piece = self._coding.feed(bytes(piece))
            for ear in self._ears:
                ear.hear(piece, live)
        except BrokenCoding as error:
            say_once(f"a response could not be heard: {error}")
            self.end(whole=False)
        except Exception as error:
            say_lost("Exchange.feed", error)

    @unharmed
    def end(self, whole: bool = True) -> None:
        """The body ended (`whole`), or nobody will read what is left of it."""
        self._close(whole)

    def _close(self, whole: bool) -> None:
        if self._ended:
            return
        self._ended = True
        ears, self._ears = self._ears, []
        for ear in ears:
            ear.end(whole)

    def __del__(self) -> None:
        self.end(whole=False)
