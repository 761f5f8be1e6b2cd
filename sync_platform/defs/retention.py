"""Retention as a daily job: `retention`. It applies every rule of privacy/retention_rule.py.

What belongs here: when it runs, and what its run shows. retention_steps.py applies the rules. Each deletion is an entry
of the audit log, which the compliance report shows. A rule that fails stops no other rule, and fails the run.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from sync_platform.defs import schedule_times
from sync_platform.defs.audit import record_deletion
from sync_platform.defs.automation import RUN_TAGS
from sync_platform.defs.landing import failure
from sync_platform.defs.retention_steps import RetainedInstallation, RetentionStep
from sync_platform.defs.schedule_times import scheduled
from sync_platform.errors import StorageError, SyncError
from sync_platform.privacy.recorded_deletion import Deletion
from sync_platform.settings import Settings
from sync_platform.sources.declaration import Platform

RETENTION = "retention"
DELETIONS = "deletions"


def retention_schedule(settings: Settings, platforms: Mapping[str, Platform]) -> dg.ScheduleDefinition:
    """The daily schedule and its job."""

    @dg.op(description="Deletes what is past its retention, by the rules of docs/retention.md.", out=dg.Out(dg.Nothing))
    def delete_what_is_past_its_retention(context: dg.OpExecutionContext) -> Iterator[dg.Output[None]]:
        try:
            done = list(_apply_all(context, settings, platforms))
            yield dg.Output(None, metadata=_metadata(done))
            if failed := [f"{deletion.rule}: {deletion.error}" for deletion in done if deletion.error]:
                raise StorageError("; ".join(failed))
        except Exception as error:
            raise failure(context, error) from error

    @dg.job(
        name=RETENTION,
        description="Deletes what is past its retention: logs of syncs, landed pages, metrics, alerts and others.",
        tags=RUN_TAGS,
        executor_def=dg.in_process_executor,
    )
    def retention() -> None:
        delete_what_is_past_its_retention()

    return scheduled(retention, schedule_times.RETENTION, "Deletion of what is past its retention, every day.")


def _apply_all(
    context: dg.OpExecutionContext, settings: Settings, platforms: Mapping[str, Platform]
) -> Iterator[Deletion]:
    """Apply each rule, and record what it deleted before the next one begins."""
    installation = RetainedInstallation(settings, platforms, context.instance, context.run_id)
    for step in installation.steps(datetime.now(UTC)):
        deletion = _applied(step)
        if not deletion.is_nothing:
            record_deletion(context.run, settings, deletion)
        yield deletion


def _applied(step: RetentionStep) -> Deletion:
    try:
        return Deletion(step.rule.name, step.before, step.delete())
    except (SyncError, OSError) as error:
        return Deletion(step.rule.name, step.before, {}, str(error))


def _metadata(done: Sequence[Deletion]) -> dict[str, Any]:
    """The metadata of the run. `deletions` has everything, which the command line reads."""
    figures = {
        f"{deletion.rule}_{name}".replace("-", "_"): count
        for deletion in done
        for name, count in deletion.deleted.items()
        if count
    }
    return {**figures, DELETIONS: dg.MetadataValue.json([deletion.document() for deletion in done])}
