"""`sync-platform emergency`: requests a sync out of turn, runs it here if asked to, and tells what came of it."""

from __future__ import annotations

import getpass
import sys
import uuid
from contextlib import ExitStack
from datetime import datetime
from typing import Any

import orjson
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sync_platform.cli.display import COLOURS, MARKS, choose_display
from sync_platform.cli.on_record import note
from sync_platform.cli.sync import INTERRUPTED, require_terms
from sync_platform.cli.unify import unify_after
from sync_platform.emergency.request import EmergencyRequest
from sync_platform.emergency.request_report import PlatformReport, RequestReport, report_on
from sync_platform.emergency.request_store import RequestStore
from sync_platform.emergency.submission import Submission, submit_request
from sync_platform.errors import NoLakeYet
from sync_platform.lake.syncs import syncs_of_request
from sync_platform.platforms import choose, load_platforms
from sync_platform.settings import Settings, load_settings
from sync_platform.sources.declaration import Platform
from sync_platform.sources.period import HONG_KONG, current_period
from sync_platform.storage.lake_connection import Lake, LakeAddress
from sync_platform.storage.platform_lock import Holder, platform_lock

MOST_LISTED = 20
MOST_REASONS = 5


def request_emergency(
    names: list[str], reason: str, priority: str, requester: str, key: str | None, *, now: bool, as_json: bool
) -> int:
    """Write a request, and say what happens next; with `now`, run it here, to its end.

    0 if it is written (or with `now` every platform is complete), 1 if one is degraded or failed. Raises UsageError for
    a bad request.
    """
    settings = load_settings()
    platforms = load_platforms(settings.platform_path)
    require_terms(choose(platforms, names))
    requests = RequestStore(settings.ledger_url)
    entered = submit_request(
        requests,
        platforms,
        names,
        reason=reason,
        requester=requester or getpass.getuser(),
        priority=priority,
        key=key,
    )
    subject = {"request_id": entered.request.request_id, "platforms": list(entered.request.platforms)}
    note(settings, "emergency", {**subject, "priority": priority, "now": now}, "complete")
    if now and entered.request.is_open:
        return _run_here(settings, platforms, requests, entered.request, as_json=as_json)
    if not entered.request.is_open:
        return show_status(entered.request.request_id, as_json=as_json)

    from sync_platform.cli.run import why_nothing_is_launched

    _tell(entered, why_nothing_is_launched(settings), as_json=as_json)
    return 0


def show_status(request_id: str | None, *, as_json: bool) -> int:
    """The report of one request, or the newest requests; 1 for one that ended degraded or failed, else 0."""
    settings = load_settings()
    requests = RequestStore(settings.ledger_url)
    found = [requests.find(request_id)] if request_id else requests.latest(MOST_LISTED)
    if any(request.is_open and request.launched_at for request in found):
        from sync_platform.cli.run import follow_requests

        follow_requests(settings, requests)
        found = [requests.find(request.request_id) for request in found]
    if request_id:
        return _show(_report(settings, found[0]), as_json=as_json)
    if as_json:
        _write({"requests": [report_on(request, [], {}).document() for request in found]})
    else:
        _list(found)
    return 0


def _run_here(
    settings: Settings,
    platforms: dict[str, Platform],
    requests: RequestStore,
    request: EmergencyRequest,
    *,
    as_json: bool,
) -> int:
    """Run what nobody has launched yet of a request, under claims that end with this process."""
    from sync_platform.cli.run import follow_requests, prepare
    from sync_platform.cli.workers import run_all
    from sync_platform.defs.emergency import claim_name
    from sync_platform.defs.landing import Mode

    prepare(settings, [(platforms[name], current_period(platforms[name].cadence)) for name in request.platforms])
    follow_requests(settings, requests)  # what a process left that died before us is free again
    display = choose_display(as_json)
    request_id = request.request_id
    with ExitStack() as held:
        for name in sorted(request.platforms):  # in one order for all, or two might wait for each other
            held.enter_context(platform_lock(settings.ledger_url, claim_name(name), request_id, _waiting(name)))
        mine = [name for name in request.platforms if requests.claim(request_id, name, str(uuid.uuid4()))]
        claimed = requests.find(request_id)
        if not mine:
            sys.stderr.write("sync-platform: nothing is left to run here, all of it has been launched already\n")
        for name in mine:
            requests.note_progress(request_id, name, claimed.run_of(name).run_id or "", "running")
        planned = [(platforms[name], current_period(platforms[name].cadence)) for name in mine]
        try:
            with display.shown():
                results = run_all(settings, planned, Mode.full, "", display, claimed)
                unify_after(settings, results, display)
        except KeyboardInterrupt:
            for name in mine:
                requests.give_back(request_id, name, claimed.run_of(name).run_id or "")
            prepare(settings, [])  # the runs that died with us are put on record as such
            sys.stderr.write(f"sync-platform: interrupted; request {request_id} stays open\n")
            return INTERRUPTED
        for result in results:
            run_id = claimed.run_of(result.platform).run_id
            requests.note_end(request_id, result.platform, run_id, result.status, result.error)
    return show_status(request_id, as_json=as_json)


