"""The stored rows of an erased person have the erased form, and no landed record brings the person back."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from sync_platform.lake.row_erasure import ErasedTable, erase_rows
from sync_platform.lineage.batches import check_batches
from sync_platform.lineage.findings import Findings
from sync_platform.lineage.retention import close_lineage
from sync_platform.vault.destruction import destroy_keys
from sync_platform.vault.tombstones import add_tombstones
from sync_platform_tests.lake.guest_book import ADA, BEN, CAT, guest_book
from sync_platform_tests.lake.harness import HISTORY, LakeHarness

COLUMNS = "source_id, name, email, phone, note, seats"
TABLE = "guestbook.reservations"


@pytest.fixture
def book(tmp_path: Path) -> LakeHarness:
    return LakeHarness(tmp_path, guest_book())


def _subject(book: LakeHarness, email: object) -> str:
    return book.vault.subject_id("guestbook", "email", email)


def _destroy(book: LakeHarness, *emails: object) -> None:
    add_tombstones(book.vault.engine, [_subject(book, email) for email in emails])
    destroy_keys(book.vault.engine)


def _erase(book: LakeHarness, *emails: object) -> list[ErasedTable]:
    _destroy(book, *emails)
    erased = {_subject(book, email) for email in emails}
    return erase_rows(book.lake, HISTORY, {"guestbook": book.platform}, erased, "erasure-1")


def _erased_row(book: LakeHarness, record: dict[str, object]) -> tuple[object, ...]:
    form = f"sealed:v1:{_subject(book, record['email'])}:erased"
    sealed = [form if record.get(name) else None for name in ("name", "email", "phone", "note")]
    return (str(record["id"]), *sealed, record["seats"])


def _require_whole(book: LakeHarness) -> None:
    assert book.replay_differs() == []
    findings = Findings()
    with book.lake.session() as session:
        check_batches(session, HISTORY, findings)
    assert findings.breaks == []


def test_every_row_of_an_erased_person_has_the_erased_form_removed_ones_too(book: LakeHarness) -> None:
    book.sync([ADA, BEN, CAT], hour=1)
    book.sync([BEN, CAT], hour=2)  # Ada's is removed
    ben = book.table(COLUMNS)[0]
    assert _erase(book, ADA["email"], CAT["email"]) == [ErasedTable(TABLE, 2)]
    assert book.table(COLUMNS, live=False) == [_erased_row(book, ADA), ben, _erased_row(book, CAT)]
    assert book.table("source_id") == [("2",), ("3",)]
    assert book.changes("operation, entity_id, run_id")[-3:] == [
        ("update", "3", "erasure-1"),
        ("remove", "1", "run-2"),
        ("remove", "1", "erasure-1"),
    ]
    _require_whole(book)
    assert _erase(book, ADA["email"], CAT["email"]) == []
    _require_whole(book)


def test_a_later_sync_changes_nothing_and_an_edited_review_stays_erased(book: LakeHarness) -> None:
    book.sync([ADA, BEN], hour=1)
    _erase(book, ADA["email"])
    assert book.sync([ADA, BEN], hour=2).record.changes == 0
    assert book.sync([{**ADA, "note": "by the door", "seats": 5}, BEN], hour=3).record.updated == 1
    assert book.table(COLUMNS)[0] == _erased_row(book, {**ADA, "seats": 5})
    assert book.sync([BEN], hour=4).record.removed == 1
    assert book.sync([ADA, BEN], hour=5).record.restored == 1
    assert book.table(COLUMNS)[0] == _erased_row(book, ADA)
    _require_whole(book)


def test_what_was_landed_before_the_erasure_brings_nobody_back(book: LakeHarness) -> None:
    """A retry from quarantine commits such a landing again, and so does a sync that ran during the erasure."""
    landed = book.land([{**ADA, "seats": 6}, BEN], hour=2)
    late = book.land([{**ADA, "seats": 7}], hour=1, mode="incremental")
    book.sync([ADA, BEN], hour=1.5)
    _destroy(book, ADA["email"])
    book.commit(landed)
    assert book.table(COLUMNS)[0] == _erased_row(book, {**ADA, "seats": 6})
    book.commit(late)  # a backfill of an earlier time
    assert book.as_of(1, COLUMNS) == [_erased_row(book, {**ADA, "seats": 7})]
    assert _erase(book, ADA["email"]) == []
    _require_whole(book)


def test_a_late_observation_of_a_removed_row_is_not_undone_by_the_erasure(book: LakeHarness) -> None:
    book.sync([ADA, BEN], hour=1)
    book.sync([BEN], hour=2)
    _erase(book, ADA["email"])
    book.sync([ADA], hour=3, mode="incremental")
    book.sync([{**ADA, "seats": 9}], hour=2.5, mode="incremental")
    book.sync([{**ADA, "seats": 8}], hour=0.5, mode="incremental")
    assert book.table(COLUMNS)[0] == _erased_row(book, ADA)
    assert book.as_of(2, "removed_at IS NULL, seats") == [(False, 2), (True, 4)]
    assert book.as_of(2.5, "removed_at IS NULL, seats") == [(True, 9), (True, 4)]
    _require_whole(book)


def test_a_folded_history_gives_the_erased_form_also_of_a_row_that_is_gone(book: LakeHarness) -> None:
    book.sync([ADA, BEN], hour=1)
    book.sync([BEN], hour=2)
    _erase(book, ADA["email"], BEN["email"])
    close_lineage(book.lake, HISTORY, datetime.now(UTC), "run-of-maintenance")
    assert len(book.changes()) == 4
    assert book.replay_differs() == []
    assert book.table(COLUMNS, live=False) == [_erased_row(book, ADA), _erased_row(book, BEN)]


def test_one_person_among_many_erased_ones_is_found(book: LakeHarness) -> None:
    book.sync([ADA, BEN], hour=1)
    _destroy(book, ADA["email"])
    erased = {_subject(book, ADA["email"]), *(_subject(book, f"{number}@guest.hk") for number in range(60))}
    assert erase_rows(book.lake, HISTORY, {"guestbook": book.platform}, erased, "erasure-1") == [ErasedTable(TABLE, 1)]
    assert book.table(COLUMNS)[0] == _erased_row(book, ADA)
