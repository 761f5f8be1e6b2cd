"""A restore into a lake that does not exist yet: that of a fresh home, or of an installation without a lake."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sync_platform.backup.fresh_lake import RestoreIntoFreshLake
from sync_platform.backup.restore_target import FreshHome
from sync_platform.backup.scratch_folder import scratch_folder
from sync_platform.cli.audited import audited
from sync_platform.cli.backup.new_lake import log_restore, record_files
from sync_platform.cli.backup.repeated_erasure import RepeatedErasures
from sync_platform.cli.backup.restore_display import show_fresh
from sync_platform.cli.backup.restore_request import ACTIVITY, RestoreRequest
from sync_platform.cli.backup.restored_registers import restore_newest_registers
from sync_platform.cli.exit_codes import OK
from sync_platform.cli.output import console, showing_steps, write_json
from sync_platform.lineage.restored_lake import NEW_LAKE
from sync_platform.platforms import load_platforms
from sync_platform.privacy.recorded_corrections import apply_requests
from sync_platform.storage.held_lock import HeldLocks
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import Lake
from sync_platform.storage.lease import Leases
from sync_platform.storage.object_store import ObjectStore
from sync_platform.storage.objects import open_store
from sync_platform.storage.operation_name import OperationName
from sync_platform.storage.operation_step import OnStep

EVIDENCE = "evidence"
"""The folder with what a backup has of the ledger."""
REGISTERS = "registers"


def restore_into_fresh_home(request: RestoreRequest, home: FreshHome) -> int:
    """Restore into a folder, or say what would be restored; 0. UsageError where the folder is not free for it."""
    home.require_empty(request.chosen)
    if request.dry_run:
        return _plan_fresh(request, home.lake)
    subject = request.subject(str(home.folder))
    with (
        audited(request.settings, OperationName.restore, subject) as operation,
        showing_steps("restoring") as show_step,
    ):
        erasures = request.read_erasures()
        home.begin(request.chosen)
        log_restore(home.ledger_url, request.settings, subject, "begun")
        with scratch_folder(home.lake.temp, ACTIVITY) as scratch:
            data = open_store((home.folder / "lake" / "data").as_uri())
            fresh, run_id = _fresh(request, home.lake, data, scratch, show_step), request.new_run_id()
            rights = _Rights(request, erasures, home.vault_url, home.ledger_url, scratch / REGISTERS, run_id)
            rows = fresh.run(run_id, rights.hold_in, continues=True)
            _write_evidence(request, home)
        record_files(home.lake, data, home.ledger_url)
        log_restore(home.ledger_url, request.settings, {**subject, "rows": sum(rows.values())}, "complete")
        home.finish()
        rto_s = request.rto_s()
        operation.ended("complete", rows=sum(rows.values()), rto_s=rto_s)
    return _report_fresh(request, home.lake, rows, str(home.folder), rto_s)


def restore_into_empty_installation(request: RestoreRequest) -> int:
    """Restore into this installation, which has no lake yet, or say what would be restored; 0."""
    address = LakeAddress.of(request.settings)
    if request.dry_run:
        return _plan_fresh(request, address)
    subject = {**request.subject(request.settings.environment), NEW_LAKE: True}
    with audited(request.settings, OperationName.restore, subject) as operation, _alone(request) as locks:
        erasures, run_id = request.read_erasures(), request.new_run_id()
        with (
            showing_steps("restoring") as show_step,
            scratch_folder(address.temp, ACTIVITY) as scratch,
        ):
            data = request.backups.data.open()
            fresh = _fresh(request, address, data, scratch, show_step)
            vault, ledger = request.settings.vault_url, request.settings.ledger_url
            rights = _Rights(request, erasures, vault, ledger, scratch / REGISTERS, run_id)
            rows = fresh.run(run_id, rights.hold_in, locks.require)
            record_files(address, data, request.settings.ledger_url)
        rto_s = request.rto_s()
        operation.ended("complete", rows=sum(rows.values()), rto_s=rto_s)
    return _report_fresh(request, address, rows, "", rto_s)


def _fresh(
    request: RestoreRequest, address: LakeAddress, data: ObjectStore, scratch: Path, on_step: OnStep
) -> RestoreIntoFreshLake:
    repository, history = request.backups.repository(), request.settings.lineage_table_name
    return RestoreIntoFreshLake(
        repository, request.chosen, address, data, history, request.platforms, request.sources, scratch, on_step
    )


@dataclass(frozen=True)
class _Rights:
    """What persons asked for, of which a backup may know less: erasures, corrections and restrictions.

    `scratch`: a folder for copies of the registers.
    """

    request: RestoreRequest
    erasures: RepeatedErasures
    vault_url: str
    ledger_url: str
    scratch: Path
    run_id: str

    def hold_in(self, whole: LakeAddress) -> None:
        """Repeat erasures, and apply corrections and restrictions, in the restored lake, which no reader has yet."""
        settings = self.request.settings
        platforms, history = load_platforms(settings.platform_path), settings.lineage_table_name
        self.erasures.repeat_in_vault(self.vault_url)
        restore_newest_registers(self.request, self.ledger_url, self.scratch)
        self.erasures.repeat_in_lake(whole, history, platforms, self.run_id)
        with Lake(whole) as lake:
            apply_requests(lake, history, platforms, self.ledger_url, self.run_id)


def _plan_fresh(request: RestoreRequest, address: LakeAddress) -> int:
    request.read_erasures()
    with (
        showing_steps("reading the backup") as show_step,
        scratch_folder(request.settings.temp, ACTIVITY) as scratch,
    ):
        rows = _fresh(request, address, request.backups.data.open(), scratch, show_step).plan()
    return _report_fresh(request, address, rows, "")


def _write_evidence(request: RestoreRequest, home: FreshHome) -> None:
    """What the backup has of the ledger, for people to read. Only the registers go into the ledger of the new home."""
    folder = home.folder / EVIDENCE / request.chosen.manifest.id
    shutil.rmtree(folder, ignore_errors=True)  # a killed restore may have left half a file there
    repository = request.backups.repository()
    for file in request.chosen.manifest.with_role("ledger"):
        repository.read_into(file, folder / file.path)


def _report_fresh(
    request: RestoreRequest, address: LakeAddress, rows: Mapping[str, int], home: str, rto_s: float | None = None
) -> int:
    """`rto_s`: seconds until what was restored could be used; None where nothing was restored."""
    if request.as_json:
        tables = [{"table": name, "inserted": n} for name, n in rows.items()]
        write_json({**request.document(), **({} if rto_s is None else {"rto_s": rto_s}), "tables": tables})
    else:
        with_recovery_key = bool(request.backups.recovery_key_file)
        show_fresh(
            console(),
            request.chosen,
            address,
            rows,
            home,
            rto_s,
            with_recovery_key=with_recovery_key,
        )
    return OK


@contextmanager
def _alone(request: RestoreRequest) -> Iterator[HeldLocks]:
    with HeldLocks() as locks:
        request.take_platform_locks(locks)
        locks.take(Leases(request.settings.ledger_url).hold(ACTIVITY))
        yield locks
