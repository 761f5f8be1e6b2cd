"""A machine that loses its power after a command has ended keeps all that the command said."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sync_platform.errors import StorageError
from sync_platform.lake.transaction import in_one_transaction
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import Lake
from sync_platform_tests.cli.conftest import Shell
from sync_platform_tests.cli.test_sync import datasets_of
from sync_platform_tests.losable_disk import LosableDisk, losable_disk

COUNT = "SELECT count(*) AS n, count(email) AS emails FROM chope.reservations"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[LosableDisk]:
    with losable_disk(tmp_path) as disk:
        yield disk


def run(shell: Shell, *command: str) -> str:
    done = shell.run(*command)
    assert done.returncode == 0, (command, done.stdout + done.stderr)
    return done.stdout


def require_proven_after_loss(disk: LosableDisk, shell: Shell) -> None:
    """After a loss of power now, the home says the same, and is proven."""
    said = run(shell, "query", COUNT, "--format", "json")
    assert json.loads(said)[0]["n"] > 0
    with disk.after_loss_of_power() as folder:
        left = replace(shell, home=folder / shell.home.relative_to(disk.folder))
        assert run(left, "query", COUNT, "--format", "json") == said
        run(left, "lineage", "verify", "--landing")


def test_a_sync_after_a_loss_of_power_finds_what_the_last_one_stored(disk: LosableDisk) -> None:
    shell = Shell(disk.folder / "home")
    run(shell, "sync", "chope", "--no-unify")
    require_proven_after_loss(disk, shell)
    with disk.after_loss_of_power() as folder:
        code, document = Shell(folder / "home").sync("chope")
    assert (code, document["status"]) == (0, "complete")
    assert all(each["inserted"] == each["updated"] == each["removed"] == 0 for each in datasets_of(document).values())


def test_maintenance_a_backup_and_a_restore_are_there_after_a_loss_of_power(disk: LosableDisk) -> None:
    shell = Shell(disk.folder / "home")
    run(shell, "sync", "chope", "--no-unify")
    run(shell, "sync", "eatigo", "--no-unify")
    run(shell, "maintain")
    require_proven_after_loss(disk, shell)
    run(shell, "backup", "create")
    with disk.after_loss_of_power() as folder:
        run(Shell(folder / "home"), "backup", "verify")
    run(shell, "backup", "restore", "--target", str(disk.folder / "restored"))
    require_proven_after_loss(disk, Shell(disk.folder / "restored"))


def test_a_disk_that_refuses_to_write_stops_the_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(handle: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    address = LakeAddress(f"sqlite:{tmp_path / 'catalog.sqlite'}", str(tmp_path / "data"), tmp_path / "temp")
    with Lake(address) as lake, lake.session() as session:
        session.execute("CREATE TABLE a (b INTEGER)")
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", refuse)
            with pytest.raises(StorageError, match="data cannot be written to the disk: Input/output error"):
                in_one_transaction(lake, session, lambda: session.execute("INSERT INTO a VALUES (7)"))
        assert session.execute("FROM a").fetchall() == []
        in_one_transaction(lake, session, lambda: session.execute("INSERT INTO a VALUES (8)"))
        assert session.execute("FROM a").fetchall() == [(8,)]
