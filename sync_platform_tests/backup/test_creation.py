"""What a backup has, and what an incremental one copies."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from sync_platform.backup.creation import create_backup
from sync_platform.backup.file_copies import CopyPolicy
from sync_platform.backup.lake_files import CopiedCatalog
from sync_platform.errors import Busy, StorageError, UsageError
from sync_platform.lake.file_proof import FileProof
from sync_platform.storage.file_lists import FileLists
from sync_platform.storage.folder_store import FolderStore
from sync_platform.storage.lease import Leases
from sync_platform_tests.backup.backed_up_lake import MENU, SEALED, BackedUpLake, backed_up_in, fill
from sync_platform_tests.lake.harness import LakeHarness, diner


@pytest.fixture
def lake(tmp_path: Path) -> BackedUpLake:
    return backed_up_in(tmp_path)


def test_a_backup_reads_as_the_lake_did(tmp_path: Path, installation: dict[str, str]) -> None:
    harness = LakeHarness(tmp_path)
    fill(harness)
    backed_up = BackedUpLake(harness, FolderStore(tmp_path / "backup_store"))
    manifest = backed_up.make("full").manifest
    assert manifest.kind == "full"
    rows = harness.ask("SELECT count(*) FROM diner.dishes")[0][0]
    assert manifest.tables["diner.dishes"].rows == rows
    assert manifest.tables["diner.dishes"].columns[0][0] == "source_id"
    assert [each.snapshot for each in manifest.commits] == [
        number for (number,) in harness.ask("SELECT snapshot_id FROM ducklake_snapshots('lake') ORDER BY 1")
    ]
    number, link = harness.ask("SELECT max(number), arg_max(link, number) FROM lineage.batches")[0]
    assert (manifest.commits[-1].batch_number, manifest.commits[-1].batch_link) == (number, link)
    assert backed_up.verify().found == []
    staged = tmp_path / "staged"
    for file in manifest.files:
        backed_up.repository.read_into(file, staged / file.path)
    assert CopiedCatalog(staged / "catalog.sqlite").files()


def test_the_first_incremental_backup_is_a_full_one_and_the_next_copies_only_what_is_new(lake: BackedUpLake) -> None:
    first = lake.make().manifest
    assert first.kind == "full"
    assert lake.make().manifest.kind == "incremental"
    lake.harness.sync(MENU, hour=30)
    second = lake.make().manifest
    data = {file.name for file in second.with_role("data")}
    assert 0 < len(data & set(second.copied)) < len(data)
    assert second.predecessor is not None
    assert [each.sequence for each in lake.repository.manifests()] == [1, 2, 3]


def test_a_second_full_backup_reads_everything_and_writes_only_what_changed(lake: BackedUpLake) -> None:
    lake.make("full")
    again = lake.make("full").manifest
    assert set(again.copied).isdisjoint({file.name for file in again.with_role("data")})


def test_a_changed_file_of_the_lake_is_noticed_by_a_full_backup(lake: BackedUpLake) -> None:
    lake.make("full")
    path = next(Path(lake.harness.lake.address.data).glob("diner/**/*.parquet"))
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(StorageError, match="it is damaged"):
        lake.make("full")
    path.unlink()
    with pytest.raises(StorageError, match="the file is missing"):
        lake.make("full")


def test_a_file_with_other_bytes_than_recorded_is_named_and_there_is_no_new_backup(lake: BackedUpLake) -> None:
    FileProof(lake.harness.lake, lake.installation.data, FileLists(lake.ledger_url)).record_new()
    path = next(Path(lake.harness.lake.address.data).glob("diner/**/*.parquet"))
    body = bytearray(path.read_bytes())
    body[len(body) // 2] ^= 1
    path.write_bytes(body)
    with pytest.raises(StorageError, match=rf"{path.name} had the SHA-256 .* there is no new backup"):
        lake.make("full")
    assert lake.repository.manifests() == []


def test_a_file_that_disappears_while_a_backup_runs_is_looked_for_in_a_newer_catalog(lake: BackedUpLake) -> None:
    path = next(Path(lake.harness.lake.address.data).glob("diner/**/*.parquet"))
    aside, steps = path.with_suffix(".aside"), list[str]()
    path.rename(aside)

    def on_step(step: str) -> None:
        steps.append(step)
        if step.endswith("copying the catalog again"):
            aside.rename(path)

    create_backup(lake.installation, lake.repository, "full", SEALED, (), on_step)
    assert [step for step in steps if step.startswith("copying the catalog")].count("copying the catalog") == 2
    assert len(lake.repository.manifests()) == 1


def test_a_backup_of_one_source_has_no_row_of_another(lake: BackedUpLake, tmp_path: Path) -> None:
    tea = LakeHarness(lake.harness.folder, diner("tea"))
    tea.sync(MENU[:3], hour=5)
    tea.lake.close()
    manifest = lake.make(sources=["tea"]).manifest
    assert {name.split(".")[0] for name in manifest.tables} == {"tea", "lineage", "sync", "quality"}
    assert not [file.path for file in manifest.files if file.path.startswith("diner/")]
    lake.repository.read_into(manifest.catalog, tmp_path / "copy.sqlite")
    with sqlite3.connect(tmp_path / "copy.sqlite") as catalog:
        assert catalog.execute("SELECT count(*) FROM ducklake_table WHERE path = 'dishes/'").fetchone() == (1,)
    assert lake.verify().found == []
    with pytest.raises(UsageError, match="nothing of nobody"):
        lake.make(sources=["nobody"])


def test_a_backup_without_encryption_can_be_read_and_one_with_it_cannot(lake: BackedUpLake) -> None:
    plain = lake.make("full", CopyPolicy(compress=False, encrypt=False)).manifest
    file = next(plain.with_role("data"))
    assert lake.store.get(file.name)[:4] == b"PAR1"
    sealed = lake.make().manifest
    assert all(".sealed" in file.name for file in sealed.files)
    assert b"PAR1" not in lake.store.get(next(sealed.with_role("data")).name)
    assert lake.verify().found == []


def test_a_backup_has_the_audit_log_and_no_key(lake: BackedUpLake, tmp_path: Path) -> None:
    lake.audit_log.record("sync", {"platforms": ["diner"]}, actor="ada", via="cli")
    manifest = lake.make().manifest
    evidence = {file.path: file for file in manifest.with_role("ledger")}
    assert "platform_secrets.jsonl" not in evidence
    assert "leases.jsonl" not in evidence
    lake.repository.read_into(evidence["audit_log.jsonl"], tmp_path / "audit_log.jsonl")
    assert '"actor":"ada"' in (tmp_path / "audit_log.jsonl").read_text()


def test_a_backup_does_not_run_beside_maintenance(lake: BackedUpLake) -> None:
    with Leases(lake.ledger_url).hold("maintenance"), pytest.raises(Busy, match="backup cannot start: maintenance"):
        lake.make()


def test_nothing_temporary_is_left(lake: BackedUpLake) -> None:
    lake.make()
    temp = lake.harness.lake.address.temp
    assert [path.name for path in temp.iterdir() if path.name.startswith("backup")] == []


def test_a_backup_loads_neither_the_contracts_of_records_nor_pandas(lake: BackedUpLake) -> None:
    script = """
import sys
from pathlib import Path
import sync_platform.defs.backups
from sync_platform.lake.chain import has_chain
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import Lake

catalog, data, temp = sys.argv[1:]
with Lake(LakeAddress(catalog, data, Path(temp)), read_only=True) as lake, lake.session() as session:
    print(has_chain(session), "pandera" in sys.modules, "pandas" in sys.modules)
"""
    address = lake.harness.lake.address
    command = [sys.executable, "-c", script, address.catalog, address.data, str(address.temp)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "True False False"
