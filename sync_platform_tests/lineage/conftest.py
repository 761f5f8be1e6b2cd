"""A lake with a few syncs, one of them late, an audit log with entries, and what verifies both."""

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
from sync_platform.lineage.verification import Record
from sync_platform.settings import load_settings
from sync_platform.sources.declaration import Personal
from sync_platform.storage.audit_log import AuditLog
from sync_platform.storage.lake_connection import Lake
from sync_platform.storage.objects import FolderStore
from sync_platform_tests.lake.lab import DISHES, HISTORY, Lab, diner

MENU = [{"id": number, "name": f"Dish {number}", "tags": ["a", "b,c"], "price": 10 + number} for number in range(1, 9)]
VISITORS = replace(DISHES, personal=Personal(("name",), ("id",)))
"""Records whose names are those of people."""


@dataclass
class Office:
    """The lab, the record that an auditor verifies, and the platform's other state."""

    lab: Lab
    record: Record

    def verify(self, *, landing: bool = False) -> Findings:
        return self.record.verify(landing=self.lab.store if landing else None)

    def found(self) -> str:
        """The first break, in words; the record must not hold."""
        findings = self.verify()
        assert not findings.holds
        return str(findings.breaks[0])

    def found_after(self, *statements: str) -> Break:
        """The first break after changing the lake behind everybody's back; then all is as it was."""
        findings = Findings()
        with self.lab.lake.session() as session:
            session.execute("BEGIN")
            try:
                for statement in statements:
                    session.execute(statement)
                check_batches(session, HISTORY, findings)
                check_tables(session, HISTORY, self.record.tables, findings)
            finally:
                session.execute("ROLLBACK")
        assert not findings.holds
        return findings.breaks[0]

    def run(self, *statements: str) -> None:
        """Change the lake behind everybody's back."""
        with self.lab.lake.session() as session:
            for statement in statements:
                session.execute(statement)


def open_office(lab: Lab) -> Office:
    settings = load_settings(sync_home=lab.folder)
    anchors = FolderStore(lab.folder / "backup_store")
    lake = Lake(lab.lake.address, read_only=True)
    tables = {(name, "dishes"): dataset_table(name, DISHES) for name in ("diner", "tea")}
    log = AuditLog(settings.ledger_url)
    return Office(lab, Record(lake, HISTORY, tables, log, anchors, lab.vault.anchors, timedelta(days=7 * 365)))


def fill(lab: Lab) -> None:
    """Two platforms; inserts, updates, removals and a restore, an unchanged sync, and one that arrives late."""
    lab.sync(MENU, hour=0)
    lab.sync([{**MENU[0], "name": "Renamed"}, *MENU[1:7]], hour=10)
    lab.sync([{**MENU[0], "name": "Renamed"}, *MENU[1:7]], hour=11)
    tea = Lab(lab.folder, diner("tea"), itertools.count(100))
    tea.sync(MENU[:3], hour=5)
    tea.lake.close()
    lab.sync([{**MENU[0], "name": "Renamed"}, *MENU[1:]], hour=20)
    lab.sync([{**MENU[0], "name": "Once"}, *MENU[2:]], hour=5)


def open_filled(home: Path) -> Office:
    """A new office in that folder, filled and verified."""
    lab = Lab(home)
    fill(lab)
    office = open_office(lab)
    for number in range(4):
        office.record.audit_log.record("sync", {"platforms": ["diner"], "n": number}, actor="ada", via="cli")
    assert office.verify().breaks == []
    return office


@pytest.fixture(scope="session")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """One for all tests that leave it as it was."""
    office = open_filled(tmp_path_factory.mktemp("standing"))
    yield office
    _close(office)


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Where a laptop's home is to stand, and a copy of one that is filled: a lake knows its own folder by name."""
    home, copy = (tmp_path_factory.mktemp("office") / name for name in ("home", "copy"))
    _close(open_filled(home))
    shutil.copytree(home, copy)
    return home, copy


@pytest.fixture
def office(filled: tuple[Path, Path]) -> Iterator[Office]:
    """On a laptop: filled, verified, and a test's own to meddle with."""
    home, copy = filled
    shutil.rmtree(home)
    shutil.copytree(copy, home)
    office = open_office(Lab(home, diner(), itertools.count(200)))
    yield office
    _close(office)


def _close(office: Office) -> None:
    office.record.lake.close()
    office.lab.lake.close()


@pytest.fixture
def any_office(tmp_path: Path, installation: dict[str, str]) -> Iterator[Office]:
    """On a laptop, and on PostgreSQL with S3."""
    lab = Lab(tmp_path)
    fill(lab)
    office = open_office(lab)
    yield office
    _close(office)
