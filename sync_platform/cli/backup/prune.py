"""`sync-platform backup prune`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from sync_platform.backup.backup_retention import PruneReport
from sync_platform.cli.audited import audited
from sync_platform.cli.exit_codes import FAILED, OK
from sync_platform.cli.output import Terminal, console, report_problem, write_json
from sync_platform.documents.wording import counted
from sync_platform.settings import Settings, load_settings
from sync_platform.storage.operation_name import OperationName

Report = TypeVar("Report", PruneReport, PruneReport | None)


def prune_or_plan(*, dry_run: bool, trusts_clock: bool, as_json: bool) -> int:
    """Delete what is due in the store and in its replica, or list it; 0.

    1 where the clock may have jumped, or where a store refused something.
    """
    from sync_platform.defs.backups import backups_of

    settings = load_settings()
    backups = backups_of(settings)
    if dry_run:
        report = PruneReport(backups.plan_prune(trusts_clock=trusts_clock))
        plan = backups.plan_prune_replica(trusts_clock=trusts_clock)
        of_replica = PruneReport(plan) if plan else None
    else:
        report = _audited(settings, backups.store.url, lambda: backups.prune(trusts_clock=trusts_clock))
        of_replica = None
        if backups.has_replica:
            of_replica = _audited(
                settings, backups.replica.url, lambda: backups.prune_replica(trusts_clock=trusts_clock)
            )
    if as_json:
        replica = of_replica.document() if of_replica else None
        write_json({"dry_run": dry_run, **report.document(), "replica": replica})
    else:
        _show(report, console(), dry_run=dry_run)
        if of_replica:
            console().print(f"In the replica, {backups.replica.url}:", soft_wrap=True)
            _show(of_replica, console(), dry_run=dry_run)
    is_done = not any(each.plan.stopped or each.refused for each in (report, of_replica) if each)
    return OK if is_done else FAILED


def _audited(settings: Settings, store: str, work: Callable[[], Report]) -> Report:
    """Prune one store, with entries in the audit log."""
    with audited(settings, OperationName.prune, {"store": store}) as operation:
        report = work()
        if report is None:  # nothing was copied to the replica yet
            operation.ended("complete")
        else:
            details = {"backups": report.removed_backups, "objects": report.deleted_objects}
            operation.ended("failed" if report.plan.stopped else "complete", **details)
    return report


def _show(report: PruneReport, terminal: Terminal, *, dry_run: bool) -> None:
    plan = report.plan
    if plan.stopped:
        report_problem(plan.stopped)
    for backup_id in plan.expired:
        terminal.print(f"expired: {backup_id}")
    terminal.print(
        f"{plan.kept:,} backups are kept, {len(plan.expired):,} are expired; {len(plan.marked):,} objects are marked "
        f"for deletion a day later, {len(plan.deletable):,} were marked at least a day ago",
        soft_wrap=True,
    )
    for each in report.refused:
        report_problem(f"not deleted: {each}")
    if not dry_run:
        terminal.print(
            f"deleted {counted(len(report.removed_backups), 'backup')} and {counted(report.deleted_objects, 'object')}"
        )
