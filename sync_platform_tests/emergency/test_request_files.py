"""Request files in the landing store, over a folder and S3: submitted once, or refused with the reason."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sync_platform.emergency.request_files import process_files
from sync_platform.emergency.request_store import RequestStore
from sync_platform.errors import StorageError
from sync_platform.platforms import load_platforms
from sync_platform.storage.folder_store import FolderStore
from sync_platform.storage.object_store import ObjectStore
from sync_platform.storage.objects import open_store
from sync_platform_tests.services import S3Server

PLATFORMS = load_platforms()
GOOD = {"platforms": ["chope"], "reason": "menus are wrong", "priority": "critical", "requester": "ada"}
_prefixes = (f"files-{number}" for number in itertools.count(1))


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    if request.param == "folder":
        return FolderStore(tmp_path / "landing_store")
    server: S3Server = request.getfixturevalue("s3_server")
    return open_store(f"s3://{server.bucket}/{next(_prefixes)}", server.client())


@pytest.fixture
def requests(tmp_path: Path) -> RequestStore:
    return RequestStore(f"sqlite:///{tmp_path}/ledger.sqlite")


def put(store: ObjectStore, name: str, content: Any) -> None:
    store.put(f"emergency/{name}", content if isinstance(content, bytes) else json.dumps(content).encode())


def minutes_later() -> datetime:
    return datetime.now(UTC) + timedelta(minutes=5)


def test_a_good_file_becomes_a_request_and_is_deleted(store: ObjectStore, requests: RequestStore) -> None:
    put(store, "menus.json", GOOD)
    put(store, "all.JSON", {"reason": "everything is wrong"})
    processed = process_files(store, requests, PLATFORMS)
    assert (len(processed.submissions), processed.refused, processed.errors) == (2, {}, [])
    assert list(store.keys("emergency/")) == []
    critical, other = requests.open_requests()
    assert (critical.platforms, critical.reason, critical.priority, critical.requester) == (
        ["chope"],
        "menus are wrong",
        "critical",
        "ada",
    )
    assert (other.platforms, other.priority, other.requester) == (list(PLATFORMS), "high", "file emergency/all.JSON")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b'{"platforms": ["chope"], "rea', "truncated"),
        (b"", "truncated"),
        (b'"\xff"', "not a request"),
        (b"[" * 100_000, "not a request"),
        (["chope"], "Expected `object`, got `array`"),
        ({"platforms": ["chope"]}, "missing required field `reason`"),
        (GOOD | {"priorty": "low"}, "unknown field `priorty`"),
        (GOOD | {"platforms": ["chop"]}, "unknown platform chop"),
        (GOOD | {"priority": "urgent"}, "priority 'urgent' is none of"),
        (GOOD | {"reason": " "}, "needs a reason"),
    ],
    ids=str,
)
def test_a_bad_file_is_moved_beside_a_file_with_the_reason(
    tmp_path: Path, requests: RequestStore, content: Any, why: str
) -> None:
    store = FolderStore(tmp_path / "landing_store")
    put(store, "bad.json", content)
    before = store.get("emergency/bad.json")
    processed = process_files(store, requests, PLATFORMS, minutes_later())
    assert list(processed.refused) == ["emergency/bad.json"]
    refused, reason = sorted(store.keys("emergency/"))
    assert refused.startswith("emergency/refused/") and refused.endswith("Z-bad.json")
    assert reason == f"{refused}.reason.txt"
    assert store.get(refused) == before
    assert store.get(reason).decode().startswith("emergency/bad.json was refused: ")
    assert why in store.get(reason).decode()
    assert requests.latest(1) == []
    assert process_files(store, requests, PLATFORMS, minutes_later()).refused == {}


def test_a_bad_file_does_not_block_a_good_one_and_is_moved_in_a_bucket_too(
    store: ObjectStore, requests: RequestStore
) -> None:
    put(store, "a.json", GOOD | {"platforms": ["chop"]})
    put(store, "b.json", GOOD)
    processed = process_files(store, requests, PLATFORMS)
    assert (list(processed.refused), len(processed.submissions)) == (["emergency/a.json"], 1)
    assert len(list(store.keys("emergency/refused/"))) == 2


def test_a_file_that_is_still_being_written_is_left_until_it_is_whole(tmp_path: Path, requests: RequestStore) -> None:
    store = FolderStore(tmp_path / "landing_store")
    put(store, "menus.json", json.dumps(GOOD).encode()[:30])
    processed = process_files(store, requests, PLATFORMS)
    assert (processed.submissions, processed.refused) == ([], {})
    put(store, "menus.json", GOOD)
    assert len(process_files(store, requests, PLATFORMS).submissions) == 1


def test_other_files_are_left_alone(store: ObjectStore, requests: RequestStore) -> None:
    for name in ("notes.txt", "menus.json.part", "old/menus.json"):
        put(store, name, GOOD)
    assert process_files(store, requests, PLATFORMS).submissions == []
    assert len(list(store.keys("emergency/"))) == 3


class _Undeletable(FolderStore):
    """Killed before it deletes."""

    def delete(self, key: str) -> None:
        raise StorageError(f"killed before {key} was deleted")


@pytest.mark.parametrize("key", [None, "ticket-7"])
def test_a_file_read_again_after_a_crash_is_the_same_request_even_when_that_has_ended(
    tmp_path: Path, requests: RequestStore, key: str | None
) -> None:
    store = _Undeletable(tmp_path / "landing_store")
    put(store, "menus.json", GOOD | {"key": key})
    assert process_files(store, requests, PLATFORMS).errors == ["killed before emergency/menus.json was deleted"]
    (request,) = requests.open_requests()
    requests.note_end(request.request_id, "chope", "run-1", "complete")
    store = FolderStore(tmp_path / "landing_store")
    (submission,) = process_files(store, requests, PLATFORMS).submissions
    assert (submission.joined, submission.request.request_id) == (True, request.request_id)
    assert list(store.keys("emergency/")) == []


def test_the_same_content_written_on_another_day_is_another_request(tmp_path: Path, requests: RequestStore) -> None:
    import os

    store = FolderStore(tmp_path / "landing_store")
    for day in (1, 2):
        put(store, "menus.json", GOOD)
        os.utime(tmp_path / "landing_store" / "emergency" / "menus.json", (day * 86_400, day * 86_400))
        (submission,) = process_files(store, requests, PLATFORMS).submissions
        assert not submission.joined
        requests.note_end(submission.request.request_id, "chope", f"run-{day}", "complete")


def test_two_files_that_ask_for_the_same_make_one_request(store: ObjectStore, requests: RequestStore) -> None:
    put(store, "a.json", GOOD)
    put(store, "b.json", GOOD)
    assert [submission.joined for submission in process_files(store, requests, PLATFORMS).submissions] == [False, True]
    assert len(requests.latest(10)) == 1
