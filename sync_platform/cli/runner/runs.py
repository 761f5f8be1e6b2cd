"""Runs jobs of Dagster in this process, as runs that the UI shows."""

from __future__ import annotations

import sys
import uuid
from contextlib import redirect_stderr
from dataclasses import dataclass
from io import StringIO
from typing import Any

from sync_platform.cli.runner.instance import opened_instance
from sync_platform.definitions import build
from sync_platform.defs.automation import RUN_TAGS, asset_keys, job_name, run_config
from sync_platform.defs.dagster_sqlite import opened_files
from sync_platform.defs.dead_runs import cancel_run, tags_of_process
from sync_platform.defs.landing import Mode
from sync_platform.defs.maintenance import MAINTENANCE, SUMMARY
from sync_platform.defs.progress import Progress
from sync_platform.defs.retention import DELETIONS, RETENTION
from sync_platform.defs.run_errors import error_of, is_blocked, is_interrupted, is_overtaken
from sync_platform.defs.run_log import console_config, write_run_lines
from sync_platform.defs.tables import table_key
from sync_platform.defs.trigger import ATTENDED_TAG, RETRIED_TAG, tags_of_request
from sync_platform.defs.unified import UNIFY, UNIFY_PLACES, unified_keys
from sync_platform.emergency.request import EmergencyRequest
from sync_platform.lake.row_worker import NO_ROW_WORKER, RowWorker
from sync_platform.settings import Settings
from sync_platform.sources.declaration import Dataset, Platform
from sync_platform.sources.period import Period

# the daemon must not retry a run that its user interrupted or killed
NOT_AGAIN = {"dagster/max_retries": "0"}


@dataclass(frozen=True)
class RunResult:
    """How a run ended; `error` is the message of the step that failed.

    `is_blocked`: it failed only because a blocking check did not pass, so that what it fetched is stored.
    `is_overtaken`: it failed because it may not write any more. Another run of the same can succeed.
    """

    run_id: str
    success: bool
    error: str | None
    is_blocked: bool
    is_overtaken: bool


class Runner:
    """Runs jobs of one set of definitions on one Dagster instance; one at a time in a process.

    Every method runs to the end of the job. It raises StorageError where Dagster cannot store its records, and
    KeyboardInterrupt where Ctrl-C ended the run, which is canceled then.
    """

    def __init__(self, settings: Settings, progress: Progress, row_worker: RowWorker = NO_ROW_WORKER) -> None:
        self._settings = settings
        write_run_lines()
        self._definitions = build(settings, progress, row_worker)

    def run(
        self,
        platform: Platform,
        period: Period,
        mode: Mode,
        accept_shrink: str = "",
        request: EmergencyRequest | None = None,
        *,
        is_attended: bool = True,
    ) -> RunResult:
        """Sync one period of a platform. `request`: the emergency request that this run belongs to, claimed.

        `is_attended`: a person waits for the run, so that a failure is not retried minutes later.
        """
        result = self._execute(
            job_name(platform, mode),
            {**run_config(platform, mode, accept_shrink), **console_config()},
            {
                "platform": platform.name,
                **(tags_of_request(request) if request else {}),
                **({} if is_attended else {RETRIED_TAG: "true"}),
            },
            asset_selection=asset_keys(platform),
            partition_key=period.key,
            run_id=request.run_of(platform.name).run_id if request else None,
        )
        return _result_of(result)

    def commit_again(self, platform: Platform, dataset: Dataset, partition: str, sync_id: str) -> RunResult:
        """Commit again what a sync landed of a dataset."""
        result = self._execute(
            job_name(platform, Mode.full),
            {"ops": {f"{platform.name}__{dataset.name}": {"config": {"sync_id": sync_id}}}, **console_config()},
            {"platform": platform.name},
            asset_selection=[table_key(platform, dataset)],
            partition_key=partition,
        )
        return _result_of(result)

    def unify(
        self, decisions: list[dict[str, str]] | None = None, *, rebuild: bool = False, new_model: bool = False
    ) -> RunResult:
        """Update the unified restaurants. `decisions`: new decisions of people, as `DecisionConfig` has them."""
        config = {"decisions": decisions or [], "rebuild": rebuild, "new_model": new_model}
        ops = {"ops": {UNIFY_PLACES: {"config": config}}, **console_config()}
        return _result_of(self._execute(UNIFY, ops, {}, asset_selection=unified_keys()))

    def maintain(self) -> tuple[RunResult, dict[str, Any]]:
        """Maintain what is stored. Returns its summary too, which is empty if it failed before it was done."""
        result = self._execute(MAINTENANCE, console_config(), {})
        outputs = [event.step_output_data.metadata for event in result.all_events if event.is_successful_output]
        return _result_of(result), dict(outputs[0][SUMMARY].value) if outputs else {}

    def delete_past_retention(self) -> tuple[RunResult, list[dict[str, Any]]]:
        """Apply every rule of retention. Returns what each deleted too, which is empty if nothing could begin."""
        result = self._execute(RETENTION, console_config(), {})
        outputs = [event.step_output_data.metadata for event in result.all_events if event.is_successful_output]
        return _result_of(result), list(outputs[0][DELETIONS].value) if outputs else []

    def _execute(self, job: str, config: dict[str, Any], tags: dict[str, str], **selection: Any) -> Any:
        errors = StringIO()
        # known before the run, so that the run names its process from its creation on: killed at once, it is dead
        run_id = selection.pop("run_id", None) or str(uuid.uuid4())
        # on a full disk Dagster writes an error at every event; one StorageError is enough
        with (
            redirect_stderr(errors),
            opened_instance(self._settings) as instance,
            opened_files(instance, run_id),
        ):
            result = self._definitions.resolve_job_def(job).execute_in_process(
                instance=instance,
                raise_on_error=False,
                run_config=config,
                run_id=run_id,
                tags={**RUN_TAGS, ATTENDED_TAG: "true", **NOT_AGAIN, **tags_of_process(run_id), **tags},
                **selection,
            )
            if is_interrupted(result.all_events):
                cancel_run(instance, result.run_id)
                raise KeyboardInterrupt
        sys.stderr.write(errors.getvalue())
        return result


def _result_of(result: Any) -> RunResult:
    error = None if result.success else error_of(result.all_events) or "the run failed before its first step"
    return RunResult(
        result.run_id, result.success, error, is_blocked(result.all_events), is_overtaken(result.all_events)
    )
