"""The sensor that launches emergency requests, and follows their runs to the end.

What belongs here: how a request becomes Dagster runs, exactly once, and what Dagster knows of them. Who may ask for
what, and how it is kept, stands in emergency/.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import dagster as dg

from sync_platform.defs.automation import RUN_TAGS, asset_keys, job_name, run_config
from sync_platform.defs.landing import ATTENDED_TAG, Mode
from sync_platform.defs.resources import LandingStore
from sync_platform.defs.run_errors import error_of
from sync_platform.defs.trigger import REQUEST_ID_TAG, RUN_PRIORITY_TAG, tags_of_priority, tags_of_request
from sync_platform.emergency.book import RequestBook
from sync_platform.emergency.drops import take_in_drops
from sync_platform.emergency.report import newest_of
from sync_platform.emergency.request import PlatformRun, Request
from sync_platform.errors import NoLakeYet, StorageError
from sync_platform.lake.syncs import WORST_FIRST, Status, syncs_of_request
from sync_platform.settings import Settings
from sync_platform.sources.declaration import Platform
from sync_platform.sources.period import current_period
from sync_platform.storage.lake_connection import Lake, LakeAddress
from sync_platform.storage.turns import turn_if_free

EMERGENCY = "emergency"
LOOK_EVERY_S = 10
WILL_RETRY_TAG = "dagster/will_retry"  # Dagster's own: the run crashed, and another takes its place
UNDER_WAY = (dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING)
ENDED = (dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED)


def emergency_sensor(
    settings: Settings,
    platforms: Mapping[str, Platform],
    landing_store: LandingStore,
    schedules: Sequence[dg.ScheduleDefinition],
) -> dg.SensorDefinition:
    """The sensor; the runs that it launches are of the schedules' jobs."""

    book = RequestBook(settings.ledger_url)

    @dg.sensor(
        name=EMERGENCY,
        jobs=[schedule.job for schedule in schedules],
        minimum_interval_seconds=LOOK_EVERY_S,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Takes in emergency requests dropped as files, launches one run per platform of each request, and "
        "notes how the runs end.",
    )
    def emergency(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        _limit_pools(context.instance, platforms)
        troubles = [*_take_in(context, landing_store, book, platforms)]
        troubles += follow(context.instance, book, LakeAddress.of(settings))
        asked = list(run_requests(book, platforms))
        if troubles and not asked:  # a tick that fails launches nothing, so that what can be launched goes first
            raise StorageError("; ".join(troubles))
        return dg.SensorResult(asked, skip_reason=None if asked else "nothing is requested")

    return emergency


def _limit_pools(instance: dg.DagsterInstance, platforms: Mapping[str, Platform]) -> None:
    """Dagster's queue does not limit a pool that it meets for the first time: it would launch a whole backfill at once,
    and leave no place for what is more urgent."""
    storage = instance.event_log_storage
    if storage.supports_global_concurrency_limits:
        for pool in set(platforms) - storage.get_concurrency_keys():
            storage.initialize_concurrency_limit_to_default(pool)


def _take_in(
    context: dg.SensorEvaluationContext, store: LandingStore, book: RequestBook, platforms: Mapping[str, Platform]
) -> list[str]:
    """Take in the files dropped; what could not be, in words."""
    try:
        intake = take_in_drops(store.open(), book, platforms)
    except StorageError as error:
        return [str(error)]
    for key, reason in intake.refused.items():
        context.log.warning(f"{key} was refused: {reason}")
    return intake.troubles


def run_requests(book: RequestBook, platforms: Mapping[str, Platform]) -> Iterator[dg.RunRequest]:
    """A run for each platform that waits for one, the most urgent first.

    One that was handed over, but is not known to Dagster, is asked for again: whoever was to launch it was killed. The
    run key sees to it that there is only ever one.
    """
    for request in book.open_requests():
        for run in request.runs:
            platform = platforms.get(run.platform)
            if platform is None:
                book.note_end(request.request_id, run.platform, run.run_id, "failed", "there is no such platform now")
            elif _is_handed_over(run) or (
                run.state == "requested" and book.hand_over(request.request_id, run.platform)
            ):
                yield dg.RunRequest(
                    run_key=f"{EMERGENCY}/{request.request_id}/{platform.name}",
                    job_name=job_name(platform, Mode.full),
                    partition_key=current_period(platform.cadence).key,
                    asset_selection=asset_keys(platform),
                    run_config=run_config(platform, Mode.full),
                    tags={**RUN_TAGS, "platform": platform.name, **tags_of_request(request)},
                )


def _is_handed_over(run: PlatformRun) -> bool:
    return run.state == "launched" and run.launched_by == "sensor" and run.run_id is None


def follow(instance: dg.DagsterInstance, book: RequestBook, lake: LakeAddress) -> list[str]:
    """Note in the book how far Dagster's runs of open requests are; what could not be found out, in words."""
    troubles = []
    for request in book.open_requests():
        for run in request.runs:
            try:
                if run.launched_by == "sensor" and run.state != "finished":
                    _follow_launched(instance, book, lake, request, run)
                elif run.launched_by == "process" and run.state != "finished":
                    _follow_claimed(instance, book, lake, request, run)
            except StorageError as error:
                troubles.append(f"{request.request_id}, {run.platform}: {error}")
    return troubles


def _follow_launched(
    instance: dg.DagsterInstance, book: RequestBook, lake: LakeAddress, request: Request, run: PlatformRun
) -> None:
    """The newest of its runs counts: where one crashed, Dagster launches another in its place."""
    tags = {REQUEST_ID_TAG: request.request_id, "platform": run.platform}
    found = [each for each in instance.get_runs(dg.RunsFilter(tags=tags)) if ATTENDED_TAG not in each.tags]
    if not found:
        if run.run_id is not None:
            book.note_end(request.request_id, run.platform, run.run_id, "failed", "Dagster's record of its run is gone")
        return
    newest = found[0]
    if newest.status == dg.DagsterRunStatus.NOT_STARTED:
        return  # created, but not yet launched: it is asked for again
    if newest.status in ENDED and newest.tags.get(WILL_RETRY_TAG) != "true":
        _note_end(instance, book, lake, request, newest)
        return
    book.note_progress(
        request.request_id, run.platform, newest.run_id, "running" if newest.status in UNDER_WAY else "launched"
    )
    if newest.status == dg.DagsterRunStatus.QUEUED and newest.tags.get(RUN_PRIORITY_TAG) is not None:
        wanted = tags_of_priority(request)
        if newest.tags[RUN_PRIORITY_TAG] != wanted[RUN_PRIORITY_TAG]:  # somebody asked for the same more urgently
            instance.add_run_tags(newest.run_id, wanted)


def _follow_claimed(
    instance: dg.DagsterInstance, book: RequestBook, lake: LakeAddress, request: Request, run: PlatformRun
) -> None:
    """A process that runs it itself notes its end itself, unless it died."""
    with turn_if_free(book.ledger_url, claim_name(run.platform), request.request_id) as is_dead:
        if not is_dead:
            return
        found = instance.get_run_by_id(run.run_id or "")
        if found is not None and found.status == dg.DagsterRunStatus.SUCCESS:
            _note_end(instance, book, lake, request, found)
        else:
            book.give_back(request.request_id, run.platform, run.run_id or "")


def claim_name(platform: str) -> str:
    """The turn that a process holds while it runs a platform's requests itself (storage/turns.py)."""
    return f"{EMERGENCY}-{platform}"


def _note_end(
    instance: dg.DagsterInstance, book: RequestBook, lake: LakeAddress, request: Request, ended: dg.DagsterRun
) -> None:
    platform = ended.tags["platform"]
    outcome: Status = "failed"
    error: str | None = None
    if ended.status == dg.DagsterRunStatus.SUCCESS:
        outcome = _outcome(lake, request, platform)
        error = None if outcome != "failed" else "its run left no record in the lake"
    elif ended.status == dg.DagsterRunStatus.CANCELED:
        error = "its run was cancelled"
    else:
        events = [entry.dagster_event for entry in instance.all_logs(ended.run_id) if entry.dagster_event]
        error = error_of(events) or "its run failed"
    book.note_end(request.request_id, platform, ended.run_id, outcome, error)


def _outcome(lake: LakeAddress, request: Request, platform: str) -> Status:
    """The least complete of the datasets' records."""
    try:
        with Lake(lake, read_only=True) as opened:
            records = newest_of(syncs_of_request(opened, request.request_id), platform)
    except NoLakeYet:
        records = []
    found = {record.status for record in records}
    return next((status for status in WORST_FIRST if status in found), "failed")
