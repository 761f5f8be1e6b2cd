"""The monthly verification of lineage and audit log as a job: `lineage_verification`.

What belongs here: when it runs, what its run shows, and what it reads. Verification belongs in lineage/.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import dagster as dg
from pydantic import Field

from sync_platform.defs import schedule_times
from sync_platform.defs.audit import audited_run, note_run
from sync_platform.defs.automation import RUN_TAGS
from sync_platform.defs.landing import failure
from sync_platform.defs.resources import LakeResource, StoreResource, VaultResource, lake_of, store_of, vault_of
from sync_platform.defs.schedule_times import scheduled
from sync_platform.documents.wording import counted
from sync_platform.errors import StorageError, SyncError
from sync_platform.lineage.verification import AuditedInstallation
from sync_platform.platforms import load_platforms
from sync_platform.settings import Settings
from sync_platform.storage.audit_log import AuditLog
from sync_platform.storage.lake_connection import Lake
from sync_platform.storage.operation_name import OperationName
from sync_platform.unified.tables import tracked_tables

VERIFICATION = "lineage_verification"


class Auditor(dg.ConfigurableResource[None]):
    """Verifies the hash chains, and signs their last links."""

    lake: dg.ResourceDependency[LakeResource]
    vault: dg.ResourceDependency[VaultResource]
    anchors: dg.ResourceDependency[StoreResource]
    ledger_url: str = Field(description="SQLAlchemy URL of the ledger, which has the audit log.")
    platform_path: str = Field(description="Extra folders of platform files.")
    lineage_retention_days: int = Field(description="Days that every change is kept before it may be folded.")

    @contextmanager
    def opened(self, *, makes_key: bool = False) -> Iterator[AuditedInstallation]:
        """What is verified, read-only; StorageError or SettingsError where a part cannot be used.

        `makes_key`: a new vault gets its master key, with which anchors are signed. Otherwise it stays as it is, so
        that it can still be restored from its backup.
        """
        signer = self.vault.vault.anchors if makes_key or not self.vault.is_new else None
        log = AuditLog(self.ledger_url)
        try:
            with Lake(self.lake.address, read_only=True) as lake, self.lake.file_proof(lake) as files:
                yield AuditedInstallation(
                    lake,
                    self.lake.history,
                    tracked_tables(load_platforms(self.platform_path)),
                    log,
                    self.anchors.open(),
                    signer,
                    timedelta(days=self.lineage_retention_days),
                    files,
                )
        finally:
            log.close()


def auditor_of(settings: Settings, anchors: str | None = None) -> Auditor:
    """`anchors`: the URL of their store, if it is not the one of backups."""
    return Auditor(
        lake=lake_of(settings),
        vault=vault_of(settings),
        anchors=store_of(settings, anchors or settings.backup_url),
        ledger_url=settings.ledger_url,
        platform_path=settings.platform_path,
        lineage_retention_days=settings.lineage_retention_days,
    )


def verification_schedule() -> dg.ScheduleDefinition:
    """The monthly schedule and its job."""

    @dg.op(
        description="Computes every digest and both hash chains again, compares every table with its history, and the "
        "chains with all anchors. Only if everything is consistent, the current ends of the chains are anchored.",
        out=dg.Out(dg.Nothing),
    )
    def verify_lineage(context: dg.OpExecutionContext, auditor: Auditor) -> Iterator[dg.Output[None]]:
        try:
            with (
                audited_run(context.run, auditor.ledger_url, OperationName.verify, {}) as operation,
                auditor.opened(makes_key=True) as audited,
            ):
                findings = audited.verify(on_step=context.log.info)
                operation.ended("complete" if findings.holds else "failed", **findings.logged())
                if not findings.holds:
                    first = "; ".join(findings.first_breaks)
                    raise StorageError(f"{counted(len(findings.breaks), 'break')} found: {first}")
                key = audited.anchor()
                note_run(
                    context.run, auditor.ledger_url, OperationName.anchor, {"store": audited.anchors.url, "key": key}
                )
                anchor = f"{audited.anchors.url}/{key}"
        except SyncError as error:
            raise failure(context, error) from error
        yield dg.Output(
            None,
            metadata={
                "anchor": dg.MetadataValue.path(anchor),
                "batches": findings.batches,
                "changes": findings.changes,
                "tables": findings.tables,
                "audit_entries": findings.audit_entries,
                "anchors": findings.anchors,
                "not_compared": findings.not_compared,
            },
        )

    @dg.job(
        name=VERIFICATION,
        description="Proves that the history of changes and the audit log were not rewritten.",
        tags=RUN_TAGS,
        executor_def=dg.in_process_executor,
    )
    def lineage_verification() -> None:
        verify_lineage()

    return scheduled(
        lineage_verification,
        schedule_times.LINEAGE_VERIFICATION,
        "Verification of lineage and audit log, and a new anchor, on the 2nd of every month.",
    )
