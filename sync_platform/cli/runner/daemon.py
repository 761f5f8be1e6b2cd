"""Emergency requests and the Dagster daemon: if the daemon launches them, and the state of their runs."""

from __future__ import annotations

import time

from dagster import DagsterEventType

from sync_platform.cli.runner.dagster_internals import is_sensor_stopped
from sync_platform.cli.runner.instance import opened_instance
from sync_platform.defs.dead_runs import end_dead_runs
from sync_platform.defs.emergency import EMERGENCY, follow
from sync_platform.emergency.request_store import RequestStore
from sync_platform.settings import Settings
from sync_platform.storage.lake_connection import LakeAddress

DAEMON_SILENT_S = 90.0  # a running daemon sends a heartbeat every 30 seconds
LAST_EVENTS = 50


def follow_requests(settings: Settings, requests: RequestStore) -> None:
    """Store the state of Dagster's runs of open emergency requests, as the sensor does."""
    with opened_instance(settings) as instance:
        end_dead_runs(instance)
        follow(instance, requests, LakeAddress.of(settings))


def progress_of(settings: Settings, run_ids: list[str]) -> dict[str, str]:
    """The last message of each unfinished run, by run id."""
    progress = {}
    steps = (DagsterEventType.STEP_START, DagsterEventType.RUN_ENQUEUED)
    with opened_instance(settings) as instance:
        for run_id in run_ids:
            newest = instance.get_records_for_run(run_id, limit=LAST_EVENTS, ascending=False).records
            entries = [record.event_log_entry for record in newest]
            messages = [
                entry.message for entry in entries if not entry.is_dagster_event or entry.dagster_event_type in steps
            ]
            if messages:
                progress[run_id] = messages[0]
    return progress


def why_nothing_is_launched(settings: Settings) -> str | None:
    """The reason why no sensor launches an emergency request now; None if one does."""
    with opened_instance(settings) as instance:
        heartbeat = instance.get_daemon_heartbeats().get("SENSOR")
        if heartbeat is None or time.time() - heartbeat.timestamp > DAEMON_SILENT_S:
            return "no Dagster daemon is running"
        return f"Dagster's sensor {EMERGENCY!r} is switched off" if is_sensor_stopped(instance, EMERGENCY) else None
