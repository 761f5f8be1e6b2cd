"""The sensor that launches emergency requests, and follows their runs until they end.

What belongs here: how a request becomes Dagster runs, exactly once, and how their state is read from Dagster.
Submitting and storing requests belongs in emergency/.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import dagster as dg

from sync_platform.defs.automation import RUN_TAGS, asset_keys, job_name, run_config
from sync_platform.defs.landing import Mode
from sync_platform.defs.platform_pool import limit_pools
from sync_platform.defs.resources import StoreResource
from sync_platform.defs.run_errors import error_of, is_blocked
from sync_platform.defs.trigger import ATTENDED_TAG, REQUEST_ID_TAG, RUN_PRIORITY_TAG, tags_of_priority, tags_of_request
from sync_platform.emergency.request import RUN_CANCELLED, EmergencyRequest, PlatformRun
from sync_platform.emergency.request_document import ProcessedRequests
from sync_platform.emergency.request_files import process_files
from sync_platform.emergency.request_queue import process_messages
from sync_platform.emergency.request_report import newest_of
from sync_platform.emergency.request_store import RequestStore
from sync_platform.emergency.starter_presence import is_left_to_starter
from sync_platform.errors import NoLakeYet, StorageError
from sync_platform.lake.syncs import Status, syncs_of_request, worst_status
from sync_platform.settings import Settings
from sync_platform.sources.declaration import Platform
from sync_platform.sources.period import current_period
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import Lake
from sync_platform.storage.platform_lock import platform_lock_if_free

EMERGENCY = "emergency"
LOOK_EVERY_S = 10
WILL_RETRY_TAG = "dagster/will_retry"  # set by Dagster: the run crashed, and Dagster will launch another one for it
UNDER_WAY = (dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING)
ENDED = (dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED)


def emergency_sensor(
    settings: Settings,
    platforms: Mapping[str, Platform],
    landing_store: StoreResource,
    schedules: Sequence[dg.ScheduleDefinition],
) -> dg.SensorDefinition:
    """The sensor. The runs that it launches belong to the jobs of the schedules."""

    requests = RequestStore(settings.ledger_url)

    @dg.sensor(
        name=EMERGENCY,
        jobs=[schedule.job for schedule in schedules],
        minimum_interval_seconds=LOOK_EVERY_S,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Reads request files and request messages, launches one run per platform of each emergency "
        "request, and stores how the runs end.",
    )
    def emergency(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        errors = [
            *_process(context, lambda: process_files(landing_store.open(), requests, platforms)),
            *_process(context, lambda: _process_queue(settings, requests, platforms)),
        ]
        urgent = {name for request in requests.open_requests() for name in request.platforms}
        limit_pools(context.instance, platforms.keys(), urgent)
        errors += follow(context.instance, requests, LakeAddress.of(settings))
        wanted = list(run_requests(requests, platforms))
        if errors and not wanted:  # a tick that fails launches nothing: with runs to launch, errors wait for the next
            raise StorageError("; ".join(errors))
        return dg.SensorResult(wanted, skip_reason=None if wanted else "nothing is requested")

    return emergency


def _process(context: dg.SensorEvaluationContext, read: Callable[[], ProcessedRequests]) -> list[str]:
    """Submit the requests that wait in one place. Returns the errors of those that could not be processed."""
    try:
        processed = read()
    except StorageError as error:
        return [str(error)]
    for name, reason in processed.refused.items():
        context.log.warning(f"{name} was refused: {reason}")
    return processed.errors


def _process_queue(settings: Settings, requests: RequestStore, platforms: Mapping[str, Platform]) -> ProcessedRequests:
    if not settings.emergency_queue_url:
        return ProcessedRequests()
    return process_messages(settings.emergency_queue_url, settings.aws_region, requests, platforms)


def run_requests(requests: RequestStore, platforms: Mapping[str, Platform]) -> Iterator[dg.RunRequest]:
    """A run for each platform of an open request that has none yet, the most urgent first; none for those of a young
    request that a starter is about to start.

    A run that was handed over but is unknown to Dagster is requested again: the daemon was killed before it launched
    the run. The run key ensures that there is never a second one.
    """
    for request in requests.open_requests():
        for run in request.runs:
            platform = platforms.get(run.platform)
            if platform is None:
                requests.note_end(
                    request.request_id, run.platform, run.run_id, "failed", "there is no such platform now"
                )
            elif _is_handed_over(run) or (
                run.state == "requested"
                and not is_left_to_starter(requests.ledger_url, request)
                and requests.hand_over(request.request_id, run.platform)
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


def follow(instance: dg.DagsterInstance, requests: RequestStore, lake: LakeAddress) -> list[str]:
    """Store the state of Dagster's runs of open requests. Returns the errors of runs for which that failed."""
    errors = []
    for request in requests.open_requests():
        for run in request.runs:
            try:
                if run.launched_by == "sensor" and run.state != "finished":
                    _follow_launched(instance, requests, lake, request, run)
                elif run.launched_by == "process" and run.state != "finished":
                    _follow_claimed(instance, requests, lake, request, run)
            except StorageError as error:
                errors.append(f"{request.request_id}, {run.platform}: {error}")
    return errors


