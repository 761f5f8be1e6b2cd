"""Runs a platform's assets, or the maintenance, as Dagster runs that the UI shows: the CLI's only part to know it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dagster import DagsterInstance
from dagster._core.instance.ref import InstanceRef
from sqlalchemy.exc import SQLAlchemyError

from sync_platform.cli.dagster_home import prepare_home
from sync_platform.definitions import build
from sync_platform.defs.automation import RUN_TAGS, asset_keys, job_name, run_config
from sync_platform.defs.dead_runs import settle_dead_runs
from sync_platform.defs.landing import ATTENDED_TAG, Mode
from sync_platform.defs.maintenance import MAINTENANCE, SUMMARY
from sync_platform.defs.partitions import require_partition
from sync_platform.defs.progress import Progress
from sync_platform.defs.resources import sources_of
from sync_platform.errors import StorageError
from sync_platform.settings import Settings
from sync_platform.sources.declaration import Platform
from sync_platform.sources.period import Period

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
# capturing output costs a process per step, and would take the terminal away from the progress bars
NO_CAPTURE = {
    "compute_logs": {"module": "dagster._core.storage.noop_compute_log_manager", "class": "NoOpComputeLogManager"}
}


@dataclass(frozen=True)
class RunResult:
    """How one platform's run ended; `error` in words where a step failed."""

    run_id: str
    success: bool
    error: str | None


def prepare(settings: Settings, planned: list[tuple[Platform, Period]]) -> None:
    """What must stand before any platform runs: a usable home, no dead runs in the way, and the sandbox if needed.

    Raises StorageError or UsageError in words fit for a person.
    """
    for _, period in planned:
        require_partition(period)
    home = prepare_home(settings.home)
    try:
        instance = _instance(home)
        settle_dead_runs(instance)
        instance.dispose()
    except (SQLAlchemyError, OSError) as error:
        raise _unwritable(home, error) from error
    sources = sources_of(settings)
    for platform, _ in planned:
        sources.source_of(platform)


class Runner:
    """Runs over one set of definitions and one Dagster instance; one at a time in a process."""

    def __init__(self, settings: Settings, progress: Progress) -> None:
        self._home = prepare_home(settings.home)
        self._definitions = build(settings, progress)

    def run(self, platform: Platform, period: Period, mode: Mode, accept_shrink: str = "") -> RunResult:
        """One platform's sync of one period, to its end; StorageError where even Dagster cannot keep its records."""
        result = self._execute(
            job_name(platform, mode),
            {**run_config(platform, mode, accept_shrink), **QUIET},
            {"platform": platform.name},
            asset_selection=asset_keys(platform),
            partition_key=period.key,
        )
        return RunResult(result.run_id, result.success, _error_of(result))

    def maintain(self) -> tuple[RunResult, dict[str, Any]]:
        """The maintenance of what is stored, to its end, and its summary; StorageError as for `run`."""
        result = self._execute(MAINTENANCE, QUIET, {})
        told = [event.step_output_data.metadata for event in result.all_events if event.is_successful_output]
        summary = dict(told[0][SUMMARY].value) if told else {}
        return RunResult(result.run_id, result.success, _error_of(result)), summary

    def _execute(self, job: str, config: dict[str, Any], tags: dict[str, str], **selection: Any) -> Any:
        try:
            with _instance(self._home) as instance:
                return self._definitions.resolve_job_def(job).execute_in_process(
                    instance=instance,
                    raise_on_error=False,
                    run_config=config,
                    tags={**RUN_TAGS, ATTENDED_TAG: "true", **tags},
                    **selection,
                )
        except (SQLAlchemyError, OSError) as error:
            raise _unwritable(self._home, error) from error


def _instance(home: Path) -> DagsterInstance:
    if os.environ.get("DAGSTER_HOME"):
        return DagsterInstance.get()  # the operator's own: PostgreSQL, for example
    return DagsterInstance.from_ref(InstanceRef.from_dir(str(home), overrides=NO_CAPTURE))


def _error_of(result: Any) -> str | None:
    for event in result.all_events:
        if event.is_step_failure:
            failure = event.step_failure_data
            if failure.user_failure_data and failure.user_failure_data.description:
                return str(failure.user_failure_data.description)
            return _root_of(failure.error) or "a step failed"
    if result.success:
        return None
    ends = [event.job_failure_data for event in result.all_events if event.is_job_failure]
    return next((root for end in ends if (root := _root_of(end.error))), "the run failed before its first step")


def _root_of(error: Any) -> str | None:
    """What an error that others wrap says of itself."""
    while error is not None and error.cause is not None:
        error = error.cause
    return str(error.message).strip() if error is not None else None


def _unwritable(home: Path, error: Exception) -> StorageError:
    reason = getattr(error, "orig", None) or error
    return StorageError(f"Dagster's records in {home} cannot be used: {reason}")
