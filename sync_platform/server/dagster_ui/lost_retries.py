"""Lost retries: failed runs that are to be launched again, of which launching failed.

Dagster gives such a run up for good, whatever the reason: a code server that is being replaced, a database that fails
over. Here the daemon marks the run, and launches the retry in one of its next rounds.

What belongs here: launching a retry that could not be launched. Whether a run is repeated at all is Dagster's decision.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
from dagster._core.storage.tags import WILL_RETRY_TAG
from dagster._core.workspace.context import IWorkspaceProcessContext
from dagster._daemon.auto_run_reexecution import auto_run_reexecution
from dagster._daemon.auto_run_reexecution.event_log_consumer import EventLogConsumerDaemon

logger = logging.getLogger(__name__)
NOT_LAUNCHED_TAG = "sync_platform/retry_not_launched"
"""The tag of a failed run whose retry could not be launched yet."""
TRIED_FOR = timedelta(days=1)
"""How long a retry is tried to be launched. By then the next sync has brought what the run did not."""


WorkspaceContext = IWorkspaceProcessContext[Any]
Launch = Callable[[dg.DagsterRun, WorkspaceContext], None]
"""What launches the retry of a failed run; it raises whatever the code server or the database's driver raises."""


def keep_retries() -> None:
    """Have the daemon of this process launch lost retries."""
    retries, iteration = LostRetries(auto_run_reexecution.retry_run), EventLogConsumerDaemon.run_iteration

    def run_iteration(daemon: EventLogConsumerDaemon, workspace_context: WorkspaceContext) -> Iterator[None]:
        yield from iteration(daemon, workspace_context)
        yield from retries.launch_lost(workspace_context)

    auto_run_reexecution.retry_run = retries.launch_or_mark
    EventLogConsumerDaemon.run_iteration = run_iteration  # type: ignore[method-assign, assignment]


@dataclass(frozen=True)
class LostRetries:
    """Launches retries by Dagster's own function, and those later for which it fails."""

    launch: Launch

    def launch_or_mark(self, failed_run: dg.DagsterRun, workspace_context: WorkspaceContext) -> None:
        """Launch the retry of a run. If that fails, mark the run; Dagster would not retry it any more."""
        try:
            self.launch(failed_run, workspace_context)
        except Exception as error:
            logger.warning("the retry of run %s cannot be launched now: %s", failed_run.run_id, error)
            workspace_context.instance.add_run_tags(failed_run.run_id, {NOT_LAUNCHED_TAG: "true"})

    def launch_lost(self, workspace_context: WorkspaceContext) -> Iterator[None]:
        """Launch the retries that could not be launched; a repeat launches none twice."""
        instance = workspace_context.instance
        marked = dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE], tags={NOT_LAUNCHED_TAG: "true"})
        for record in instance.get_run_records(marked):
            yield
            run = record.dagster_run
            tags = {NOT_LAUNCHED_TAG: "false"}
            if datetime.now(UTC) - record.update_timestamp.astimezone(UTC) > TRIED_FOR:
                logger.error("the retry of run %s could not be launched for a day: it is given up", run.run_id)
                instance.add_run_tags(run.run_id, tags | {WILL_RETRY_TAG: "false"})
                continue
            try:
                # the new run inherits the tags of the failed one, and must not count as one whose retry is lost
                self.launch(run.with_tags({**run.tags, **tags}), workspace_context)
            except Exception as error:  # it stays marked
                logger.warning("the retry of run %s still cannot be launched: %s", run.run_id, error)
                continue
            instance.add_run_tags(run.run_id, tags)
            logger.warning("the retry of run %s is launched, which could not be launched before", run.run_id)
