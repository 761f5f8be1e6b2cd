"""Privacy requests, erasures and legal holds are in a backup, and a restore into a new home brings them back."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from sync_platform.backup.conflict import Conflict
from sync_platform.backup.ledger_copy import restore_registers, write_ledger_copy
from sync_platform.backup.restore_into_lake import RestoredBackup, RestoreIntoLake
from sync_platform.errors import StorageError
from sync_platform.privacy.correction import CorrectedInstallation, CorrectedRecord, correct
from sync_platform.privacy.erasure_ledger import ErasureLedger
from sync_platform.privacy.legal_holds import LegalHolds
from sync_platform.privacy.privacy_request import PrivacyRequestKind
from sync_platform.privacy.recorded_corrections import corrections_at
from sync_platform.privacy.request_register import RequestRegister, restricted_subjects
from sync_platform.storage.lake_connection import Lake
from sync_platform_tests.backup.lake_in_use import copied
from sync_platform_tests.lake.guest_book import ADA, BEN, guest_book
from sync_platform_tests.lake.harness import HISTORY, LakeHarness
from sync_platform_tests.privacy.erasable_home import NAME, ErasableHome
from sync_platform_tests.storage.conftest import database_url

__all__ = ["database_url"]


NOTE = ("--field", f"{NAME}.reservations.note")


def test_a_new_home_has_the_registers_and_what_they_say_of_its_rows(tmp_path: Path) -> None:
    home = ErasableHome(tmp_path)
    ada, ben = home.subject(ADA), home.subject(BEN)
    home.run("privacy", "requests", "add", "correction", "--identity", "passport", "--subject", ada)
    home.run("privacy", "correct", "1", NAME, "reservations", "1", "name", "--value", "Ada Wang")
    home.run("privacy", "requests", "add", "restriction", "--identity", "passport", "--subject", ben)
    home.run("privacy", "hold", "add", "--subject", ada, "--reason", "HCA 12/2026", "--until", "2099-01-31", *NOTE)
    home.run("privacy", "erase", "--subject", ada, "--reason", "letter 7", "--yes")
    home.run("backup", "create", "--source", NAME)
    home.run("privacy", "requests", "close", "2", "--answer", "restricted after the backup")
    fresh = tmp_path / "fresh"
    home.run("backup", "restore", "--source", NAME, "--target", str(fresh))
    url = f"sqlite:///{fresh / 'ledger.sqlite'}"
    register, erasures, holds = RequestRegister(url), ErasureLedger(url), LegalHolds(url)
    assert [register.breaks(), erasures.breaks(), holds.breaks()] == [[], [], []]
    assert register.requests() == RequestRegister(home.settings.ledger_url).requests()
    assert erasures.erasures() == ErasureLedger(home.settings.ledger_url).erasures()
    assert holds.holds() == LegalHolds(home.settings.ledger_url).holds()
    home.shell.home = fresh
    answer = json.loads(home.run("query", f"SELECT source_id FROM {NAME}.reservations", "--format", "json"))
    assert answer == [{"source_id": "1"}]
    home.book = LakeHarness(fresh, guest_book())
    assert home.book.ask("SELECT DISTINCT hold FROM privacy.held_values") == [(1,)]


@pytest.mark.full  # the ledger of this installation has the same
def test_an_old_backup_has_the_registers_of_the_newest_one_where_the_ledger_is_lost(tmp_path: Path) -> None:
    home = ErasableHome(tmp_path)
    home.run("privacy", "requests", "add", "restriction", "--identity", "passport", "--subject", home.subject(BEN))
    home.run("privacy", "requests", "close", "1", "--answer", "restricted")
    home.run("backup", "create")
    first = json.loads(home.run("backup", "list", "--json"))["backups"][0]["backup"]
    home.book.lake.close()
    shutil.rmtree(home.shell.home / "lake")
    (home.shell.home / "ledger.sqlite").unlink()
    home.run("backup", "restore", first, "--target", "development")
    answer = json.loads(home.run("query", f"SELECT source_id FROM {NAME}.reservations", "--format", "json"))
    assert answer == [{"source_id": "1"}]


def test_a_restore_into_the_lake_in_use_corrects_and_restricts_in_its_own_commit(tmp_path: Path) -> None:
    book = LakeHarness(tmp_path / "home", guest_book())
    book.sync([ADA, BEN], hour=1)
    copy, platforms = copied(book, tmp_path / "copy"), {NAME: book.platform}
    book.sync([BEN], hour=2)
    register, who = RequestRegister(book.ledger_url), [book.vault.subject_id(NAME, "email", ADA["email"])]
    kinds = PrivacyRequestKind
    corrected, restricted = (
        register.add(kind, actor="maria", identity="known", subjects=who)
        for kind in (kinds.correction, kinds.restriction)
    )
    record = CorrectedRecord(book.platform, book.platform.datasets[0], "1")
    correct(
        CorrectedInstallation(register, book.vault, book.lake, HISTORY, platforms),
        corrected,
        record,
        "seats",
        "3",
        "maria",
    )
    register.close(restricted, "restricted", actor="maria")
    with Lake(book.lake.address, beside=copy) as lake:
        RestoreIntoLake(
            lake,
            HISTORY,
            platforms,
            RestoredBackup("full-2026-11-23T02-00-00-000Z-abc123", 7),
            Conflict.skip,
            corrections=corrections_at(book.ledger_url),
            restricted=lambda: restricted_subjects(book.ledger_url),
        ).run("restore-1")
    assert book.table("source_id, seats") == [("1", 3), ("2", 4)]
    assert book.ask("SELECT source_id FROM privacy.restricted_records") == [("1",)]


def test_a_ledger_with_other_events_is_not_mixed_with_those_of_a_backup(database_url: str, tmp_path: Path) -> None:
    theirs = RequestRegister(f"sqlite:///{tmp_path / 'theirs.sqlite'}")
    for _ in range(2):
        theirs.add(PrivacyRequestKind.access, actor="ada")
    write_ledger_copy(f"sqlite:///{tmp_path / 'theirs.sqlite'}", tmp_path)
    assert [restore_registers(database_url, tmp_path), restore_registers(database_url, tmp_path)] == [2, 0]
    ours = RequestRegister(database_url)
    assert (ours.breaks(), len(ours.requests())) == ([], 2)
    other = f"sqlite:///{tmp_path / 'other.sqlite'}"
    RequestRegister(other).add(PrivacyRequestKind.erasure, actor="eve")
    with pytest.raises(StorageError, match="other events than the backup"):
        restore_registers(other, tmp_path)
