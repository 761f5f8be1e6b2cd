"""`sync-platform sync`: one Dagster run per platform, all at once. A platform that fails stops no other."""

from __future__ import annotations

import time

from sync_platform.cli.audited import audited, log_entry
from sync_platform.cli.exit_codes import CANCELLED_IN_WORDS, FAILED, INTERRUPTED, OK
from sync_platform.cli.output import report_problem
from sync_platform.cli.preconditions import require_accepted_terms
from sync_platform.cli.syncing.plan import plan
from sync_platform.platforms import choose, load_platforms, platforms_in_use
from sync_platform.quality.own_checks import load_own_checks
from sync_platform.settings import load_settings
from sync_platform.storage.operation_name import OperationName


def sync_platforms(
    names: list[str], partition: str | None, mode: str, accept_shrink: str, *, with_unify: bool, as_json: bool
) -> int:
    """Sync the named platforms (all in use if none is named); 0 if every one is complete, else 1.

    `accept_shrink`: an operator's reason why complete lists may retire more than the tolerance; empty for none.
    `with_unify`: update the unified restaurants afterwards, if listings changed.
    Raises UsageError for a bad request, StorageError where the home cannot be written.
    """
    began = time.monotonic()
    settings = load_settings()
    platforms = load_platforms(settings.platform_path)
    planned = plan(choose(platforms if names else platforms_in_use(platforms, settings), names), partition)
    require_accepted_terms([platform for platform, _ in planned])
    for problem in load_own_checks(settings.checks_folder, platforms, is_stated=settings.checks is not None).problems:
        report_problem(f"own check {problem}")

    # the import of Dagster takes a second, so a wrong request is refused first
    from sync_platform.cli.backup.create import back_up_after_sync
    from sync_platform.cli.runner.instance import cancel_killed_runs, prepare
    from sync_platform.cli.syncing.display import choose_display
    from sync_platform.cli.syncing.result import details_of
    from sync_platform.cli.syncing.summary import write_summary, write_sync_document
    from sync_platform.cli.syncing.unify import unify_after
    from sync_platform.cli.syncing.workers import Job, run_all
    from sync_platform.defs.landing import Mode
    from sync_platform.lake.syncs import worst_status

    prepare(settings, planned)
    startup_s = time.monotonic() - began
    display = choose_display(as_json)
    subject = {"platforms": {platform.name: period.key for platform, period in planned}, "mode": mode}
    if accept_shrink:
        log_entry(settings, OperationName.accept_shrink, {**subject, "reason": accept_shrink}, "begun")
    try:
        with audited(settings, OperationName.sync, subject) as operation, display.shown():
            results = run_all(Job(settings, Mode(mode), accept_shrink), planned, display)
            unified = unify_after(settings, results, display) if with_unify else None
            status = worst_status((result.status for result in results), default="complete")
            operation.ended(status, **details_of(results))
    except KeyboardInterrupt:
        cancel_killed_runs(settings)
        report_problem(CANCELLED_IN_WORDS)
        return INTERRUPTED
    total_s = time.monotonic() - began
    if as_json:
        write_sync_document(results, unified, startup_s, total_s)
    else:
        write_summary(results, unified, startup_s, total_s, settings)
    is_backed_up = back_up_after_sync(settings)
    return OK if status == "complete" and not (unified and unified.error) and is_backed_up else FAILED
