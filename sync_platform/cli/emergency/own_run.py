"""Runs the platforms of an emergency request in this process: those that nothing else has launched."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack

from sync_platform.cli.output import report_problem
from sync_platform.cli.runner.daemon import follow_requests
from sync_platform.cli.runner.instance import cancel_killed_runs, prepare_sources
from sync_platform.cli.syncing.display import Display
from sync_platform.cli.syncing.result import PlatformResult
from sync_platform.cli.syncing.unify import unify_after
from sync_platform.cli.syncing.workers import Job, run_all
from sync_platform.defs.emergency import request_lock_name
from sync_platform.defs.landing import Mode
from sync_platform.emergency.request import EmergencyRequest
from sync_platform.emergency.request_store import RequestStore
from sync_platform.errors import StorageError
from sync_platform.settings import Settings
from sync_platform.sources.declaration import Platform
from sync_platform.sources.period import Period, current_period
from sync_platform.storage.lock_holder import Holder
from sync_platform.storage.platform_lock import platform_lock

logger = logging.getLogger(__name__)
OnWait = Callable[[str], Callable[[Holder | None], None]]
"""For a platform, a function that is called while another process runs emergency requests of it."""


def planned_runs(
    settings: Settings, platforms: Mapping[str, Platform], request: EmergencyRequest
) -> list[tuple[Platform, Period]]:
    """Each platform of a request, with the period that is synced; SyncError where one of them cannot be run."""
    planned = [(platforms[name], current_period(platforms[name].cadence)) for name in request.platforms]
    prepare_sources(settings, planned)
    return planned


def run_own(
    settings: Settings,
    planned: list[tuple[Platform, Period]],
    requests: RequestStore,
    request: EmergencyRequest,
    display: Display,
    on_wait: OnWait,
    *,
    is_attended: bool,
) -> list[str]:
    """Run the platforms of a request that are not launched yet. Returns them; none where all have been launched.

    Locks that end with this process tell others that it lives. `is_attended`: a person waits for the runs, so that a
    failure is not retried, and a run whose process was killed has failed; otherwise that run is released. A run that
    may not write any more (MadeByNewer, LockLost) is released: the request stays open for others, and the error is
    raised. After Ctrl-C the request stays open too, and KeyboardInterrupt is raised.
    """
    if any(run.launched_by == "process" for run in request.runs):
        follow_requests(settings, requests)  # releases the runs that dead processes claimed
    with ExitStack() as stack:
        locks = [
            # always in the same order, so that two processes never wait for each other
            stack.enter_context(
                platform_lock(
                    settings.ledger_url, request_lock_name(name), request.request_id, on_wait(name), is_kept=False
                )
            )
            for name in sorted(request.platforms)
        ]
        run_ids = {name: str(uuid.uuid4()) for name in request.platforms}
        for lock in locks:
            lock.require()
        ours = [name for name in request.platforms if requests.claim(request.request_id, name, run_ids[name])]
        claimed = requests.find(request.request_id)
        for name in ours:
            requests.note_progress(request.request_id, name, run_ids[name], "running")
        requests.close()  # the processes of the platforms must not share its connections

        def look() -> None:
            for lock in locks:
                lock.require_not_taken()

        job = Job(settings, Mode.full, request=claimed, is_attended=is_attended)
        try:
            with display.shown():
                results = run_all(job, [each for each in planned if each[0].name in ours], display, look)
                open_again = [each for each in results if each.is_overtaken or (each.was_killed and not is_attended)]
                ended = [each for each in results if each not in open_again]
                for result in ended:
                    run_id = run_ids[result.platform]
                    requests.note_end(request.request_id, result.platform, run_id, result.status, result.error)
                unify_after(settings, ended, display)
        except KeyboardInterrupt:
            for name in ours:
                requests.give_back(request.request_id, name, run_ids[name])
            cancel_killed_runs(settings)
            report_problem(f"cancelled: request {request.request_id} stays open")
            raise
    if open_again:
        _release(settings, requests, request.request_id, open_again)
    return ours


def _release(settings: Settings, requests: RequestStore, request_id: str, results: Sequence[PlatformResult]) -> None:
    """Let the runs be launched again, once this process has no lock of them any more. Those in Dagster have ended.

    StorageError with the reason where a run may not write any more.
    """
    for result in results:
        logger.warning("the run of %s is launched again: %s", result.platform, result.error)
    try:
        follow_requests(settings, requests)
    except StorageError as error:
        # a newer program may have made Dagster's records too; the next look at the requests releases the runs
        logger.warning("the runs of emergency request %s cannot be released now: %s", request_id, error)
    if overtaken := [each for each in results if each.is_overtaken]:
        raise StorageError(f"{overtaken[0].platform}: {overtaken[0].error}; request {request_id} stays open")
