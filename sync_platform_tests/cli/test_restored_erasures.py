"""Whoever was erased after the backup stays erased after every restore; without tombstones each refuses."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from sync_platform.defs.backups import backups_of
from sync_platform.defs.vault_backup import vault_backup_of
from sync_platform.vault.seal import open_vault_database
from sync_platform_tests.cli.backed_up_home import FIELD, PLATFORM, BackedUpHome, backed_up_home
from sync_platform_tests.cli.conftest import Shell
from sync_platform_tests.extent import only_in_full
from sync_platform_tests.folder_copies import copy_by_process


@pytest.fixture
def backed_up(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> BackedUpHome:
    return backed_up_home(tmp_path / "home", tmp_path_factory)


def test_an_old_copy_of_the_vault_beside_a_fresh_home_brings_nobody_back(
    backed_up: BackedUpHome, tmp_path: Path
) -> None:
    fresh, old = tmp_path / "fresh", tmp_path / "old_vault_backup"
    shutil.copytree(backed_up.home / "vault_backup_store", old)
    key_file = tmp_path / "backup.key"
    shutil.copy(backed_up.home / "vault" / "backup.key", key_file)
    backed_up.erase()
    backed_up.run("backup", "restore", "--target", str(fresh))
    there = Shell(fresh, {"VAULT_BACKUP": old.as_uri(), "VAULT_BACKUP_KEY_FILE": str(key_file)})
    for command in (("lineage", "verify"), ("status",), ("health",), ("report", "compliance", "--out", "report.txt")):
        there.run_in_process(*command)  # looking makes no master key
    done = there.run_in_process("vault", "restore")
    assert done.returncode == 0, done.stderr
    assert there.query(f"SELECT count(*) AS n FROM openrice.reviews WHERE author_name = '{backed_up.erased}'")
    backed_up.require_erased(fresh)


@pytest.mark.parametrize("conflict", ["skip", only_in_full("merge"), only_in_full("overwrite")])
def test_a_restore_into_the_living_lake_destroys_the_keys_that_an_old_vault_still_has(
    backed_up: BackedUpHome, tmp_path: Path, conflict: str
) -> None:
    vault = backed_up.home / "vault" / "vault.sqlite"
    open_vault_database(backed_up.settings.vault_url).dispose()
    copy_by_process(vault, tmp_path / "old.sqlite")
    backed_up.erase()
    for ending in ("-wal", "-shm"):
        vault.with_name(f"{vault.name}{ending}").unlink(missing_ok=True)
    copy_by_process(tmp_path / "old.sqlite", vault)
    assert vault_backup_of(backed_up.settings).vault.vault.unseal(PLATFORM, FIELD, backed_up.erased)
    backed_up.run("backup", "restore", "--target", "development", "--conflict", conflict)
    backed_up.require_erased(backed_up.home)


@pytest.mark.full  # a fresh home has the same
def test_a_restore_into_an_emptied_installation_has_the_tombstones_too(backed_up: BackedUpHome) -> None:
    backed_up.erase()
    for name in ("lake", "vault"):
        (backed_up.home / name).rename(backed_up.home / f"lost_{name}")
    shutil.copytree(backed_up.home / "lost_vault", backed_up.home / "vault", ignore=shutil.ignore_patterns("vault.sq*"))
    backed_up.run("backup", "restore", "--target", "development")
    backed_up.run("vault", "restore")
    backed_up.require_erased(backed_up.home)


def test_every_restore_and_the_drill_refuse_without_the_tombstones(backed_up: BackedUpHome, tmp_path: Path) -> None:
    backed_up.erase()
    kept = {path: path.read_bytes() for path in backed_up.tombstone_files()}
    assert len(kept) == 2
    fresh = tmp_path / "fresh"
    commands = [
        ("backup", "restore", "--target", str(fresh)),
        ("backup", "restore", "--target", str(fresh), "--dry-run"),
        ("backup", "restore", "--target", "development"),
        ("backup", "restore", "--target", "development", "--dry-run"),
        ("backup", "drill"),
    ]
    for path in kept:
        path.unlink()
    for command in commands:
        assert "the vault has 1 tombstones" in backed_up.refused(*command), command
    for path in kept:
        path.write_bytes(b"{}")
    for command in commands:
        assert "is no tombstone" in backed_up.refused(*command), command
    assert not fresh.exists()
    drill = json.loads(backed_up.run("backup", "list", "--json"))["drill"]
    assert "did not pass: failed; " in drill["problem"]
    assert "is no tombstone" in drill["problem"], "the audit log has the reason"
    for path, body in kept.items():
        path.write_bytes(body)
    backed_up.run(*commands[0])


def test_the_recovery_key_alone_restores_the_lake_without_the_erased_and_says_what_stays_unreadable(
    backed_up: BackedUpHome, tmp_path: Path
) -> None:
    recovery_key = json.loads(backed_up.run("backup", "recovery-key", "--json"))["recovery_key"]
    backed_up.erase()
    (backed_up.home / "vault").rename(tmp_path / "lost")
    restore = ("backup", "restore", "--target", str(tmp_path / "fresh"))
    message = backed_up.refused(*restore)
    assert "the master key that opens the backups" in message
    assert "BACKUP_RECOVERY_KEY_FILE" in message
    assert not (backed_up.home / "vault" / "master.key").exists(), "a new key would be in the way of the right one"
    key_file = tmp_path / "recovery.key"
    key_file.write_text(f"{recovery_key}\n")
    backed_up.shell.environment["BACKUP_RECOVERY_KEY_FILE"] = str(key_file)
    assert "Those stay unreadable until `sync-platform vault restore`" in " ".join(backed_up.run(*restore).split())
    shutil.copy(tmp_path / "lost" / "backup.key", key_file.with_name("backup.key"))
    there = Shell(tmp_path / "fresh", {"VAULT_BACKUP": (backed_up.home / "vault_backup_store").as_uri()})
    there.environment["VAULT_BACKUP_KEY_FILE"] = str(key_file.with_name("backup.key"))
    assert there.run_in_process("vault", "restore").returncode == 0
    backed_up.require_erased(tmp_path / "fresh")


def test_a_later_backup_reveals_that_a_tombstone_was_deleted_where_the_vault_is_lost(
    backed_up: BackedUpHome, tmp_path: Path
) -> None:
    backed_up.erase()
    backed_up.run("backup", "create")
    recorded = backups_of(backed_up.settings).repository().manifests()[-1].tombstones
    assert recorded is not None and recorded.number == 1
    (backed_up.home / "vault" / "vault.sqlite").unlink()
    for path in backed_up.tombstone_files():
        path.unlink()
    message = backed_up.refused("backup", "restore", "--target", str(tmp_path / "fresh"))
    assert "a backup records 1 tombstones" in message
