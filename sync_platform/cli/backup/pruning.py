"""`sync-platform backup prune`."""

from __future__ import annotations

from sync_platform.backup.backup_retention import PRUNE, PrunePlan, PruneReport
from sync_platform.cli.audited import audited
from sync_platform.cli.exit_codes import FAILED, OK
from sync_platform.cli.output import Terminal, console, report_problem, write_json
from sync_platform.settings import load_settings


def prune_or_plan(*, dry_run: bool, trusts_clock: bool, as_json: bool) -> int:
    """Delete what is due, or list it; 0, or 1 where the clock may have jumped or the store refused something."""
    from sync_platform.defs.backups import backups_of

    settings = load_settings()
    backups = backups_of(settings)
    if dry_run:
        plan = backups.plan_prune(trusts_clock=trusts_clock)
        report = PruneReport(plan)
    else:
        with audited(settings, PRUNE, {"store": backups.store.url}) as operation:
            report = backups.prune(trusts_clock=trusts_clock)
            is_done = report.plan.stopped is None
            details = {"backups": report.removed_backups, "objects": report.deleted_objects}
            operation.ended("complete" if is_done else "failed", **details)
    if as_json:
        write_json({"dry_run": dry_run, **report.document()})
    else:
        _show_plan(report.plan, console())
        if not dry_run:
            _show_report(report, console())
    return FAILED if report.plan.stopped or report.refused else OK


def _show_plan(plan: PrunePlan, shown: Terminal) -> None:
    if plan.stopped:
        report_problem(plan.stopped)
    for backup_id in plan.expired:
        shown.print(f"expired: {backup_id}")
    shown.print(
        f"{plan.kept:,} backups are kept, {len(plan.expired):,} are expired; {len(plan.marked):,} objects are marked "
        f"for deletion a day later, {len(plan.deletable):,} were marked at least a day ago",
        soft_wrap=True,
    )


def _show_report(report: PruneReport, shown: Terminal) -> None:
    for each in report.refused:
        report_problem(f"not deleted: {each}")
    shown.print(f"deleted {len(report.removed_backups):,} backups and {report.deleted_objects:,} objects")
