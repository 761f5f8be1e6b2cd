"""What an earlier process of the same job has done of a restore: it may have been killed after its commit.

The commit is in the lake, under the run id of the job; the backup before it and its end are in the audit log.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

from sync_platform.backup.restore_difference import TableDifference
from sync_platform.cli.backup.restore_request import RestoreRequest
from sync_platform.lake.restore_records import restores_of_run
from sync_platform.settings import Settings
from sync_platform.storage.audit_log import AuditLog
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import Lake
from sync_platform.storage.operation_name import OperationName


@dataclass(frozen=True)
class EarlierAttempt:
    """A restore that is committed. `is_complete`: its end is on record too, so that nothing is left to do.

    `done`: the tables that it changed, without examples. `safety_backup`: the backup of the state before.
    """

    done: list[TableDifference]
    safety_backup: str | None
    is_complete: bool


def earlier_attempt(request: RestoreRequest) -> EarlierAttempt | None:
    """What an earlier process of the job has committed; None where there is no job, or it has committed nothing."""
    settings = request.settings
    if not settings.sync_job:
        return None
    with Lake(LakeAddress.of(settings), read_only=True) as lake, lake.session() as session:
        records = restores_of_run(session, request.new_run_id())
    if not records:
        return None
    done = [
        TableDifference(f"{each.platform}.{each.dataset}", each.inserted, each.updated, each.removed, each.restored, 0)
        for each in records
    ]
    backups = [str(subject["backup"]) for subject in _complete(settings, OperationName.backup)]
    is_complete = any(True for _ in _complete(settings, OperationName.restore))
    return EarlierAttempt(done, backups[-1] if backups else None, is_complete)


def _complete(settings: Settings, operation: OperationName) -> Iterator[dict[str, object]]:
    """The subjects of the operations of this job that are complete."""
    with closing(AuditLog(settings.ledger_url)) as log:
        for entry in log.entries(operation=operation):
            if entry.outcome == "complete" and entry.details.get("job") == settings.sync_job:
                yield entry.details
