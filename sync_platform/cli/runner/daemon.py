"""The Dagster daemon: whether it runs, what it launches and when, and the state of the runs of emergency requests."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from dagster import DagsterError, DagsterEventType, DagsterInstance, DagsterRunStatus, RunsFilter

from sync_platform.cli.runner.instance import can_only_be_read, copied_instance, existing_instance, opened_instance
from sync_platform.defs.audit import BACKFILL_TAG
from sync_platform.defs.dagster_internals import is_schedule_stopped, is_sensor_stopped, next_tick
from sync_platform.defs.dead_runs import end_dead_runs
from sync_platform.defs.emergency import EMERGENCY, follow
from sync_platform.defs.progress import NoProgress
from sync_platform.emergency.request_store import RequestStore
from sync_platform.errors import StorageError
from sync_platform.monitoring.installation_state import WaitingRun
from sync_platform.settings import Settings
from sync_platform.storage.lake_address import LakeAddress

logger = logging.getLogger(__name__)
DAEMON_SILENT_S = 90.0  # a running daemon sends a heartbeat every 30 seconds
LAST_EVENTS = 50
WAITING = [DagsterRunStatus.QUEUED, DagsterRunStatus.NOT_STARTED, DagsterRunStatus.STARTING]
UNDER_WAY = [DagsterRunStatus.QUEUED, DagsterRunStatus.STARTING, DagsterRunStatus.STARTED, DagsterRunStatus.CANCELING]


@dataclass(frozen=True)
class ScheduleStatus:
    """A schedule and its next time; None if a person switched it off."""

    name: str
    description: str
    next_at: datetime | None


@dataclass(frozen=True)
class RunStatus:
    """A run of Dagster that waits in the queue or runs."""

    run_id: str
    job: str
    platform: str
    status: str


@dataclass(frozen=True)
class Automation:
    """What Dagster does by itself: whether its daemon runs, its schedules by their next time, and unfinished runs."""

    is_daemon_running: bool
    schedules: list[ScheduleStatus]
    runs: list[RunStatus]


def automation_of(settings: Settings, now: datetime) -> Automation:
    """The state of Dagster's automation now; where its records can only be read, as they are."""
    from sync_platform.definitions import build

    schedules = build(settings, NoProgress()).schedules or []
    with _shown_instance(settings) as instance:
        runs = [
            RunStatus(run.run_id, run.job_name, run.tags.get("platform", ""), run.status.value.lower())
            for run in instance.get_runs(RunsFilter(statuses=UNDER_WAY))
        ]
        statuses = sorted((_schedule(instance, schedule, now) for schedule in schedules), key=_next_first)
        return Automation(_is_running(instance), statuses, runs)


@contextmanager
def _shown_instance(settings: Settings) -> Iterator[DagsterInstance]:
    """Dagster's instance without dead runs; where nothing can be written, with what is recorded."""
    if can_only_be_read(settings):
        with copied_instance(settings) as instance:
            yield instance
        return
    with opened_instance(settings) as instance:
        end_dead_runs(instance)
        yield instance


def waiting_runs(settings: Settings) -> list[WaitingRun]:
    """The runs that were not started yet, without those of backfills, which wait by design. Changes no run."""
    with existing_instance(settings) as instance:
        return [
            WaitingRun(
                record.dagster_run.run_id,
                record.dagster_run.job_name,
                record.dagster_run.tags.get("platform", ""),
                record.create_timestamp.astimezone(UTC),
            )
            for record in (instance.get_run_records(RunsFilter(statuses=WAITING)) if instance else [])
            if BACKFILL_TAG not in record.dagster_run.tags
        ]


def forget_daemon(settings: Settings) -> None:
    """Delete the heartbeats of a daemon that a person has stopped: nobody misses it."""
    with opened_instance(settings) as instance:
        instance.wipe_daemon_heartbeats()


def _schedule(instance: DagsterInstance, schedule: Any, now: datetime) -> ScheduleStatus:
    is_off = is_schedule_stopped(instance, schedule.name)
    next_at = None if is_off else next_tick(schedule.cron_schedule, now, schedule.execution_timezone)
    return ScheduleStatus(schedule.name, schedule.description or "", next_at)


def _next_first(schedule: ScheduleStatus) -> tuple[bool, float]:
    return schedule.next_at is None, schedule.next_at.timestamp() if schedule.next_at else 0


def _is_running(instance: DagsterInstance) -> bool:
    heartbeat = instance.get_daemon_heartbeats().get("SENSOR")
    return heartbeat is not None and time.time() - heartbeat.timestamp <= DAEMON_SILENT_S


def follow_requests(settings: Settings, requests: RequestStore) -> None:
    """Store the state of Dagster's runs of open emergency requests, as the sensor does."""
    with opened_instance(settings) as instance:
        end_dead_runs(instance)
        follow(instance, requests, LakeAddress.of(settings))


def progress_of(settings: Settings, run_ids: list[str]) -> dict[str, str]:
    """The last message of each unfinished run, by run id; none where Dagster's records cannot be read.

    A run makes its records when it begins. While it does, Dagster cannot read them, but the state of the request is
    known.
    """
    try:
        with opened_instance(settings) as instance:
            messages = {run_id: _last_message(instance, run_id) for run_id in run_ids}
    except (StorageError, DagsterError) as error:
        logger.info("The progress of runs cannot be read now: %s", error)
        return {}
    return {run_id: message for run_id, message in messages.items() if message}


def _last_message(instance: DagsterInstance, run_id: str) -> str | None:
    newest = instance.get_records_for_run(run_id, limit=LAST_EVENTS, ascending=False).records
    entries = [record.event_log_entry for record in newest]
    steps = (DagsterEventType.STEP_START, DagsterEventType.RUN_ENQUEUED)
    messages = [entry.message for entry in entries if not entry.is_dagster_event or entry.dagster_event_type in steps]
    return messages[0] if messages else None


def why_nothing_is_launched(settings: Settings) -> str | None:
    """The reason why no sensor launches an emergency request now; None if one does."""
    with opened_instance(settings) as instance:
        if not _is_running(instance):
            return "no Dagster daemon is running"
        return f"Dagster's sensor {EMERGENCY!r} is switched off" if is_sensor_stopped(instance, EMERGENCY) else None
