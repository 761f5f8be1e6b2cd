"""The weekly drill as a job: it restores the newest backup into a scratch place, and fails where that is not proven.

What belongs here: when it runs, and what its run shows. The drill itself is backup/drill.py.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Protocol

import dagster as dg

from sync_platform.backup.drill import Drill, DrillReport
from sync_platform.backup.made_backups import read_made_backups
from sync_platform.backup.scratch_folder import scratch_folder
from sync_platform.defs import schedule_times
from sync_platform.defs.audit import audited_run
from sync_platform.defs.automation import RUN_TAGS
from sync_platform.defs.backups import backups_of, tombstones_of
from sync_platform.defs.landing import failure
from sync_platform.defs.schedule_times import scheduled
from sync_platform.errors import StorageError
from sync_platform.logs.redaction import Redaction, reason_in_words
from sync_platform.platforms import load_platforms
from sync_platform.settings import Settings, load_settings, secret_values
from sync_platform.storage.audit_log import Outcome
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.operation_name import OperationName
from sync_platform.unified.tables import tracked_tables

DRILL_JOB = "backup_drill"


@contextmanager
def drill_of(settings: Settings, on_step: Callable[[str], None], *, from_replica: bool = False) -> Iterator[Drill]:
    """The drill of an installation, with a scratch folder for its duration; `from_replica`: of its replica alone."""
    platforms = load_platforms(settings.platform_path)
    tombstones_of(settings, from_replica=from_replica)  # a restore without them would refuse
    made = read_made_backups(settings.ledger_url, settings.backup_url)
    with scratch_folder(settings.temp, "drill") as scratch:
        yield Drill(
            backups_of(settings, from_replica=from_replica).repository(),
            made,
            LakeAddress.of(settings),
            settings.lineage_table_name,
            platforms,
            tracked_tables(platforms),
            timedelta(days=settings.lineage_retention_days),
            scratch,
            on_step,
        )


class DrillOperation(Protocol):
    """An operation in the audit log, whose end the caller gives."""

    def ended(self, outcome: Outcome, **details: Any) -> None: ...


def run_drill(
    settings: Settings, on_step: Callable[[str], None], operation: DrillOperation, *, from_replica: bool = False
) -> DrillReport:
    """Run the drill. The operation gets its report, or why there is none."""
    try:
        with drill_of(settings, on_step, from_replica=from_replica) as drill:
            report = drill.run()
    except Exception as error:
        operation.ended("failed", problems=[Redaction(secret_values())(reason_in_words(error))])
        raise
    operation.ended("complete" if report.passed else "failed", **logged_report(report))
    return report


def logged_report(report: DrillReport) -> dict[str, Any]:
    """What the audit log says of a drill."""
    return {
        "backup": report.backup_id,
        "rto_s": report.rto_s,
        "rpo_s": report.rpo_s,
        "tables": report.tables,
        "compared": report.compared,
        "problems": report.problems[:5],
    }


def drill_schedule() -> dg.ScheduleDefinition:
    """The weekly schedule and its job."""

    @dg.op(
        description="Restores the newest backup into a scratch place, compares every table with the lake at the same "
        "commit, verifies the lineage there, and records how long it took (RTO) and what would be lost now (RPO).",
        out=dg.Out(dg.Nothing),
    )
    def rehearse_restore(context: dg.OpExecutionContext) -> Iterator[dg.Output[None]]:
        settings = load_settings()
        try:
            with audited_run(context.run, settings.ledger_url, OperationName.drill, {}) as operation:
                report = run_drill(settings, context.log.info, operation)
            if not report.passed:
                raise StorageError(f"the drill of {report.backup_id} failed: {'; '.join(report.problems[:5])}")
        except Exception as error:
            raise failure(context, error) from error
        document = {**report.document(), "commit_at": report.commit_at.isoformat()}
        yield dg.Output(None, metadata={**logged_report(report), "report": dg.MetadataValue.json(document)})

    @dg.job(
        name=DRILL_JOB,
        description="A rehearsed restore of the newest backup.",
        tags=RUN_TAGS,
        executor_def=dg.in_process_executor,
    )
    def backup_drill() -> None:
        rehearse_restore()

    return scheduled(
        backup_drill, schedule_times.DRILL, "A drill every Sunday, after the backup and maintenance of the night."
    )
