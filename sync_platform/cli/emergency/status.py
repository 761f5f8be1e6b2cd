"""`sync-platform emergency status`: the report of a request, or the newest requests."""

from __future__ import annotations

from collections.abc import Iterator

from sync_platform.cli.exit_codes import FAILED, OK
from sync_platform.cli.next_steps import steps_after, write_next_steps
from sync_platform.cli.output import MARKS, coloured, console, line, styled, write_json
from sync_platform.documents.fitted_table import FittedTable
from sync_platform.documents.local_time import local_time
from sync_platform.documents.typed_command import typed
from sync_platform.emergency.request import EmergencyRequest
from sync_platform.emergency.request_report import PlatformReport, RequestReport, report_on
from sync_platform.emergency.request_store import RequestStore
from sync_platform.errors import NoLakeYet
from sync_platform.lake.syncs import SyncRecord, syncs_of_requests
from sync_platform.settings import Settings, load_settings
from sync_platform.sources.period import current_period, day_in_hong_kong
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import Lake

MAX_REQUESTS = 20
MAX_REASONS = 5
COUNTS = {
    "records": "records",
    "new": "new",
    "updated": "updated",
    "removed": "removed",
    "past": "past",
    "restored": "restored",
}
"""The counts that the table of a report shows, with their headings."""


def show_status(request_id: str | None, *, as_json: bool) -> int:
    """The report of one request, or the newest requests; 1 for one that ended degraded or failed, else 0."""
    settings = load_settings()
    requests = RequestStore(settings.ledger_url)
    found_requests = [requests.find(request_id)] if request_id else requests.latest(MAX_REQUESTS)
    if any(request.is_open and request.launched_at for request in found_requests):
        from sync_platform.cli.runner.daemon import follow_requests

        follow_requests(settings, requests)
        found_requests = [requests.find(request.request_id) for request in found_requests]
    if request_id:
        report = _report(settings, found_requests[0])
        write_json(report.document()) if as_json else _show(report)
        return FAILED if report.status in ("degraded", "failed") else OK
    if as_json:
        write_json({"requests": [report_on(request, [], {}).document() for request in found_requests]})
    else:
        records = _records(settings, found_requests)
        _list([report_on(request, records, {}) for request in found_requests])
    return OK


def _records(settings: Settings, requests: list[EmergencyRequest]) -> list[SyncRecord]:
    try:
        with Lake(LakeAddress.of(settings), read_only=True) as lake:
            return syncs_of_requests(lake, [request.request_id for request in requests])
    except NoLakeYet:
        return []


def _report(settings: Settings, request: EmergencyRequest) -> RequestReport:
    records = _records(settings, [request])
    running = [run.run_id for run in request.runs if run.run_id and run.state != "finished"]
    progress: dict[str, str] = {}
    if running:
        from sync_platform.cli.runner.daemon import progress_of

        progress = progress_of(settings, running)
    return report_on(request, records, progress)


def _show(report: RequestReport) -> None:
    request, terminal = report.request, console()
    terminal.print(
        line("emergency request ", styled(request.request_id, "bold"), ": ", coloured(report.state_in_words))
    )
    times = [("requested", request.requested_at), ("launched", request.launched_at), ("finished", request.finished_at)]
    terminal.print(
        f"priority {request.priority}; " + ", ".join(f"{name} {local_time(moment)}" for name, moment in times if moment)
    )
    for asking in request.askings:
        requester = f"{asking.requester} ({asking.priority}, {local_time(asking.asked_at)})"
        terminal.print(f"{requester}: {asking.reason}", soft_wrap=True)
    table = FittedTable(
        ("", "platform", "status", *COUNTS.values(), "run"),
        numbers=COUNTS.values(),
        optional=("restored", "records", "past", "removed", "updated", "new"),
    )
    for platform in report.platforms:
        table.add_row(
            MARKS.get(platform.state_in_words, ""),
            platform.run.platform,
            coloured(platform.state_in_words),
            *(f"{platform.total(count):,}" if platform.records else "" for count in COUNTS),
            platform.run.run_id or "",
        )
    terminal.print_table(table)
    for platform in report.platforms:
        for remark in _remarks(platform):
            terminal.print(f"{platform.run.platform}: {remark}", soft_wrap=True)
    write_next_steps(list(dict.fromkeys(_next_steps(report))))


def _next_steps(report: RequestReport) -> Iterator[str]:
    """The commands that help: after a failure, while the request is open, and to see what came of it."""
    request = report.request
    if request.is_open:
        again = typed("emergency", "status", request.request_id)
        yield from [typed("status"), again] if request.state == "requested" else [again]
        return
    for platform in report.platforms:
        partition = next((record.partition for record in platform.records), current_period("monthly").key)
        yield from steps_after(platform.run.platform, partition, platform.run.outcome or "failed", platform.records)
    if any(record.changes for platform in report.platforms for record in platform.records):
        names = request.platforms if len(request.platforms) == 1 else []
        yield typed("changes", *names, "--since", str(day_in_hong_kong(request.launched_at or request.requested_at)))


def _remarks(platform: PlatformReport) -> list[str]:
    texts = [*platform.reasons, *(f"gap: {gap}" for gap in platform.gaps)]
    return [*texts[:MAX_REASONS], *([platform.progress] if platform.progress else [])]


def _list(reports: list[RequestReport]) -> None:
    if not reports:
        console().print("no emergency request has been made")
        return
    columns = ("request", "status", "priority", "platforms", "requester", "requested", "reason")
    table = FittedTable(
        columns, unbroken=("request", "requested"), optional=("requested", "priority", "requester", "reason")
    )
    for report in reports:
        request = report.request
        table.add_row(
            request.request_id,
            coloured(report.state_in_words),
            request.priority,
            ", ".join(request.platforms),
            request.requester,
            local_time(request.requested_at),
            request.reason,
        )
    console().print_table(table)
    write_next_steps([typed("emergency", "status", reports[0].request.request_id)])
