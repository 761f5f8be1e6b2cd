"""Landing assets: one per platform, `landing/<platform>`, the platform's pages of one period as they were received.

What belongs here: when an asset fetches, and how an error becomes an error of Dagster. Fetching belongs in landing/.
"""

import time
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime
from enum import Enum

import dagster as dg
from pydantic import Field

from sync_platform.defs.metadata import OWNERS, metadata_of_platform, tags_of
from sync_platform.defs.overtaken_run import launch_again
from sync_platform.defs.partitions import Partitions
from sync_platform.defs.platform_lock import PlatformLocks
from sync_platform.defs.progress import Progress
from sync_platform.defs.request_notes import RequestNotes
from sync_platform.defs.resources import LakeResource, Sources, StoreResource, VaultResource
from sync_platform.defs.retry_wait import RETRIES, RETRY_DELAY_S, wait_for_retry
from sync_platform.defs.sync_log import SyncLog
from sync_platform.defs.trigger import ATTENDED_TAG, LAUNCHED_AGAIN_TAG, RETRIED_TAG, trigger_of
from sync_platform.defs.vault_backup import vault_backup_of
from sync_platform.documents.wording import counted
from sync_platform.emergency.request import EmergencyRequest
from sync_platform.errors import LockLost, MadeByNewer, PresentOnly, StorageError, SyncError, Throttled, TransientError
from sync_platform.lake.late_records import learnt_overlaps, overlap_of
from sync_platform.lake.row_worker import RowWorker
from sync_platform.lake.syncs import SyncRecord, last_syncs, record_failure
from sync_platform.lake.watermarks import watermarks
from sync_platform.landing.destination import Destination
from sync_platform.landing.extract import Fetch, extract
from sync_platform.landing.manifest import Manifest, newest_landing, newest_sync_id
from sync_platform.landing.sync_id import new_sync_id
from sync_platform.monitoring.freshness import LATE_AFTER
from sync_platform.privacy.lost_vault import require_vault_of_lake
from sync_platform.settings import load_settings
from sync_platform.sources.declaration import Platform
from sync_platform.sources.gaps import Gaps
from sync_platform.sources.period import Period, current_period, parse_period
from sync_platform.sources.scope import Scope
from sync_platform.storage.object_store import ObjectStore

LOG_EVERY_S = 10.0


class Mode(Enum):
    full = "full"
    incremental = "incremental"


class FetchConfig(dg.Config):
    """How a platform is fetched in this run."""

    mode: Mode = Field(
        default=Mode.full,
        description="full: fetch everything, and retire what is no longer listed. incremental: fetch only what changed "
        "since the last watermark, where the platform offers that; otherwise everything.",
    )


def landing_key(platform: Platform) -> dg.AssetKey:
    return dg.AssetKey(["landing", platform.name])


def landing_assets(
    platforms: dict[str, Platform], partitions: Partitions, progress: Progress, row_worker: RowWorker
) -> list[dg.AssetsDefinition]:
    """The landing asset of every platform."""
    return [_landing_asset(platform, partitions, progress, row_worker) for platform in platforms.values()]


