"""Makes states of Dagster for tests of the watchdog: everything lives and ticks, unless a test changes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sync_platform.monitoring.watchdog.dagster_state import DaemonThread, DagsterState, SensorRecord, UnfinishedRun

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
THREADS = ("SENSOR", "SCHEDULER", "QUEUED_RUN_COORDINATOR")
MINUTE = timedelta(minutes=1)


def threads(*, silent: Sequence[str] = (), age: timedelta = 3 * MINUTE) -> list[DaemonThread]:
    """The threads of a daemon; the silent ones sent their last heartbeat `age` ago."""
    return [DaemonThread(name, NOW - (age if name in silent else MINUTE / 2)) for name in THREADS]


def sensor(name: str, good_tick: timedelta = MINUTE, **others: Any) -> SensorRecord:
    """A sensor that ticks each minute, and whose last good tick was so long ago."""
    record = SensorRecord(name, MINUTE, NOW - MINUTE, NOW - good_tick)
    return replace(record, **others)


def run(job: str = "monthly_full_sync", platform: str = "chope", **others: Any) -> UnfinishedRun:
    """A run that was created an hour ago, and whose newest event is a minute old."""
    record = UnfinishedRun(f"run of {platform}", job, platform, "running", NOW - 60 * MINUTE, NOW - MINUTE)
    return replace(record, **others)


def dagster(**parts: Any) -> DagsterState:
    return DagsterState(**{"threads": threads(), **parts})
