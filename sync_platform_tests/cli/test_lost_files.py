"""A file of a home that is gone, emptied or damaged is named with what to do, and nothing is made in its place."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from sync_platform.errors import StorageError
from sync_platform.privacy.lost_vault import require_vault_of_lake
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import Lake
from sync_platform_tests.cli.backed_up_home import BackedUpHome, backed_up_home
from sync_platform_tests.folder_copies import copy_by_process


@pytest.fixture
def backed_up(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> BackedUpHome:
    return backed_up_home(tmp_path / "home", tmp_path_factory)


def _lose(database: Path) -> None:
    for ending in ("", "-wal", "-shm"):
        Path(f"{database}{ending}").unlink(missing_ok=True)


def _empty(database: Path) -> None:
    _lose(database)
    database.touch()


def _halve(database: Path) -> None:
    half = copy_by_process(database, database.with_name("half"))
    os.truncate(half, half.stat().st_size // 2)
    _lose(database)
    half.rename(database)


def _data(home: Path) -> set[Path]:
    return set((home / "lake" / "data").rglob("*.parquet"))


def test_a_lost_ledger_is_found_also_where_no_anchor_was_made(backed_up: BackedUpHome) -> None:
    _lose(backed_up.home / "ledger.sqlite")
    gone = "the beginning of the audit log is gone"
    assert f"{gone}: it is empty, though the lake has a commit of " in backed_up.refused("audit")
    backed_up.run("token", "create", "reader", "--role", "viewer")  # the new ledger has an entry
    assert f"{gone}: it begins on " in backed_up.refused("audit", "--json")
    verified = backed_up.shell.run_in_process("backup", "verify", "--all", "--json")
    (finding,) = json.loads(verified.stdout)["findings"]
    assert (verified.returncode, finding["where"]) == (1, "audit log")
    assert "put a copy of the ledger back" in finding["what"]
    verified = backed_up.shell.run_in_process("lineage", "verify", "--json")
    assert (verified.returncode, json.loads(verified.stdout)["breaks"][0]["where"]) == (1, "audit log")
    assert backed_up.shell.run_in_process("lineage", "verify").stdout.endswith(", 1 anchor: 2 breaks\n")


@pytest.mark.parametrize("damage", [_lose, _empty])
def test_no_new_lake_is_made_over_the_data_of_a_lost_one(
    backed_up: BackedUpHome, damage: Callable[[Path], None]
) -> None:
    catalog, data = backed_up.home / "lake" / "catalog.sqlite", _data(backed_up.home)
    rows = backed_up.shell.query("SELECT count(*) AS n FROM openrice.reviews")
    damage(catalog)
    for command in (("query", "SELECT 1"), ("tables",), ("maintain",), ("lineage", "verify")):
        assert f"the catalog {catalog} is gone or empty" in backed_up.refused(*command)
    done = backed_up.shell.run("sync", "openrice", "--no-unify")
    assert (done.returncode, "put a copy of the catalog back" in " ".join(done.stdout.split())) == (1, True)
    assert _data(backed_up.home) == data
    backed_up.run("backup", "restore", "--target", "development")
    assert backed_up.shell.query("SELECT count(*) AS n FROM openrice.reviews") == rows


@pytest.mark.parametrize("file", ["lake/catalog.sqlite", "ledger.sqlite", "vault/vault.sqlite"])
def test_a_damaged_database_is_named_with_what_to_do(backed_up: BackedUpHome, file: str) -> None:
    _halve(backed_up.home / file)
    done = backed_up.shell.run("sync", "openrice", "--no-unify")
    said = " ".join((done.stdout + done.stderr).split())
    assert done.returncode == 1
    assert str(backed_up.home / file) in said
    assert "the file is damaged: put a copy of it back, or restore a backup" in said
    assert "Traceback" not in said


def test_an_erased_person_does_not_come_back_where_the_vault_is_lost(backed_up: BackedUpHome) -> None:
    backed_up.erase()
    _lose(backed_up.home / "vault" / "vault.sqlite")
    done = backed_up.shell.run("sync", "openrice", "--no-unify")
    assert done.returncode == 1
    assert "is empty, though the lake has values that are sealed under its keys" in " ".join(done.stdout.split())
    backed_up.run("vault", "restore")
    backed_up.require_erased(backed_up.home)


def test_a_lake_without_a_sealed_value_and_a_vault_without_a_key_are_no_lost_vault(tmp_path: Path) -> None:
    """As in a first sync, in which other platforms are about to make the tables."""
    address = LakeAddress(f"sqlite:{tmp_path / 'catalog.sqlite'}", str(tmp_path / "data"), tmp_path / "temp")
    vault = f"sqlite:///{tmp_path / 'vault.sqlite'}"
    require_vault_of_lake(vault, address, "lineage.changes", lambda: True)
    with Lake(address) as lake, lake.session() as session:
        require_vault_of_lake(vault, address, "lineage.changes", lambda: True)
        session.execute("CREATE SCHEMA lineage; CREATE TABLE lineage.changes (after JSON)")
        require_vault_of_lake(vault, address, "lineage.changes", lambda: True)
        session.execute("""INSERT INTO lineage.changes VALUES ('{"name": "sealed:v1:a:b"}')""")
    require_vault_of_lake(vault, address, "lineage.changes", lambda: False)
    with pytest.raises(StorageError, match="is empty, though the lake has values that are sealed"):
        require_vault_of_lake(vault, address, "lineage.changes", lambda: True)


def test_a_newest_backup_that_is_gone_is_named_by_the_restore_and_by_the_drill(backed_up: BackedUpHome) -> None:
    older = json.loads(backed_up.run("backup", "list", "--json"))["backups"][-1]["backup"]
    gone = json.loads(backed_up.run("backup", "create", "--json"))["backup"]
    (backed_up.home / "backup_store" / "manifests" / f"{gone}.json").unlink()
    target = str(backed_up.home / "restored")
    for command in (("restore", "--target", target, "--dry-run"), ("restore", "--target", target), ("drill",)):
        said = backed_up.refused("backup", *command)
        assert f"the newer backup {gone} is not in " in said
        assert f"restore {older} by its id" in said
    assert not Path(target).exists()
    backed_up.run("backup", "restore", older, "--target", target, "--dry-run")


@pytest.mark.parametrize("size", [0, 100])
def test_a_data_file_that_was_cut_short_is_named_with_what_to_do(backed_up: BackedUpHome, size: int) -> None:
    for table in ("openrice/reviews", "lineage/batches", "sync/runs"):
        for file in (backed_up.home / "lake" / "data" / table).rglob("*.parquet"):
            os.truncate(file, size)
    for command in (
        ("query", "FROM openrice.reviews"),
        ("changes", "openrice", "--since", "2020-01-01"),
        ("backup", "create"),
    ):
        said = backed_up.refused(*command)
        assert ".parquet" in said, command
        assert "the file is damaged: put a copy of it back, or restore a backup" in said, command
    done = backed_up.shell.run("sync", "openrice", "--no-unify")
    assert done.returncode == 1
    assert "the file is damaged" in " ".join(done.stdout.split()), done.stdout
    assert backed_up.shell.run_in_process("lineage", "verify").returncode == 1
