"""`sync-platform audit`: who did what, through which door, and how it ended."""

from __future__ import annotations

import sys

import orjson
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sync_platform.lineage.moment import parse_beginning
from sync_platform.settings import load_settings
from sync_platform.sources.period import HONG_KONG
from sync_platform.storage.audit_log import AuditEntry, AuditLog


def show_audit(since: str | None, operation: str | None, *, as_json: bool) -> int:
    """Write the log's entries, oldest first; UsageError for a moment that is none."""
    beginning = parse_beginning(since, "--since") if since else None
    found = list(AuditLog(load_settings().ledger_url).entries(beginning, operation))
    if as_json:
        document = {"entries": [entry.document() for entry in found]}
        sys.stdout.write(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode() + "\n")
    else:
        Console(width=None if sys.stdout.isatty() else 200, highlight=False).print(_table(found))
    return 0


def _table(entries: list[AuditEntry]) -> Table:
    table = Table(header_style="bold")
    table.add_column("number", justify="right")
    for name in ("at (HKT)", "actor", "via", "operation", "outcome", "what"):
        table.add_column(name, overflow="fold")
    for entry in entries:
        at = f"{entry.at.astimezone(HONG_KONG):%Y-%m-%d %H:%M:%S}"
        row = (at, entry.actor, entry.via, entry.operation, entry.outcome, entry.subject)
        table.add_row(f"{entry.number:,}", *(escape(text) for text in row))
    return table
