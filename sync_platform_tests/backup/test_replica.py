"""The replica: complete, read back, and usable where the primary is gone. On two S3 servers where there are some."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sync_platform.backup.backup_retention import prune
from sync_platform.backup.replica import replicate
from sync_platform.backup.repository import Repository
from sync_platform.backup.repository_key import make_recovery_key, open_repository_key, open_with_recovery_key
from sync_platform.backup.tombstone_store import read_all_tombstones, write_tombstones
from sync_platform.errors import StorageError
from sync_platform.storage.bucket_store import BucketStore, ServerEncryption
from sync_platform.storage.folder_store import FolderStore
from sync_platform.storage.relational import transaction
from sync_platform.vault.tombstones import add_tombstones, read_tombstones
from sync_platform_tests.backup.backed_up_lake import MENU, BackedUpLake, backed_up_in
from sync_platform_tests.lake.harness import LakeHarness
from sync_platform_tests.services import S3Server


@pytest.fixture
def lake(tmp_path: Path) -> BackedUpLake:
    return backed_up_in(tmp_path)


def test_a_replica_is_a_whole_repository_where_the_primary_is_gone(lake: BackedUpLake, tmp_path: Path) -> None:
    lake.make("full")
    lake.harness.sync(MENU, hour=30)
    lake.make()
    replica = FolderStore(tmp_path / "replica")
    report = replicate(lake.repository, replica, tmp_path)
    assert (len(report.backups), report.skipped) == (2, [])
    assert replicate(lake.repository, replica, tmp_path).objects == 0
    shutil.rmtree(tmp_path / "backup_store")
    there = BackedUpLake(lake.harness, replica)
    assert there.verify().found == []
    catalog = there.repository.manifests()[-1].catalog
    there.repository.read_into(catalog, tmp_path / "copy.sqlite")
    assert (tmp_path / "copy.sqlite").stat().st_size == catalog.size_bytes


def test_a_damaged_backup_is_not_replicated_and_the_others_are(lake: BackedUpLake, tmp_path: Path) -> None:
    first = lake.make("full").manifest
    (tmp_path / "backup_store" / first.catalog.name).write_bytes(b"cut")
    lake.harness.sync(MENU, hour=30)
    second = lake.make().manifest
    report = replicate(lake.repository, FolderStore(tmp_path / "replica"), tmp_path)
    assert report.backups == [second.id]
    assert first.id in report.skipped[0]


def test_a_replica_is_pruned_by_its_own_manifests_and_gets_no_removed_backup_again(
    lake: BackedUpLake, tmp_path: Path
) -> None:
    first = lake.make("full").manifest
    replica = FolderStore(tmp_path / "replica")
    replicate(lake.repository, replica, tmp_path)
    lake.harness.sync(MENU, hour=30)
    second = lake.make("full").manifest
    there = Repository(replica, lake.repository.key)
    later = datetime.now(UTC) + timedelta(days=40)
    for at in (later, later + timedelta(days=1)):
        assert prune(there, 30, at).removed_backups == []  # the only backup in the replica is its newest
    replicate(lake.repository, replica, tmp_path)
    assert prune(there, 30, later).removed_backups == []
    assert prune(there, 30, later + timedelta(days=1)).removed_backups == [first.id]
    assert replicate(lake.repository, replica, tmp_path).backups == []
    assert {*there.sizes()} == {file.name for file in second.files}
    assert BackedUpLake(lake.harness, replica).verify().found == []


def test_a_replication_beside_others_copies_what_they_make_and_misses_nothing_that_they_remove(
    lake: BackedUpLake, tmp_path: Path
) -> None:
    first = lake.make("full").manifest
    lake.harness.sync(MENU, hour=30)
    made = [lake.make("full").manifest.id]
    later, replica = datetime.now(UTC) + timedelta(days=40), FolderStore(tmp_path / "replica")
    prune(lake.repository, 30, later)

    def meanwhile(step: str) -> None:
        if step == f"copying {first.id}":
            assert prune(lake.repository, 30, later + timedelta(days=1)).removed_backups == [first.id]
            made.append(lake.make().manifest.id)

    report = replicate(lake.repository, replica, tmp_path, meanwhile)
    assert (report.backups, report.skipped) == (made, [])
    assert BackedUpLake(lake.harness, replica).verify().found == []


def test_a_replica_has_the_tombstones_that_a_restore_needs(lake: BackedUpLake, tmp_path: Path) -> None:
    lake.make()
    vault, replica = lake.harness.vault, FolderStore(tmp_path / "replica")
    add_tombstones(vault.engine, ["somebody"])
    with transaction(vault.engine) as connection:
        chain = read_tombstones(connection)
    write_tombstones(lake.store, chain, vault.tombstones)
    for _ in range(2):
        replicate(lake.repository, replica, tmp_path)
    assert read_all_tombstones([replica], vault.tombstones.public_key) == chain


def test_a_replica_of_other_backups_is_refused(lake: BackedUpLake, tmp_path: Path) -> None:
    lake.make()
    other = FolderStore(tmp_path / "other")
    open_repository_key(other, lake.harness.vault.backups, may_create=True)
    with pytest.raises(StorageError, match="a replica needs a place of its own"):
        replicate(lake.repository, other, tmp_path)


def test_the_recovery_key_opens_the_backups_without_the_vault(lake: BackedUpLake) -> None:
    lake.make()
    with pytest.raises(StorageError, match="no recovery key was ever made"):
        open_with_recovery_key(lake.store, "sync-platform-recovery-" + "00" * 32)
    recovery_key = make_recovery_key(lake.store, lake.repository.key)
    opened = Repository(lake.store, open_with_recovery_key(lake.store, recovery_key))
    assert opened.key.material == lake.repository.key.material
    for wrong in ("sync-platform-recovery-" + "00" * 32, "no key"):
        with pytest.raises(StorageError, match="recovery key"):
            open_with_recovery_key(lake.store, wrong)
    assert open_repository_key(lake.store, lake.harness.vault.backups).material == lake.repository.key.material


def test_backups_in_a_bucket_are_encrypted_by_the_server_verified_and_found_when_changed(
    tmp_path: Path, s3_server: S3Server
) -> None:
    harness = LakeHarness(tmp_path)
    harness.sync(MENU, hour=0)
    client = s3_server.client()
    store = BucketStore(client, s3_server.bucket, "backups", encryption=ServerEncryption.of_bucket())
    lake = BackedUpLake(harness, store)
    manifest = lake.make().manifest
    assert lake.verify().found == []
    name = next(manifest.with_role("data")).name
    asked = []
    client.meta.events.register("before-call.s3.PutObject", lambda params, **_: asked.append(params["headers"]))
    store.put("asked", b"for")
    assert asked[0]["x-amz-server-side-encryption"] == "AES256"
    assert asked[0]["x-amz-checksum-sha256"]
    store.put(name, b"changed")
    assert name in lake.found()
    store.delete(name)
    assert f"object {name}: it is missing" in lake.found()
