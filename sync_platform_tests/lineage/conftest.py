"""A lake with a few syncs, one of them late, an audit log with entries, and the verification of both."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from sync_platform.lake.tracked_table import dataset_table
from sync_platform.lineage.batches import check_batches
from sync_platform.lineage.findings import Break, Findings
from sync_platform.lineage.replay_check import check_tables
from sync_platform.lineage.verification import AuditedInstallation
from sync_platform.settings import load_settings
from sync_platform.sources.declaration import Personal
from sync_platform.storage.audit_log import AuditLog
from sync_platform.storage.folder_store import FolderStore
from sync_platform.storage.lake_connection import Lake
from sync_platform_tests.folder_copies import copy_by_process
from sync_platform_tests.lake.harness import DISHES, HISTORY, LakeHarness, begin_log, diner

MENU = [{"id": number, "name": f"Dish {number}", "tags": ["a", "b,c"], "price": 10 + number} for number in range(1, 9)]
VISITORS = replace(DISHES, personal=Personal(("name",), ("id",)))
"""Records whose names are personal values."""


@dataclass
class AuditedLake:
    """A lake harness, and its installation as an auditor verifies it."""

    harness: LakeHarness
    installation: AuditedInstallation

    def verify(self, *, landing: bool = False) -> Findings:
        return self.installation.verify(landing=self.harness.store if landing else None)

    def found(self) -> str:
        """The first break, in words; the verification must fail."""
        findings = self.verify()
        assert not findings.holds
        return str(findings.breaks[0])

    def found_after(self, *statements: str) -> Break:
        """The first break after direct changes to the lake, which are then rolled back."""
        findings = Findings()
        with self.harness.lake.session() as session:
            session.execute("BEGIN")
            try:
                for statement in statements:
                    session.execute(statement)
                check_batches(session, HISTORY, findings)
                check_tables(session, HISTORY, self.installation.tables, findings)
            finally:
                session.execute("ROLLBACK")
        assert not findings.holds
        return findings.breaks[0]

    def run(self, *statements: str) -> None:
        """Change the lake directly, without history."""
        with self.harness.lake.session() as session:
            for statement in statements:
                session.execute(statement)


def open_audited(harness: LakeHarness) -> AuditedLake:
    settings = load_settings(sync_home=harness.folder)
    anchors = FolderStore(harness.folder / "backup_store")
    lake = Lake(harness.lake.address, read_only=True)
    tables = {(name, "dishes"): dataset_table(name, DISHES) for name in ("diner", "tea")}
    log, kept = AuditLog(settings.ledger_url), timedelta(days=7 * 365)
    installation = AuditedInstallation(
        lake, HISTORY, tables, log, anchors, harness.vault.anchors, kept, harness.file_proof()
    )
    return AuditedLake(harness, installation)


def fill(harness: LakeHarness) -> None:
    """Two platforms; inserts, updates, removals and a restore, an unchanged sync, and one that arrives late."""
    begin_log(harness.folder)
    harness.sync(MENU, hour=0)
    harness.sync([{**MENU[0], "name": "Renamed"}, *MENU[1:7]], hour=10)
    harness.sync([{**MENU[0], "name": "Renamed"}, *MENU[1:7]], hour=11)
    tea = LakeHarness(harness.folder, diner("tea"), itertools.count(100))
    tea.sync(MENU[:3], hour=5)
    tea.lake.close()
    harness.sync([{**MENU[0], "name": "Renamed"}, *MENU[1:]], hour=20)
    harness.sync([{**MENU[0], "name": "Once"}, *MENU[2:]], hour=5)


def open_filled(home: Path) -> AuditedLake:
    """A new audited lake in that folder, filled and verified."""
    harness = LakeHarness(home)
    fill(harness)
    audited = open_audited(harness)
    for number in range(1, 4):
        audited.installation.audit_log.record("sync", {"platforms": ["diner"], "n": number}, actor="ada", via="cli")
    assert audited.verify().breaks == []
    return audited


@pytest.fixture(scope="session")
def shared_audited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AuditedLake]:
    """One audited lake for all tests that do not change it."""
    audited = open_filled(tmp_path_factory.mktemp("shared_audited"))
    yield audited
    _close(audited)


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A filled home on a laptop, and a copy of it. A lake stores the path of its folder: a copy must be moved back."""
    home, copy = (tmp_path_factory.mktemp("audited") / name for name in ("home", "copy"))
    _close(open_filled(home))
    copy_by_process(home, copy)
    return home, copy


@pytest.fixture
def audited(filled: tuple[Path, Path]) -> Iterator[AuditedLake]:
    """An audited lake on a laptop, filled and verified, that the test may change."""
    home, copy = filled
    shutil.rmtree(home)
    copy_by_process(copy, home)
    audited = open_audited(LakeHarness(home, diner(), itertools.count(200)))
    yield audited
    _close(audited)


def _close(audited: AuditedLake) -> None:
    audited.installation.lake.close()
    audited.harness.lake.close()


@pytest.fixture
def any_audited(tmp_path: Path, installation: dict[str, str]) -> Iterator[AuditedLake]:
    """An audited lake on a laptop, and on PostgreSQL with S3."""
    harness = LakeHarness(tmp_path)
    fill(harness)
    audited = open_audited(harness)
    yield audited
    _close(audited)
