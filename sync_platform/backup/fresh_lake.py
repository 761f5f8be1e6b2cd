"""Restore into a fresh lake: the newest state of a backup file by file, or any commit that the backup holds.

Data files come first and the catalog last, so the lake does not exist before it is whole. After a kill, a repeat goes
on: files that are there already are read and kept.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sync_platform.backup.backup_manifest import StoredFile
from sync_platform.backup.catalog_load import has_tables, load_catalog, require_no_lake
from sync_platform.backup.chosen_commit import ChosenCommit
from sync_platform.backup.creation import ALWAYS_KEPT
from sync_platform.backup.point_in_time import catalog_for, commit_again
from sync_platform.backup.repository import Repository
from sync_platform.backup.staged_backup import fetch_catalog, fetch_files, files_of, stage_backup, work_on_each
from sync_platform.lake.chain import BATCHES, has_chain
from sync_platform.sources.declaration import Platform
from sync_platform.storage.catalog_file import file_reader
from sync_platform.storage.data_path import has_encrypted_files
from sync_platform.storage.held_lock import needs_no_lock
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import LAKE, Lake
from sync_platform.storage.lake_tables import tables_of
from sync_platform.storage.object_store import ObjectStore
from sync_platform.storage.operation_step import OnStep

UNFINISHED = ".restoring"
"""The ending of a catalog that is not whole yet."""
Prepare = Callable[[LakeAddress], None]


@dataclass(frozen=True)
class RestoreIntoFreshLake:
    """A restore into a lake that does not exist, or has no table.

    `data`: the store of the lake's data files. `scratch`: an empty folder. `sources`: only these platforms, with the
    history of all; everything if none is named.
    """

    repository: Repository
    chosen: ChosenCommit
    target: LakeAddress
    data: ObjectStore
    history: str
    platforms: Mapping[str, Platform]
    sources: Sequence[str]
    scratch: Path
    on_step: OnStep

    def plan(self) -> dict[str, int]:
        """The rows of each table that `run` would write; nothing is written to the target."""
        require_no_lake(self.target)
        if self.chosen.is_newest:
            tables = self.chosen.manifest.tables
            return {name: each.rows for name, each in tables.items() if self._is_wanted(name.split(".")[0])}
        with self._stage() as lake:
            return rows_by_table(lake)

    def run(
        self,
        run_id: str,
        prepare: Prepare = lambda whole: None,
        require_lock: Callable[[], None] = needs_no_lock,
        *,
        continues: bool = False,
    ) -> dict[str, int]:
        """Restore; returns the rows of each table.

        `prepare`: called with the whole lake at an address where no reader finds it. What it changes is in the lake
        from the first moment. `require_lock`: asked before that moment; it raises where another process may restore or
        write by now. `continues`: an earlier run was perhaps killed after the lake was in its place; then
        `prepare` has that lake. Raises UsageError where the target is not empty, DamagedBackup where a file is not
        what was backed up.
        """
        if continues and self._is_restored():
            prepare(self.target)
        else:
            require_no_lake(self.target)
            if self.chosen.is_newest:
                self._copy(run_id, prepare, require_lock)
            else:
                self._commit_again(run_id, prepare, require_lock)
        with Lake(self.target, read_only=True) as lake:
            return rows_by_table(lake)

    def _is_restored(self) -> bool:
        """True if the lake is there and has the last entry of the hash chain at the chosen commit."""
        if not has_tables(self.target):
            return False
        with Lake(self.target, read_only=True) as lake, lake.session() as session:
            commit = [self.chosen.commit.batch_number, self.chosen.commit.batch_link]
            query = f"SELECT 1 FROM {LAKE}.{BATCHES} WHERE number = ? AND link = ?"
            return has_chain(session) and session.execute(query, commit).fetchone() is not None

    @property
    def _schemas(self) -> list[str]:
        return [*ALWAYS_KEPT, self.history.split(".")[0], *self.sources] if self.sources else []

    def _is_wanted(self, schema: str) -> bool:
        return not self._schemas or schema in self._schemas

    def _copy(self, run_id: str, prepare: Prepare, require_lock: Callable[[], None]) -> None:
        draft = self._draft()
        fetch_catalog(self.repository, self.chosen.manifest, draft, self.target.data, self._schemas)
        if self.target.is_encrypted and _has_plain_files(draft):
            # the target has no plain files: everything is written anew
            self._commit_again(run_id, prepare, require_lock)
            return
        files = files_of(self.chosen.manifest, draft)
        if self.target.is_remote:
            work_on_each(files, self._put, self.on_step)
        else:
            fetch_files(self.repository, files, Path(self.target.data), self.on_step)
        self._put_in_place(draft, prepare, require_lock)

    def _put(self, file: StoredFile) -> None:
        """Write a file to the store of the target, through the scratch folder."""
        copy = self.scratch / secrets.token_hex(8)
        try:
            self.repository.read_into(file, copy)
            self.data.put_file(file.path, copy, bytes.fromhex(file.sha256))
        finally:
            copy.unlink(missing_ok=True)

    def _commit_again(self, run_id: str, prepare: Prepare, require_lock: Callable[[], None]) -> None:
        staged, draft = self._stage(), self._draft()
        address = catalog_for(self.target, draft)
        commit_again(staged, address, self.history, self.platforms, run_id, self.on_step)
        self._put_in_place(draft, prepare, require_lock)

    def _put_in_place(self, draft: Path, prepare: Prepare, require_lock: Callable[[], None]) -> None:
        prepare(catalog_for(self.target, draft))
        Path(f"{draft}.write.lock").unlink(missing_ok=True)
        require_lock()
        load_catalog(draft, self.target)

    def _stage(self) -> Lake:
        """The backup as a lake at the chosen commit, in the scratch folder."""
        folder, snapshot = self.scratch / "staged", self.chosen.commit.snapshot
        return stage_backup(
            self.repository, self.chosen.manifest, folder, self.on_step, schemas=self._schemas, snapshot=snapshot
        )

    def _draft(self) -> Path:
        """The path of the catalog while it is not whole, without what a killed restore left there."""
        catalog = self.target.catalog_file
        draft = self.scratch / "catalog.sqlite" if catalog is None else Path(f"{catalog}{UNFINISHED}")
        draft.parent.mkdir(parents=True, exist_ok=True)
        for ending in ("", "-wal", "-shm", ".write.lock"):
            Path(f"{draft}{ending}").unlink(missing_ok=True)
        return draft


def rows_by_table(lake: Lake) -> dict[str, int]:
    """The number of rows of each table, those of removed records included."""
    with lake.session() as session:
        tables = tables_of(session)
        return {
            f"{schema}.{table}": session.execute(f'SELECT count(*) FROM {LAKE}."{schema}"."{table}"').fetchall()[0][0]
            for schema, table in tables
        }


def _has_plain_files(catalog: Path) -> bool:
    with file_reader() as reader:
        return not has_encrypted_files(reader, catalog)