def _follow_launched(
    instance: dg.DagsterInstance, requests: RequestStore, lake: LakeAddress, request: EmergencyRequest, run: PlatformRun
) -> None:
    """Store the state of the newest Dagster run of a platform. Dagster launches a new run for one that crashed."""
    tags = {REQUEST_ID_TAG: request.request_id, "platform": run.platform}
    runs = [each for each in instance.get_runs(dg.RunsFilter(tags=tags)) if ATTENDED_TAG not in each.tags]
    if not runs:
        if run.run_id is not None:
            requests.note_end(
                request.request_id, run.platform, run.run_id, "failed", "Dagster's record of its run is gone"
            )
        return
    newest = runs[0]
    if newest.status == dg.DagsterRunStatus.NOT_STARTED:
        return  # created, but not launched yet: it is requested again
    if newest.status in ENDED and newest.tags.get(WILL_RETRY_TAG) != "true":
        _note_end(instance, requests, lake, request, newest)
        return
    requests.note_progress(
        request.request_id, run.platform, newest.run_id, "running" if newest.status in UNDER_WAY else "launched"
    )
    if newest.status == dg.DagsterRunStatus.QUEUED and newest.tags.get(RUN_PRIORITY_TAG) is not None:
        wanted = tags_of_priority(request)
        if newest.tags[RUN_PRIORITY_TAG] != wanted[RUN_PRIORITY_TAG]:  # a more urgent request joined this one
            instance.add_run_tags(newest.run_id, wanted)


def _follow_claimed(
    instance: dg.DagsterInstance, requests: RequestStore, lake: LakeAddress, request: EmergencyRequest, run: PlatformRun
) -> None:
    """The process that claimed a run stores its end. If that process died, store it here, or release the run."""
    with platform_lock_if_free(requests.ledger_url, request_lock_name(run.platform), request.request_id) as lock:
        if lock is None:
            return
        found_run = instance.get_run_by_id(run.run_id or "")
        if found_run is not None and found_run.status == dg.DagsterRunStatus.SUCCESS:
            _note_end(instance, requests, lake, request, found_run)
        else:
            requests.give_back(request.request_id, run.platform, run.run_id or "")


def request_lock_name(platform: str) -> str:
    """The name of the lock that a process holds while it runs requests of a platform itself."""
    return f"{EMERGENCY}-{platform}"


def _note_end(
    instance: dg.DagsterInstance,
    requests: RequestStore,
    lake: LakeAddress,
    request: EmergencyRequest,
    ended: dg.DagsterRun,
) -> None:
    platform = ended.tags["platform"]
    outcome: Status = "failed"
    error: str | None = None
    if ended.status == dg.DagsterRunStatus.SUCCESS:
        outcome = _outcome(lake, request, platform)
        error = None if outcome != "failed" else "its run left no record in the lake"
    elif ended.status == dg.DagsterRunStatus.CANCELED:
        error = RUN_CANCELLED
    else:
        events = [entry.dagster_event for entry in instance.all_logs(ended.run_id) if entry.dagster_event]
        error = error_of(events) or "its run failed"
        if is_blocked(events):
            outcome = _outcome(lake, request, platform)
    requests.note_end(request.request_id, platform, ended.run_id, outcome, error)


def _outcome(lake: LakeAddress, request: EmergencyRequest, platform: str) -> Status:
    """The worst status of the datasets' records."""
    try:
        with Lake(lake, read_only=True) as opened:
            records = newest_of(syncs_of_request(opened, request.request_id), platform)
    except NoLakeYet:
        records = []
    return worst_status((record.status for record in records), default="failed")
