"""A guest house that keeps every obligation: a lake, landing, an audit log, anchors, and the report on all of it."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import orjson

from sync_platform.compliance.compliance_report import ComplianceReport, Installation, make_report
from sync_platform.compliance.obligation import Obligation
from sync_platform.compliance.span import Span
from sync_platform.lineage.anchors import FOLDER, FORMAT
from sync_platform.lineage.verification import Record
from sync_platform.settings import Settings, load_settings
from sync_platform.sources.columns import Row, column
from sync_platform.sources.declaration import Dataset, Platform, Terms
from sync_platform.sources.period import HONG_KONG, period_of
from sync_platform.storage.audit_log import AuditLog, Outcome
from sync_platform.storage.lake_connection import Lake
from sync_platform.storage.objects import FolderStore
from sync_platform.unified.tables import tracked_tables
from sync_platform.vault.personal_fields import Personal
from sync_platform.vault.seal import open_vault_database
from sync_platform_tests.lake.lab import HISTORY, Lab, diner

TODAY = datetime.now(HONG_KONG).date()
MONTH = period_of("monthly", TODAY)
NEXT = period_of("monthly", MONTH.last + timedelta(days=1))
FIRST = datetime(MONTH.first.year, MONTH.first.month, 1, tzinfo=HONG_KONG).astimezone(UTC)
SPAN = Span(FIRST, datetime(NEXT.first.year, NEXT.first.month, 10, tzinfo=HONG_KONG).astimezone(UTC))
"""This month, whatever the calendar says, and the next one's day of verification."""
NOW = SPAN.last + timedelta(days=2)
TERMS = Terms("guest house", "https://diner.example/terms", True, cache_days=3650, without_agreement="ids")
KEPT = timedelta(days=2557)
ENVIRONMENT = {"DINER_TERMS_ACCEPTED": "true", "DINER_STORE": "everything", "LINEAGE_RETENTION_DAYS": "2557"}


class GuestRow(Row):
    """One guest."""

    name: Annotated[str | None, column("Guest's name", sealed=True)] = None
    room: Annotated[str | None, column("Room")] = None


GUESTS = Dataset(
    "guests",
    "Guests of a house.",
    GuestRow,
    key=("id",),
    personal=Personal(fields=("name",), subject=("name",)),
)
IN_CLEAR = replace(GUESTS, personal=None)
LIST = [{"id": number, "name": f"Guest {number}", "room": f"Room {number}"} for number in range(1, 7)]


def house(dataset: Dataset = GUESTS, terms: Terms = TERMS, name: str = "diner") -> Platform:
    """A platform with guests; its pages come from a live address."""
    platform = diner(name, dataset=dataset)
    type(platform).terms = terms
    return platform


class StandingLake(Lake):
    """A lake that nobody writes to: opened once for many reports, which take most of their time to open one."""

    def pinned(self, snapshot: int | None = None) -> Lake:
        return self

    def close(self) -> None: ...


@dataclass
class Practice:
    """The home of the house, and what is reported on it; `lake`: one that stays open, else each report opens it."""

    home: Path
    lake: Lake | None = None
    declared: dict[str, Platform] = field(default_factory=lambda: {"diner": house()})

    @property
    def settings(self) -> Settings:
        return load_settings(sync_home=self.home, time_travel_days=60)

    @property
    def backups(self) -> FolderStore:
        return FolderStore(self.home / "backup_store")

    def lab(self, platform: Platform | None = None, first: int = 500) -> Lab:
        """Another hand at the lake."""
        return Lab(self.home, platform or house(), itertools.count(first), MONTH.key)

    def report(self, span: Span = SPAN, now: datetime = NOW, *, hash_landing: bool = False) -> ComplianceReport:
        """The report as it would be made then."""
        lab, log = self.lab(), AuditLog(self.settings.ledger_url)
        vault = open_vault_database(self.settings.vault_url)
        with self.lake or Lake(lab.lake.address, read_only=True) as lake:
            record = Record(lake, HISTORY, tracked_tables(self.declared), log, self.backups, lab.vault.anchors, KEPT)
            of = Installation(self.settings, self.declared, record, lab.store, vault)
            found = make_report(of, span, now, hash_landing=hash_landing)
        log.close()
        vault.dispose()
        return found

    def run(self, *statements: str) -> None:
        """Change the lake behind everybody's back."""
        with Lake(self.lab().lake.address) as lake, lake.session() as session:
            for statement in statements:
                session.execute(statement)

    def note(
        self, operation: str, subject: Mapping[str, Any], outcome: Outcome, *, hours_ago: float = 0, via: Any = "cli"
    ) -> None:
        """Put something on record."""
        log = AuditLog(self.settings.ledger_url, lambda: datetime.now(UTC) - timedelta(hours=hours_ago))
        log.record(operation, subject, actor="ada", via=via, outcome=outcome)
        log.close()

    def anchor(self, at: datetime) -> None:
        """An anchor of empty chains, as it would have been signed then."""
        signer = self.lab().vault.anchors
        head = {"number": 0, "link": "0" * 64}
        signed = {"format": FORMAT, "anchored_at": at.isoformat(), "batches": head, "audit_log": head}
        signed["public_key"] = signer.public_key
        signature = signer.sign(orjson.dumps(signed, option=orjson.OPT_SORT_KEYS))
        self.backups.put_new(f"{FOLDER}{at:%Y-%m-%d}.json", orjson.dumps({**signed, "signature": signature}))


def found(report: ComplianceReport) -> dict[str, Obligation]:
    return {each.id: each for each in report.obligations}


def open_practice(home: Path) -> Practice:
    """All that can be kept from one day to the next is kept; nobody has asked for anything yet."""
    practice = Practice(home)
    lab = practice.lab(first=1)
    practice.note("sync", {"platforms": ["diner"]}, "begun")
    lab.sync(LIST, hour=0)
    lab.sync([*LIST[:4], {**LIST[4], "room": "Attic"}], hour=1)
    lab.sync([*LIST[:4], {**LIST[4], "room": "Attic"}], hour=2)
    lab.lake.close()
    practice.note("sync", {"platforms": ["diner"], "run_ids": ["run-1"]}, "complete")
    for month in (MONTH, NEXT):
        practice.anchor(datetime(month.first.year, month.first.month, 2, 7, tzinfo=HONG_KONG))
    return practice
