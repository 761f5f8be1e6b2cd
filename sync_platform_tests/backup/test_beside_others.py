"""A backup while another process syncs, one maintains the lake, and one reads it: it is one snapshot, to its digest."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sync_platform.backup.backup_manifest import BackupManifest
from sync_platform.backup.chosen_commit import choose_commit
from sync_platform.backup.fresh_lake import RestoreIntoFreshLake
from sync_platform.backup.restore_target import FreshHome
from sync_platform.errors import Busy
from sync_platform.lake.digest import digest_table
from sync_platform.lake.maintenance import maintain
from sync_platform.storage.lake_connection import Lake
from sync_platform.storage.lease import Leases
from sync_platform.storage.objects import open_store
from sync_platform_tests.backup.backed_up_lake import MENU, BackedUpLake, backed_up_in
from sync_platform_tests.extent import is_full
from sync_platform_tests.lake.harness import HISTORY, LakeHarness
from sync_platform_tests.warm import started

BACKUPS = 10 if is_full() else 2
TABLES = ("diner.dishes", "lineage.changes", "lineage.batches", "sync.runs")


def _sync(folder: Path, stop: Path, _: int) -> None:
    harness = LakeHarness(folder, _numbers=itertools.count(100))
    for hour in itertools.count(30):
        if stop.exists():
            return
        harness.sync([{**MENU[hour % 5], "name": f"Renamed at {hour}"}, *MENU[5:]], hour=hour)


def _maintain(folder: Path, stop: Path, _: int) -> None:
    address = LakeHarness(folder).lake.address
    while not stop.exists():
        try:
            with Leases(f"sqlite:///{folder / 'ledger.sqlite'}").hold("maintenance"), Lake(address) as lake:
                maintain(lake, 3650, datetime.now(UTC), "run")
        except Busy:
            pass
        time.sleep(0.3)


def _read(folder: Path, stop: Path, _: int) -> None:
    lake = Lake(LakeHarness(folder).lake.address, read_only=True).pinned()
    counts = set()
    while not stop.exists():
        with lake.session() as session:
            counts.add(session.execute("SELECT count(*), max(name) FROM diner.dishes").fetchone())
    assert len(counts) == 1, "a pinned reader sees one moment"


def _until(is_so: Callable[[], object]) -> None:
    limit = time.monotonic() + 300
    while not is_so():
        assert time.monotonic() < limit
        time.sleep(0.05)


def _made(lake: BackedUpLake) -> BackupManifest:
    """A backup, as soon as maintenance lets it begin."""
    limit = time.monotonic() + 300
    while True:
        try:
            return lake.make().manifest
        except Busy:
            assert time.monotonic() < limit
            time.sleep(0.05)


def _restored(lake: BackedUpLake, manifest: BackupManifest, folder: Path) -> Lake:
    home, scratch = FreshHome(folder), folder / "scratch"
    scratch.mkdir(parents=True)
    chosen = choose_commit(lake.repository, manifest.id, None)
    data, platforms = open_store(Path(home.lake.data).as_uri()), {"diner": lake.harness.platform}
    RestoreIntoFreshLake(
        lake.repository, chosen, home.lake, data, HISTORY, platforms, (), scratch, on_step=lambda step: None
    ).run("run")
    return Lake(home.lake, read_only=True)


@pytest.mark.full
def test_a_backup_beside_a_sync_a_maintenance_and_a_reader_is_one_snapshot_to_its_digest(tmp_path: Path) -> None:
    lake = backed_up_in(tmp_path / "home")
    lake.make("full")
    lake.harness.lake.close()
    stop = tmp_path / "stop"
    beside = [*(started(1, program, (tmp_path / "home", stop))[0] for program in (_sync, _maintain, _read))]
    landed = tmp_path / "home" / "lake" / "data" / "diner"
    made = []
    for _ in range(BACKUPS):
        files = len(list(landed.rglob("*.parquet")))
        _until(lambda before=files: len(list(landed.rglob("*.parquet"))) != before)  # type: ignore[misc]
        made.append(_made(lake))
    stop.touch()
    for process in beside:
        done = process.wait(300)
        assert done.returncode == 0, done.stderr
    assert lake.verify().found == []
    assert len({manifest.snapshot for manifest in made}) > BACKUPS // 3, "syncs went on between the backups"
    for number, manifest in enumerate(made):
        with (
            _restored(lake, manifest, tmp_path / f"fresh-{number}") as restored,
            restored.session() as there,
            lake.harness.lake.session() as here,
        ):
            for table in TABLES:
                newest = there.execute("SELECT id FROM lake.current_snapshot()").fetchall()[0][0]
                assert digest_table(there, table, newest) == digest_table(here, table, manifest.snapshot), table
    lake.harness.lake.close()
