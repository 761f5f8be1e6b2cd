"""`sync-platform emergency PLATFORM…`: requests a sync before its schedule; with `--now` it runs in this process."""

from __future__ import annotations

import getpass
from collections.abc import Callable

from sync_platform.cli.audited import log_entry
from sync_platform.cli.emergency.status import show_status
from sync_platform.cli.exit_codes import INTERRUPTED, OK
from sync_platform.cli.output import console, report_problem, write_json, write_line
from sync_platform.cli.preconditions import require_accepted_terms
from sync_platform.cli.syncing.display import choose_display
from sync_platform.documents.typed_command import typed
from sync_platform.emergency.request import EmergencyRequest
from sync_platform.emergency.request_report import report_on
from sync_platform.emergency.request_store import RequestStore
from sync_platform.emergency.submission import Submission, submit_request
from sync_platform.platforms import choose, load_platforms, platforms_in_use
from sync_platform.settings import Settings, load_settings
from sync_platform.sources.declaration import Platform
from sync_platform.storage.lock_holder import Holder
from sync_platform.storage.operation_name import OperationName


def request_emergency(
    names: list[str], reason: str, priority: str, requester: str, key: str | None, *, now: bool, as_json: bool
) -> int:
    """Store a request, and show what happens next; with `now`, run it in this process to its end.

    0 if it is stored (or with `now` every platform is complete), 1 if one is degraded or failed. Raises UsageError for
    a bad request.
    """
    settings = load_settings()
    platforms = load_platforms(settings.platform_path)
    names = names or list(platforms_in_use(platforms, settings))
    require_accepted_terms(choose(platforms, names))
    requests = RequestStore(settings.ledger_url)
    requester = requester or getpass.getuser()
    submission = submit_request(
        requests, platforms, names, reason=reason, requester=requester, priority=priority, key=key
    )
    request = submission.request
    subject = {"request_id": request.request_id, "platforms": list(request.platforms)}
    log_entry(settings, OperationName.emergency, {**subject, "priority": priority, "now": now}, "complete")
    if not request.is_open:
        return show_status(request.request_id, as_json=as_json)
    if now:
        return _run_here(settings, platforms, requests, request, as_json=as_json)

    from sync_platform.cli.runner.daemon import why_nothing_is_launched

    _show(submission, why_nothing_is_launched(settings), as_json=as_json)
    return OK


def _run_here(
    settings: Settings,
    platforms: dict[str, Platform],
    requests: RequestStore,
    request: EmergencyRequest,
    *,
    as_json: bool,
) -> int:
    """Run the platforms of a request that are not launched yet in this process, and show its report."""
    from sync_platform.cli.emergency.own_run import planned_runs, run_own

    display = choose_display(as_json)
    try:
        planned = planned_runs(settings, platforms, request)
        ours = run_own(settings, planned, requests, request, display, _on_wait, is_attended=True)
    except KeyboardInterrupt:
        return INTERRUPTED
    if not ours:
        report_problem("nothing is left to run here: every platform has been launched already")
    return show_status(request.request_id, as_json=as_json)


def _on_wait(platform: str) -> Callable[[Holder | None], None]:
    """A function that reports once that this process waits."""
    reported: list[str] = []

    def waiting(holder: Holder | None) -> None:
        details = f" (request {holder.run_id})" if holder else ""
        if not reported:
            write_line(f"{platform:<12} waiting for another emergency run of it{details}")
        reported.append(details)

    return waiting


def _show(submission: Submission, problem: str | None, *, as_json: bool) -> None:
    """Show the stored request and what happens next. `problem`: why no sensor launches it now, if none does."""
    request = submission.request
    if as_json:
        document = report_on(request, [], {}).document()
        write_json({"folded": submission.joined, "not_launched_because": problem, **document})
        return
    first = f"joins the open request {request.request_id}" if submission.joined else f"request {request.request_id}"
    lines = [f"{first}: {', '.join(request.platforms)}; priority {request.priority}"]
    if submission.joined:
        lines.append(f"requested by {request.requester}: {request.reason}; it is {request.state}")
    if problem and request.state == "requested":
        lines.append(f"It is stored, but {problem}: nothing launches it yet.")
        lines.append(f"Start one with `{typed('serve')}`, or give the same command with --now to run it here.")
    else:
        lines.append("Dagster's sensor launches it within seconds, before runs of lower priority.")
    lines.append(f"Follow it with: {typed('emergency', 'status', request.request_id)}")
    console().print("\n".join(lines), soft_wrap=True)
