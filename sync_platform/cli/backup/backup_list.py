"""`sync-platform backup list`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sync_platform.backup.backup_manifest import BackupManifest
from sync_platform.backup.drill_state import DrillState, drill_state
from sync_platform.backup.recovery_point import RecoveryPoint, recovery_point
from sync_platform.backup.repository import ReadManifest
from sync_platform.cli.backup.create import summary_of
from sync_platform.cli.exit_codes import FAILED, OK
from sync_platform.cli.output import Terminal, console, report_problem, write_json
from sync_platform.documents.fitted_table import FittedTable
from sync_platform.documents.local_time import local_time
from sync_platform.documents.typed_command import typed
from sync_platform.documents.wording import counted
from sync_platform.settings import Settings, load_settings
from sync_platform.storage.audit_log import AuditLog
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.operation_name import OperationName

COLUMNS = ("backup", "newest commit", "commits", "files", "size", "stored", "new", "sources")


def list_backups(*, as_json: bool) -> int:
    """List the backups, and what would be lost now; 0, or 1 if a manifest cannot be read or every backup is gone."""
    from sync_platform.defs.backups import backups_of

    settings = load_settings()
    repository = backups_of(settings).repository_or_none()
    read = repository.read_manifests() if repository else []
    now = datetime.now(UTC)
    point = recovery_point(LakeAddress.of(settings), read, now, after_sync=settings.backup_after_sync)
    drill = _last_drill(settings.ledger_url, now)
    lost = 0 if read else _made_in(settings.backup_url, settings.ledger_url)
    if as_json:
        write_json({**_document(read, settings.backup_url, point), "drill": drill.document()})
    else:
        _show(read, settings.backup_url, console())
        _show_recovery_point(point, console())
        _show_drill(drill, console())
    if lost:
        report_problem(
            f"the audit log has {counted(lost, 'backup')} made in {settings.backup_url}, and none is there: the store "
            f"is lost, or S3_BACKUP_BUCKET names another one{_instead(settings)}"
        )
    return FAILED if lost or any(each.problem for each in read) else OK


def _instead(settings: Settings) -> str:
    """Where else backups may be, in words."""
    replica = settings.backup_replica
    return f"; `{typed('backup', 'restore')} --replica` reads the replica, {replica}" if replica else ""


def _made_in(store: str, ledger_url: str) -> int:
    """The number of backups that the audit log says were made in a store."""
    log = AuditLog(ledger_url)
    try:
        made = [each.details for each in log.entries(operation=OperationName.backup) if each.outcome == "complete"]
    finally:
        log.close()
    return sum(each.get("store") == store for each in made)


def _last_drill(ledger_url: str, now: datetime) -> DrillState:
    log = AuditLog(ledger_url)
    try:
        return drill_state(log.entries(operation=OperationName.drill), now)
    finally:
        log.close()


def _show_drill(drill: DrillState, terminal: Terminal) -> None:
    if drill.problem:
        terminal.print(f"Drill: {drill.problem}.", soft_wrap=True)
    elif drill.at:
        terminal.print(f"Drill: the last one passed, {local_time(drill.at)}; RTO {drill.rto_s} s, RPO {drill.rpo_s} s.")


def _document(read: list[ReadManifest], url: str, point: RecoveryPoint) -> dict[str, Any]:
    return {
        "store": url,
        "rpo": point.at_most,
        "at_risk_since": point.protected_until,
        "unprotected_since": point.unprotected_since,
        "rpo_problem": point.problem,
        "backups": [
            {**summary_of(each.manifest), "manifest": each.digest}
            if each.manifest
            else {"backup": each.backup_id, "problem": each.problem}
            for each in read
        ],
    }


def _show(read: list[ReadManifest], url: str, terminal: Terminal) -> None:
    if not read:
        terminal.print(f"There is no backup in {url}: `{typed('backup', 'create')}` makes one.", soft_wrap=True)
        return
    table = FittedTable(COLUMNS, numbers=COLUMNS[2:7], optional=("files", "new", "size", "sources", "commits"))
    for each in read:
        if each.manifest:
            table.add_row(*_row(each.manifest))
        else:
            report_problem(f"the manifest of {each.backup_id} cannot be used: {each.problem}")
    terminal.print_table(table)


def _show_recovery_point(point: RecoveryPoint, terminal: Terminal) -> None:
    terminal.print(f"RPO by the settings: at most {point.at_most}, while the schedules run.", soft_wrap=True)
    if point.problem:
        terminal.print(f"RPO now: {point.problem}.", soft_wrap=True)
    elif point.unprotected_since:
        terminal.print(
            f"RPO now: commits since {local_time(point.unprotected_since)} are in no backup yet.", soft_wrap=True
        )
    elif point.protected_until:
        terminal.print(f"RPO now: every commit is in a backup, the newest of {local_time(point.protected_until)}.")


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
