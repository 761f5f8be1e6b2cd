"""A guest house that meets every obligation: a lake, landing, an audit log, anchors, and the report on them."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import orjson

from sync_platform.compliance.compliance_report import ComplianceReport, ReportedInstallation, make_report
from sync_platform.compliance.obligation import Obligation
from sync_platform.compliance.span import Span
from sync_platform.lineage.anchors import FOLDER, FORMAT
from sync_platform.lineage.verification import AuditedInstallation
from sync_platform.settings import Settings, load_settings
from sync_platform.sources.columns import Row, column
from sync_platform.sources.declaration import Dataset, Platform, Terms
from sync_platform.sources.period import HONG_KONG, period_of
from sync_platform.storage.audit_log import AuditLog, Outcome
from sync_platform.storage.folder_store import FolderStore
from sync_platform.storage.lake_connection import Lake
from sync_platform.unified.tables import tracked_tables
from sync_platform.vault.personal_fields import Personal, PersonalKind, Processing
from sync_platform.vault.seal import open_vault_database
from sync_platform_tests.lake.harness import HISTORY, LakeHarness, diner

TODAY = datetime.now(HONG_KONG).date()
MONTH = period_of("monthly", TODAY)
NEXT = period_of("monthly", MONTH.last + timedelta(days=1))
FIRST = datetime(MONTH.first.year, MONTH.first.month, 1, tzinfo=HONG_KONG).astimezone(UTC)
SPAN = Span(FIRST, datetime(NEXT.first.year, NEXT.first.month, 10, tzinfo=HONG_KONG).astimezone(UTC))
"""The current month, and the next month's day of verification."""
NOW = SPAN.last + timedelta(days=2)
TERMS = Terms("guest house", "https://diner.example/terms", True, cache_days=3650, without_agreement="ids")
KEPT = timedelta(days=2557)
ENVIRONMENT = {"DINER_TERMS_ACCEPTED": "true", "DINER_STORE": "everything", "LINEAGE_RETENTION_DAYS": "2557"}


class GuestRow(Row):
    """One guest."""

    name: Annotated[str | None, column("Guest's name", sealed=True)] = None
    room: Annotated[str | None, column("Room")] = None


HOUSE_BOOK = Processing("guests of the house", "to know who is in the house", "GDPR Art. 6(1)(c)", "the night porter")
GUESTS = Dataset(
    "guests",
    "Guests of a house.",
    GuestRow,
    key=("id",),
    personal=Personal({"name": PersonalKind.name}, subject=("name",), processing=HOUSE_BOOK),
)
UNREGISTERED = replace(GUESTS, personal=Personal(("name",), subject=("name",)))
IN_CLEAR = replace(GUESTS, personal=None)
LIST = [{"id": number, "name": f"Guest {number}", "room": f"Room {number}"} for number in range(1, 7)]


def house(dataset: Dataset = GUESTS, terms: Terms = TERMS, name: str = "diner") -> Platform:
    """A platform with guests; its pages come from a live address."""
    platform = diner(name, dataset=dataset)
    type(platform).terms = terms
    return platform


class SharedLake(Lake):
    """A read-only lake that is opened once for many reports, because opening takes most of a report's time."""

    def pinned(self, snapshot: int | None = None) -> Lake:
        return self

    def close(self) -> None: ...


@dataclass
class ComplianceHarness:
    """The home of the guest house, and reports on it. `lake`: an open lake; without it, each report opens the lake."""

    home: Path
    lake: Lake | None = None
    declared: dict[str, Platform] = field(default_factory=lambda: {"diner": house()})

    @property
    def settings(self) -> Settings:
        return load_settings(sync_home=self.home, time_travel_days=60)

    @property
    def backups(self) -> FolderStore:
        return FolderStore(self.home / "backup_store")

    def lake_harness(self, platform: Platform | None = None, first: int = 500) -> LakeHarness:
        """A harness that syncs into the lake of this home."""
        return LakeHarness(self.home, platform or house(), itertools.count(first), MONTH.key)

    def report(self, span: Span = SPAN, now: datetime = NOW, *, hash_landing: bool = False) -> ComplianceReport:
        """The report made at `now`."""
        lake_harness, log = self.lake_harness(), AuditLog(self.settings.ledger_url)
        vault = open_vault_database(self.settings.vault_url)
        with self.lake or Lake(lake_harness.lake.address, read_only=True) as lake:
            audited = AuditedInstallation(
                lake,
                HISTORY,
                tracked_tables(self.declared),
                log,
                self.backups,
                lake_harness.vault.anchors,
                KEPT,
                lake_harness.file_proof(lake),
            )
            of = ReportedInstallation(self.settings, self.declared, audited, lake_harness.store, vault, "ada")
            report = make_report(of, span, now, hash_landing=hash_landing)
        log.close()
        vault.dispose()
        return report

    def run(self, *statements: str) -> None:
        """Change the lake directly, without history."""
        with Lake(self.lake_harness().lake.address) as lake, lake.session() as session:
            for statement in statements:
                session.execute(statement)

    def note(
        self, operation: str, subject: Mapping[str, Any], outcome: Outcome, *, hours_ago: float = 0, via: Any = "cli"
    ) -> None:
        """Record an operation in the audit log."""
        log = AuditLog(self.settings.ledger_url, lambda: datetime.now(UTC) - timedelta(hours=hours_ago))
        log.record(operation, subject, actor="ada", via=via, outcome=outcome)
        log.close()

    def anchor(self, at: datetime) -> None:
        """Store an anchor of empty chains, signed at that time."""
        signer = self.lake_harness().vault.anchors
        head = {"number": 0, "link": "0" * 64}
        signed = {"format": FORMAT, "anchored_at": at.isoformat(), "batches": head, "audit_log": head}
        signed["public_key"] = signer.public_key
        signature = signer.sign(orjson.dumps(signed, option=orjson.OPT_SORT_KEYS))
        self.backups.put_new(f"{FOLDER}{at:%Y-%m-%d}.json", orjson.dumps({**signed, "signature": signature}))


def found(report: ComplianceReport) -> dict[str, Obligation]:
    return {each.id: each for each in report.obligations}


def open_filled(home: Path) -> ComplianceHarness:
    """A home in which every obligation that needs no request is met; there are no requests yet."""
    harness = ComplianceHarness(home)
    lake_harness = harness.lake_harness(first=1)
    harness.note("sync", {"platforms": ["diner"]}, "begun")
    lake_harness.sync(LIST, hour=0)
    lake_harness.sync([*LIST[:4], {**LIST[4], "room": "Attic"}], hour=1)
    lake_harness.sync([*LIST[:4], {**LIST[4], "room": "Attic"}], hour=2)
    lake_harness.lake.close()
    harness.note("sync", {"platforms": ["diner"], "run_ids": ["run-1"]}, "complete")
    for month in (MONTH, NEXT):
        harness.anchor(datetime(month.first.year, month.first.month, 2, 7, tzinfo=HONG_KONG))
    return harness
