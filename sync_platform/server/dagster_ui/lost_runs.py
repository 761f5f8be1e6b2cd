"""Lost runs: runs that were handed out and never begin: their worker, their place in the queue, or their pod is gone.

Dagster's run monitoring looks only at runs that have begun, and waits `start_timeout_seconds` for the others: six hours
on a fleet, where a run may wait for a worker, and ten minutes on Kubernetes. The daemon looks at them here. Only a
launcher that knows lost runs has any (`sync_platform/defs/worker_launcher.py`, `sync_platform/defs/run_pods.py`).

What belongs here: finding lost runs, and ending them. Starting them again doesn't: Dagster repeats a run that failed.
"""

from __future__ import annotations

import logging
import time
from typing import Protocol, runtime_checkable

import dagster as dg

logger = logging.getLogger(__name__)
LOOK_EVERY_S = 3.0
"""As `poll_interval_seconds` of the run monitoring in infrastructure/fleet/dagster.yaml."""
STARTING = dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTING])


@runtime_checkable
class KnowsLostRuns(Protocol):
    """A launcher that knows whether a run that is STARTING is lost. It learns that from being asked repeatedly."""

    def is_lost(self, run: dg.DagsterRun) -> bool: ...


def keep_ending_lost_runs() -> None:
    """End lost runs for as long as this process lives; at once where the launcher knows of none."""
    with dg.DagsterInstance.get() as instance:
        while isinstance(instance.run_launcher, KnowsLostRuns):
            try:
                end_lost_runs(instance, instance.run_launcher)
            except Exception as error:  # whatever the database's driver raises: it does not answer now
                logger.warning("lost runs cannot be looked for: %s", type(error).__name__)
            time.sleep(LOOK_EVERY_S)


def end_lost_runs(instance: dg.DagsterInstance, launcher: KnowsLostRuns) -> None:
    """Let the runs fail that the launcher calls lost."""
    for run in instance.get_runs(STARTING):
        if launcher.is_lost(run) and _is_starting(instance, run.run_id):
            logger.warning("run %s is lost before it began", run.run_id)
            instance.report_run_failed(run, message="it is lost before it began: nothing will carry it out")


def _is_starting(instance: dg.DagsterInstance, run_id: str) -> bool:
    """True if the run has still not begun: Redis may be asked about many runs, and answer late."""
    run = instance.get_run_by_id(run_id)
    return run is not None and run.status is dg.DagsterRunStatus.STARTING