def _landing_asset(
    platform: Platform, partitions: Partitions, progress: Progress, row_worker: RowWorker
) -> dg.AssetsDefinition:
    listed = "\n".join(f"- **{dataset.name}**: {dataset.description}" for dataset in platform.datasets)

    @dg.asset(
        key=landing_key(platform),
        description=f"{platform.title} as received: {platform.description} Personal fields are sealed before anything "
        f"is written; a manifest lists what was received and what is missing.\n\n{listed}",
        partitions_def=partitions[platform.cadence],
        io_manager_key="landing_io",
        group_name=platform.name,
        pool=platform.name,
        kinds={"httpx", "s3"},
        owners=OWNERS,
        tags=tags_of(platform, "landing"),
        metadata=metadata_of_platform(platform),
        freshness_policy=dg.FreshnessPolicy.time_window(fail_window=LATE_AFTER[platform.cadence]),
        retry_policy=RETRIES,
    )
    def land_platform(
        context: dg.AssetExecutionContext,
        config: FetchConfig,
        sources: Sources,
        landing_store: StoreResource,
        vault: VaultResource,
        lake: LakeResource,
        platform_locks: dg.ResourceParam[PlatformLocks],
        sync_log: dg.ResourceParam[SyncLog],
    ) -> list[Manifest]:
        period = parse_period(platform.cadence, context.partition_key)
        notes, urgent = RequestNotes(context.run.tags, platform.name, lake.ledger_url), None
        if context.retry_number:
            urgent = wait_for_retry(context, platform.name, platform_locks, lake.ledger_url, notes)
        sync_id, started_at = new_sync_id(), datetime.now(UTC)
        try:
            with sync_log.step(platform.name), closing(notes):
                notes.note("fetching", "fetching begins")
                store = landing_store.open()
                if not _is_fetchable(platform, period):
                    return _landed_before(platform, period, store)
                landed = _landed_by_request(platform, period, store, urgent) if config.mode is Mode.full else []
                if landed:
                    context.log.info("an emergency run has synced the platform meanwhile: what it landed is used")
                    return landed
                lake.require_readable()  # before requests of minutes whose records could not be stored
                require_vault_of_lake(vault.url, lake.address, lake.history, lambda: _has_remains(vault))
                landed_last = newest_sync_id(store, platform.name, platform.datasets[0].name, period.key)
                sync_id = new_sync_id(started_at, after=landed_last)
                fetch = Fetch(
                    platform,
                    sources.source_of(platform),
                    vault.platform_secrets(platform.name),
                    _scope(platform, period, config.mode, lake),
                    period.key,
                    sync_id,
                    context.run_id,
                )
                on_page = _PageReport(platform, progress, context, notes, platform_locks)
                destination = Destination(store, vault.vault, refuses_undeclared=vault.refuses_undeclared)
                manifests = extract(fetch, destination, on_page, row_worker.parse)
                progress.landed(platform.name)
                notes.note("storing", "stores what was fetched", on_page.records)
                return manifests
        except SyncError as error:
            _record_failure(context, lake, platform, period, config.mode, sync_id, started_at, error)
            raise failure(context, error) from error
        except Exception as error:
            raise failure(context, error) from error

    return land_platform


def _has_remains(vault: VaultResource) -> bool:
    """True if the master key of a vault, or a backup of it, is there."""
    return vault.has_key() or vault_backup_of(load_settings()).has_backup()


def failure(context: dg.AssetExecutionContext | dg.OpExecutionContext, error: Exception) -> dg.Failure:
    """The error as one of Dagster. It is retried only if it is transient and no person waits for the run.

    An unexpected error is a defect of this program or of a library: a retry cannot help.
    A platform that asks for a longer wait than that before a retry is not asked again before a person decides.
    A run that a newer version of this program has overtaken is launched again, by then with that version; so is one
    that has lost its platform's lock, once it has the lock again.
    """
    if (is_repeated := isinstance(error, MadeByNewer | LockLost)) or context.run.tags.get(LAUNCHED_AGAIN_TAG) == "true":
        context.instance.add_run_tags(context.run_id, {LAUNCHED_AGAIN_TAG: str(is_repeated).lower()})
    attended = ATTENDED_TAG in context.run.tags and RETRIED_TAG not in context.run.tags
    asks_to_wait = isinstance(error, Throttled) and (error.retry_after_s or 0) > RETRY_DELAY_S
    if isinstance(error, MadeByNewer):
        launch_again(context.instance, context.run)
    return dg.Failure(
        description=str(error) if isinstance(error, SyncError) else f"unexpected {type(error).__name__}: {error}",
        metadata={"error": type(error).__name__, "permanent": not isinstance(error, TransientError)},
        allow_retries=isinstance(error, TransientError) and not attended and not asks_to_wait,
    )


