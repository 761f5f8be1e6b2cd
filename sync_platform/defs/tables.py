"""Table assets: one per dataset, `<platform>/<dataset>`, the lake's typed table with all its history.

What belongs here: which landing a table is made from. Typing, comparing and committing rows belongs in lake/.
"""

from collections.abc import Iterator, Sequence

import dagster as dg
from pydantic import Field

from sync_platform.defs.anomalies import anomaly_check_result, anomaly_check_spec
from sync_platform.defs.landing import failure, landing_key
from sync_platform.defs.metadata import OWNERS, metadata_of_commit, metadata_of_table, tags_of
from sync_platform.defs.partitions import Partitions
from sync_platform.defs.platform_lock import PlatformLocks
from sync_platform.defs.quality import check_results, check_specs, own_check_results
from sync_platform.defs.resources import LakeResource, StoreResource
from sync_platform.defs.sync_log import SyncLog
from sync_platform.defs.trigger import trigger_of
from sync_platform.documents.states import DEGRADED, WITH_GAPS
from sync_platform.errors import SyncError
from sync_platform.lake.commit import commit_landed
from sync_platform.lake.own_check_scores import run_own_checks, write_own_scores
from sync_platform.lake.retirement import ShrinkGuard
from sync_platform.lake.row_worker import RowWorker
from sync_platform.lake.rows import TypedRows
from sync_platform.lake.transaction import guarded
from sync_platform.landing.manifest import find_manifest, manifest_key
from sync_platform.landing.reader import LandedDataset
from sync_platform.monitoring.freshness import LATE_AFTER
from sync_platform.privacy.recorded_corrections import corrections_at
from sync_platform.privacy.request_register import restricted_subjects
from sync_platform.quality.own_checks import NO_OWN_CHECKS, OwnCheck, OwnChecks
from sync_platform.quality.score import Standards
from sync_platform.settings import load_settings, platform_settings
from sync_platform.sources.columns import columns_of
from sync_platform.sources.declaration import Dataset, Platform
from sync_platform.storage.object_store import ObjectStore
from sync_platform.vault.erased_values import erased_subjects_at


def table_key(platform: Platform, dataset: Dataset) -> dg.AssetKey:
    return dg.AssetKey([platform.name, dataset.name])


def table_assets(
    platforms: dict[str, Platform],
    partitions: Partitions,
    row_worker: RowWorker,
    own_checks: OwnChecks = NO_OWN_CHECKS,
) -> list[dg.AssetsDefinition]:
    """The table asset of every dataset of every platform."""
    return [
        _table_asset(
            platform, dataset, partitions[platform.cadence], row_worker, own_checks.of(platform.name, dataset.name)
        )
        for platform in platforms.values()
        for dataset in platform.datasets
    ]


def _input_metadata(platform: Platform, dataset: Dataset) -> dict[str, object]:
    """The input metadata for the landing IO manager: which dataset to load, and all datasets of the platform."""
    return {"dataset": dataset.name, "datasets": [each.name for each in platform.datasets]}


class CommitConfig(dg.Config):
    """How a run commits landed rows to their table."""

    accept_shrink: str = Field(
        default="",
        description="An operator's reason why a complete list may retire more rows than the platform's tolerance in "
        "this run; it is stored in the sync's record. Empty: the shrink guard applies.",
    )
    sync_id: str = Field(
        default="",
        description="Commit again what this sync landed, after a rule was corrected. Empty: the newest landing.",
    )


def _table_asset(
    platform: Platform,
    dataset: Dataset,
    partitions: dg.TimeWindowPartitionsDefinition,
    row_worker: RowWorker,
    own_checks: Sequence[OwnCheck],
) -> dg.AssetsDefinition:
    @dg.asset(
        key=table_key(platform, dataset),
        ins={"landed": dg.AssetIn(landing_key(platform), metadata=_input_metadata(platform, dataset))},
        description=f"{dataset.description} One row per record, retired ones marked; every change is in the history.",
        partitions_def=partitions,
        io_manager_key="lake_io",
        group_name=platform.name,
        pool=platform.name,
        # a table that others refer to comes first: otherwise references to its new rows would seem to be broken
        op_tags={"dagster/priority": str(-sum(column.refers_to is not None for column in columns_of(dataset.row)))},
        kinds={"duckdb", "parquet"},
        owners=OWNERS,
        tags=tags_of(platform, "table"),
        metadata=metadata_of_table(platform, dataset, landing_key(platform)),
        freshness_policy=dg.FreshnessPolicy.time_window(fail_window=LATE_AFTER[platform.cadence]),
        output_required=False,
        dagster_type=dg.Any,
        check_specs=[
            *check_specs(platform, dataset, table_key(platform, dataset), partitions, own_checks),
            anomaly_check_spec(table_key(platform, dataset), partitions),
        ],
    )
    def commit(
        context: dg.AssetExecutionContext,
        config: CommitConfig,
        landing_store: StoreResource,
        lake: LakeResource,
        platform_locks: dg.ResourceParam[PlatformLocks],
        sync_log: dg.ResourceParam[SyncLog],
        landed: LandedDataset | None,
    ) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
        if config.sync_id:
            landed = _landed_by(platform, dataset, context.partition_key, config.sync_id, landing_store.open())
        if landed is None:
            context.log.info(f"{dataset.name} was not fetched: the platform's terms allow ids only")
            return
        own = platform_settings(platform.name)
        guard = ShrinkGuard(own.shrink_tolerance, config.accept_shrink.strip() or None)
        settings, trigger = load_settings(), trigger_of(context.run.tags)
        standards = Standards.of(settings, own)
        rows = TypedRows(
            landed,
            platform,
            row_worker,
            lambda: erased_subjects_at(settings.vault_url),
            corrections_at(settings.ledger_url),
            lambda: restricted_subjects(settings.ledger_url),
        )
        try:
            with (
                sync_log.step(platform.name, dataset.name),
                guarded(lake.open(), lambda: platform_locks.require(platform.name)),
            ):
                outcome = commit_landed(lake.open(), lake.history, rows, context.run_id, guard, trigger, standards)
        except SyncError as error:
            raise failure(context, error) from error
        sync_log.add(outcome.record)
        for reason in outcome.record.reasons:
            context.log.warning(f"{DEGRADED}: {reason}")
        for gap in outcome.record.gaps:
            context.log.warning(f"{WITH_GAPS}: {gap}")
        yield dg.MaterializeResult(metadata=metadata_of_commit(outcome))
        yield from check_results(table_key(platform, dataset), outcome, standards.quarantine_tolerance)
        yield anomaly_check_result(platform, dataset, table_key(platform, dataset), lake, outcome.record)
        scores = run_own_checks(lake.open(), own_checks)
        yield from own_check_results(table_key(platform, dataset), own_checks, scores)
        try:
            write_own_scores(lake.open(), scores, outcome.record)
        except SyncError as error:  # the sync is committed, and stays complete
            context.log.warning(f"the results of own checks are not stored: {error}")

    return commit


def _landed_by(platform: Platform, dataset: Dataset, partition: str, sync_id: str, store: ObjectStore) -> LandedDataset:
    key = manifest_key(platform.name, dataset.name, partition, sync_id)
    manifest = find_manifest(store, key)
    if manifest is None:
        raise dg.Failure(f"{store.url}/{key} is not there: what sync {sync_id} landed is gone", allow_retries=False)
    return LandedDataset(manifest, store)
