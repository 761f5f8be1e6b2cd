"""Entries of the audit log for Dagster runs: who started a run, and through which interface, from its tags.

What belongs here: runs of schedules, sensors and the UI. The command line logs its own runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

from sync_platform.defs.run_log import logging_run
from sync_platform.defs.trigger import ATTENDED_TAG, REQUEST_ID_TAG, REQUESTER_TAG
from sync_platform.permissions.actor import TOKEN_PREFIX
from sync_platform.privacy.recorded_deletion import Deletion
from sync_platform.settings import Settings
from sync_platform.storage.audit_log import AuditLog, Outcome, Via, system_user
from sync_platform.storage.operation_name import OperationName

ACTOR_TAG = "sync_platform/actor"
"""Who launched a run through the server, which sets it (server/dagster_ui/launch_tags.py)."""
SCHEDULE_TAG, SENSOR_TAG, BACKFILL_TAG = "dagster/schedule_name", "dagster/sensor_name", "dagster/backfill"
PARTITION_TAG, AUTOMATION_TAG = "dagster/partition", "dagster/from_automation_condition"


@dataclass
class RunOperation:
    """A running operation of a run. The run sets its outcome, and the details that became known."""

    outcome: Outcome = "failed"
    details: dict[str, Any] = field(default_factory=dict)

    def ended(self, outcome: Outcome, **details: Any) -> None:
        self.outcome, self.details = outcome, details


def note_run(run: dg.DagsterRun, ledger: str, operation: str, subject: dict[str, Any] | None = None) -> None:
    """Log that a run begins. Raises StorageError where that fails: an operation that cannot be logged does not run."""
    _record(run, ledger, operation, subject or {}, "begun")


@contextmanager
def audited_run(run: dg.DagsterRun, ledger: str, operation: str, subject: dict[str, Any]) -> Iterator[RunOperation]:
    """Log that a run begins, and when the block ends, how it ended; like `note_run` otherwise."""
    _record(run, ledger, operation, subject, "begun")
    under_way = RunOperation()
    try:
        with logging_run(run):
            yield under_way
    finally:
        _record(run, ledger, operation, {**subject, **under_way.details}, under_way.outcome)


def record_deletion(run: dg.DagsterRun, settings: Settings, deletion: Deletion) -> None:
    """Log what a rule of retention deleted, or why it failed, in one entry; the command line's runs too."""
    log = AuditLog(settings.ledger_url)
    actor, via = _actor_of(run)
    if _is_of_command_line(run):
        actor, via = settings.sync_actor or system_user(), "cli"
    with closing(log):
        log.record(
            OperationName.retention,
            {"run_id": run.run_id, **deletion.document()},
            actor=actor,
            via=via,
            outcome="failed" if deletion.error else "complete",
        )


def _record(run: dg.DagsterRun, ledger: str, operation: str, subject: dict[str, Any], outcome: Outcome) -> None:
    if _is_of_command_line(run):  # which logs its own runs
        return
    actor, via = _actor_of(run)
    details: dict[str, Any] = {"run_id": run.run_id, "job": run.job_name, **subject}
    named = {"partition": PARTITION_TAG, "request_id": REQUEST_ID_TAG, "backfill": BACKFILL_TAG}
    details |= {name: run.tags[tag] for name, tag in named.items() if tag in run.tags}
    log = AuditLog(ledger)
    with logging_run(run), closing(log):
        for reason in sorted(set(_shrinks_accepted(run.run_config))):
            log.record(
                OperationName.accept_shrink, {**details, "reason": reason}, actor=actor, via=via, outcome="begun"
            )
        log.record(operation, details, actor=actor, via=via, outcome=outcome)


def _is_of_command_line(run: dg.DagsterRun) -> bool:
    """True if a command runs it. A repeat that a person launched through the server has the tags of the command too."""
    return ATTENDED_TAG in run.tags and ACTOR_TAG not in run.tags


def _actor_of(run: dg.DagsterRun) -> tuple[str, Via]:
    """Who started a run, and through which interface.

    A run that a person launched as a repeat of another one has the tags of that one too. The server sets the actor of
    each run that is launched through it; Dagster's own UI has no user names.
    """
    tags = run.tags
    if ACTOR_TAG in tags:
        return tags[ACTOR_TAG], "api" if tags[ACTOR_TAG].startswith(TOKEN_PREFIX) else "ui"
    if SCHEDULE_TAG in tags:
        return tags[SCHEDULE_TAG], "schedule"
    if SENSOR_TAG in tags or AUTOMATION_TAG in tags:
        return tags.get(REQUESTER_TAG) or tags.get(SENSOR_TAG) or "automation", "sensor"
    return tags.get(REQUESTER_TAG) or "unknown", "ui"


def _shrinks_accepted(config: Any) -> Iterator[str]:
    ops = config.get("ops", {}) if isinstance(config, dict) else {}
    for op in ops.values():
        reason = ((op or {}).get("config") or {}).get("accept_shrink")
        if reason:
            yield str(reason)
