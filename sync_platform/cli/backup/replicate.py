"""`sync-platform backup replicate`, which is also the last step of `create` where a replica is set."""

from __future__ import annotations

from sync_platform.backup.replica import ReplicaReport
from sync_platform.cli.audited import audited
from sync_platform.cli.exit_codes import FAILED, OK
from sync_platform.cli.output import console, report_problem, showing_steps, write_json
from sync_platform.documents.wording import counted
from sync_platform.errors import SettingsError
from sync_platform.settings import Settings, load_settings
from sync_platform.storage.operation_name import OperationName


def replicate_now(*, as_json: bool) -> int:
    """Copy every backup to the replica; 0, or 1 if a damaged backup was left out."""
    settings = load_settings()
    if not settings.backup_replica:
        raise SettingsError("BACKUP_REPLICA is not set: name the second store there, such as s3://bucket/prefix")
    report = replicate_audited(settings)
    if as_json:
        write_json(report.document())
    else:
        console().print(
            f"{counted(len(report.backups), 'backup')} copied to {report.store}: {counted(report.objects, 'object')}, "
            f"{report.bytes_copied / 1e6:,.1f} MB, read back and intact",
            soft_wrap=True,
        )
    return FAILED if report.skipped else OK


def replicate_audited(settings: Settings) -> ReplicaReport:
    """Copy every backup to the replica, with entries in the audit log and a message for each that is left out."""
    from sync_platform.defs.backups import backups_of

    backups = backups_of(settings)
    subject = {"store": backups.replica.url}
    with audited(settings, OperationName.replicate, subject) as operation, showing_steps("replicating") as show_step:
        report = backups.replicate(show_step) or ReplicaReport(backups.replica.url)
        outcome = "degraded" if report.skipped else "complete"
        operation.ended(outcome, backups=report.backups, objects=report.objects)  # type: ignore[arg-type]
    for each in report.skipped:
        report_problem(f"not replicated: {each}")
    return report
