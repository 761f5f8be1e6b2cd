"""How the bytes of an object are stored: compressed with Zstandard, and encrypted with Cobblestone.

Nothing here is invented: Zstandard is RFC 8878, and Cobblestone is the C2SP format `chunked-encryption` of the library
`cryptography`. It authenticates every chunk, their order and the end. Both work on streams of any length.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import zstandard
from cryptography.cobblestone import Cobblestone256Decryptor, Cobblestone256Encryptor
from cryptography.exceptions import InvalidTag

from sync_platform.errors import DamagedBackup

ZSTD_LEVEL = 3
COMPRESSED, ENCRYPTED, PLAIN = ".zst", ".sealed", ".plain"
SAMPLE_BYTES = 1 << 20
WORTH_COMPRESSING = 0.95
"""A file is compressed if that makes its first SAMPLE_BYTES at least 5 % smaller."""


@dataclass(frozen=True)
class Codec:
    """How an object is stored. Its ending is a part of the object's name, such as `.zst.sealed`."""

    is_compressed: bool
    is_encrypted: bool

    @property
    def ending(self) -> str:
        return (COMPRESSED if self.is_compressed else "") + (ENCRYPTED if self.is_encrypted else "") or PLAIN

    @classmethod
    def of(cls, object_name: str) -> Codec:
        """The codec of an object, from its name."""
        return cls(COMPRESSED in object_name, object_name.endswith(ENCRYPTED))


def is_worth_compressing(sample: bytes) -> bool:
    """`sample`: the first SAMPLE_BYTES of a file."""
    compressed = zstandard.ZstdCompressor(level=ZSTD_LEVEL).compress(sample)
    return len(compressed) < WORTH_COMPRESSING * len(sample)


def encode(blocks: Iterable[bytes], codec: Codec, key: bytes, context: bytes) -> Iterator[bytes]:
    """The stored form of a stream. `context` is bound to it: under another context it cannot be decrypted."""
    if codec.is_compressed:
        blocks = _compressed(blocks)
    return _encrypted(blocks, key, context) if codec.is_encrypted else iter(blocks)


def decode(blocks: Iterable[bytes], codec: Codec, key: bytes, context: bytes) -> Iterator[bytes]:
    """The stream of which this is the stored form. DamagedBackup where it is not what was written.

    The end is checked last: nothing that was read may be used before the iterator is exhausted.
    """
    if codec.is_encrypted:
        blocks = _decrypted(blocks, key, context)
    return _decompressed(blocks) if codec.is_compressed else iter(blocks)


def _compressed(blocks: Iterable[bytes]) -> Iterator[bytes]:
    compressor = zstandard.ZstdCompressor(level=ZSTD_LEVEL, write_checksum=True).compressobj()
    for block in blocks:
        yield compressor.compress(block)
    yield compressor.flush()


def _decompressed(blocks: Iterable[bytes]) -> Iterator[bytes]:
    decompressor = zstandard.ZstdDecompressor().decompressobj()
    try:
        for block in blocks:
            if decompressor.eof:
                raise DamagedBackup("bytes follow after the end of the compressed content")
            yield decompressor.decompress(block)
    except zstandard.ZstdError:
        raise DamagedBackup("the compressed content was changed") from None
    if not decompressor.eof or decompressor.unused_data:
        raise DamagedBackup("the compressed content has another end than what was written")


def _encrypted(blocks: Iterable[bytes], key: bytes, context: bytes) -> Iterator[bytes]:
    encryptor = Cobblestone256Encryptor(key, context)
    for block in blocks:
        yield encryptor.update(block)
    yield encryptor.finalize()


def _decrypted(blocks: Iterable[bytes], key: bytes, context: bytes) -> Iterator[bytes]:
    decryptor = Cobblestone256Decryptor(key, context)
    try:
        for block in blocks:
            yield decryptor.update(block)
        yield decryptor.finalize()
    except InvalidTag:
        raise DamagedBackup("it was changed, cut off, or encrypted under another key or name") from None
