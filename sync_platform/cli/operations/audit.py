"""`sync-platform audit`: who did what, through which interface, and how it ended."""

from __future__ import annotations

from datetime import UTC, datetime

from sync_platform.cli.exit_codes import FAILED, OK
from sync_platform.cli.output import console, report_problem, write_json
from sync_platform.documents.fitted_table import FittedTable
from sync_platform.documents.local_time import local_time
from sync_platform.documents.wording import subject_text
from sync_platform.lineage.log_beginning import beginning_lost_beside
from sync_platform.lineage.moment import parse_beginning, require_begun
from sync_platform.settings import load_settings
from sync_platform.storage.audit_log import AuditEntry, AuditLog
from sync_platform.storage.lake_address import LakeAddress


def show_audit(since: str | None, operation: str | None, *, as_json: bool) -> int:
    """Write the entries of the log, oldest first; 0, or 1 if the beginning of the log is gone.

    UsageError for a wrong moment, and for one in the future.
    """
    beginning = parse_beginning(since, "--since") if since is not None else None
    if beginning and since:
        require_begun(beginning, since, "--since", datetime.now(UTC))
    settings = load_settings()
    log = AuditLog(settings.ledger_url)
    entries = list(log.entries(beginning, operation))
    if as_json:
        write_json({"entries": [entry.document() for entry in entries]})
    else:
        console().print_table(_table(entries))
    if lost := beginning_lost_beside(LakeAddress.of(settings), log):
        report_problem(f"the beginning of the audit log is gone: {lost}")
        return FAILED
    return OK


def _table(entries: list[AuditEntry]) -> FittedTable:
    columns = ("entry", "at", "actor", "via", "operation", "outcome", "what")
    table = FittedTable(columns, numbers=("entry",), optional=("via", "actor"))
    for entry in entries:
        row = (local_time(entry.at), entry.actor, entry.via, entry.operation, entry.state, _what(entry))
        table.add_row(f"{entry.number:,}", *row)
    return table


def _what(entry: AuditEntry) -> str:
    """What the operation was about. The ids of its runs are only counted; --json has them."""
    subject = {name: value for name, value in entry.document()["subject"].items() if name != "run_id"}
    return subject_text({name: len(value) if name == "run_ids" else value for name, value in subject.items()})
