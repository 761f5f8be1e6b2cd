"""Privacy requests, erasures and legal holds are in a backup, and a restore into a new home brings them back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sync_platform.backup.ledger_copy import restore_registers, write_ledger_copy
from sync_platform.errors import StorageError
from sync_platform.privacy.erasure_ledger import ErasureLedger
from sync_platform.privacy.legal_holds import LegalHolds
from sync_platform.privacy.privacy_request import PrivacyRequestKind
from sync_platform.privacy.request_register import RequestRegister
from sync_platform_tests.lake.guest_book import ADA, BEN
from sync_platform_tests.privacy.erasable_home import NAME, ErasableHome
from sync_platform_tests.storage.conftest import database_url

__all__ = ["database_url"]


def test_a_new_home_has_the_registers_and_what_they_say_of_its_rows(tmp_path: Path) -> None:
    home = ErasableHome(tmp_path)
    ada, ben = home.subject(ADA), home.subject(BEN)
    home.run("privacy", "requests", "add", "correction", "--identity", "passport", "--subject", ada)
    home.run("privacy", "correct", "1", NAME, "reservations", "1", "name", "--value", "Ada Wang")
    home.run("privacy", "requests", "add", "restriction", "--identity", "passport", "--subject", ben)
    home.run("privacy", "requests", "close", "2", "--answer", "restricted")
    home.run("privacy", "hold", "add", "--subject", ada, "--reason", "HCA 12/2026", "--until", "2099-01-31")
    home.run("privacy", "erase", "--subject", ada, "--reason", "letter 7", "--yes")
    home.run("backup", "create")
    fresh = tmp_path / "fresh"
    home.run("backup", "restore", "--target", str(fresh))
    url = f"sqlite:///{fresh / 'ledger.sqlite'}"
    register, erasures, holds = RequestRegister(url), ErasureLedger(url), LegalHolds(url)
    assert [register.breaks(), erasures.breaks(), holds.breaks()] == [[], [], []]
    assert register.requests() == RequestRegister(home.settings.ledger_url).requests()
    assert erasures.erasures() == ErasureLedger(home.settings.ledger_url).erasures()
    assert holds.holds() == LegalHolds(home.settings.ledger_url).holds()
    home.shell.home = fresh
    shown = json.loads(home.run("query", f"SELECT source_id FROM {NAME}.reservations", "--format", "json"))
    assert shown == [{"source_id": "1"}]


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
