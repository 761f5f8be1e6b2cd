"""`sync-platform status`: what runs now, what runs next, and how the last syncs ended."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from rich.text import Text

from sync_platform.cli.exit_codes import OK
from sync_platform.cli.operations.last_syncs import LastSync, newest_syncs
from sync_platform.cli.output import coloured, console, line, write_json
from sync_platform.documents.fitted_table import FittedTable
from sync_platform.documents.local_time import local_time
from sync_platform.documents.states import state_of
from sync_platform.documents.typed_command import typed
from sync_platform.emergency.request_store import RequestStore
from sync_platform.errors import StorageError
from sync_platform.platforms import load_platforms
from sync_platform.settings import load_settings
from sync_platform.storage.lock_holder import Holder
from sync_platform.storage.platform_lock import holder_of
from sync_platform.storage.relational import database_exists

NO_DAEMON = f"start it with `{typed('serve')}`; until then no schedule and no sensor runs anything"


@dataclass(frozen=True)
class PlatformStatus:
    """A platform: its newest sync in the lake, and the run that holds its lock now, for programs."""

    platform: str
    last_status: str | None
    last_partition: str | None
    last_at: datetime | None
    locked_by: str | None
    locked_since: datetime | None


def show_status(*, as_json: bool) -> int:
    """Show the state of the installation; 0. StorageError where Dagster's records cannot be read.

    For people, what is known without them is shown before.
    """
    settings = load_settings()
    from sync_platform.cli.runner.daemon import automation_of  # the import of Dagster takes a second

    try:
        automation = automation_of(settings, datetime.now(UTC))
    except StorageError:
        if not as_json:
            known = newest_syncs(settings)
            platforms = [_platform(name, known.get(name), None) for name in load_platforms(settings.platform_path)]
            console().print_table(_platform_table(platforms, known))
        raise
    known = newest_syncs(settings)
    platforms = [
        _platform(name, known.get(name), holder_of(settings.ledger_url, name))
        for name in load_platforms(settings.platform_path)
    ]
    requests = RequestStore(settings.ledger_url).open_requests() if database_exists(settings.ledger_url) else []
    if as_json:
        write_json(
            {
                **asdict(automation),
                "platforms": [asdict(status) for status in platforms],
                "open_requests": [each.request_id for each in requests],
            }
        )
        return OK
    terminal = console()
    daemon = Text("running", "green") if automation.is_daemon_running else Text("not running", "yellow")
    terminal.print(line("Dagster daemon: ", daemon, "" if automation.is_daemon_running else f": {NO_DAEMON}"))
    terminal.print_table(_schedules(automation.schedules))
    terminal.print_table(_platform_table(platforms, known))
    for run in automation.runs:
        terminal.print(
            f"{state_of(run.status)}: {run.job}{f' of {run.platform}' if run.platform else ''}, run {run.run_id}"
        )
    for request in requests:
        terminal.print(f"open emergency request {request.request_id}: {', '.join(request.platforms)}", soft_wrap=True)
    if not automation.runs and not requests:
        terminal.print("nothing runs or waits now")
    return OK


def _platform(name: str, newest: LastSync | None, holder: Holder | None) -> PlatformStatus:
    last = newest.record if newest else None
    return PlatformStatus(
        name,
        last.status if last else None,
        last.partition if last else None,
        last.committed_at if last else None,
        holder.run_id if holder else None,
        holder.since if holder else None,
    )


def _schedules(schedules: Any) -> FittedTable:
    table = FittedTable(("schedule", "next", "what it runs"), unbroken=("next",), optional=("what it runs",))
    for schedule in schedules:
        table.add_row(
            schedule.name, local_time(schedule.next_at) if schedule.next_at else "switched off", schedule.description
        )
    return table


def _platform_table(platforms: list[PlatformStatus], known: dict[str, LastSync]) -> FittedTable:
    table = FittedTable(("platform", "last sync", "status", "runs now"), unbroken=("last sync",))
    for status in platforms:
        last = known.get(status.platform)
        when = f"{local_time(last.at)} ({last.partition})" if last else "never"
        now = f"since {local_time(status.locked_since)}: run {status.locked_by}" if status.locked_since else ""
        table.add_row(status.platform, when, coloured(last.state if last else ""), now)
    return table
