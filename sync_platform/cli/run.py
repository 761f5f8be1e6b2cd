"""Runs a platform's assets in this process, as Dagster runs that the UI shows: the CLI's only part that knows it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dagster import DagsterError, DagsterInstance
from dagster._core.instance.ref import InstanceRef
from dagster_shared.check import CheckError
from sqlalchemy.exc import SQLAlchemyError

from sync_platform import errors
from sync_platform.cli.dagster_home import prepare_home
from sync_platform.definitions import build
from sync_platform.defs.automation import RUN_TAGS, asset_keys, job_name, run_config
from sync_platform.defs.dead_runs import settle_dead_runs
from sync_platform.defs.landing import ATTENDED_TAG, Mode
from sync_platform.defs.partitions import require_partition
from sync_platform.defs.progress import Progress
from sync_platform.defs.resources import sources_of
from sync_platform.errors import StorageError, SyncError
from sync_platform.settings import Settings
from sync_platform.sources.declaration import Platform
from sync_platform.sources.period import Period

MEANT_FOR_PEOPLE = {
    name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, SyncError)
}
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
        try:
            with _instance(self._home) as instance:
                result = self._definitions.resolve_job_def(job_name(platform, mode)).execute_in_process(
                    asset_selection=asset_keys(platform),
                    partition_key=period.key,
                    instance=instance,
                    raise_on_error=False,
                    run_config={**run_config(platform, mode, accept_shrink), **QUIET},
                    tags={**RUN_TAGS, ATTENDED_TAG: "true", "platform": platform.name},
                )
        except (SQLAlchemyError, OSError) as error:
            raise _unwritable(self._home, error) from error
        return RunResult(result.run_id, result.success, _error_of(result))


def _instance(home: Path) -> DagsterInstance:
    own = os.environ.get("DAGSTER_HOME")
    if own:
        try:
            return DagsterInstance.get()  # the operator's own: PostgreSQL, for example
        except (DagsterError, CheckError) as error:
            raise StorageError(f"DAGSTER_HOME={own!r} cannot be used: {error}") from None
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
    """What the error that others wrap says: ours, or else the innermost."""
    while error is not None and error.cause is not None and error.cls_name not in MEANT_FOR_PEOPLE:
        error = error.cause
    return None if error is None else str(error.message).strip().removeprefix(f"{errors.__name__}.{error.cls_name}: ")


def _unwritable(home: Path, error: Exception) -> StorageError:
    reason = getattr(error, "orig", None) or error
    return StorageError(f"Dagster's records in {os.environ.get('DAGSTER_HOME') or home} cannot be used: {reason}")
