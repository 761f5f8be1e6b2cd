"""The content codings of HTTP bodies, decoded in small pieces: gzip, deflate and zstd (RFC 9110, 8.4.1).

A body may have several parts one after the other: gzip members, zlib streams or zstd frames. All are read. A part
without its end, or with a wrong checksum or length, is an error. After the last part, zero bytes and white space are
ignored as padding; any other bytes are an error, because they may be a damaged part.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import zstandard

PIECE_BYTES = 64 * 1024
ZSTD_INPUT_BYTES = 256  # zstd has no limit for its output: four bytes of input can become 128 KiB
LARGEST_ZSTD_WINDOW = 8 * 1024 * 1024  # RFC 9659
MAX_CODINGS = 5
PADDING = b"\0 \t\r\n"
ZSTD_MAGIC, SKIPPABLE_MAGIC = 0xFD2FB528, 0x184D2A50  # RFC 8878, 3.1: a skippable magic may end with 0 to F
Pieces = Generator[bytes, None, bytes]
"""Yields pieces of decoded bytes, and returns the received bytes that are left over."""


class CodingError(Exception):
    """A body that cannot be decoded. The text continues a sentence about the body: "ends before its gzip trailer"."""


@dataclass(frozen=True)
class Coding:
    """One content coding.

    `head_bytes`: how many bytes show whether a part starts. `starts`: whether these bytes can start a part;
    `is_first` is True for the body's first part. `new_part`: the decompressor of a part that starts with these bytes.
    `unpack`: decodes with it.
    """

    name: str
    head_bytes: int
    starts: Callable[[bytes, bool], bool]
    new_part: Callable[[bytes], Any]
    unpack: Callable[[Any, bytes], Pieces]


def _inflate(part: Any, data: bytes) -> Pieces:
    while True:
        piece = part.decompress(data, PIECE_BYTES)
        if piece:
            yield piece
        data = part.unconsumed_tail
        if part.eof or (not data and len(piece) < PIECE_BYTES):
            return bytes(part.unused_data)


def _unpack_zstd(part: Any, data: bytes) -> Pieces:
    for start in range(0, len(data), ZSTD_INPUT_BYTES):
        end = start + ZSTD_INPUT_BYTES
        piece = part.decompress(data[start:end])
        if piece:
            yield piece
        if part.eof:
            return bytes(part.unused_data) + data[end:]
    return b""


def _is_zlib(data: bytes) -> bool:
    """True for the two bytes of a zlib header (RFC 1950, 2.2)."""
    return data[0] & 0x0F == 8 and int.from_bytes(data[:2], "big") % 31 == 0


def _is_zstd(data: bytes) -> bool:
    magic = int.from_bytes(data[:4], "little")
    return magic == ZSTD_MAGIC or magic & 0xFFFFFFF0 == SKIPPABLE_MAGIC


GZIP = Coding("gzip", 2, lambda data, _: data[:2] == b"\x1f\x8b", lambda _: zlib.decompressobj(31), _inflate)
DEFLATE = Coding(
    "deflate",
    2,
    lambda data, is_first: is_first or _is_zlib(data),
    lambda data: zlib.decompressobj(15 if _is_zlib(data) else -15),  # some servers leave the zlib header out
    _inflate,
)
ZSTD = Coding(
    "zstd",
    4,
    lambda data, _: _is_zstd(data),
    lambda _: zstandard.ZstdDecompressor(max_window_size=LARGEST_ZSTD_WINDOW).decompressobj(),
    _unpack_zstd,
)
CODINGS = {"gzip": GZIP, "x-gzip": GZIP, "deflate": DEFLATE, "zstd": ZSTD}
ACCEPTED = "gzip, deflate, zstd"
"""The header Accept-Encoding."""
NOT_ACCEPTED = {"br", "compress", "x-compress", "dcb", "dcz"}
"""Codings that a server may send only to a client that accepts them. Other names, such as `utf-8`, are no codings."""


class _PartDecoder:
    """Decodes the parts of one coding, one after the other."""

    def __init__(self, coding: Coding) -> None:
        self._coding = coding
        self._part: Any = None
        self._head = b""
        self._is_first = True

    def decode(self, received: bytes) -> Iterator[bytes]:
        """The decoded pieces of further received bytes."""
        data, self._head = self._head + received, b""
        try:
            while data:
                if self._part is None:
                    data = data if self._is_first else data.lstrip(PADDING)
                    if len(data) < self._coding.head_bytes:
                        self._head = data
                        return
                    self._start(data)
                data = yield from self._coding.unpack(self._part, data)
                if self._part.eof:
                    self._part = None
        except (zlib.error, zstandard.ZstdError) as error:
            raise CodingError(f"is damaged {self._coding.name}: {error}") from None

    def finish(self) -> None:
        """CodingError if the last part is not complete."""
        if self._part is not None or (self._head and self._is_first):
            raise CodingError(f"ends before the end of its {self._coding.name}")
        if self._head:
            raise self._strange_bytes()

    def _start(self, data: bytes) -> None:
        if not self._coding.starts(data, self._is_first):
            raise self._strange_bytes()
        self._part, self._is_first = self._coding.new_part(data), False

    def _strange_bytes(self) -> CodingError:
        name = self._coding.name
        return CodingError(f"is not {name}" if self._is_first else f"has bytes after its {name} that are no {name}")


class BodyDecoder:
    """Decodes a body by the names in its Content-Encoding, in their order of application; CodingError at once for a
    coding that was not accepted."""

    def __init__(self, names: Iterable[str]) -> None:
        known = [name.strip().lower() for name in names]
        for name in known:
            if name in NOT_ACCEPTED:
                raise CodingError(f"is encoded as {name}, which was not asked for")
        codings = [CODINGS[name] for name in known if name in CODINGS]
        if len(codings) > MAX_CODINGS:
            raise CodingError(f"is encoded {len(codings)} times")
        self._parts = [_PartDecoder(coding) for coding in reversed(codings)]

    def decode(self, received: bytes) -> Iterator[bytes]:
        """The decoded pieces of further received bytes; CodingError where they are damaged."""
        return _decoded(self._parts, received)

    def finish(self) -> None:
        """CodingError where the body ended too early."""
        for parts in self._parts:
            parts.finish()


def _decoded(parts: Sequence[_PartDecoder], received: bytes) -> Iterator[bytes]:
    if not parts:
        yield received
        return
    for piece in parts[0].decode(received):
        yield from _decoded(parts[1:], piece)
