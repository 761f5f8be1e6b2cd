"""Runs the platforms of an emergency request in this process: those that nothing else has launched."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Mapping
from contextlib import ExitStack

from sync_platform.cli.output import report_problem
from sync_platform.cli.runner.daemon import follow_requests
from sync_platform.cli.runner.instance import cancel_killed_runs, prepare, prepare_sources
from sync_platform.cli.syncing.display import Display
from sync_platform.cli.syncing.unify import unify_after
from sync_platform.cli.syncing.workers import Job, run_all
from sync_platform.defs.emergency import request_lock_name
from sync_platform.defs.landing import Mode
from sync_platform.emergency.request import EmergencyRequest
from sync_platform.emergency.request_store import RequestStore
from sync_platform.settings import Settings
from sync_platform.sources.declaration import Platform
from sync_platform.sources.period import current_period
from sync_platform.storage.platform_lock import Holder, platform_lock

logger = logging.getLogger(__name__)
OnWait = Callable[[str], Callable[[Holder | None], None]]
"""For a platform, a function that is called while another process runs emergency requests of it."""


def run_own(
    settings: Settings,
    platforms: Mapping[str, Platform],
    requests: RequestStore,
    request: EmergencyRequest,
    display: Display,
    on_wait: OnWait,
    *,
    is_attended: bool,
) -> list[str]:
    """Run the platforms of a request that are not launched yet. Returns them; none where all have been launched.

    Locks that end with this process tell others that it lives. `is_attended`: a person waits for the runs, so that a
    failure is not retried, and a run whose process was killed has failed; otherwise that run is released. After Ctrl-C
    the request stays open, and KeyboardInterrupt is raised.
    """
    request_id = request.request_id
    planned = [(platforms[name], current_period(platforms[name].cadence)) for name in request.platforms]
    prepare_sources(settings, planned)
    if any(run.launched_by == "process" for run in request.runs):
        follow_requests(settings, requests)  # releases the runs that dead processes claimed
    with ExitStack() as locks:
        # always in the same order, so that two processes never wait for each other
        for name in sorted(request.platforms):
            lock_name = request_lock_name(name)
            locks.enter_context(platform_lock(settings.ledger_url, lock_name, request_id, on_wait(name)))
        ours = [name for name in request.platforms if requests.claim(request_id, name, str(uuid.uuid4()))]
        claimed = requests.find(request_id)
        run_ids = {name: claimed.run_of(name).run_id or "" for name in ours}
        for name in ours:
            requests.note_progress(request_id, name, run_ids[name], "running")
        requests.close()  # the processes of the platforms must not share its connections
        job = Job(settings, Mode.full, request=claimed, is_attended=is_attended)
        try:
            with display.shown():
                results = run_all(job, [each for each in planned if each[0].name in ours], display)
                ended = results if is_attended else [each for each in results if not each.was_killed]
                for result in ended:
                    run_id = run_ids[result.platform]
                    requests.note_end(request_id, result.platform, run_id, result.status, result.error)
                unify_after(settings, ended, display)
        except KeyboardInterrupt:
            for name in ours:
                requests.give_back(request_id, name, run_ids[name])
            cancel_killed_runs(settings)
            report_problem(f"cancelled: request {request_id} stays open")
            raise
        if killed := [each.platform for each in results if each not in ended]:
            _release_killed(settings, requests, request_id, {name: run_ids[name] for name in killed})
    return ours


def _release_killed(settings: Settings, requests: RequestStore, request_id: str, run_ids: Mapping[str, str]) -> None:
    """Let the runs be launched again whose processes were killed. Their records in Dagster end as failed."""
    prepare(settings, [])
    for name, run_id in run_ids.items():
        logger.warning("the process of the run of %s was killed: the run is launched again", name)
        requests.give_back(request_id, name, run_id)
