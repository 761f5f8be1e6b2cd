"""Runs a platform's assets, or the maintenance, as Dagster runs that the UI shows: the CLI's only part to know it."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from dagster import DagsterError, DagsterEventType, DagsterInstance
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.instance.ref import InstanceRef
from dagster._core.scheduler.instigation import InstigatorStatus
from dagster_shared.check import CheckError
from sqlalchemy.exc import SQLAlchemyError

from sync_platform.cli.dagster_home import prepare_home
from sync_platform.definitions import build
from sync_platform.defs.automation import RUN_TAGS, asset_keys, job_name, run_config
from sync_platform.defs.dead_runs import settle_dead_runs
from sync_platform.defs.emergency import EMERGENCY, follow
from sync_platform.defs.landing import ATTENDED_TAG, Mode
from sync_platform.defs.maintenance import MAINTENANCE, SUMMARY
from sync_platform.defs.partitions import require_partition
from sync_platform.defs.progress import Progress
from sync_platform.defs.resources import sources_of
from sync_platform.defs.run_errors import error_of
from sync_platform.defs.tables import table_key
from sync_platform.defs.trigger import tags_of_request
from sync_platform.defs.unified import UNIFY, UNIFY_PLACES, unified_keys
from sync_platform.emergency.book import RequestBook
from sync_platform.emergency.request import Request
from sync_platform.errors import StorageError
from sync_platform.lake.row_worker import NO_ROW_WORKER, RowWorker
from sync_platform.settings import Settings
from sync_platform.sources.declaration import Dataset, Platform
from sync_platform.sources.period import Period
from sync_platform.storage.lake_connection import LakeAddress

DAEMON_SILENT_S = 90.0  # it gives a sign of life every 30 seconds
LAST_EVENTS = 50
# a run that its person interrupted, or killed, is not for the daemon to start anew
NOT_AGAIN = {"dagster/max_retries": "0"}
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

    def __init__(self, settings: Settings, progress: Progress, row_worker: RowWorker = NO_ROW_WORKER) -> None:
        self._home = prepare_home(settings.home)
        self._definitions = build(settings, progress, row_worker)

    def run(
        self, platform: Platform, period: Period, mode: Mode, accept_shrink: str = "", request: Request | None = None
    ) -> RunResult:
        """One platform's sync of one period, to its end; StorageError where even Dagster cannot keep its records.

        `request`: the emergency request that it is a part of, claimed.
        """
        result = self._execute(
            job_name(platform, mode),
            {**run_config(platform, mode, accept_shrink), **QUIET},
            {"platform": platform.name, **(tags_of_request(request) if request else {})},
            asset_selection=asset_keys(platform),
            partition_key=period.key,
            run_id=request.run_of(platform.name).run_id if request else None,
        )
        return RunResult(result.run_id, result.success, _error_of(result))

    def take_in_again(self, platform: Platform, dataset: Dataset, partition: str, sync_id: str) -> RunResult:
        """What a sync landed of a dataset, once more, to its end; StorageError as for `run`."""
        result = self._execute(
            job_name(platform, Mode.full),
            {"ops": {f"{platform.name}__{dataset.name}": {"config": {"sync_id": sync_id}}}, **QUIET},
            {"platform": platform.name},
            asset_selection=[table_key(platform, dataset)],
            partition_key=partition,
        )
        return RunResult(result.run_id, result.success, _error_of(result))

    def unify(
        self, words: list[dict[str, str]] | None = None, *, rebuild: bool = False, new_model: bool = False
    ) -> RunResult:
        """Unified restaurants brought up to date, to the end; StorageError as for `run`.

        `words`: what people say now of listings, as `WordConfig` has them.
        """
        config = {"words": words or [], "rebuild": rebuild, "new_model": new_model}
        result = self._execute(
            UNIFY, {"ops": {UNIFY_PLACES: {"config": config}}, **QUIET}, {}, asset_selection=unified_keys()
        )
        return RunResult(result.run_id, result.success, _error_of(result))

    def maintain(self) -> tuple[RunResult, dict[str, Any]]:
        """The maintenance of what is stored, to its end, and its summary; StorageError as for `run`."""
        result = self._execute(MAINTENANCE, QUIET, {})
        told = [event.step_output_data.metadata for event in result.all_events if event.is_successful_output]
        summary = dict(told[0][SUMMARY].value) if told else {}
        return RunResult(result.run_id, result.success, _error_of(result)), summary

    def _execute(self, job: str, config: dict[str, Any], tags: dict[str, str], **selection: Any) -> Any:
        told = StringIO()
        try:
            with redirect_stderr(told), _instance(self._home) as instance:
                result = self._definitions.resolve_job_def(job).execute_in_process(
                    instance=instance,
                    raise_on_error=False,
                    run_config=config,
                    tags={**RUN_TAGS, ATTENDED_TAG: "true", **NOT_AGAIN, **tags},
                    **selection,
                )
        except (SQLAlchemyError, OSError) as error:
            # of a full disk Dagster complains at every event; one line of ours says it
            raise _unwritable(self._home, error) from error
        sys.stderr.write(told.getvalue())
        return result


def follow_requests(settings: Settings, book: RequestBook) -> None:
    """Note in the book how far Dagster's runs of open emergency requests are, as its sensor does."""
    with _asked(settings) as instance:
        settle_dead_runs(instance)
        follow(instance, book, LakeAddress.of(settings))


