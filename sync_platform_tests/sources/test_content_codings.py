"""Bodies in gzip, deflate and zstd: of one part or several, whole or damaged, and of any size."""

from __future__ import annotations

import gzip
import random
import zlib
from collections.abc import Callable, Iterable

import httpx
import pytest
import zstandard

from sync_platform.errors import BodyTooLarge, MalformedBody, Refused
from sync_platform.sources.client import Client
from sync_platform.sources.content_codings import BodyDecoder, CodingError
from sync_platform.sources.reply import Reply
from sync_platform_tests.sources.answers import Answers, Clock, client_of, fetch

TEXT = random.Random(7).randbytes(100_000) + b"tea " * 100_000
HALF = len(TEXT) // 2


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


def zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor(write_checksum=True).compress(data)


def checked_zstd_with_one_wrong_bit(data: bytes) -> bytes:
    whole = zstd(data)
    return whole[:-1] + bytes([whole[-1] ^ 1])


def decoded(body: bytes, *names: str, piece: int = 1000) -> bytes:
    decoder = BodyDecoder(names)
    body_read = b"".join(out for at in range(0, len(body), piece) for out in decoder.decode(body[at : at + piece]))
    decoder.finish()
    return body_read


PACKED = {"gzip": gzip.compress, "x-gzip": gzip.compress, "deflate": zlib.compress, "zstd": zstd}


@pytest.mark.parametrize("piece", [1, 7, 1000, 10**9])
@pytest.mark.parametrize("name", PACKED)
def test_a_body_of_several_parts_is_read_whole(name: str, piece: int) -> None:
    pack = PACKED[name]
    short = b"tea" if piece == 1 else TEXT
    half = len(short) // 2
    assert decoded(pack(short), name, piece=piece) == short
    assert decoded(pack(short[:half]) + pack(b"") + pack(short[half:]), name, piece=piece) == short
    assert decoded(pack(b""), name, piece=piece) == b""


def test_deflate_may_have_no_zlib_header() -> None:
    assert decoded(raw_deflate(TEXT), "deflate") == TEXT
    assert decoded(raw_deflate(b""), "Deflate") == b""


def test_a_list_of_codings_is_undone_from_the_last_to_the_first() -> None:
    body = zstd(gzip.compress(TEXT[:HALF]) + gzip.compress(TEXT[HALF:]))
    assert decoded(body, "gzip", " ZSTD ") == TEXT
    assert decoded(gzip.compress(gzip.compress(TEXT)), "gzip", "identity", "gzip") == TEXT


@pytest.mark.parametrize("names", [(), ("identity",), ("utf-8",), ("none", "")])
def test_a_name_that_is_no_coding_changes_nothing(names: tuple[str, ...]) -> None:
    assert decoded(TEXT, *names) == TEXT


def test_a_zstd_frame_to_be_skipped_is_skipped() -> None:
    skipped = b"\x57\x2a\x4d\x18" + (4).to_bytes(4, "little") + b"note"
    assert decoded(skipped + zstd(b"tea") + skipped + zstd(b" house"), "zstd") == b"tea house"


@pytest.mark.parametrize("name", PACKED)
@pytest.mark.parametrize("padding", [b"\0" * 512, b"\n", b"\r\n \0"])
def test_padding_after_the_last_part_is_ignored(name: str, padding: bytes) -> None:
    assert decoded(PACKED[name](b"tea") + padding, name) == b"tea"


WRONG_LENGTH = gzip.compress(b"tea")[:-4] + (4).to_bytes(4, "little")
WRONG_CRC = gzip.compress(b"tea")[:-8] + b"\0\0\0\0" + (3).to_bytes(4, "little")
DAMAGED = {
    "gzip without its trailer": (gzip.compress(b"tea")[:-8], "gzip", "ends before the end of its gzip"),
    "gzip with half a trailer": (gzip.compress(b"tea")[:-1], "gzip", "ends before the end of its gzip"),
    "half a second member": (gzip.compress(b"a") + gzip.compress(b"b")[:-9], "gzip", "ends before the end of its gzip"),
    "a wrong length": (WRONG_LENGTH, "gzip", "is damaged gzip: .*incorrect length check"),
    "a wrong checksum": (WRONG_CRC, "gzip", "is damaged gzip: .*incorrect data check"),
    "noise after the last member": (
        gzip.compress(b"tea") + b"noise",
        "gzip",
        "has bytes after its gzip that are no gzip",
    ),
    "one strange byte at the end": (gzip.compress(b"tea") + b"x", "gzip", "has bytes after its gzip that are no gzip"),
    "plain text called gzip": (b"[1, 2]", "gzip", "is not gzip"),
    "one byte called gzip": (b"[", "gzip", "ends before the end of its gzip"),
    "half a deflate": (zlib.compress(TEXT)[:500], "deflate", "ends before the end of its deflate"),
    "a deflate with a wrong checksum": (zlib.compress(b"tea")[:-1] + b"x", "deflate", "incorrect data check"),
    "plain text called deflate": (b"<html>busy</html>", "deflate", "is damaged deflate"),
    "half a zstd frame": (zstd(TEXT)[:500], "zstd", "ends before the end of its zstd"),
    "half a second zstd frame": (zstd(b"a") + zstd(b"b")[:-1], "zstd", "ends before the end of its zstd"),
    "a zstd frame with a wrong checksum": (checked_zstd_with_one_wrong_bit(b"tea"), "zstd", "is damaged zstd"),
    "noise after the last frame": (zstd(b"tea") + b"noise", "zstd", "has bytes after its zstd that are no zstd"),
    "brotli": (b"\x0b\x02\x80tea\x03", "br", "is encoded as br, which was not asked for"),
    "gzip done once and named twice": (gzip.compress(b"tea"), "gzip,gzip", "is not gzip"),
    "six codings": (b"", ",".join(["gzip"] * 6), "is encoded 6 times"),
}


