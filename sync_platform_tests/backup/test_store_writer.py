"""After a failover one installation writes into a store of backups; every other one is refused."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sync_platform.backup.store_writer import WRITER_FILE, StoreWriter, read_writer, take_over
from sync_platform.defs.store_writer import writer_of
from sync_platform.errors import StorageError, TakenOver
from sync_platform.storage.folder_store import FolderStore
from sync_platform_tests.cli.backed_up_home import BackedUpHome, backed_up_home

STANDBY = StoreWriter("of the standby", "standby-1", datetime(2026, 11, 29, tzinfo=UTC))


@pytest.fixture
def home(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> BackedUpHome:
    """An installation with a backup and a replica, which another installation can reach too."""
    home = backed_up_home(tmp_path / "home", tmp_path_factory)
    home.shell.environment = {"BACKUP_REPLICA": (home.home / "replica").as_uri()}
    home.run("backup", "replicate")
    return home


@pytest.mark.parametrize("store", ["backup_store", "replica", "vault_backup_store"])
def test_an_installation_whose_stores_another_one_took_over_writes_nothing(
    home: BackedUpHome, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BACKUP_REPLICA", home.shell.environment["BACKUP_REPLICA"])
    folder = home.home / store
    assert take_over([FolderStore(folder)], STANDBY) == []
    before = files_in(home.home / "backup_store"), files_in(home.home / "replica")
    of_vault = [("vault", "backup")]
    of_backups = [("backup", "create"), ("backup", "replicate"), ("backup", "prune")]
    for command in of_vault if store == "vault_backup_store" else of_backups:
        assert "another installation took over on 2026-11-29" in home.refused(*command)
    with pytest.raises(TakenOver, match="at standby-1"):
        writer_of(home.settings).require_for_sync()
    assert (files_in(home.home / "backup_store"), files_in(home.home / "replica")) == before


def test_an_installation_that_takes_over_writes_again_and_is_on_record(home: BackedUpHome) -> None:
    folders = [home.home / name for name in ("backup_store", "vault_backup_store")]
    take_over(map(FolderStore, folders), STANDBY)
    done = json.loads(home.run("backup", "take-over", "--json"))
    assert (done["before"], done["stores"]) == (["standby-1"], [folder.as_uri() for folder in folders])
    home.run("backup", "create")
    home.run("vault", "backup")
    writer_of(home.settings).require_for_sync()
    (entry, *_) = json.loads(home.run("audit", "--operation", "take-over", "--json"))["entries"]
    assert entry["operation"] == "take-over"
    assert json.loads(home.run("backup", "take-over", "--json"))["before"] == []


def test_a_sync_goes_on_where_it_cannot_be_known_who_took_over(
    home: BackedUpHome, caplog: pytest.LogCaptureFixture
) -> None:
    (home.home / "backup_store" / WRITER_FILE).write_text("cut of")
    with pytest.raises(StorageError, match=WRITER_FILE):
        read_writer(FolderStore(home.home / "backup_store"))
    with caplog.at_level(logging.WARNING):
        writer_of(home.settings).require_for_sync()
    assert "whether another installation took over is not known" in caplog.text


def files_in(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}
