"""`sync-platform audit`: who did what, through which interface, and how it ended."""

from __future__ import annotations

from rich.table import Table

from sync_platform.cli.exit_codes import OK
from sync_platform.cli.output import console, new_table, write_json
from sync_platform.lineage.moment import parse_beginning
from sync_platform.settings import load_settings
from sync_platform.sources.period import HONG_KONG
from sync_platform.storage.audit_log import AuditEntry, AuditLog


def show_audit(since: str | None, operation: str | None, *, as_json: bool) -> int:
    """Write the entries of the log, oldest first; 0. UsageError for a moment that cannot be read."""
    beginning = parse_beginning(since, "--since") if since else None
    found = list(AuditLog(load_settings().ledger_url).entries(beginning, operation))
    if as_json:
        write_json({"entries": [entry.document() for entry in found]})
    else:
        console(200).print(_table(found))
    return OK


def _table(entries: list[AuditEntry]) -> Table:
    columns = ("number", "at (HKT)", "actor", "via", "operation", "outcome", "what")
    table = new_table(*columns, numbers=("number",))
    for entry in entries:
        at = f"{entry.at.astimezone(HONG_KONG):%Y-%m-%d %H:%M:%S}"
        row = (at, entry.actor, entry.via, entry.operation, entry.outcome, entry.subject)
        table.add_row(f"{entry.number:,}", *row)
    return table
