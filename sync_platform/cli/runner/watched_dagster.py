"""Reads Dagster's records for the watch, without any process of Dagster, and writes nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import dagster as dg

from sync_platform.cli.runner.instance import existing_instance
from sync_platform.defs.dagster_records import read_dagster
from sync_platform.defs.progress import NoProgress
from sync_platform.monitoring.watchdog.dagster_state import DagsterState
from sync_platform.settings import Settings


def dagster_reader(settings: Settings) -> Callable[[datetime], DagsterState | None]:
    """A function that reads what is recorded; None where Dagster was never used. It builds the definitions once."""
    declared: list[Sequence[dg.ScheduleDefinition]] = []

    def read(now: datetime) -> DagsterState | None:
        with existing_instance(settings) as instance:
            if instance is None:
                return None
            if not declared:
                declared.append(_schedules(settings))
            return read_dagster(instance, declared[0], now)

    return read


def _schedules(settings: Settings) -> Sequence[dg.ScheduleDefinition]:
    from sync_platform.definitions import build

    return [
        schedule
        for schedule in build(settings, NoProgress()).schedules or []
        if isinstance(schedule, dg.ScheduleDefinition)
    ]
