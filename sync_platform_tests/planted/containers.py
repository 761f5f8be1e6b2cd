"""What is packed in a content: the decompressed bytes, the files of an archive, the values of a table."""

from __future__ import annotations

import bz2
import io
import lzma
import sqlite3
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

HEAD_BYTES = 16
CHUNK_BYTES = 1 << 14
BETWEEN = b"\n"
"""Stands between two values, so that no text is found across them."""


@dataclass(frozen=True)
class Content:
    """Bytes with a name: of a file, in memory, or a stream that `opener` opens anew each time."""

    name: str
    path: Path | None = None
    data: bytes = b""
    opener: Callable[[], Any] | None = None

    def opened(self) -> Any:
        if self.opener is not None:
            return self.opener()
        return self.path.open("rb") if self.path is not None else io.BytesIO(self.data)


Unpack = Callable[[Content], Iterator[Content]]


class _Blocks(io.RawIOBase):
    """Blocks as a stream that is read once."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks, self._rest = blocks, b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest:
            block = next(self._blocks, None)
            if block is None:
                return 0
            self._rest = block
        count = min(len(buffer), len(self._rest))
        buffer[:count], self._rest = self._rest[:count], self._rest[count:]
        return count


def _compressed(new_decompressor: Callable[[], Any]) -> Unpack:
    """For a compression of one stream. Damage is its end: what comes before the damage is read."""

    def blocks(content: Content) -> Iterator[bytes]:
        decompressor = new_decompressor()
        with content.opened() as stream:
            while chunk := stream.read(CHUNK_BYTES):
                while chunk:
                    try:
                        yield decompressor.decompress(chunk)
                    except (zlib.error, OSError, lzma.LZMAError, zstandard.ZstdError):
                        return
                    chunk = decompressor.unused_data if decompressor.eof else b""
                    if decompressor.eof:  # another frame may follow
                        decompressor = new_decompressor()

    def unpack(content: Content) -> Iterator[Content]:
        yield Content(f"{content.name}!", opener=lambda: io.BufferedReader(_Blocks(blocks(content))))

    return unpack


def _zip(content: Content) -> Iterator[Content]:
    with content.opened() as stream, zipfile.ZipFile(stream) as archive:
        for name in archive.namelist():
            yield Content(f"{content.name}!{name}", data=archive.read(name))


def _parquet(content: Content) -> Iterator[Content]:
    with content.opened() as stream:
        for batch in pq.ParquetFile(stream).iter_batches():
            for name, column in zip(batch.schema.names, batch.columns, strict=True):
                yield Content(f"{content.name}!{name}", data=BETWEEN.join(_buffers(column)))


def _buffers(column: pa.Array) -> Iterator[bytes]:
    return (buffer.to_pybytes() for buffer in column.buffers() if buffer is not None)


def _sqlite(content: Content) -> Iterator[Content]:
    """The values of every table. Pages have them too, but a long value is split between pages."""
    with closing(_database(content)) as database:
        tables = [row[0].decode() for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            rows = database.execute(f'SELECT * FROM "{table}"')
            name = f"{content.name}!{table}"
            packed: list[bytes] = []
            for chunk in iter(lambda rows=rows: rows.fetchmany(1000), []):  # type: ignore[misc]
                values = [_bytes_of(value) for row in chunk for value in row if value is not None]
                packed += [value for value in values if value.startswith(tuple(CONTAINERS))]
                yield Content(name, data=BETWEEN.join(values))
            yield from (Content(f"{name}[{number}]", data=value) for number, value in enumerate(packed))


def _database(content: Content) -> sqlite3.Connection:
    if content.path is not None:
        try:
            database = sqlite3.connect(f"file:{content.path}?mode=ro", uri=True)
            database.execute("SELECT count(*) FROM sqlite_master")
        except sqlite3.OperationalError:  # its folder is read-only: what its log has is searched as bytes
            database = sqlite3.connect(f"file:{content.path}?immutable=1", uri=True)
    else:
        database = sqlite3.connect(":memory:")
        with content.opened() as stream:
            database.deserialize(stream.read())
    database.text_factory = bytes
    return database


def _bytes_of(value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


CONTAINERS: dict[bytes, Unpack] = {
    b"\x1f\x8b": _compressed(lambda: zlib.decompressobj(zlib.MAX_WBITS | 16)),
    b"\x28\xb5\x2f\xfd": _compressed(lambda: zstandard.ZstdDecompressor().decompressobj()),
    b"BZh": _compressed(bz2.BZ2Decompressor),
    b"\xfd7zXZ": _compressed(lzma.LZMADecompressor),
    b"PK\x03\x04": _zip,
    b"PAR1": _parquet,
    b"SQLite format 3\x00": _sqlite,
}
"""How to open a content that begins with these bytes."""
