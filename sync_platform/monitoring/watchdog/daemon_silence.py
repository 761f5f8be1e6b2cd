"""Whether Dagster's daemon lives: its threads send heartbeats, the scheduler each minute, the others every 30 seconds.

What belongs here: when a missing heartbeat is a problem. An installation whose daemon never ran, or was stopped
with its server, has no heartbeats, and nothing is missing.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from sync_platform.documents.local_time import local_time
from sync_platform.monitoring.problem import Problem, ProblemName
from sync_platform.monitoring.watchdog.dagster_state import DagsterState

SILENT_AFTER, HANGS_AFTER = timedelta(seconds=90), timedelta(seconds=120)
"""The age of the newest heartbeat of all threads, and of one thread. With a round each minute, a killed daemon and a
thread that hangs are noticed within three minutes."""


def daemon_problems(state: DagsterState, now: datetime) -> Iterator[Problem]:
    """One problem, for all threads that are silent."""
    newest = state.heartbeat_at
    if newest is None:
        return
    is_whole = is_silent(state, now)
    hanging = [thread.name for thread in state.threads if is_whole or is_hanging(thread.last_heartbeat_at, now)]
    if not hanging:
        return
    known_moments = [
        thread.last_heartbeat_at for thread in state.threads if thread.name in hanging and thread.last_heartbeat_at
    ]
    since = f"since {local_time(max(known_moments))}" if known_moments else "since it was started"
    some = (
        f"These threads of Dagster's daemon send no heartbeat {since}: {', '.join(hanging)}. They hang, or it is gone."
    )
    yield Problem(
        ProblemName.daemon_silent,
        "",
        f"Dagster's daemon sends no heartbeat {since}." if is_whole else some,
        "No scheduled sync, backup or emergency request starts, and no run is launched, until the daemon runs again. "
        "Stored data stay as they are.",
        "Start the daemon again: restart its service, or the command `serve` on a laptop. If it is not meant to run "
        "here any more, `dagster-daemon wipe` deletes its heartbeats.",
        ("status",),
        tuple(hanging),
    )


def is_silent(state: DagsterState, now: datetime) -> bool:
    """True if the newest heartbeat is so old that the daemon is gone, or if there is none."""
    return state.heartbeat_at is None or now - state.heartbeat_at > SILENT_AFTER


def is_hanging(heartbeat_at: datetime | None, now: datetime) -> bool:
    """True if the last heartbeat of a thread is so old that it hangs, or if there is none."""
    return heartbeat_at is None or now - heartbeat_at > HANGS_AFTER
