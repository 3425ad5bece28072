"""Content codings, as they come: compressed bytes in, the bytes of the body out."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from importlib import import_module
from typing import Any, Protocol


class BrokenCoding(ValueError):
    """The bytes are not in the coding that the response names, or nothing here can undo it."""


class Decoder(Protocol):
    """Feed it compressed bytes in any pieces."""

    def feed(self, piece: bytes) -> bytes:
        """What can be told of the body by now."""
        ...


def decoder_of(codings: str) -> Decoder | None:
    """The decoder of what a response's `content-encoding` says; None where there is nothing to undo.

    >>> decoder_of("gzip").feed(zlib.compress(b"Hello", wbits=31))
    b'Hello'

    Raises:
        BrokenCoding: the coding is unknown, or its package (brotli, zstandard) is not installed.
    """
    named = [coding.strip().lower() for coding in codings.split(",")]
    decoders = [_decoder_of(coding) for coding in reversed(named) if coding not in ("", "identity")]
    if len(decoders) > 1:
        return _Chain(decoders)
    return decoders[0] if decoders else None


def _decoder_of(coding: str) -> Decoder:
    if coding in ("gzip", "x-gzip"):
        return _Gzip()
    if coding == "deflate":
        return _Deflate()
    if coding == "br":
        brotli = _first_installed("brotli", "brotlicffi").Decompressor()
        return _Other(getattr(brotli, "decompress", None) or brotli.process)
    if coding == "zstd":
        make = _first_installed("compression.zstd", "backports.zstd", "zstandard").ZstdDecompressor
        return _Zstandard((lambda: make().decompressobj()) if hasattr(make, "decompressobj") else make)
    raise BrokenCoding(f"nothing is known of the coding {coding[:32]!r}")


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
    """It may have several members."""

    def __init__(self) -> None:
        self._inflater = zlib.decompressobj(wbits=31)

    def feed(self, piece: bytes) -> bytes:
        found = []
        while piece:
            if self._inflater.eof:
                self._inflater = zlib.decompressobj(wbits=31)
            try:
                found.append(self._inflater.decompress(piece))
            except zlib.error as error:
                raise BrokenCoding(f"its gzip coding is broken: {error}") from None
            piece = self._inflater.unused_data
        return b"".join(found)


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
                    return self._inflater.decompress(piece)
                except zlib.error:
                    self._inflater = zlib.decompressobj(wbits=-15)
            return self._inflater.decompress(piece)
        except zlib.error as error:
            raise BrokenCoding(f"its deflate coding is broken: {error}") from None


class _Other:
    """By a package."""

    def __init__(self, decompress: Callable[[bytes], bytes]) -> None:
        self._decompress = decompress

    def feed(self, piece: bytes) -> bytes:
        try:
            return self._decompress(piece) if piece else b""
        except Exception as error:  # each package has errors of its own
            raise BrokenCoding(f"its coding is broken: {error}") from None


class _Zstandard:
    """It may have several frames."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._inflater = make()

    def feed(self, piece: bytes) -> bytes:
        found = []
        while piece:
            if self._inflater.eof:
                self._inflater = self._make()
            try:
                found.append(self._inflater.decompress(piece))
            except Exception as error:  # each package has errors of its own
                raise BrokenCoding(f"its zstd coding is broken: {error}") from None
            piece = self._inflater.unused_data
        return b"".join(found)
