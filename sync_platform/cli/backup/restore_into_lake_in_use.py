"""A restore into the lake of this installation, with its locks, its safety backup and the unified restaurants."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Set
from contextlib import contextmanager

from sync_platform.backup.conflict import Conflict
from sync_platform.backup.restore_difference import TableDifference
from sync_platform.backup.restore_into_lake import RestoredBackup, RestoreIntoLake
from sync_platform.backup.scratch_folder import scratch_folder
from sync_platform.backup.staged_backup import stage_backup
from sync_platform.cli.audited import audited
from sync_platform.cli.backup.earlier_attempt import earlier_attempt
from sync_platform.cli.backup.repeated_erasure import RepeatedErasures
from sync_platform.cli.backup.restore_display import show_difference
from sync_platform.cli.backup.restore_request import ACTIVITY, RestoreRequest
from sync_platform.cli.exit_codes import OK
from sync_platform.cli.output import console, showing_steps, write_json
from sync_platform.cli.platform_locks import UNIFIED
from sync_platform.platforms import load_platforms
from sync_platform.privacy.recorded_corrections import apply_requests, corrections_at
from sync_platform.privacy.request_register import restricted_subjects
from sync_platform.quality.score import Standards
from sync_platform.storage.held_lock import HeldLocks, needs_no_lock
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import Lake
from sync_platform.storage.lease import Leases
from sync_platform.storage.operation_name import OperationName
from sync_platform.vault.erased_values import erased_subjects_at

DECISIONS_FOLDER, CURSORS_FOLDER = "unified/decisions/", "sync/cursors/"


def restore_into_lake_in_use(request: RestoreRequest) -> int:
    """Restore into the lake by the ordinary way of a commit, or say what would change; 0."""
    if request.dry_run:
        with _staged(request, request.read_erasures()) as restore:
            return _report_difference(request, restore.plan(), None)
    earlier = earlier_attempt(request)
    if earlier and earlier.is_complete:
        return _report_difference(request, earlier.done, earlier.safety_backup)
    subject = {**request.subject(request.settings.environment), "conflict": request.conflict.value}
    with audited(request.settings, OperationName.restore, subject) as operation, HeldLocks() as locks:
        request.take_platform_locks(locks)
        done, safety = (earlier.done, earlier.safety_backup) if earlier else _commit(request, locks)
        _apply_requests(request, locks)
        details = {"rows": sum(each.in_history for each in done), **({"safety_backup": safety} if safety else {})}
        operation.ended("degraded", **details, reason="the unified restaurants do not follow yet")
        _unify(request, done, locks)
        operation.ended("complete", **details)
    return _report_difference(request, done, safety)


def _commit(request: RestoreRequest, locks: HeldLocks) -> tuple[list[TableDifference], str | None]:
    """Restore the rows in one commit: what was done, and the backup of the state before. The platforms are locked."""
    erasures = request.read_erasures()
    safety = _safety_backup(request) if request.conflict is Conflict.overwrite else None
    locks.take(Leases(request.settings.ledger_url).hold(ACTIVITY))
    erasures.repeat_in_vault(request.settings.vault_url)
    with _staged(request, erasures, locks.require) as restore:
        return restore.run(request.new_run_id()), safety


@contextmanager
def _staged(
    request: RestoreRequest, erasures: RepeatedErasures, require_lock: Callable[[], None] = needs_no_lock
) -> Iterator[RestoreIntoLake]:
    """The restore, with the backup's tables that it needs as a lake beside the one in use."""
    platforms, with_decisions = request.platforms, not request.sources
    schemas = [*platforms, "sync", *([UNIFIED] if with_decisions else [])]
    folders = [*(f"{name}/" for name in platforms), CURSORS_FOLDER, *([DECISIONS_FOLDER] if with_decisions else [])]
    commit = request.chosen.commit.snapshot
    with (
        showing_steps("reading the backup") as show_step,
        scratch_folder(request.settings.temp, ACTIVITY) as scratch,
        stage_backup(
            request.backups.repository(),
            request.chosen.manifest,
            scratch / "staged",
            show_step,
            schemas=schemas,
            folders=folders,
            snapshot=commit,
        ) as staged,
        Lake(LakeAddress.of(request.settings), beside=staged, require_lock=require_lock) as lake,
    ):
        backed_up = RestoredBackup(request.chosen.manifest.id, commit)
        history = request.settings.lineage_table_name

        def erased() -> Set[str]:
            """Also those who are erased while the backup is read."""
            return erasures.subjects | erased_subjects_at(request.settings.vault_url)

        ledger = request.settings.ledger_url
        yield RestoreIntoLake(
            lake,
            history,
            platforms,
            backed_up,
            request.conflict,
            erased,
            corrections_at(ledger),
            lambda: restricted_subjects(ledger),
            with_decisions,
        )


def _apply_requests(request: RestoreRequest, locks: HeldLocks) -> None:
    """What the restored rows have of corrections and restrictions is brought in line with the register."""
    settings = request.settings
    platforms = load_platforms(settings.platform_path)
    run_id = request.new_run_id()
    with Lake(LakeAddress.of(settings), require_lock=locks.require) as lake:
        apply_requests(lake, settings.lineage_table_name, platforms, settings.ledger_url, run_id)


def _safety_backup(request: RestoreRequest) -> str:
    """Back up the lake as it is now, before rows are overwritten; returns the id."""
    from sync_platform.defs.backups import backups_of

    primary = backups_of(request.settings)
    subject = {"type": "incremental", "store": primary.store.url, "reason": "before a restore"}
    with (
        audited(request.settings, OperationName.backup, subject) as operation,
        showing_steps("backing up first") as show_step,
    ):
        created = primary.create("incremental", (), show_step)
        operation.ended("complete", backup=created.manifest.id, manifest=created.digest)
    return created.manifest.id


def _unify(request: RestoreRequest, done: list[TableDifference], locks: HeldLocks) -> None:
    """The unified restaurants follow; a changed decision of a person needs all listings to be matched again."""
    from sync_platform.unified.unification import unify

    changed = {each.table for each in done if not each.changes_nothing}
    if not changed:
        return
    address = LakeAddress.of(request.settings)
    with showing_steps("unifying"), Lake(address, require_lock=locks.require) as lake:
        unify(
            lake,
            request.settings.lineage_table_name,
            load_platforms(request.settings.platform_path),
            request.new_run_id(),
            Standards.of(request.settings),
            rebuild="unified.decisions" in changed,
        )


def _report_difference(request: RestoreRequest, differences: list[TableDifference], safety: str | None) -> int:
    if request.as_json:
        tables = [each.document() for each in differences]
        write_json({**request.document(), "conflict": request.conflict, "safety_backup": safety, "tables": tables})
    else:
        show_difference(console(), request.chosen, differences, request.conflict, safety, dry_run=request.dry_run)
    return OK
