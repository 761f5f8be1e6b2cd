"""`sync-platform backup verify`."""

from __future__ import annotations

from sync_platform.backup.backup_verification import BackupFindings
from sync_platform.cli.audited import audited
from sync_platform.cli.exit_codes import FAILED, OK
from sync_platform.cli.output import Terminal, console, showing_steps, write_json
from sync_platform.documents.wording import counted
from sync_platform.settings import load_settings
from sync_platform.storage.operation_name import OperationName

MAX_SHOWN = 50


def verify(backup_id: str | None, *, verifies_all: bool, replica: bool, as_json: bool) -> int:
    """Verify backups; 0 if everything is as it was written, else 1."""
    from sync_platform.defs.backups import backups_of

    settings = load_settings()
    backups = backups_of(settings, from_replica=replica)
    subject = {"store": backups.store.url, "backup": "all" if verifies_all else backup_id or "newest"}
    with audited(settings, OperationName.verify_backup, subject) as operation, showing_steps("verifying") as show_step:
        findings = backups.verify(backup_id, verifies_all=verifies_all, on_step=show_step)
        operation.ended("complete" if findings.holds else "failed", findings=len(findings.found))
    if as_json:
        write_json(findings.document())
    else:
        _show(findings, console())
    return OK if findings.holds else FAILED


def _show(findings: BackupFindings, terminal: Terminal) -> None:
    for each in findings.found[:MAX_SHOWN]:
        terminal.print(str(each), soft_wrap=True)
    if len(findings.found) > MAX_SHOWN:
        terminal.print(f"… and {len(findings.found) - MAX_SHOWN:,} more; --json lists them all")
    result = "all intact" if findings.holds else counted(len(findings.found), "finding")
    terminal.print(
        f"{counted(len(findings.backups), 'backup')}, {counted(findings.objects, 'object')}, "
        f"{findings.bytes_read / 1e6:,.1f} MB read: "
        f"{result}",
        soft_wrap=True,
    )
