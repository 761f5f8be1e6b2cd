"""A lake in use, and a copy of it from an earlier moment that lies beside it."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from sync_platform.backup.conflict import Conflict
from sync_platform.backup.restore_difference import TableDifference
from sync_platform.backup.restore_into_lake import RestoredBackup, RestoreIntoLake
from sync_platform.storage.lake_connection import Lake
from sync_platform_tests.lake.harness import HISTORY, LakeHarness


def copied(harness: LakeHarness, folder: Path) -> Lake:
    """A read-only copy of a laptop's lake as it is now."""
    address = harness.lake.address
    harness.lake.close()
    source = address.catalog_file
    assert source is not None
    folder.mkdir(parents=True)
    catalog, data = folder / "catalog.sqlite", folder / "data"
    with closing(sqlite3.connect(source)) as in_use, closing(sqlite3.connect(catalog)) as copy:
        in_use.backup(copy)
        copy.execute("PRAGMA journal_mode = WAL")
        copy.execute("UPDATE ducklake_metadata SET value = ? WHERE key = 'data_path'", [f"{data}/"])
        copy.commit()
    shutil.copytree(address.data, data)
    return Lake(replace(address, catalog=f"sqlite:{catalog}", data=str(data)), read_only=True)


@dataclass
class LakeInUse:
    """Restores of a copy into the harness's lake."""

    harness: LakeHarness
    copy: Lake

    def plan(self, conflict: Conflict) -> list[TableDifference]:
        with self._restore(conflict) as restore:
            return restore.plan()

    def run(self, conflict: Conflict) -> list[TableDifference]:
        with self._restore(conflict) as restore:
            return restore.run("restore-1")

    @contextmanager
    def _restore(self, conflict: Conflict) -> Iterator[RestoreIntoLake]:
        platforms = {self.harness.platform.name: self.harness.platform}
        with Lake(self.harness.lake.address, beside=self.copy) as lake:
            backed_up = RestoredBackup("full-2026-11-23T02-00-00-000Z-abc123", 7)
            yield RestoreIntoLake(lake, HISTORY, platforms, backed_up, conflict)
