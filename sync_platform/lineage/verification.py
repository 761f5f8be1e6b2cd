"""Verification: computes the digests, chains and tables again and compares them with the stored ones and the anchors.
It reads every file of the lake, also those that only older snapshots need.

What belongs here: the order of the steps. Each step has its own module. The lake is read at one snapshot.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import duckdb

from sync_platform.errors import DamagedValue, NoLakeYet, StorageError
from sync_platform.lake.chain import BATCHES, Batch, has_chain
from sync_platform.lake.file_proof import FileProof
from sync_platform.lake.tracked_table import TrackedTables
from sync_platform.lineage.anchors import Anchor, ChainHead, check_anchors, check_presence, read_anchors, write_anchor
from sync_platform.lineage.batches import check_batches
from sync_platform.lineage.findings import Break, Findings
from sync_platform.lineage.landing_check import check_landing
from sync_platform.lineage.log_beginning import lost_beginning
from sync_platform.lineage.replay_check import check_tables
from sync_platform.lineage.restored_lake import restored_lakes
from sync_platform.storage.audit_log import AuditEntry, AuditLog
from sync_platform.storage.file_lists import FileList
from sync_platform.storage.hash_chain import ChainEntry, broken_links
from sync_platform.storage.lake_connection import LAKE, Lake
from sync_platform.storage.object_store import ObjectStore
from sync_platform.storage.operation_step import OnStep, ignore_step
from sync_platform.storage.session_memory import with_memory
from sync_platform.vault.signature import Signer

MEMORY = "1GB"
"""The digests of all changes are sorted and whole tables are replayed; DuckDB spills the rest to disk."""


@dataclass(frozen=True)
class AuditedInstallation:
    """Everything that is verified: the lake with its history and files, the audit log, the anchors and their signer.

    `kept`: how long changes are kept before they may be folded. `signer`: None where the vault has no master key, as
    after a restore of the lake alone.
    """

    lake: Lake
    history: str
    tables: TrackedTables
    audit_log: AuditLog
    anchors: ObjectStore
    signer: Signer | None
    kept: timedelta
    files: FileProof

    def verify(
        self, also: Sequence[Anchor] = (), landing: ObjectStore | None = None, on_step: OnStep = ignore_step
    ) -> Findings:
        """Verify everything; `also`: anchors from another place. Raises StorageError where a store cannot be read.

        `on_step` is called with the name of each step. The anchors are read first and the lake at one snapshot, so a
        commit during verification is not a break.
        """
        on_step("reading the anchors")
        anchors = [*read_anchors(self.anchors, self.public_key), *also]
        findings = Findings(anchors_without_key=len(anchors) if self.public_key is None else 0)
        on_step("every file of the lake")
        lists = self._verify_files(findings)
        chain = self._verify_lake(findings, on_step)
        on_step("the audit log")
        entries = self._verify_audit_log(findings, chain)
        chains: dict[str, Sequence[ChainEntry]] = {"batches": chain, "audit_log": entries, "files": lists}
        check_anchors(anchors, chains, findings, restored_lakes(entries))
        check_presence(anchors, self.anchors.url, entries, findings)
        if landing is not None:
            on_step("landed objects")
            check_landing(landing, chain, findings)
        return findings

    @property
    def public_key(self) -> str | None:
        return self.signer.public_key if self.signer else None

    def anchor(self) -> str:
        """Write an anchor of the chains as they are now; returns its key."""
        if self.signer is None:
            raise StorageError("the vault has no master key, with which an anchor is signed")
        with self.lake.session() as session:
            if not has_chain(session):
                raise StorageError(f"{BATCHES} does not exist: there is nothing to anchor before the next sync")
            last = session.execute(f"SELECT number, link FROM {LAKE}.{BATCHES} ORDER BY number DESC LIMIT 1").fetchone()
        batches = ChainHead(*last) if last else ChainHead.of([])
        audit_log, files = ChainHead.of(list(self.audit_log.entries())), ChainHead.of(self.files.lists.chain())
        return write_anchor(self.anchors, self.signer, batches, audit_log, files)

    def _verify_audit_log(self, findings: Findings, chain: Sequence[Batch]) -> list[AuditEntry]:
        try:
            entries = list(self.audit_log.entries())
        except DamagedValue as error:
            findings.breaks.append(Break("audit log", str(error)))
            return []
        findings.audit_entries = len(entries)
        findings.breaks += [_audit_break(entry, what) for entry, what in broken_links(entries)]
        if lost := lost_beginning(entries, chain):
            findings.breaks.append(Break("audit log", lost))
        return entries

    def _verify_files(self, findings: Findings) -> list[FileList]:
        lists: list[FileList] = []
        try:
            lists = self.files.lists.chain()
            findings.breaks += [Break("file list", what, each.number) for each, what in broken_links(lists)]
            check = self.files.check()
        except NoLakeYet:
            raise
        except (StorageError, duckdb.Error) as error:
            findings.breaks.append(Break("file", f"the files cannot be checked: {_in_short(error)}"))
            return lists
        findings.files, findings.files_unrecorded = check.files, check.unrecorded
        findings.breaks += [Break("file list", what, each.number) for each, what in check.damaged_lists]
        findings.breaks += [
            Break("file", f"{each.file.path}: {each.problem}", None, each.file.schema, each.file.table)
            for each in check.damaged
        ]
        return lists

    def _verify_lake(self, findings: Findings, on_step: OnStep) -> list[Batch]:
        chain: list[Batch] = []
        try:
            with self.lake.pinned() as lake, lake.session() as session, with_memory(session, MEMORY):
                on_step("every change, and the chain of batches")
                try:
                    if not has_chain(session):
                        raise StorageError(f"{BATCHES} is not there: the next sync begins the chain, or it was deleted")
                    chain = check_batches(session, self.history, findings, self.kept)
                except duckdb.Error as error:
                    findings.breaks.append(Break("changes", f"they cannot be read: {_in_short(error)}"))
                on_step("every table against its history")
                try:
                    check_tables(session, self.history, self.tables, findings)
                except duckdb.Error as error:
                    findings.breaks.append(Break("table", f"it cannot be replayed: {_in_short(error)}"))
        except NoLakeYet:
            raise
        except StorageError as error:
            findings.breaks.append(Break("lake", str(error)))
        return chain


def _audit_break(entry: AuditEntry, what: str) -> Break:
    return Break("audit log entry", f"{what} ({entry.operation})", entry.number, at=entry.at)


def _in_short(error: Exception) -> str:
    return str(error).split("\n")[0][:300]
