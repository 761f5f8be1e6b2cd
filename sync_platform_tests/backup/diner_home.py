"""A home of one small platform, as the commands see it, with a backup and a newer sync."""

from __future__ import annotations

import itertools
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sync_platform.settings import load_settings
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import Lake
from sync_platform.vault.key_file import write_key_file
from sync_platform.vault.master_key import MasterKey
from sync_platform_tests.backup.backed_up_lake import MENU, fill
from sync_platform_tests.cli.conftest import Shell
from sync_platform_tests.folder_copies import copy_by_process
from sync_platform_tests.lake.harness import LakeHarness, begin_log

PLATFORM_FILE = """
from sync_platform_tests.lake.harness import diner


class Diner(type(diner())):
    pass
"""
COLUMNS = "source_id, name, price_hkd, tags, content_hash, removed_at IS NULL"


def diner_home(folder: Path) -> Shell:
    """A home with three syncs, a backup of them, and a fourth sync, below `folder`."""
    home, platforms = folder / "home", folder / "platforms"
    platforms.mkdir(parents=True)
    (platforms / "diner.py").write_text(PLATFORM_FILE)
    shell = Shell(home, {"PLATFORM_PATH": str(platforms)})
    key_file = load_settings(sync_home=home).master_key_file
    key_file.parent.mkdir(parents=True)
    write_key_file(key_file, MasterKey(bytes(32)))
    begin_log(home)
    harness = LakeHarness(home)
    fill(harness)
    harness.lake.close()
    succeed(shell, "backup", "create")
    sync_again(home, 30)
    return shell


def sync_again(home: Path, hour: int) -> None:
    """A sync that changes a dish, ends one and brings one back."""
    harness = LakeHarness(home, _numbers=itertools.count(hour))
    harness.sync([{**MENU[1], "name": f"Renamed at {hour}"}, *MENU[2:5], MENU[7]], hour=hour)
    harness.lake.close()


def succeed(shell: Shell, *arguments: str) -> str:
    """The output of a command, which must succeed."""
    done = shell.run_in_process(*arguments)
    assert done.returncode == 0, done.stderr or done.stdout
    return done.stdout


def dishes_of(home: Path) -> list[tuple[Any, ...]]:
    """Every row of the diner's table."""
    lake = home / "lake"
    address = LakeAddress(f"sqlite:{lake / 'catalog.sqlite'}", str(lake / "data"), home / "temp")
    with Lake(address, read_only=True) as opened, opened.session() as session:
        return session.execute(f"SELECT {COLUMNS} FROM diner.dishes ORDER BY 1").fetchall()


@dataclass(frozen=True)
class Template:
    """A home that tests change, and put back as it was. It stays in its folder: a lake stores its path."""

    shell: Shell

    def __post_init__(self) -> None:
        copy_by_process(self.shell.home, self._kept)

    @property
    def _kept(self) -> Path:
        return self.shell.home.parent / "kept"

    def restore(self) -> Shell:
        """The home as it was; everything else in its folder is gone."""
        kept = {self._kept, self.shell.home.parent / "platforms"}
        for path in self.shell.home.parent.iterdir():
            if path.is_dir() and path not in kept:
                shutil.rmtree(path)
        copy_by_process(self._kept, self.shell.home)
        return self.shell