@pytest.mark.parametrize(("body", "names", "problem"), DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_body_is_an_error_that_says_how(body: bytes, names: str, problem: str) -> None:
    with pytest.raises(CodingError, match=problem):
        decoded(body, *names.split(","))


def answer(body: bytes, coding: str, status: int = 200) -> httpx.Response:
    return httpx.Response(status, headers={"Content-Encoding": coding}, stream=httpx.ByteStream(body))


def test_a_damaged_body_is_fetched_again(clock: Clock) -> None:
    answers = Answers(
        answer(gzip.compress(b"[1]")[:-8], "gzip"), answer(gzip.compress(b"[") + gzip.compress(b"1]"), "gzip")
    )
    assert fetch(client_of(answers), Reply.json) == [1]
    assert answers.requests[0].headers["accept-encoding"] == "gzip, deflate, zstd"
    with pytest.raises(MalformedBody, match="diner: .*/dishes answered a body that has bytes after its gzip"):
        fetch(client_of(lambda request: answer(gzip.compress(b"[1]") + b"?", "gzip")), Reply.json)
    assert len(clock.slept) == 3


def test_the_status_matters_more_than_a_damaged_body(clock: Clock) -> None:
    answers = Answers(answer(b"no gzip", "gzip", 500), answer(b"[1]", "identity"))
    assert fetch(client_of(answers), Reply.json) == [1]


class Endless(httpx.AsyncByteStream):
    """A body without end, in parts; `sent` counts them."""

    def __init__(self, parts: Iterable[bytes]) -> None:
        self._parts = parts
        self.sent = 0

    async def __aiter__(self):  # type: ignore[no-untyped-def]
        for part in self._parts:
            self.sent += 1
            yield part


def zeros(pack: Callable[[bytes], bytes]) -> Iterable[bytes]:
    packed = pack(bytes(4_000_000))
    while True:
        yield packed


def limited(handler: Callable[[httpx.Request], httpx.Response], most_body_bytes: int = 1_000_000) -> Client:
    return client_of(handler, most_body_bytes=most_body_bytes)


@pytest.mark.parametrize("coding", ["identity", "gzip", "deflate", "zstd", "gzip, zstd"])
def test_a_body_without_end_is_an_error_at_the_limit_and_not_fetched_again(coding: str, clock: Clock) -> None:
    packs = {"identity": bytes, "gzip": gzip.compress, "deflate": zlib.compress, "zstd": zstd}
    packs["gzip, zstd"] = lambda data: zstd(gzip.compress(data))
    body, requests = Endless(zeros(packs[coding])), []

    def endless(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(200, headers={"Content-Encoding": coding}, stream=body)

    with pytest.raises(BodyTooLarge, match=r"diner: .*/dishes answered a body of more than 1 MB \(HTTP_BODY_LIMIT_MB"):
        fetch(limited(endless), len)
    assert (len(requests), body.sent) == (1, 1)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "zstd"])
def test_one_piece_of_decoded_bytes_is_small_however_far_the_body_grows(coding: str) -> None:
    packed = PACKED[coding](bytes(100_000_000))
    sizes = [len(piece) for piece in BodyDecoder([coding]).decode(packed)]
    assert sum(sizes) == 100_000_000
    assert max(sizes) <= 9_000_000


def test_a_body_of_exactly_the_limit_is_read() -> None:
    packed = gzip.compress(bytes(1_000_000))
    assert fetch(limited(lambda request: answer(packed, "gzip")), lambda reply: len(reply.body)) == 1_000_000


def test_a_redirect_with_an_endless_body_is_an_error_at_the_limit() -> None:
    def endless(request: httpx.Request) -> httpx.Response:
        return httpx.Response(302, headers={"Location": "/other"}, stream=Endless(zeros(bytes)))

    with pytest.raises(BodyTooLarge):
        fetch(limited(endless), len)


def test_an_error_with_an_endless_body_is_the_error_of_its_status(clock: Clock) -> None:
    def endless(request: httpx.Request) -> httpx.Response:
        return httpx.Response(404, stream=Endless(zeros(bytes)))

    with pytest.raises(Refused, match="answered 404"):
        fetch(limited(endless), len)