def progress_of(settings: Settings, run_ids: list[str]) -> dict[str, str]:
    """What unfinished runs last said of themselves, by run id."""
    told = {}
    with _asked(settings) as instance:
        for run_id in run_ids:
            newest = instance.get_records_for_run(run_id, limit=LAST_EVENTS, ascending=False).records
            entries = [record.event_log_entry for record in newest]
            steps = (DagsterEventType.STEP_START, DagsterEventType.RUN_ENQUEUED)
            said = [entry for entry in entries if not entry.is_dagster_event or entry.dagster_event_type in steps]
            if said:
                told[run_id] = said[0].message
    return told


def why_nothing_is_launched(settings: Settings) -> str | None:
    """Why no sensor will launch an emergency request now; None where one will."""
    with _asked(settings) as instance:
        beat = instance.get_daemon_heartbeats().get("SENSOR")
        if beat is None or time.time() - beat.timestamp > DAEMON_SILENT_S:
            return "no Dagster daemon is running"
        states = instance.all_instigator_state(instigator_type=InstigatorType.SENSOR)
        stopped = any(state.name == EMERGENCY and state.status == InstigatorStatus.STOPPED for state in states)
        return f"Dagster's sensor {EMERGENCY!r} is switched off" if stopped else None


@contextmanager
def _asked(settings: Settings) -> Iterator[DagsterInstance]:
    """Dagster's instance, for a question or two; StorageError where its records cannot be used."""
    home = prepare_home(settings.home)
    try:
        with _instance(home) as instance:
            yield instance
    except (SQLAlchemyError, OSError) as error:
        raise _unwritable(home, error) from error


def _instance(home: Path) -> DagsterInstance:
    own = os.environ.get("DAGSTER_HOME")
    if own:
        try:
            return DagsterInstance.get()  # the operator's own: PostgreSQL, for example
        except (DagsterError, CheckError) as error:
            raise StorageError(f"DAGSTER_HOME={own!r} cannot be used: {error}") from None
    return DagsterInstance.from_ref(InstanceRef.from_dir(str(home), overrides=NO_CAPTURE))


def _error_of(result: Any) -> str | None:
    if result.success:
        return None
    return error_of(result.all_events) or "the run failed before its first step"


def _unwritable(home: Path, error: Exception) -> StorageError:
    reason = getattr(error, "orig", None) or error
    return StorageError(f"Dagster's records in {os.environ.get('DAGSTER_HOME') or home} cannot be used: {reason}")
