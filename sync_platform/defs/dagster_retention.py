"""Retention of sync logs: Dagster's runs, event logs and captured output. What the UI shows of assets stays.

What belongs here: what is due, and the order of its deletion. How it is stored is in dagster_storage.py. Events of
assets (materialisations, observations, planned ones) and of checks stay for ever. The rows of failed runs that decide
the state of a partition or a check stay too, without their logs, until a newer run decides it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sync_platform.defs.dagster_storage import FAILED, DagsterStorage

AT_ONCE = 200
"""How many runs are deleted before the next ones: a killed deletion is continued by the next one."""


@dataclass(frozen=True)
class DueRuns:
    """What is due. `runs`: to be deleted with their logs. `left_over`: logs of runs that somebody has deleted.

    `only_logs`: failed runs that decide what the UI shows, whose logs are to be deleted. `deciding`: all such runs.
    """

    runs: list[str]
    left_over: list[str]
    only_logs: list[str]
    deciding: list[str]

    def figures(self) -> dict[str, int]:
        logs = len(self.runs) + len(self.left_over) + len(self.only_logs)
        return {"runs": len(self.runs), "event_logs": logs}


def due_runs(storage: DagsterStorage, before: datetime) -> DueRuns:
    """What ended before that time and is not deleted yet. Nothing is changed."""
    ended = storage.ended_runs(before)
    deciding = {run for run in storage.deciding_runs() if ended.get(run) == FAILED}
    return DueRuns(
        runs=[run for run in ended if run not in deciding],
        left_over=storage.logs_without_run(before),
        only_logs=sorted(storage.runs_with_logs(sorted(deciding))),
        deciding=sorted(deciding),
    )


def delete_due_runs(storage: DagsterStorage, before: datetime) -> dict[str, int]:
    """Delete what is due; the number of runs, of event logs, and the bytes of their files. A repeat deletes nothing."""
    due = due_runs(storage, before)
    storage.empty_logs(due.only_logs)
    deleted_bytes = storage.delete_logs(due.left_over)
    for start in range(0, len(due.runs), AT_ONCE):
        some = due.runs[start : start + AT_ONCE]
        deleted_bytes += storage.delete_logs(some)
        storage.delete_runs(some)
    return {**due.figures(), "bytes": deleted_bytes}
