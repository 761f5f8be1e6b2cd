"""The weekly maintenance of the stored data as a job: `lake_maintenance`.

What belongs here: when it runs, and what its run shows. Its steps belong in lake/maintenance.py and
landing/retention.py. The lease of storage/lease.py keeps backup and restore apart from it.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
from pydantic import Field

from sync_platform.defs import schedule_times
from sync_platform.defs.audit import note_run, record_deletion
from sync_platform.defs.automation import RUN_TAGS
from sync_platform.defs.landing import failure
from sync_platform.defs.resources import LakeResource, StoreResource
from sync_platform.defs.schedule_times import scheduled
from sync_platform.emergency.request_files import FOLDER as REQUEST_FILES
from sync_platform.errors import DamagedManifest
from sync_platform.lake.maintenance import MaintenanceReport, maintain
from sync_platform.lake.transaction import guarded
from sync_platform.landing.retention import (
    AT_WORK,
    ExpiredSync,
    damage_in_words,
    delete_expired,
    find_expired,
    limits_of,
)
from sync_platform.lineage.retention import FoldedDataset, close_lineage
from sync_platform.privacy.recorded_deletion import Deletion
from sync_platform.privacy.retention_rule import RULE, RuleName
from sync_platform.settings import Settings
from sync_platform.sources.declaration import Platform
from sync_platform.storage.lease import Leases
from sync_platform.storage.operation_name import OperationName

MAINTENANCE = "lake_maintenance"
SUMMARY = "summary"
RETRIES = dg.RetryPolicy(max_retries=3, delay=600, backoff=dg.Backoff.EXPONENTIAL)


class RetentionPeriods(dg.ConfigurableResource[None]):
    """How long stored data is kept, and the ledger with the lease on it."""

    ledger_url: str = Field(description="SQLAlchemy URL of the ledger, which has the lease on the stored data.")
    time_travel_days: int = Field(description="Days that the lake can be read as it was; older snapshots are expired.")
    landing_retention_days: int = Field(description="Days that landed pages are kept, unless terms allow fewer.")
    lineage_retention_days: int = Field(description="Days that every change is kept before it may be folded.")


def retention_periods_of(settings: Settings) -> RetentionPeriods:
    return RetentionPeriods(
        ledger_url=settings.ledger_url,
        time_travel_days=settings.time_travel_days,
        landing_retention_days=settings.landing_retention_days,
        lineage_retention_days=settings.lineage_retention_days,
    )


def maintenance_schedule(settings: Settings, platforms: dict[str, Platform]) -> dg.ScheduleDefinition:
    """The weekly schedule and its job."""

    @dg.op(
        description="Folds old changes into their results, expires snapshots beyond the time-travel window, merges "
        "small files, and deletes files that no snapshot needs, files of killed writers, and expired landed pages. It "
        "proves that every file is as it was recorded, and that the content of every table stays the same. A damaged "
        "manifest of landed pages keeps its sync, and fails the run after everything else is done.",
        out=dg.Out(dg.Nothing),
        retry_policy=RETRIES,
    )
    def maintain_lake_and_landing(
        context: dg.OpExecutionContext, retention: RetentionPeriods, lake: LakeResource, landing_store: StoreResource
    ) -> Iterator[dg.Output[None]]:
        now = datetime.now(UTC)
        note_run(context.run, retention.ledger_url, OperationName.maintain)
        try:
            with (
                Leases(retention.ledger_url).hold("maintenance") as lease,
                guarded(lake.open(), lease.require),
                lake.file_proof(lake.open()) as files,
            ):
                files.record_new()
                files.require_intact()  # a compaction would write damaged values into new files
                lineage_kept = timedelta(days=retention.lineage_retention_days)
                closed = close_lineage(lake.open(), lake.history, now - lineage_kept, context.run_id)
                report = maintain(lake.open(), retention.time_travel_days, now, context.run_id, lease.require)
                files.record_new()
                files.replace_lists()
                store = landing_store.open()
                limit = limits_of(platforms, retention.landing_retention_days)
                damaged: list[DamagedManifest] = []
                expired = find_expired(store, limit, now, damaged.append)
                delete_expired(store, expired, now, lease.require)
                store.sweep(REQUEST_FILES, now - AT_WORK)
        except Exception as error:
            raise failure(context, error) from error
        for deletion in _deletions(settings, expired, closed, now):
            if not deletion.is_nothing:
                record_deletion(context.run, settings, deletion)
        yield dg.Output(None, metadata=_metadata(report, expired, closed))
        if damaged:
            raise failure(context, DamagedManifest(damage_in_words(damaged)))

    @dg.job(
        name=MAINTENANCE,
        description="Keeps lake and landing small. Never runs beside a backup or a restore.",
        tags=RUN_TAGS,
        executor_def=dg.in_process_executor,
    )
    def lake_maintenance() -> None:
        maintain_lake_and_landing()

    return scheduled(lake_maintenance, schedule_times.MAINTENANCE, "Maintenance of lake and landing, every Sunday.")


def _deletions(
    settings: Settings, expired: list[ExpiredSync], closed: list[FoldedDataset], now: datetime
) -> list[Deletion]:
    """What it deleted by the rules of retention, for the audit log."""
    landed = {"syncs": len(expired), "bytes": sum(expired_sync.sync.size_bytes for expired_sync in expired)}
    folded = {"changes": sum(dataset.changes_before - dataset.changes_after for dataset in closed)}
    figures = {RuleName.landing: landed, RuleName.lineage: folded}
    return [Deletion(name, RULE[name].before(settings, now), deleted) for name, deleted in figures.items()]


def _metadata(report: MaintenanceReport, expired: list[ExpiredSync], closed: list[FoldedDataset]) -> dict[str, Any]:
    """The metadata of the run; `summary` is the whole result as one JSON document, which the command line reads."""
    summary = {
        **report.document(),
        "landing_deleted": [sync.document() for sync in expired],
        "lineage_folded": [dataset.document() for dataset in closed],
    }
    tables = [dg.TableRecord({"table": name, **figures}) for name, figures in summary["tables"].items()]
    totals = {
        name: sum(figures[name] for figures in summary["tables"].values())
        for name in ("files_before", "files_after", "bytes_before", "bytes_after")
    }
    return {
        **totals,
        "snapshots_expired": report.snapshots_expired,
        "unneeded_files_deleted": report.unneeded_deleted,
        "orphaned_files_deleted": report.orphaned_deleted,
        "changes_folded": sum(dataset.changes_before for dataset in closed),
        "landing_syncs_deleted": len(expired),
        "landing_folders_deleted": sum(len(expired_sync.sync.folders) for expired_sync in expired),
        "landing_bytes_deleted": sum(expired_sync.sync.size_bytes for expired_sync in expired),
        "tables": dg.MetadataValue.table(tables, schema=_TABLE_SCHEMA),
        SUMMARY: dg.MetadataValue.json(summary),
    }


_TABLE_SCHEMA = dg.TableSchema(
    [
        dg.TableColumn("table", "string"),
        *(dg.TableColumn(name, "int") for name in ("files_before", "files_after", "bytes_before", "bytes_after")),
    ]
)
