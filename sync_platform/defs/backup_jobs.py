"""Backups as Dagster assets with schedules: full weekly, incremental daily, and after every sync if that is set.

What belongs here: when they run, and what their runs show. Making a backup belongs in backup/.
"""

from collections.abc import Callable, Iterator
from typing import Any

import dagster as dg

from sync_platform.backup.backup_id import BackupKind
from sync_platform.backup.backup_retention import PruneReport
from sync_platform.backup.creation import CreatedBackup
from sync_platform.defs import schedule_times
from sync_platform.defs.audit import audited_run
from sync_platform.defs.automation import RUN_TAGS
from sync_platform.defs.backups import Backups, logged_details
from sync_platform.defs.landing import failure
from sync_platform.defs.schedule_times import scheduled
from sync_platform.errors import StorageError
from sync_platform.lake.compaction import newest_snapshot
from sync_platform.storage.lake_connection import Lake
from sync_platform.storage.operation_name import OperationName

GROUP = "backups"
FULL, INCREMENTAL, AFTER_SYNC = "weekly_full_backup", "daily_incremental_backup", "backup_after_sync"
RETRIES = dg.RetryPolicy(max_retries=3, delay=600, backoff=dg.Backoff.EXPONENTIAL)
LOOK_EVERY_S = 60
PRUNING = "backup_prune"
READ_BACK = "read_back"


def backup_assets() -> list[dg.AssetsDefinition]:
    """One asset for each kind of backup."""
    return [
        _asset("full", "Every file of the lake, read again and proven, with catalog and audit log."),
        _asset("incremental", "The files of the lake that no backup has yet, with catalog and audit log."),
    ]


def backup_schedules() -> list[dg.ScheduleDefinition]:
    return [
        _schedule(FULL, "full", schedule_times.FULL_BACKUP, "A full backup, every Sunday after maintenance."),
        prune_schedule(),
        _schedule(
            INCREMENTAL,
            "incremental",
            schedule_times.INCREMENTAL_BACKUP,
            "An incremental backup, every day after the syncs.",
        ),
    ]


def backup_after_sync_sensor() -> dg.SensorDefinition:
    """Launches an incremental backup when the lake has a commit that no earlier launch has seen."""

    @dg.sensor(
        name=AFTER_SYNC,
        target=dg.AssetSelection.assets(dg.AssetKey([GROUP, "incremental"])),
        minimum_interval_seconds=LOOK_EVERY_S,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Launches an incremental backup after each commit to the lake (BACKUP_AFTER_SYNC).",
    )
    def after_sync(context: dg.SensorEvaluationContext, backups: Backups) -> dg.SensorResult:
        if not backups.lake.address.exists:
            return dg.SensorResult(skip_reason="there is no lake yet")
        with Lake(backups.lake.address, read_only=True) as lake, lake.session() as session:
            newest = str(newest_snapshot(session))
        if newest == context.cursor:
            return dg.SensorResult(skip_reason="nothing was committed since the last backup")
        return dg.SensorResult([dg.RunRequest(run_key=f"{AFTER_SYNC}/{newest}", tags=RUN_TAGS)], cursor=newest)

    return after_sync


def _asset(kind: BackupKind, description: str) -> dg.AssetsDefinition:
    check = dg.AssetCheckSpec(
        READ_BACK,
        asset=dg.AssetKey([GROUP, kind]),
        description="The backup exists: everything that it wrote was read back. The replica, if any, has it too.",
    )

    @dg.asset(
        key=[GROUP, kind],
        group_name=GROUP,
        description=f"{description} It counts only after it was read back.",
        retry_policy=RETRIES,
        output_required=False,
        check_specs=[check],
    )
    def backup(context: dg.AssetExecutionContext, backups: Backups) -> Iterator[dg.Output[None] | dg.AssetCheckResult]:
        subject = {"type": kind, "store": backups.store.url}
        try:
            with audited_run(context.run, backups.ledger_url, OperationName.backup, subject) as operation:
                created = backups.create(kind)
                operation.ended("complete", **logged_details(created))
            copied = _replicate(context, backups)
        except Exception as error:
            failed = failure(context, error)
            yield dg.AssetCheckResult(passed=False, description=failed.description)
            raise failed from error
        yield dg.Output(None, metadata={**_metadata(created), **copied})
        yield dg.AssetCheckResult(passed=True)

    return backup


def _replicate(context: dg.AssetExecutionContext, backups: Backups) -> dict[str, Any]:
    """Copy the backups to the replica, if there is one; the metadata of that."""
    if not backups.has_replica:
        return {}
    with audited_run(
        context.run, backups.ledger_url, OperationName.replicate, {"store": backups.replica.url}
    ) as operation:
        report = backups.replicate(context.log.info)
        if report is None or report.skipped:
            raise StorageError(f"the replica has not every backup: {'; '.join(report.skipped if report else [])}")
        operation.ended("complete", backups=report.backups, objects=report.objects)
    return {"replica": report.store, "replicated_objects": report.objects}


def prune_schedule() -> dg.ScheduleDefinition:
    """The daily deletion of expired backups, and its job."""

    @dg.op(
        description="Marks backups and objects that are not needed any more, and deletes what was marked a day ago.",
        out=dg.Out(dg.Nothing),
        retry_policy=RETRIES,
    )
    def prune_backups(context: dg.OpExecutionContext, backups: Backups) -> Iterator[dg.Output[None]]:
        try:
            if backups.repository_or_none() is None:
                return
            pruned = [_prune(context, backups, backups.store.url, backups.prune)]
            if backups.has_replica:
                pruned.append(_prune(context, backups, backups.replica.url, backups.prune_replica))
        except Exception as error:
            raise failure(context, error) from error
        done = [report for report in pruned if report]
        deleted, refused = sum(report.deleted_objects for report in done), sum(len(report.refused) for report in done)
        yield dg.Output(None, metadata={"deleted_objects": deleted, "refused": refused})

    @dg.job(
        name=PRUNING,
        description="Deletes backups past BACKUP_RETENTION_DAYS, in two steps a day apart.",
        tags=RUN_TAGS,
        executor_def=dg.in_process_executor,
    )
    def backup_prune() -> None:
        prune_backups()

    return scheduled(backup_prune, schedule_times.PRUNING, "Deletion of expired backups, every day.")


def _prune(
    context: dg.OpExecutionContext, backups: Backups, store: str, prune: Callable[[], PruneReport | None]
) -> PruneReport | None:
    with audited_run(context.run, backups.ledger_url, OperationName.prune, {"store": store}) as operation:
        report = prune()
        if report is None:  # nothing was copied to the replica yet
            operation.ended("complete")
            return None
        if report.plan.stopped:
            raise StorageError(f"{store}: {report.plan.stopped}")
        operation.ended("complete", backups=report.removed_backups, objects=report.deleted_objects)
    return report


def _schedule(name: str, kind: BackupKind, times: str, description: str) -> dg.ScheduleDefinition:
    job = dg.define_asset_job(
        name,
        dg.AssetSelection.assets(dg.AssetKey([GROUP, kind])),
        description=description,
        tags=RUN_TAGS,
        executor_def=dg.in_process_executor,
    )
    return scheduled(job, times, description)


def _metadata(created: CreatedBackup) -> dict[str, Any]:
    """`BackupSuccess` is 1: a backup that was not read back has no metadata."""
    manifest = created.manifest
    return {
        "BackupSuccess": 1,
        **logged_details(created),
        "files": len(manifest.files),
        "size_bytes": manifest.size_bytes,
        "stored_bytes": manifest.stored_bytes,
    }
