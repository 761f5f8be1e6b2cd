"""An S3 server that is not AWS: it knows no checksums, and is busy at times."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sync_platform.errors import StorageError
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import Lake
from sync_platform_tests.services import S3Server

from .strict_s3 import StrictS3, store_of, strict_s3


@pytest.fixture
def strict(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[StrictS3]:
    for name, value in s3_server.environment.items():
        if name != "AWS_ENDPOINT_URL":
            monkeypatch.setenv(name, value)
    with strict_s3(s3_server.endpoint) as server:
        yield server


def test_a_server_without_checksums_stores_reads_lists_and_deletes(strict: StrictS3, s3_server: S3Server) -> None:
    store, _ = store_of(strict, s3_server.bucket, "plain")
    body = bytes(range(256)) * 1000
    store.put("a/1", body)
    store.put_new("a/2", b"")
    assert store.get("a/1") == body
    assert [entry.size_bytes for entry in store.entries("a/")] == [len(body), 0]
    store.delete("a/1")
    assert list(store.keys()) == ["a/2"]
    assert all(f"/{s3_server.bucket}" in request for request in strict.requests), "the bucket is part of the path"


def test_a_server_that_is_busy_for_thirty_seconds_is_waited_for(strict: StrictS3, s3_server: S3Server) -> None:
    store, sleeps = store_of(strict, s3_server.bucket, "busy", busy_s=30)
    for action in (lambda: store.put("a", b"x"), lambda: store.put_new("b", b"y"), lambda: list(store.keys())):
        strict.busy = 1000
        sleeps.reset()
        action()
        assert sleeps.slept >= 30
    strict.busy = 1000
    sleeps.reset()
    assert store.get("a") == b"x"


def test_a_server_that_stays_busy_is_a_storage_error(strict: StrictS3, s3_server: S3Server) -> None:
    store, sleeps = store_of(strict, s3_server.bucket, "busy", busy_s=1e9)
    strict.busy = 1000
    with pytest.raises(StorageError, match="cannot write s3://tests/busy/a: SlowDown"):
        store.put("a", b"x")
    assert 40 <= sleeps.slept <= 120


def test_the_lake_writes_and_reads_its_files_on_a_server_that_is_busy_at_times(
    strict: StrictS3, s3_server: S3Server, tmp_path: Path
) -> None:
    address = LakeAddress(
        f"sqlite:{tmp_path / 'catalog.sqlite'}",
        f"s3://{s3_server.bucket}/lake-of-a-busy-server",
        tmp_path / "temp",
        "us-east-1",
        strict.endpoint,
    )
    with Lake(address) as lake, lake.session() as session:
        session.execute("CREATE TABLE numbers (n INTEGER)")
        strict.busy = 3
        session.execute("INSERT INTO numbers SELECT range FROM range(1000)")
        assert strict.busy < 0
        settings = [
            f"current_setting('{name}')" for name in ("http_retries", "http_retry_wait_ms", "http_retry_backoff")
        ]
        retries, wait_ms, backoff = session.execute(f"SELECT {', '.join(settings)}").fetchall()[0]
        assert sum(wait_ms / 1000 * backoff**number for number in range(retries - 1)) >= 30
    with Lake(address, read_only=True) as lake, lake.session() as session:
        strict.busy = 3
        assert session.execute("SELECT sum(n) FROM numbers").fetchall() == [(499500,)]
        assert strict.busy < 0
