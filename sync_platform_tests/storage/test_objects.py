"""One suite for every object store: a folder, and a bucket of a real S3 server."""

from __future__ import annotations

import hashlib
import itertools
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sync_platform.errors import SettingsError, StorageError
from sync_platform.storage.bucket_store import BucketStore
from sync_platform.storage.folder_store import FolderStore
from sync_platform.storage.object_store import BLOCK_BYTES, TEMPORARY, ObjectStore
from sync_platform.storage.objects import open_store
from sync_platform_tests.services import S3Server

_prefixes = (f"suite-{number}" for number in itertools.count(1))


@pytest.fixture(params=["folder", "bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    """An empty store of each kind."""
    if request.param == "folder":
        return FolderStore(tmp_path / "store")
    server: S3Server = request.getfixturevalue("s3_server")
    return BucketStore(server.client(), server.bucket, next(_prefixes))


def test_get_returns_what_was_put(store: ObjectStore) -> None:
    store.put("landing/page.json", b'{"id": 1}')
    assert store.get("landing/page.json") == b'{"id": 1}'


def test_a_second_put_replaces_the_first(store: ObjectStore) -> None:
    store.put("a", b"a first, longer body")
    store.put("a", b"second")
    assert store.get("a") == b"second"
    assert list(store.keys()) == ["a"]


@pytest.mark.parametrize("key", ["none", "folder/none", "there/below", "there", "the"])
def test_a_missing_object_is_a_key_error(store: ObjectStore, key: str) -> None:
    store.put("there/is/one", b"x")
    with pytest.raises(KeyError):
        store.get(key)


def test_a_key_below_an_object_is_missing(store: ObjectStore) -> None:
    store.put("object", b"x")
    with pytest.raises(KeyError):
        store.get("object/below")


@pytest.mark.parametrize("size", [0, 1, 5_000_000])
def test_a_body_of_any_size_is_returned_complete(store: ObjectStore, size: int) -> None:
    body = (bytes(range(251)) * (size // 251 + 1))[:size]
    store.put("body", body)
    assert hashlib.sha256(store.get("body")).digest() == hashlib.sha256(body).digest()


@pytest.mark.parametrize("size", [0, 1, 3_000_000])
def test_a_file_that_was_put_is_streamed_in_blocks_and_has_its_size(
    store: ObjectStore, tmp_path: Path, size: int
) -> None:
    body = (bytes(range(251)) * (size // 251 + 1))[:size]
    (tmp_path / "file").write_bytes(body)
    store.put("a/file", b"before")
    store.put_file("a/file", tmp_path / "file", hashlib.sha256(body).digest())
    (tmp_path / "file").unlink()
    blocks = list(store.stream("a/file"))
    assert b"".join(blocks) == body
    assert max(map(len, blocks), default=0) <= BLOCK_BYTES
    assert (store.size("a/file"), store.size("a"), store.size("none")) == (size, None, None)
    assert list(store.keys()) == ["a/file"]
    with pytest.raises(KeyError):
        list(store.stream("none"))


def test_keys_are_sorted_whatever_the_order_of_puts(store: ObjectStore) -> None:
    keys = ["b/2", "a/1", "b/10", "a.b/1", "c"]
    for key in keys:
        store.put(key, b"x")
    assert list(store.keys()) == sorted(keys)


@pytest.mark.parametrize(
    ("prefix", "found"),
    [
        ("", ["a/b/2", "a/b/3", "a/bc", "d"]),
        ("a/", ["a/b/2", "a/b/3", "a/bc"]),
        ("a/b", ["a/b/2", "a/b/3", "a/bc"]),
        ("a/b/", ["a/b/2", "a/b/3"]),
        ("a/b/2", ["a/b/2"]),
        ("b", []),
        ("none/at/all/", []),
    ],
)
def test_keys_are_filtered_by_prefix(store: ObjectStore, prefix: str, found: list[str]) -> None:
    for key in ("a/b/2", "a/bc", "d", "a/b/3"):
        store.put(key, b"x")
    assert list(store.keys(prefix)) == found


def test_an_empty_store_has_no_keys(store: ObjectStore) -> None:
    assert list(store.keys()) == []
    assert list(store.keys("landing/")) == []


def test_keys_beyond_one_page_are_all_listed(store: ObjectStore) -> None:
    keys = [f"many/{number:04d}" for number in range(1_500)]
    with ThreadPoolExecutor(16) as threads:
        list(threads.map(lambda key: store.put(key, b""), keys))
    assert list(store.keys("many/")) == keys


def test_entries_are_the_keys_with_size_and_time(store: ObjectStore) -> None:
    began = datetime.now(UTC) - timedelta(seconds=5)
    for key in ("a/2", "b", "a/1"):
        store.put(key, b"x" * len(key))
    entries = list(store.entries("a/"))
    assert [(entry.key, entry.size_bytes) for entry in entries] == [("a/1", 3), ("a/2", 3)]
    assert all(began < entry.modified_at < datetime.now(UTC) + timedelta(seconds=5) for entry in entries)
    assert [entry.key for entry in store.entries()] == list(store.keys())


def test_a_sweep_leaves_every_object(store: ObjectStore) -> None:
    for key in ("a/b/1", "a/2", "b"):
        store.put(key, b"x")
    store.delete("a/b/1")
    store.sweep("a/", datetime.now(UTC) + timedelta(days=1))
    assert list(store.keys()) == ["a/2", "b"]


def test_a_sweep_of_a_missing_folder_is_no_error(store: ObjectStore) -> None:
    store.sweep("none/", datetime.now(UTC))


def test_a_deleted_object_is_gone_and_its_neighbours_stay(store: ObjectStore) -> None:
    store.put("a/1", b"x")
    store.put("a/2", b"y")
    store.delete("a/1")
    with pytest.raises(KeyError):
        store.get("a/1")
    assert list(store.keys()) == ["a/2"]


@pytest.mark.parametrize("key", ["none", "a/none", "a/1/below", "a"])
def test_deleting_a_missing_object_is_no_error_and_deletes_nothing(store: ObjectStore, key: str) -> None:
    store.put("a/1", b"x")
    store.delete(key)
    assert list(store.keys()) == ["a/1"]


@pytest.mark.parametrize(
    "key",
    ["", "/a", "a/", "a//b", ".", "a/./b", "..", "../a", "a/../../b", "a\x00b", "a\nb", "a\ud800", "a\\b", "a/.put-1"],
)
def test_an_invalid_key_is_refused_by_every_operation(store: ObjectStore, key: str) -> None:
    for verb in (lambda: store.put(key, b"x"), lambda: store.get(key), lambda: store.delete(key)):
        with pytest.raises(StorageError, match="is not an object key"):
            verb()
    assert list(store.keys()) == []


@pytest.mark.parametrize("prefix", ["/", "/etc/", "../", "a/../../", "a//"])
def test_an_invalid_prefix_is_refused(store: ObjectStore, prefix: str) -> None:
    with pytest.raises(StorageError, match="is not an object key"):
        list(store.keys(prefix))


@pytest.mark.parametrize(
    "key", ["茶餐廳/尖沙咀.json", "two words/a b", "100%/a+b", "a?b=c&d#e", "emoji 🍜", "q'uo\"te", "~a/..b/c.."]
)
def test_a_key_with_any_characters_is_kept_unchanged(store: ObjectStore, key: str) -> None:
    store.put(key, key.encode())
    assert store.get(key) == key.encode()
    assert list(store.keys()) == [key]
    assert list(store.keys(key)) == [key]
    store.delete(key)
    assert list(store.keys()) == []


def test_concurrent_puts_leave_one_complete_object(store: ObjectStore) -> None:
    bodies = [bytes([letter]) * 300_000 for letter in range(8)]
    store.put("contested", bodies[0])

    def put_and_look(body: bytes) -> bytes:
        store.put("contested", body)
        return store.get("contested")

    with ThreadPoolExecutor(8) as threads:
        seen = list(threads.map(put_and_look, bodies * 3))
    assert all(body in bodies for body in [*seen, store.get("contested")])
    assert list(store.keys()) == ["contested"]


def test_a_failed_put_leaves_no_object(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = FolderStore(tmp_path)
    store.put("a", b"before")

    def full_disk(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", full_disk)
        with pytest.raises(StorageError, match=r"cannot write .*/a: No space left on device"):
            store.put("a", b"after")
    assert store.get("a") == b"before"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_an_object_is_written_to_the_disk_before_its_name_and_those_of_its_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed: list[Path] = []
    monkeypatch.setattr(os, "fsync", lambda handle: flushed.append(Path(f"/proc/self/fd/{handle}").readlink()))
    FolderStore(tmp_path / "store").put("a/b/c", b"text")
    assert flushed[0].name.startswith(TEMPORARY)
    assert flushed[1:] == [tmp_path / "store" / "a" / "b", tmp_path / "store" / "a", tmp_path / "store"]


def test_a_file_left_by_a_killed_put_is_no_object(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    store.put("a/1", b"x")
    (tmp_path / "a" / ".put-half").write_bytes(b"ha")
    assert list(store.keys()) == ["a/1"]


def test_a_sweep_removes_files_of_killed_puts_and_empty_folders_below_its_prefix(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    for key in ("a/b/c/1", "a/d/2", "other/3"):
        store.put(key, b"x")
        store.delete(key)
    half, running = tmp_path / "a" / "b" / "c" / ".put-half", tmp_path / "a" / "d" / ".put-running"
    half.write_bytes(b"ha")
    running.write_bytes(b"ha")
    os.utime(half, (0, 0))
    store.sweep("a/", datetime.now(UTC) - timedelta(days=1))
    assert sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")) == [
        "a", "a/d", "a/d/.put-running", "other",
    ]  # fmt: skip


def test_a_sweep_of_a_whole_store_removes_files_of_killed_puts_everywhere(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "store")
    for key in ("whole", "a/whole", "empty/1"):
        store.put(key, b"x")
    store.delete("empty/1")
    for left in (tmp_path / "store" / ".put-left", tmp_path / "store" / "a" / ".put-left"):
        left.write_bytes(b"ha")
        os.utime(left, (0, 0))
    store.sweep("", datetime.now(UTC) - timedelta(days=1))
    assert sorted(path.relative_to(tmp_path / "store").as_posix() for path in (tmp_path / "store").rglob("*")) == [
        "a", "a/whole", "whole",
    ]  # fmt: skip


def test_puts_succeed_during_sweeps(tmp_path: Path) -> None:
    store, ended = FolderStore(tmp_path), threading.Event()

    def sweep() -> None:
        while not ended.is_set():
            store.sweep("a/", datetime.now(UTC) - timedelta(days=1))

    with ThreadPoolExecutor(3) as threads:
        sweeping = [threads.submit(sweep) for _ in range(2)]
        try:
            for number in range(100):
                store.put(f"a/{number}/b/c", b"x")
                store.delete(f"a/{number}/b/c")
            store.put("a/last/b", b"x")
        finally:
            ended.set()
        for each in sweeping:
            each.result()
    assert list(store.keys()) == ["a/last/b"]


def test_a_folder_that_is_a_file_is_a_storage_error_naming_the_object(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match="cannot write .*file/a/1"):
        FolderStore(tmp_path / "file").put("a/1", b"x")


VERBS = {
    "write": lambda store: store.put("a/1", b"x"),
    "read": lambda store: store.get("a/1"),
    "delete": lambda store: store.delete("a/1"),
    "list": lambda store: list(store.keys("a/1")),
}


@pytest.mark.parametrize("verb", VERBS)
def test_wrong_credentials_are_a_storage_error_naming_the_object(s3_server: S3Server, verb: str) -> None:
    store = BucketStore(s3_server.client(secret_key="wrong"), s3_server.bucket, "p")
    with pytest.raises(StorageError, match=rf"cannot {verb} s3://tests/p/a/1: (SignatureDoesNotMatch|403)$"):
        VERBS[verb](store)


@pytest.mark.parametrize("verb", VERBS)
def test_an_unreachable_endpoint_is_a_storage_error_naming_the_object(s3_server: S3Server, verb: str) -> None:
    store = BucketStore(s3_server.client(endpoint="http://127.0.0.1:1"), s3_server.bucket)
    with pytest.raises(StorageError, match=f"cannot {verb} s3://tests/a/1: Could not connect"):
        VERBS[verb](store)


@pytest.mark.parametrize("verb", ["read", "list"])
def test_a_missing_bucket_is_a_storage_error(s3_server: S3Server, verb: str) -> None:
    store = BucketStore(s3_server.client(), "no-such-bucket")
    with pytest.raises(StorageError, match=f"cannot {verb} s3://no-such-bucket/a/1: NoSuchBucket"):
        VERBS[verb](store)


def test_two_prefixes_of_one_bucket_are_two_stores(s3_server: S3Server) -> None:
    one, other = (open_store(f"s3://{s3_server.bucket}/{prefix}", s3_server.client()) for prefix in ("one", "one-more"))
    one.put("a", b"1")
    other.put("a", b"2")
    assert (one.get("a"), other.get("a")) == (b"1", b"2")
    assert list(one.keys()) == ["a"]


def test_a_store_is_opened_by_its_url(tmp_path: Path, s3_server: S3Server) -> None:
    folder = open_store((tmp_path / "with space").as_uri())
    folder.put("a", b"x")
    assert (tmp_path / "with space" / "a").read_bytes() == b"x"
    assert open_store(f"s3://{s3_server.bucket}/deep/er/", s3_server.client()).url == "s3://tests/deep/er"


@pytest.mark.parametrize("url", ["ftp://host/a", "s3://", "/just/a/path"])
def test_another_kind_of_url_is_a_settings_error(url: str) -> None:
    with pytest.raises(SettingsError, match="must be file:///folder or s3://bucket/prefix"):
        open_store(url)


def test_a_bucket_without_a_client_is_a_settings_error() -> None:
    with pytest.raises(SettingsError, match="s3://bucket needs an S3 client"):
        open_store("s3://bucket")
