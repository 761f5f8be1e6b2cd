"""Files dropped into landing, over a folder and S3: taken in once, or set aside with the reason."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sync_platform.emergency.book import RequestBook
from sync_platform.emergency.drops import take_in_drops
from sync_platform.errors import StorageError
from sync_platform.platforms import load_platforms
from sync_platform.storage.objects import FolderStore, ObjectStore, open_store
from sync_platform_tests.services import S3Server

PLATFORMS = load_platforms()
GOOD = {"platforms": ["chope"], "reason": "menus are wrong", "priority": "critical", "requester": "ada"}
_prefixes = (f"drops-{number}" for number in itertools.count(1))


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    if request.param == "folder":
        return FolderStore(tmp_path / "landing_store")
    server: S3Server = request.getfixturevalue("s3_server")
    return open_store(f"s3://{server.bucket}/{next(_prefixes)}", server.client())


@pytest.fixture
def book(tmp_path: Path) -> RequestBook:
    return RequestBook(f"sqlite:///{tmp_path}/ledger.sqlite")


def drop(store: ObjectStore, name: str, content: Any) -> None:
    store.put(f"emergency/{name}", content if isinstance(content, bytes) else json.dumps(content).encode())


def minutes_later() -> datetime:
    return datetime.now(UTC) + timedelta(minutes=5)


def test_a_good_file_becomes_a_request_and_is_gone(store: ObjectStore, book: RequestBook) -> None:
    drop(store, "menus.json", GOOD)
    drop(store, "all.JSON", {"reason": "everything is wrong"})
    intake = take_in_drops(store, book, PLATFORMS)
    assert (len(intake.entered), intake.refused, intake.troubles) == (2, {}, [])
    assert list(store.keys("emergency/")) == []
    critical, other = book.open_requests()
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
def test_a_bad_file_is_set_aside_beside_a_note_that_says_why(
    tmp_path: Path, book: RequestBook, content: Any, why: str
) -> None:
    store = FolderStore(tmp_path / "landing_store")
    drop(store, "bad.json", content)
    before = store.get("emergency/bad.json")
    intake = take_in_drops(store, book, PLATFORMS, minutes_later())
    assert list(intake.refused) == ["emergency/bad.json"]
    aside, note = sorted(store.keys("emergency/"))
    assert aside.startswith("emergency/refused/") and aside.endswith("Z-bad.json")
    assert note == f"{aside}.reason.txt"
    assert store.get(aside) == before
    assert store.get(note).decode().startswith("emergency/bad.json was refused: ")
    assert why in store.get(note).decode()
    assert book.latest(1) == []
    assert take_in_drops(store, book, PLATFORMS, minutes_later()).refused == {}


def test_a_bad_file_keeps_no_good_one_and_is_set_aside_in_a_bucket_too(store: ObjectStore, book: RequestBook) -> None:
    drop(store, "a.json", GOOD | {"platforms": ["chop"]})
    drop(store, "b.json", GOOD)
    intake = take_in_drops(store, book, PLATFORMS)
    assert (list(intake.refused), len(intake.entered)) == (["emergency/a.json"], 1)
    assert len(list(store.keys("emergency/refused/"))) == 2


def test_a_file_that_is_still_being_written_is_left_until_it_is_whole(tmp_path: Path, book: RequestBook) -> None:
    store = FolderStore(tmp_path / "landing_store")
    drop(store, "menus.json", json.dumps(GOOD).encode()[:30])
    intake = take_in_drops(store, book, PLATFORMS)
    assert (intake.entered, intake.refused) == ([], {})
    drop(store, "menus.json", GOOD)
    assert len(take_in_drops(store, book, PLATFORMS).entered) == 1


def test_what_is_no_request_file_is_left_alone(store: ObjectStore, book: RequestBook) -> None:
    for name in ("notes.txt", "menus.json.part", "old/menus.json"):
        drop(store, name, GOOD)
    assert take_in_drops(store, book, PLATFORMS).entered == []
    assert len(list(store.keys("emergency/"))) == 3


class _Undeletable(FolderStore):
    """Killed before it deletes."""

    def delete(self, key: str) -> None:
        raise StorageError(f"killed before {key} was deleted")


@pytest.mark.parametrize("key", [None, "ticket-7"])
def test_a_file_read_again_after_a_crash_is_the_same_request_even_when_that_has_ended(
    tmp_path: Path, book: RequestBook, key: str | None
) -> None:
    store = _Undeletable(tmp_path / "landing_store")
    drop(store, "menus.json", GOOD | {"key": key})
    assert take_in_drops(store, book, PLATFORMS).troubles == ["killed before emergency/menus.json was deleted"]
    (request,) = book.open_requests()
    book.note_end(request.request_id, "chope", "run-1", "complete")
    store = FolderStore(tmp_path / "landing_store")
    (entered,) = take_in_drops(store, book, PLATFORMS).entered
    assert (entered.folded, entered.request.request_id) == (True, request.request_id)
    assert list(store.keys("emergency/")) == []


def test_the_same_words_dropped_another_day_are_another_request(tmp_path: Path, book: RequestBook) -> None:
    import os

    store = FolderStore(tmp_path / "landing_store")
    for day in (1, 2):
        drop(store, "menus.json", GOOD)
        os.utime(tmp_path / "landing_store" / "emergency" / "menus.json", (day * 86_400, day * 86_400))
        (entered,) = take_in_drops(store, book, PLATFORMS).entered
        assert not entered.folded
        book.note_end(entered.request.request_id, "chope", f"run-{day}", "complete")


def test_two_files_that_ask_for_the_same_make_one_request(store: ObjectStore, book: RequestBook) -> None:
    drop(store, "a.json", GOOD)
    drop(store, "b.json", GOOD)
    assert [entered.folded for entered in take_in_drops(store, book, PLATFORMS).entered] == [False, True]
    assert len(book.latest(10)) == 1
