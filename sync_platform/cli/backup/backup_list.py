"""`sync-platform backup list`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sync_platform.backup.backup_manifest import BackupManifest
from sync_platform.backup.drill import DRILL
from sync_platform.backup.drill_state import DrillState, drill_state
from sync_platform.backup.repository import ReadManifest
from sync_platform.cli.backup.new_backup import summary_of
from sync_platform.cli.exit_codes import FAILED, OK
from sync_platform.cli.output import Terminal, console, report_problem, write_json
from sync_platform.documents.fitted_table import FittedTable
from sync_platform.documents.local_time import local_time
from sync_platform.documents.typed_command import typed
from sync_platform.settings import load_settings
from sync_platform.storage.audit_log import AuditLog

COLUMNS = ("backup", "newest commit", "commits", "files", "size", "stored", "new", "sources")


def list_backups(*, as_json: bool) -> int:
    """List the backups; 0, or 1 if a manifest cannot be read."""
    from sync_platform.defs.backups import backups_of

    settings = load_settings()
    repository = backups_of(settings).repository_or_none()
    read = repository.read_manifests() if repository else []
    promise = "one commit" if settings.backup_after_sync else "one day"
    drill = _last_drill(settings.ledger_url)
    if as_json:
        write_json({**_document(read, settings.backup_url, promise), "drill": drill.document()})
    else:
        _show(read, settings.backup_url, promise, console())
        if read:
            _show_drill(drill, console())
    return FAILED if any(each.problem for each in read) else OK


def _last_drill(ledger_url: str) -> DrillState:
    log = AuditLog(ledger_url)
    try:
        return drill_state(log.entries(operation=DRILL), datetime.now(UTC))
    finally:
        log.close()


def _show_drill(drill: DrillState, shown: Terminal) -> None:
    if drill.problem:
        report_problem(drill.problem)
    elif drill.at:
        shown.print(f"The last drill passed: {local_time(drill.at)}, RTO {drill.rto_s} s, RPO {drill.rpo_s} s.")


def _document(read: list[ReadManifest], url: str, promise: str) -> dict[str, Any]:
    return {
        "store": url,
        "rpo": promise,
        "at_risk_since": _at_risk_since(read),
        "backups": [
            {**summary_of(each.manifest), "manifest": each.digest}
            if each.manifest
            else {"backup": each.backup_id, "problem": each.problem}
            for each in read
        ],
    }


def _at_risk_since(read: list[ReadManifest]) -> datetime | None:
    """The newest commit that a backup of all sources holds: what was committed later is in no backup."""
    whole = [each.manifest for each in read if each.manifest and each.manifest.sources is None]
    newest = whole[-1].newest_commit if whole else None
    return newest.at if newest else None


def _show(read: list[ReadManifest], url: str, promise: str, shown: Terminal) -> None:
    if not read:
        shown.print(f"There is no backup in {url}: `{typed('backup', 'create')}` makes one.", soft_wrap=True)
        return
    table = FittedTable(COLUMNS, numbers=COLUMNS[2:7], optional=("files", "new", "size", "sources", "commits"))
    for each in read:
        if each.manifest:
            table.add_row(*_row(each.manifest))
        else:
            report_problem(f"the manifest of {each.backup_id} cannot be used: {each.problem}")
    shown.print_table(table)
    since = _at_risk_since(read)
    if since:
        age = timedelta(seconds=round((datetime.now(UTC) - since).total_seconds()))
        shown.print(
            f"RPO: at most {promise}. The newest commit in a backup is of {local_time(since)} ({age} ago); what was "
            "committed later is in no backup yet.",
            soft_wrap=True,
        )


def _row(manifest: BackupManifest) -> list[str]:
    newest = manifest.newest_commit
    return [
        manifest.id,
        local_time(newest.at) if newest else "",
        f"{len(manifest.commits):,}",
        f"{len(manifest.files):,}",
        f"{manifest.size_bytes / 1e6:,.1f} MB",
        f"{manifest.stored_bytes / 1e6:,.1f} MB",
        f"{manifest.copied_bytes / 1e6:,.1f} MB",
        ", ".join(manifest.sources) if manifest.sources else "all",
    ]
