"""Content codings, as they come: compressed bytes in, the bytes of the body out."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from importlib import import_module
from typing import Any, Protocol

LARGEST_PIECE = 64 * 1024 * 1024
"""Bytes that one piece of a body may grow to."""

_SLICE = 1024
SMALLEST_SLICE, LARGEST_SLICE = 256, 64 * 1024
"""Bytes of a gzip member that are inflated at once: few at first. What follows a member in its slice is copied."""
_TOO_LARGE = f"a piece of it grows to more than {LARGEST_PIECE} bytes"


class BrokenCoding(ValueError):
    """The bytes are not in the coding that the response names, or nothing here can undo it."""


class Decoder(Protocol):
    """Feed it compressed bytes in any pieces."""

    def feed(self, piece: bytes) -> bytes:
        """What can be told of the body by now."""
        ...


def decoder_of(codings: str) -> Decoder | None:
    """The decoder of what a response's `content-encoding` says; None where there is nothing to undo, or nothing known of it.

    >>> decoder_of("gzip").feed(zlib.compress(b"Hello", wbits=31))
    b'Hello'

    Raises:
        BrokenCoding: the coding's package (brotli, zstandard) is not installed.
    """
    named = [coding.strip().lower() for coding in codings.split(",")]
    decoders = [decoder for coding in reversed(named) if (decoder := _decoder_of(coding)) is not None]
    if len(decoders) > 1:
        return _Chain(decoders)
    return decoders[0] if decoders else None


def _decoder_of(coding: str) -> Decoder | None:
    if coding in ("gzip", "x-gzip"):
        return _Gzip()
    if coding == "deflate":
        return _Deflate()
    if coding == "br":
        return _Brotli(_first_installed("brotli", "brotlicffi"))
    if coding == "zstd":
        make = _first_installed("compression.zstd", "backports.zstd", "zstandard").ZstdDecompressor
        return _Zstandard((lambda: make().decompressobj()) if hasattr(make, "decompressobj") else make)
    return None  # clients hand on what they do not know as it is


def _first_installed(*modules: str) -> Any:
    for module in modules:
        try:
            return import_module(module)
        except ImportError:
            continue
    raise BrokenCoding(f"none of {', '.join(modules)} is installed")


class _Chain:
    """Several codings, the last that was put on first."""

    def __init__(self, decoders: list[Decoder]) -> None:
        self._decoders = decoders

    def feed(self, piece: bytes) -> bytes:
        for decoder in self._decoders:
            piece = decoder.feed(piece)
        return piece


class _Gzip:
    """It may have several members; what follows them and is none says nothing."""

    def __init__(self) -> None:
        self._inflater = zlib.decompressobj(wbits=31)

    def feed(self, piece: bytes) -> bytes:
        found: list[bytes] = []
        size = at = 0
        step = SMALLEST_SLICE
        view = memoryview(piece)
        while at < len(piece):
            if self._inflater.eof:
                if piece[at] != 0x1F:
                    break
                self._inflater = zlib.decompressobj(wbits=31)
                step = SMALLEST_SLICE
            part = view[at : at + step]
            step = min(2 * step, LARGEST_SLICE)
            try:
                found.append(self._inflater.decompress(part, LARGEST_PIECE + 1))
            except zlib.error as error:
                raise BrokenCoding(f"its gzip coding is broken: {error}") from None
            size += len(found[-1])
            if size > LARGEST_PIECE:
                raise BrokenCoding(_TOO_LARGE)
            at += len(part) - len(self._inflater.unused_data)
        return b"".join(found)

    @property
    def is_whole(self) -> bool:
        """Whether the last member was read to its end."""
        return self._inflater.eof


class _Deflate:
    """With zlib's header, as the standard says, or without, as some servers send it."""

    def __init__(self) -> None:
        self._inflater = zlib.decompressobj()
        self._began = False

    def feed(self, piece: bytes) -> bytes:
        if not piece:
            return b""
        try:
            if not self._began:
                self._began = True
                try:
                    return self._inflated(piece)
                except zlib.error:
                    self._inflater = zlib.decompressobj(wbits=-15)
            return self._inflated(piece)
        except zlib.error as error:
            raise BrokenCoding(f"its deflate coding is broken: {error}") from None

    def _inflated(self, piece: bytes) -> bytes:
        found = self._inflater.decompress(piece, LARGEST_PIECE)
        if self._inflater.unconsumed_tail:
            raise BrokenCoding(_TOO_LARGE)
        return found


class _Brotli:
    """By brotli or brotlicffi; only the newer ones can be told where to stop."""

    def __init__(self, brotli: Any) -> None:
        self._decompressor = brotli.Decompressor()
        self._process = getattr(self._decompressor, "process", None) or self._decompressor.decompress
        self._bounded = hasattr(self._decompressor, "can_accept_more_data")

    def feed(self, piece: bytes) -> bytes:
        if not piece:
            return b""
        try:
            found: bytes = self._process(piece, output_buffer_limit=LARGEST_PIECE) if self._bounded else self._process(piece)
        except Exception as error:  # the package has an error of its own
            raise BrokenCoding(f"its brotli coding is broken: {error}") from None
        if len(found) > LARGEST_PIECE or (self._bounded and not self._decompressor.can_accept_more_data()):
            raise BrokenCoding(_TOO_LARGE)
        return found


class _Zstandard:
    """It may have several frames."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._inflater = make()

    def feed(self, piece: bytes) -> bytes:
        found, size = [], 0
        for at in range(0, len(piece), _SLICE):  # one package has no way to say where to stop
            part = piece[at : at + _SLICE]
            while part:
                if self._inflater.eof:
                    self._inflater = self._make()
                try:
                    found.append(self._inflater.decompress(part))
                except Exception as error:  # each package has errors of its own
                    raise BrokenCoding(f"its zstd coding is broken: {error}") from None
                size += len(found[-1])
                if size > LARGEST_PIECE:
                    raise BrokenCoding(_TOO_LARGE)
                part = self._inflater.unused_data
        return b"".join(found)
