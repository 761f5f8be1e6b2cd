"""`sync-platform backup restore`: into a fresh home, or into the lake of this installation."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sync_platform.backup.catalog_load import has_tables
from sync_platform.backup.chosen_commit import ChosenCommit, choose_commit
from sync_platform.backup.conflict import Conflict
from sync_platform.backup.fresh_lake import FreshLake
from sync_platform.backup.restore_difference import TableDifference
from sync_platform.backup.restore_into_lake import BackedUp, RestoreIntoLake
from sync_platform.backup.restore_target import FreshHome, target_of
from sync_platform.backup.scratch_folder import scratch_folder
from sync_platform.backup.staged_backup import OnStep, stage
from sync_platform.cli.audited import audited
from sync_platform.cli.backup.new_lake import log_restore, record_files
from sync_platform.cli.backup.repeated_erasure import erasure_in, require_tombstones
from sync_platform.cli.backup.restore_display import show_difference, show_fresh
from sync_platform.cli.exit_codes import OK
from sync_platform.cli.output import console, showing_steps, write_json, write_line
from sync_platform.errors import UsageError
from sync_platform.lineage.moment import parse_moment
from sync_platform.lineage.restored_lake import NEW_LAKE
from sync_platform.platforms import load_platforms
from sync_platform.quality.score import Standards
from sync_platform.settings import Settings, load_settings
from sync_platform.sources.declaration import Platform
from sync_platform.storage.lake_connection import Lake, LakeAddress
from sync_platform.storage.lease import Leases
from sync_platform.storage.objects import open_store
from sync_platform.storage.operation_name import OperationName
from sync_platform.storage.platform_lock import Holder, platform_lock

if TYPE_CHECKING:
    from sync_platform.defs.backups import Backups

ACTIVITY = "restore"
"""Who has the locks and the lease, in words."""
UNIFIED = "unified"
DECISIONS_FOLDER, CURSORS_FOLDER = "unified/decisions/", "sync/cursors/"


def restore(
    backup_id: str | None,
    at: str | None,
    target: str,
    sources: list[str],
    conflict: Conflict,
    *,
    replica: bool,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Restore, or say what a restore would do; 0. UsageError for a wrong target, backup, source or moment."""
    from sync_platform.defs.backups import backups_of

    if backup_id is not None and at is not None:
        raise UsageError("name a backup or a moment (--at), not both")
    settings = load_settings()
    fresh_home = target_of(target, settings)
    moment = parse_moment(at, "--at") if at is not None else None
    backups = backups_of(settings, from_replica=replica)
    chosen = choose_commit(backups.repository(), backup_id, moment, sources)
    one = _Restore(settings, backups, chosen, sorted(set(sources)), conflict, replica, dry_run, as_json)
    if fresh_home is not None:
        return one.into_fresh_home(fresh_home)
    if has_tables(LakeAddress.of(settings)):
        return one.into_lake_in_use()
    return one.into_empty_installation()


