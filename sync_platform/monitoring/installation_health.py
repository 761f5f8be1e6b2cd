"""The health of the installation itself: backups, drills, queue, disk and open alerts.

What belongs here: which facts about the installation cost how many of its 100 points; docs/monitoring.md has the same
table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from sync_platform.backup.drill_state import drill_state
from sync_platform.documents.local_time import local_minute
from sync_platform.emergency.request import EmergencyRequest
from sync_platform.lake.corrected_times import duration_in_words
from sync_platform.monitoring.backup_problems import BACKUP_DUE
from sync_platform.monitoring.backup_state import BackupState
from sync_platform.monitoring.drill_due import due_drill
from sync_platform.monitoring.health import INSTALLATION, Deficit, HealthPart, Subject, unknown
from sync_platform.monitoring.health_alert import deficits_of_alerts
from sync_platform.monitoring.installation_state import InstallationState, UnreadPart, Volume, WaitingRun
from sync_platform.storage.audit_log import AuditEntry

BACKUPS, DRILL, QUEUE, DISK, ALERTS = 25.0, 15.0, 15.0, 30.0, 15.0
"""The points of each part."""
BACKUP_LOST = timedelta(days=7)
"""A commit that is in no backup costs points from BACKUP_DUE on, and all points from this age on."""
FAILED_BACKUP, OVERDUE_DRILL = 0.5, 0.5
URGENT_WAIT, USUAL_WAIT = timedelta(minutes=10), timedelta(hours=1)
"""How long a critical emergency request may wait, and any other request or run, before it costs points."""
LONG_WAIT = timedelta(hours=4)
"""The wait beyond that which costs all points of the queue."""
FREE_ENOUGH, ALMOST_FULL = 0.15, 0.03
"""A disk costs points below the first free share, and all points from the second on."""
Known = TypeVar("Known")


def installation_health(state: InstallationState, weight: float, now: datetime) -> Subject:
    """The installation as a subject."""
    backups = state.backups
    waiting = [
        *_judged(
            state.requests,
            ("emergency", "status"),
            "emergency requests",
            lambda known_requests: _requests(known_requests, now),
        ),
        *_judged(state.runs, ("status",), "waiting runs", lambda known_runs: _runs(known_runs, now)),
    ]
    parts = [
        HealthPart(
            "backups",
            BACKUPS,
            _judged(backups, ("backup", "list"), "backups", lambda known_state: _backups(known_state, now)),
        ),
        HealthPart(
            "drill", DRILL, _judged(state.drills, ("backup", "list"), "drills", lambda it: _drill(it, backups, now))
        ),
        HealthPart("queue", QUEUE, waiting),
        HealthPart("disk", DISK, _judged(state.volumes, ("maintain", "--dry-run"), "disk", _disk)),
        HealthPart(
            "alerts", ALERTS, _judged(state.alerts, ("status",), "alerts", lambda it: deficits_of_alerts(it, now))
        ),
    ]
    return Subject(INSTALLATION, "high", weight, parts)


def _judged(
    read: Known | UnreadPart, command: tuple[str, ...], name: str, judge: Callable[[Known], Iterator[Deficit]]
) -> list[Deficit]:
    if isinstance(read, UnreadPart):
        return [unknown(f"the state of {name} cannot be read: {read.reason}", command)]
    return list(judge(read))


def _backups(state: BackupState, now: datetime) -> Iterator[Deficit]:
    since, logged = state.unprotected_since, state.logged
    if since and now - since > BACKUP_DUE:
        never = "there is no backup: " if logged.first_whole_at is None else ""
        age = now - since
        reason = f"{never}commits since {local_minute(since)} ({duration_in_words(age)}) are in no backup"
        yield Deficit(reason, ("backup", "create"), _share(age, BACKUP_DUE, BACKUP_LOST))
    if logged.last_at and logged.last_outcome != "complete":
        reason = f"the last backup, of {local_minute(logged.last_at)}, ended {logged.last_outcome}"
        yield Deficit(reason, ("audit", "--operation", "backup"), FAILED_BACKUP)


def _drill(entries: Sequence[AuditEntry], backups: BackupState | UnreadPart, now: datetime) -> Iterator[Deficit]:
    if isinstance(backups, UnreadPart) and drill_state(entries, now).at is None:
        reason = f"no drill was ever made, and the backups that need one cannot be read: {backups.reason}"
        yield unknown(reason, ("backup", "list"))
        return
    drill = due_drill(entries, None if isinstance(backups, UnreadPart) else backups, now)
    if drill and drill.problem:
        is_overdue = drill.outcome == "complete"
        yield Deficit(drill.problem.split(": `")[0], ("backup", "drill"), OVERDUE_DRILL if is_overdue else 1.0)


def _requests(requests: Sequence[EmergencyRequest], now: datetime) -> Iterator[Deficit]:
    """The request that waits longest beyond its limit counts; the others are named in the same reason."""
    waiting = [request for request in requests if any(run.state in ("requested", "launched") for run in request.runs)]
    overdue = [(now - request.requested_at - _limit(request), request) for request in waiting]
    late = sorted((each for each in overdue if each[0] > timedelta()), key=lambda each: each[0], reverse=True)
    if late:
        beyond, first = late[0]
        more = f", and {len(late) - 1} more wait too long" if len(late) > 1 else ""
        reason = (
            f"the {first.priority} emergency request {first.request_id} waits since "
            f"{local_minute(first.requested_at)}{more}"
        )
        yield Deficit(reason, ("emergency", "status", first.request_id), min(1.0, beyond / LONG_WAIT))


def _limit(request: EmergencyRequest) -> timedelta:
    return URGENT_WAIT if request.priority == "critical" else USUAL_WAIT


def _runs(runs: Sequence[WaitingRun], now: datetime) -> Iterator[Deficit]:
    late = sorted((run for run in runs if now - run.since > USUAL_WAIT), key=lambda run: run.since)
    if late:
        first = late[0]
        of = f" of {first.platform}" if first.platform else ""
        more = f", and {len(late) - 1} more wait too long" if len(late) > 1 else ""
        reason = f"run {first.run_id} ({first.job}{of}) waits since {local_minute(first.since)}{more}"
        yield Deficit(reason, ("status",), min(1.0, (now - first.since - USUAL_WAIT) / LONG_WAIT))


def _disk(volumes: Sequence[Volume]) -> Iterator[Deficit]:
    """The fullest file system counts."""
    fullest = min(volumes, key=lambda volume: volume.free_share, default=None)
    if fullest and fullest.free_share < FREE_ENOUGH:
        lost = min(1.0, (FREE_ENOUGH - fullest.free_share) / (FREE_ENOUGH - ALMOST_FULL))
        free = f"{fullest.free_bytes / 1e9:,.1f} GB ({fullest.free_share:.0%}) are free"
        yield Deficit(f"{free} on the disk of {fullest.folder}", ("maintain", "--dry-run"), lost)


def _share(age: timedelta, first: timedelta, last: timedelta) -> float:
    return max(0.0, min(1.0, (age - first) / (last - first)))
