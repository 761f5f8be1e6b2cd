"""The drill: restores the newest backup into a scratch place, and proves that the result is what was backed up.

It compares the digest of every table with that of the lake in use at the same commit, verifies the lineage of the
restored lake, and measures how long a restore takes (RTO) and how much would be lost now (RPO).
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from sync_platform.backup.chosen_commit import ChosenCommit, choose_commit
from sync_platform.backup.fresh_lake import RestoreIntoFreshLake
from sync_platform.backup.made_backups import MadeBackup
from sync_platform.backup.repository import Repository
from sync_platform.errors import StorageError
from sync_platform.lake.digest import Digest, digest_table
from sync_platform.lake.tracked_table import TrackedTables
from sync_platform.lineage.batches import check_batches
from sync_platform.lineage.findings import Findings
from sync_platform.lineage.replay_check import check_tables
from sync_platform.sources.declaration import Platform
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import LAKE, Lake
from sync_platform.storage.lake_tables import tables_of
from sync_platform.storage.objects import open_store
from sync_platform.storage.operation_step import OnStep
from sync_platform.storage.session_memory import with_memory

MEMORY = "1GB"


@dataclass
class DrillReport:
    """The result of a drill.

    `rto_s`: seconds until the restored lake could be read. `rpo_s`: age of the oldest commit in no backup, or 0.
    `total_s` includes the comparison. `compared`: tables whose digest equals that of the lake in use; `not_compared`:
    tables for which the lake in use does not have that commit any more. `problems`: empty if the drill passed.
    """

    backup_id: str
    snapshot: int
    commit_at: datetime
    rto_s: float = 0.0
    rpo_s: float = 0.0
    total_s: float = 0.0
    tables: int = 0
    rows: int = 0
    compared: int = 0
    not_compared: int = 0
    changes: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        return not self.problems

    def document(self) -> dict[str, Any]:
        return {**asdict(self), "passed": self.passed}


@dataclass(frozen=True)
class Drill:
    """A drill of a repository beside the lake in use.

    `made`: the backups that were made in it. `kept`: how long changes are kept before they may be folded.
    """

    repository: Repository
    made: Sequence[MadeBackup]
    lake_in_use: LakeAddress
    history: str
    platforms: Mapping[str, Platform]
    tables: TrackedTables
    kept: timedelta
    scratch: Path
    on_step: OnStep

    def run(self) -> DrillReport:
        """Restore and compare. UsageError where there is no backup, DamagedBackup where it cannot be restored."""
        began = time.monotonic()
        chosen = choose_commit(self.repository, None, None, made=self.made)
        report = DrillReport(chosen.manifest.id, chosen.commit.snapshot, chosen.commit.at)
        address = LakeAddress(
            f"sqlite:{self.scratch / 'lake' / 'catalog.sqlite'}",
            str(self.scratch / "lake" / "data"),
            self.scratch / "temp",
        )
        rows = self._restore(chosen, address)
        report.rto_s = round(time.monotonic() - began, 2)
        report.tables, report.rows = len(rows), sum(rows.values())
        backed_up = {name: table.rows for name, table in chosen.manifest.tables.items()}
        for name in sorted(rows.keys() | backed_up.keys()):
            if rows.get(name) != backed_up.get(name):
                report.problems.append(f"{name}: {rows.get(name)} rows restored, {backed_up.get(name)} backed up")
        with Lake(address, read_only=True) as restored:
            self._compare(restored, report)
            self._verify(restored, report)
        report.total_s = round(time.monotonic() - began, 2)
        return report

    def _restore(self, chosen: ChosenCommit, address: LakeAddress) -> dict[str, int]:
        data = open_store(Path(address.data).as_uri())
        fresh = RestoreIntoFreshLake(
            self.repository, chosen, address, data, self.history, self.platforms, (), self.scratch, self.on_step
        )
        return fresh.run("drill")

    def _compare(self, restored: Lake, report: DrillReport) -> None:
        """Compare the digests of all tables with the lake in use at the same commit, if there is one."""
        if not self.lake_in_use.exists:
            report.not_compared = report.tables
            return
        with Lake(self.lake_in_use, read_only=True) as in_use, in_use.session() as original, restored.session() as copy:
            report.rpo_s = _age_of_unprotected_s(original, report.snapshot)
            for schema, table in tables_of(copy):
                name, sql = f"{schema}.{table}", f'"{schema}"."{table}"'
                self.on_step(f"comparing {name}")
                expected = _digest_or_none(original, sql, report.snapshot)
                if expected is None:
                    report.not_compared += 1
                elif expected == digest_table(copy, sql, report.snapshot):
                    report.compared += 1
                else:
                    report.problems.append(f"{name}: its content is not that of the lake at commit {report.snapshot}")

    def _verify(self, restored: Lake, report: DrillReport) -> None:
        self.on_step("verifying the lineage")
        findings = Findings()
        with restored.session() as session, with_memory(session, MEMORY):
            try:
                check_batches(session, self.history, findings, self.kept)
                check_tables(session, self.history, self.tables, findings)
                report.changes = session.execute(f"SELECT count(*) FROM {LAKE}.{self.history}").fetchall()[0][0]
            except (duckdb.Error, StorageError) as error:
                report.problems.append(f"lineage: {str(error).splitlines()[0]}")
        report.problems += [f"lineage: {each}" for each in findings.breaks]


def first_commit_after(session: duckdb.DuckDBPyConnection, snapshot: int) -> datetime | None:
    """The time of the lake's first commit after the one in a backup; None where there is none."""
    query = f"SELECT min(snapshot_time) FROM ducklake_snapshots('{LAKE}') WHERE snapshot_id > ?"
    committed_at: datetime | None = session.execute(query, [snapshot]).fetchall()[0][0]
    return committed_at


def _age_of_unprotected_s(session: duckdb.DuckDBPyConnection, snapshot: int) -> float:
    """The age in seconds of the lake's first commit after the one in the backup; 0 where there is none."""
    first = first_commit_after(session, snapshot)
    return round(max(0.0, (datetime.now(UTC) - first).total_seconds()), 2) if first else 0.0


def _digest_or_none(session: duckdb.DuckDBPyConnection, table: str, snapshot: int) -> Digest | None:
    """None where the lake does not have the table at that snapshot any more."""
    try:
        return digest_table(session, table, snapshot)
    except (duckdb.CatalogException, duckdb.BinderException, duckdb.InvalidInputException):
        return None