@dataclass(frozen=True)
class _Restore:
    settings: Settings
    backups: Backups
    chosen: ChosenCommit
    sources: list[str]
    conflict: Conflict
    from_replica: bool
    dry_run: bool
    as_json: bool

    # -- a lake that does not exist yet -------------------------------------------------------------------------

    def into_fresh_home(self, home: FreshHome) -> int:
        home.require_empty(self.chosen)
        if self.dry_run:
            return self._plan_fresh(home.lake)
        subject = self._subject(str(home.folder))
        with (
            audited(self.settings, OperationName.restore, subject) as operation,
            showing_steps("restoring") as show_step,
        ):
            erase_again = self._erasure_in(home.vault_url)
            home.begin(self.chosen)
            log_restore(home.ledger_url, self.settings, subject, "begun")
            with scratch_folder(home.lake.temp, ACTIVITY) as scratch:
                data = open_store((home.folder / "lake" / "data").as_uri())
                fresh = self._fresh(home.lake, data, scratch, show_step)
                rows = fresh.run(_run_id(self.chosen), erase_again, continues=True)
            record_files(home.lake, data, home.ledger_url)
            self._write_evidence(home)
            log_restore(home.ledger_url, self.settings, {**subject, "rows": sum(rows.values())}, "complete")
            home.finish()
            operation.ended("complete", rows=sum(rows.values()))
        return self._report_fresh(home.lake, rows, str(home.folder))

    def into_empty_installation(self) -> int:
        address = LakeAddress.of(self.settings)
        if self.dry_run:
            return self._plan_fresh(address)
        subject = {**self._subject(self.settings.environment), NEW_LAKE: True}
        with audited(self.settings, OperationName.restore, subject) as operation, self._alone():
            erase_again = self._erasure_in(self.settings.vault_url)
            with (
                showing_steps("restoring") as show_step,
                scratch_folder(address.temp, ACTIVITY) as scratch,
            ):
                data = self.backups.data.open()
                rows = self._fresh(address, data, scratch, show_step).run(_run_id(self.chosen), erase_again)
                record_files(address, data, self.settings.ledger_url)
            operation.ended("complete", rows=sum(rows.values()))
        return self._report_fresh(address, rows, "")

    def _fresh(self, address: LakeAddress, data: Any, scratch: Any, on_step: OnStep) -> FreshLake:
        platforms, history = self._platforms(), self.settings.lineage_table_name
        return FreshLake(
            self.backups.repository(), self.chosen, address, data, history, platforms, self.sources, scratch, on_step
        )

    def _plan_fresh(self, address: LakeAddress) -> int:
        require_tombstones(self.settings, from_replica=self.from_replica)
        with (
            showing_steps("reading the backup") as show_step,
            scratch_folder(self.settings.temp, ACTIVITY) as scratch,
        ):
            rows = self._fresh(address, self.backups.data.open(), scratch, show_step).plan()
        return self._report_fresh(address, rows, "")

    def _write_evidence(self, home: FreshHome) -> None:
        """The ledger of the backed-up installation is evidence; it does not become the ledger of the new home."""
        repository, folder = self.backups.repository(), home.folder / "evidence" / self.chosen.manifest.id
        shutil.rmtree(folder, ignore_errors=True)  # a killed restore may have left half a file there
        for file in self.chosen.manifest.with_role("ledger"):
            repository.read_into(file, folder / file.path)

    def _report_fresh(self, address: LakeAddress, rows: dict[str, int], home: str) -> int:
        if self.as_json:
            write_json({**self._document(), "tables": [{"table": name, "inserted": n} for name, n in rows.items()]})
        else:
            with_recovery_key = bool(self.backups.recovery_key_file)
            show_fresh(
                console(),
                self.chosen,
                address,
                rows,
                home,
                dry_run=self.dry_run,
                with_recovery_key=with_recovery_key,
            )
        return OK

    # -- the lake in use ----------------------------------------------------------------------------------------

    def into_lake_in_use(self) -> int:
        if self.dry_run:
            require_tombstones(self.settings, from_replica=self.from_replica)
            with self._staged() as restore:
                return self._report_difference(restore.plan(), None)
        subject = {**self._subject(self.settings.environment), "conflict": self.conflict.value}
        with audited(self.settings, OperationName.restore, subject) as operation, ExitStack() as locks:
            self._take_platform_locks(locks)
            erase_again = self._erasure_in(self.settings.vault_url)
            safety = self._safety_backup() if self.conflict is Conflict.overwrite else None
            locks.enter_context(Leases(self.settings.ledger_url).hold(ACTIVITY))
            erase_again()
            with self._staged() as restore:
                done = restore.run(_run_id(self.chosen))
            details = {"rows": sum(each.in_history for each in done), **({"safety_backup": safety} if safety else {})}
            operation.ended("degraded", **details, reason="the unified restaurants do not follow yet")
            self._unify(done)
            operation.ended("complete", **details)
        return self._report_difference(done, safety)

    @contextmanager
    def _staged(self) -> Iterator[RestoreIntoLake]:
        """The restore, with the backup's tables that it needs as a lake beside the one in use."""
        platforms, with_decisions = self._platforms(), not self.sources
        schemas = [*platforms, "sync", *([UNIFIED] if with_decisions else [])]
        folders = [*(f"{name}/" for name in platforms), CURSORS_FOLDER, *([DECISIONS_FOLDER] if with_decisions else [])]
        commit = self.chosen.commit.snapshot
        with (
            showing_steps("reading the backup") as show_step,
            scratch_folder(self.settings.temp, ACTIVITY) as scratch,
            stage(
                self.backups.repository(),
                self.chosen.manifest,
                scratch / "staged",
                show_step,
                schemas=schemas,
                folders=folders,
                snapshot=commit,
            ) as staged,
            Lake(LakeAddress.of(self.settings), beside=staged) as lake,
        ):
            backed_up = BackedUp(self.chosen.manifest.id, commit)
            history = self.settings.lineage_table_name
            yield RestoreIntoLake(lake, history, platforms, backed_up, self.conflict, with_decisions)

    def _take_platform_locks(self, locks: ExitStack) -> None:
        """Wait for syncs of these platforms and for unification, in the order in which syncs take the locks."""
        for name in sorted([*self._platforms(), UNIFIED]):
            waiting = _reported_once(name)
            locks.enter_context(platform_lock(self.settings.ledger_url, name, ACTIVITY, waiting))

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with ExitStack() as locks:
            self._take_platform_locks(locks)
            locks.enter_context(Leases(self.settings.ledger_url).hold(ACTIVITY))
            yield

    def _safety_backup(self) -> str:
        """Back up the lake as it is now, before rows are overwritten; returns the id."""
        from sync_platform.defs.backups import backups_of

        primary = backups_of(self.settings)
        subject = {"type": "incremental", "store": primary.store.url, "reason": "before a restore"}
        with (
            audited(self.settings, OperationName.backup, subject) as operation,
            showing_steps("backing up first") as show_step,
        ):
            created = primary.create("incremental", (), show_step)
            operation.ended("complete", backup=created.manifest.id, manifest=created.digest)
        return created.manifest.id

    def _unify(self, done: list[TableDifference]) -> None:
        """The unified restaurants follow; a changed decision of a person needs all listings to be matched again."""
        from sync_platform.unified.unification import unify

        changed = {each.table for each in done if not each.changes_nothing}
        if not changed:
            return
        with showing_steps("unifying"), Lake(LakeAddress.of(self.settings)) as lake:
            unify(
                lake,
                self.settings.lineage_table_name,
                load_platforms(self.settings.platform_path),
                _run_id(self.chosen),
                Standards.of(self.settings),
                rebuild="unified.decisions" in changed,
            )

    def _report_difference(self, differences: list[TableDifference], safety: str | None) -> int:
        if self.as_json:
            tables = [each.document() for each in differences]
            write_json({**self._document(), "conflict": self.conflict, "safety_backup": safety, "tables": tables})
        else:
            show_difference(console(), self.chosen, differences, self.conflict, safety, dry_run=self.dry_run)
        return OK

    # -- both ---------------------------------------------------------------------------------------------------

    def _erasure_in(self, vault_url: str) -> Callable[[], None]:
        return erasure_in(vault_url, self.settings, from_replica=self.from_replica)

    def _platforms(self) -> dict[str, Platform]:
        every = load_platforms(self.settings.platform_path)
        return {name: platform for name, platform in every.items() if not self.sources or name in self.sources}

    def _subject(self, target: str) -> dict[str, Any]:
        commit = self.chosen.commit
        sources = {"sources": self.sources} if self.sources else {}
        return {
            "backup": self.chosen.manifest.id,
            "commit": commit.snapshot,
            "batch": commit.batch_number,
            "batch_link": commit.batch_link,
            "target": target,
            **sources,
        }

    def _document(self) -> dict[str, Any]:
        commit = self.chosen.commit
        return {
            "dry_run": self.dry_run,
            "backup": self.chosen.manifest.id,
            "commit": commit.snapshot,
            "commit_at": commit.at,
        }


def _run_id(chosen: ChosenCommit) -> str:
    """The run of a restore, which the lineage shows: it names the backup."""
    return f"restore-{datetime.now(UTC):%Y%m%dT%H%M%SZ}-of-{chosen.manifest.id}"


def _reported_once(name: str) -> Any:
    reported: list[Holder | None] = []

    def waiting(holder: Holder | None) -> None:
        if holder not in reported:
            reported.append(holder)
            write_line(f"waiting for a sync of {name} to end" + (f" (run {holder.run_id})" if holder else ""))

    return waiting