def _is_fetchable(platform: Platform, period: Period) -> bool:
    return platform.has_archive or period == current_period(platform.cadence)


def _landed_before(platform: Platform, period: Period, store: ObjectStore) -> list[Manifest]:
    """The landing of a past period of a platform that serves only the present; PresentOnly where there is none."""
    names = [dataset.name for dataset in platform.datasets]
    landed = newest_landing(store, platform.name, names, period.key)
    if not landed:
        raise PresentOnly(
            f"{platform.name} serves only the present, and nothing was landed for {period.key}; "
            f"the current period is {current_period(platform.cadence).key}"
        )
    return landed


def _landed_by_request(
    platform: Platform, period: Period, store: ObjectStore, request: EmergencyRequest | None
) -> list[Manifest]:
    """What the run of an emergency request landed of a period; empty where another sync has landed since."""
    if request is None:
        return []
    landed = newest_landing(store, platform.name, [dataset.name for dataset in platform.datasets], period.key)
    return landed if landed and landed[0].run_id == request.run_of(platform.name).run_id else []


def _scope(platform: Platform, period: Period, mode: Mode, lake: LakeResource) -> Scope:
    if period != current_period(platform.cadence):
        return Scope(archive_period=(period.first, period.last))
    if mode is Mode.full or not platform.has_delta:
        return Scope(taken_in=_last_complete_sync(platform, period, lake) if platform.has_etags else None)
    learnt = learnt_overlaps(lake.open(), platform.name)
    since = {
        dataset: (watermark - overlap_of(learnt, platform, dataset)).strftime("%Y-%m-%dT%H:%M:%SZ")
        for dataset, watermark in watermarks(lake.open(), platform.name).items()
    }
    return Scope("incremental", since) if since else Scope()


def _last_complete_sync(platform: Platform, period: Period, lake: LakeResource) -> str | None:
    """The id of the platform's last sync, if it is of this period and complete."""
    last = last_syncs(lake.open()).get(platform.name)
    return last.sync_id if last and last.partition == period.key and last.status == "complete" else None


class _PageReport:
    """Reports every page to the progress and to the request, and every few seconds to the run's log.

    Each time that it logs, it also ends the fetch with LockLost where another run has the platform's lock by now.
    """

    def __init__(
        self,
        platform: Platform,
        progress: Progress,
        context: dg.AssetExecutionContext,
        notes: RequestNotes,
        locks: PlatformLocks,
    ) -> None:
        self._platform, self._progress, self._context, self._notes = platform, progress, context, notes
        self._locks = locks
        self.records, self._logged_at = 0, time.monotonic()

    def __call__(self, dataset: str, records: int, gaps: Gaps) -> None:
        self.records += records
        self._progress.page(self._platform.name, dataset, records, gaps)
        self._notes.page(dataset, self.records)
        if time.monotonic() - self._logged_at > LOG_EVERY_S:
            self._logged_at = time.monotonic()
            self._context.log.info(f"{counted(self.records, 'record')} so far, now {dataset}")
            self._locks.require_not_taken(self._platform.name)


def _record_failure(
    context: dg.AssetExecutionContext,
    lake: LakeResource,
    platform: Platform,
    period: Period,
    mode: Mode,
    sync_id: str,
    started_at: datetime,
    error: SyncError,
) -> None:
    now = datetime.now(UTC)
    record = SyncRecord(
        sync_id=sync_id,
        run_id=context.run_id,
        platform=platform.name,
        dataset=None,
        partition=period.key,
        mode=mode.value,
        status="failed",
        observed_at=started_at,
        started_at=started_at,
        committed_at=now,
        reasons=[str(error)],
        **asdict(trigger_of(context.run.tags)),
    )
    try:
        record_failure(lake.open(), record)
    except StorageError as unrecorded:
        context.log.error(f"the failure could not be recorded: {unrecorded}")
