"""`sync-platform audit`: who did what, through which door, and how it ended."""

from __future__ import annotations

import sys
from datetime import datetime

import orjson
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sync_platform.errors import UsageError
from sync_platform.settings import load_settings
from sync_platform.sources.period import HONG_KONG
from sync_platform.storage.audit_log import AuditLog, Entry


def show_audit(since: str | None, operation: str | None, *, as_json: bool) -> int:
    """Write the log's entries, oldest first; UsageError for a moment that is none."""
    found = list(AuditLog(load_settings().ledger_url).entries(_moment(since), operation))
    if as_json:
        document = {"entries": [entry.document() for entry in found]}
        sys.stdout.write(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode() + "\n")
    else:
        Console(width=None if sys.stdout.isatty() else 200, highlight=False).print(_table(found))
    return 0


def _moment(text: str | None) -> datetime | None:
    """A day begins at midnight in Hong Kong, where a moment without a zone is, too."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"--since {text!r} is neither a day (2026-11-24) nor a moment") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=HONG_KONG)


def _table(entries: list[Entry]) -> Table:
    table = Table(header_style="bold")
    table.add_column("number", justify="right")
    for name in ("at (HKT)", "actor", "via", "operation", "outcome", "what"):
        table.add_column(name, overflow="fold")
    for entry in entries:
        at = f"{entry.at.astimezone(HONG_KONG):%Y-%m-%d %H:%M:%S}"
        row = (at, entry.actor, entry.via, entry.operation, entry.outcome, entry.subject)
        table.add_row(f"{entry.number:,}", *(escape(text) for text in row))
    return table
