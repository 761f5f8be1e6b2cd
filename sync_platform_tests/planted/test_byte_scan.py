"""The scanner finds a text in every form and in every container, and says what it could not open."""

from __future__ import annotations

import base64
import bz2
import gzip
import io
import json
import lzma
import sqlite3
import zipfile
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from sync_platform_tests.planted.byte_scan import BLOCK_BYTES, ByteScan

TEXTS = ("zyphermark", "陳標記")
BOTH = " and ".join(TEXTS)
WRITTEN: dict[str, Callable[[str], bytes]] = {
    "UTF-8": str.encode,
    "capitals": lambda text: text.upper().encode(),
    "UTF-16, little": lambda text: text.encode("utf-16-le"),
    "UTF-16, big": lambda text: text.encode("utf-16-be"),
    "hex": lambda text: text.encode().hex().encode(),
    "base64": lambda text: base64.b64encode(text.encode()),
    "base64, one later": lambda text: base64.b64encode(b"x" + text.encode()),
    "base64, two later": lambda text: base64.urlsafe_b64encode(b"xx" + text.encode()),
    "base64 of UTF-16": lambda text: base64.b64encode(text.encode("utf-16-le")),
    "JSON": lambda text: json.dumps(text).encode(),
    "JSON in JSON": lambda text: json.dumps(json.dumps(text)).encode(),
    "URL": lambda text: quote(text).encode(),
    "bytes of Python": lambda text: repr(text.encode()).encode(),
    "entities": lambda text: text.encode("ascii", "xmlcharrefreplace"),
}


def _parquet(data: bytes) -> bytes:
    target = io.BytesIO()
    pq.write_table(pa.table({"a": [data.decode()] * 3, "b": [[data.decode()]] * 3}), target, compression="zstd")
    return target.getvalue()


def _sqlite(data: bytes) -> bytes:
    database = sqlite3.connect(":memory:")
    database.execute("CREATE TABLE t (a, b)")
    database.execute("INSERT INTO t VALUES (1, ?)", (zstandard.compress(data),))
    database.commit()
    return database.serialize()


def _zip(data: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inner", gzip.compress(data))
    return target.getvalue()


PACKED: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "zstd": zstandard.compress,
    "two frames of zstd": lambda data: zstandard.compress(b"first") + zstandard.compress(data),
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "gzip in zip": _zip,
    "parquet": _parquet,
    "zstd in SQLite": _sqlite,
    "parquet in gzip": lambda data: gzip.compress(_parquet(data)),
    "gzip that was cut": lambda data: gzip.compress(data + bytes(100_000))[:-20],
}


@pytest.mark.parametrize("written", WRITTEN)
def test_a_text_is_found_in_each_form(written: str) -> None:
    for text in TEXTS:
        found = {hit.text for hit in ByteScan(TEXTS).in_bytes("x", b"before " + WRITTEN[written](text) + b" after")}
        assert found == {text}


@pytest.mark.parametrize("packed", PACKED)
def test_a_text_is_found_in_each_container(packed: str, tmp_path: Path) -> None:
    body = PACKED[packed](f"{'x' * 500} {BOTH} {'y' * 500}".encode())
    (tmp_path / "file").write_bytes(body)
    assert {hit.text for hit in ByteScan(TEXTS).in_folder(tmp_path)} == set(TEXTS)


def test_a_text_is_found_across_two_blocks_and_in_the_name_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "long").write_bytes(b"x" * (BLOCK_BYTES - 4) + BOTH.encode())
    (tmp_path / "of ZYPHERMARK.txt").write_bytes(b"")
    hits = list(ByteScan(TEXTS).in_folder(tmp_path))
    assert {Path(hit.where).name for hit in hits} == {"long", "of ZYPHERMARK.txt"}


def test_nothing_is_found_where_nothing_is_and_what_is_not_open_is_listed(tmp_path: Path) -> None:
    (tmp_path / "plain").write_bytes(b"zypher mark" * 1000)
    (tmp_path / "encrypted.parquet").write_bytes(b"PAR1" + bytes(100) + b"PARE")
    scan = ByteScan(TEXTS)
    assert list(scan.in_folder(tmp_path)) == []
    assert (scan.files, len(scan.unopened)) == (2, 1)
    assert scan.bytes > 11_000