def _waiting(platform: str) -> Any:
    told: set[str] = set()

    def waiting(holder: Holder | None) -> None:
        who = f" (request {holder.run_id})" if holder else ""
        if not told:
            sys.stderr.write(f"{platform:<12} waiting for another emergency run of it{who}\n")
        told.add(who)

    return waiting


def _tell(entered: Submission, trouble: str | None, *, as_json: bool) -> None:
    """What has been written, and what happens next."""
    request = entered.request
    if as_json:
        document = report_on(request, [], {}).document()
        _write({"folded": entered.joined, "not_launched_because": trouble, **document})
        return
    first = f"joins the open request {request.request_id}" if entered.joined else f"request {request.request_id}"
    lines = [f"{first}: {', '.join(request.platforms)}; priority {request.priority}"]
    if entered.joined:
        lines.append(f"requested by {request.requester}: {request.reason}; it is {request.state}")
    if trouble and request.state == "requested":
        lines.append(f"It is kept, but {trouble}: nobody launches it yet.")
        lines.append("Start one with `sync-platform up`, or give the same command with --now to run it here.")
    else:
        lines.append("Dagster's sensor launches it within seconds, before runs of lower priority.")
    lines.append(f"Follow it with: sync-platform emergency status {request.request_id}")
    sys.stdout.write("\n".join(lines) + "\n")


def _report(settings: Settings, request: EmergencyRequest) -> RequestReport:
    try:
        with Lake(LakeAddress.of(settings), read_only=True) as lake:
            records = syncs_of_request(lake, request.request_id)
    except NoLakeYet:
        records = []
    running = [run.run_id for run in request.runs if run.run_id and run.state != "finished"]
    progress: dict[str, str] = {}
    if running:
        from sync_platform.cli.run import progress_of

        progress = progress_of(settings, running)
    return report_on(request, records, progress)


def _show(report: RequestReport, *, as_json: bool) -> int:
    if as_json:
        _write(report.document())
    else:
        _print(report)
    return 1 if report.status in ("degraded", "failed") else 0


def _print(report: RequestReport) -> None:
    request, console = report.request, _console()
    console.print(f"emergency request [bold]{request.request_id}[/]: {_coloured(report.status)}")
    times = [("requested", request.requested_at), ("launched", request.launched_at), ("finished", request.finished_at)]
    console.print(f"priority {request.priority}; " + ", ".join(f"{name} {_clock(at)}" for name, at in times if at))
    for asking in request.askings:
        who = escape(asking.requester)
        console.print(f"{who} ({asking.priority}, {_clock(asking.asked_at)}): {escape(asking.reason)}", soft_wrap=True)
    table = Table(header_style="bold")
    for name in ("", "platform", "status"):
        table.add_column(name)
    for name in ("records", "new", "updated", "removed", "restored"):
        table.add_column(name, justify="right")
    table.add_column("run")
    for platform in report.platforms:
        counts = ("records", "inserted", "updated", "removed", "restored")
        table.add_row(
            MARKS.get(platform.status, ""),
            platform.run.platform,
            _coloured(platform.status),
            *(f"{platform.total(count):,}" if platform.records else "" for count in counts),
            platform.run.run_id or "",
        )
    console.print(table)
    for platform in report.platforms:
        for line in _remarks(platform):
            console.print(f"{platform.run.platform}: {escape(line)}", soft_wrap=True)


def _remarks(platform: PlatformReport) -> list[str]:
    return [*platform.reasons[:MOST_REASONS], *([platform.progress] if platform.progress else [])]


def _list(found: list[EmergencyRequest]) -> None:
    console = _console()
    if not found:
        console.print("no emergency request has been made")
        return
    table = Table(header_style="bold")
    for name in ("request", "status", "priority", "platforms", "requester", "requested", "reason"):
        table.add_column(name, overflow="fold", no_wrap=name == "request")
    for request in found:
        table.add_row(
            request.request_id,
            _coloured(request.outcome or request.state),
            request.priority,
            ", ".join(request.platforms),
            escape(request.requester),
            _clock(request.requested_at),
            escape(request.reason),
        )
    console.print(table)


def _console() -> Console:
    return Console(width=None if sys.stdout.isatty() else 160, highlight=False)


def _coloured(status: str) -> str:
    colour = COLOURS.get(status)
    return f"[{colour}]{status}[/]" if colour else status


def _clock(moment: datetime) -> str:
    return f"{moment.astimezone(HONG_KONG):%Y-%m-%d %H:%M:%S} HKT"


def _write(document: dict[str, Any]) -> None:
    sys.stdout.write(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode() + "\n")
