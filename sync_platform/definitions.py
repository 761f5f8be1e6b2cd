"""All Dagster definitions: the stages in the order of the data flow."""

from __future__ import annotations

import dagster as dg

from sync_platform.defs.automation import automation, sync_schedules
from sync_platform.defs.backup_drill import drill_schedule
from sync_platform.defs.backup_jobs import backup_after_sync_sensor, backup_assets, backup_schedules
from sync_platform.defs.backups import backups_of
from sync_platform.defs.dead_runs import dead_runs_sensor
from sync_platform.defs.emergency import emergency_sensor
from sync_platform.defs.erasures import erasure_schedule
from sync_platform.defs.hidden_passwords import Configurable, without_passwords
from sync_platform.defs.io_managers import io_managers
from sync_platform.defs.landing import landing_assets
from sync_platform.defs.lineage import auditor_of, verification_schedule
from sync_platform.defs.maintenance import maintenance_schedule, retention_periods_of
from sync_platform.defs.monitoring import watch_sensors
from sync_platform.defs.partitions import partitions_of
from sync_platform.defs.platform_lock import platform_lock_resource
from sync_platform.defs.progress import NoProgress, Progress
from sync_platform.defs.resources import lake_of, landing_store_of, sources_of, vault_of
from sync_platform.defs.retention import retention_schedule
from sync_platform.defs.run_log import begin_logging_in_dagster
from sync_platform.defs.scorecard import scorecard_asset
from sync_platform.defs.store_writer import writer_of
from sync_platform.defs.sync_log import sync_log
from sync_platform.defs.tables import table_assets
from sync_platform.defs.unified import unified_assets, unify_job
from sync_platform.defs.vault_backup import vault_backup_of
from sync_platform.defs.vault_backup_job import vault_backup_schedule
from sync_platform.lake.row_worker import NO_ROW_WORKER, RowWorker
from sync_platform.platforms import load_platforms, platforms_in_use
from sync_platform.quality.own_checks import load_own_checks
from sync_platform.settings import Settings, load_settings
from sync_platform.vault.key_file import require_private_key_files


def build(settings: Settings, progress: Progress, row_worker: RowWorker = NO_ROW_WORKER) -> dg.Definitions:
    """All definitions for these settings. `progress` shows the syncs; `row_worker` parses landed objects into rows."""
    platforms, partitions = load_platforms(settings.platform_path), partitions_of(settings)
    landing_store, lake = landing_store_of(settings), lake_of(settings)
    resources: dict[str, Configurable] = {
        "sources": sources_of(settings),
        "vault": vault_of(settings),
        "landing_store": landing_store,
        "lake": lake,
        "retention": retention_periods_of(settings),
        "auditor": auditor_of(settings),
        "backups": backups_of(settings),
        "vault_backups": vault_backup_of(settings),
        **io_managers(landing_store, lake),
    }
    own_checks = load_own_checks(settings.checks_folder, platforms, is_stated=settings.checks is not None)
    sync_jobs = sync_schedules(platforms, platforms_in_use(platforms, settings))
    schedules = [
        *sync_jobs,
        maintenance_schedule(settings, platforms),
        verification_schedule(),
        *backup_schedules(),
        drill_schedule(),
        vault_backup_schedule(),
        retention_schedule(settings, platforms),
        erasure_schedule(),
    ]
    return dg.Definitions(
        assets=[
            *landing_assets(platforms, partitions, progress, row_worker),
            *table_assets(platforms, partitions, row_worker, own_checks),
            *unified_assets(platforms, progress),
            scorecard_asset(platforms),
            *backup_assets(),
        ],
        jobs=[unify_job()],
        schedules=schedules,
        sensors=[
            emergency_sensor(settings, platforms, landing_store, sync_jobs),
            dead_runs_sensor,
            automation,
            *watch_sensors(settings, schedules),
            *([backup_after_sync_sensor()] if settings.backup_after_sync else []),
        ],
        resources={
            "platform_locks": platform_lock_resource(
                settings.ledger_url, platforms, progress, writer_of(settings).require_for_sync
            ),
            "sync_log": sync_log,
            **{name: without_passwords(resource, name) for name, resource in resources.items()},
        },
        executor=dg.in_process_executor,
    )


@dg.definitions
def defs() -> dg.Definitions:
    """What Dagster loads."""
    begin_logging_in_dagster()
    settings = load_settings()
    require_private_key_files(settings)
    return build(settings, NoProgress())
