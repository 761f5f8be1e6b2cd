"""Whether Dagster's daemon lives: each of its threads sends a heartbeat every 30 seconds.

What belongs here: when a missing heartbeat is a problem. An installation whose daemon never ran, or was stopped by
`up`, has no heartbeats, and nothing is missing.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from sync_platform.documents.local_time import local_time
from sync_platform.monitoring.problem import Problem, ProblemName
from sync_platform.monitoring.watchdog.dagster_state import DagsterState

SILENT_AFTER = timedelta(seconds=100)
"""Three heartbeats are missing. With a round each minute, a killed daemon is noticed within three minutes."""


def daemon_problems(state: DagsterState, now: datetime) -> Iterator[Problem]:
    """One problem, for all threads that are silent."""
    newest = state.heartbeat_at
    if newest is None:
        return
    silent = [
        each for each in state.threads if each.last_heartbeat_at is None or is_silent(each.last_heartbeat_at, now)
    ]
    if not silent:
        return
    names = tuple(each.name for each in silent)
    known = [each.last_heartbeat_at for each in silent if each.last_heartbeat_at]
    since = f"since {local_time(max(known))}" if known else "since it was started"
    is_whole = len(silent) == len(state.threads)
    yield Problem(
        ProblemName.daemon_silent,
        "",
        f"Dagster's daemon sends no heartbeat {since}"
        + ("." if is_whole else f" from these of its threads, which hang: {', '.join(names)}."),
        "No scheduled sync, backup or emergency request starts, and no run is launched, until the daemon runs again. "
        "Stored data stay as they are.",
        "Start the daemon again: restart its service, or the command `up` on a laptop. If it is not meant to run here "
        "any more, `dagster-daemon wipe` deletes its heartbeats.",
        ("status",),
        names,
    )


def is_silent(heartbeat_at: datetime | None, now: datetime) -> bool:
    """True if the last heartbeat is so old that its thread is gone or hangs, or if there is none."""
    return heartbeat_at is None or now - heartbeat_at > SILENT_AFTER
