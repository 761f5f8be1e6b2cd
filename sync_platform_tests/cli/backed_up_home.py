"""A synced home with a backup and a backup of its vault, for tests of the commands: made once, then copied."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from sync_platform.defs.vault_backup import vault_backup_of
from sync_platform.errors import StorageError
from sync_platform.settings import Settings, load_settings
from sync_platform_tests.cli.conftest import Shell
from sync_platform_tests.cli.unpacked_home import find_own_files, unpacked_home
from sync_platform_tests.folder_copies import copy_by_process

PLATFORM, FIELD = "openrice", "author.name"


@dataclass
class BackedUpHome:
    """A home with a backup and a backup of its vault; and two sealed names: of somebody, and of somebody else."""

    shell: Shell
    erased: str
    other: str

    @property
    def home(self) -> Path:
        return self.shell.home

    @property
    def settings(self) -> Settings:
        return load_settings(sync_home=self.home)

    def run(self, *arguments: str) -> str:
        done = self.shell.run_in_process(*arguments)
        assert done.returncode == 0, done.stderr or done.stdout
        return done.stdout

    def refused(self, *arguments: str) -> str:
        done = self.shell.run_in_process(*arguments)
        assert done.returncode != 0, done.stdout
        return " ".join(done.stderr.split())

    def erase(self) -> None:
        subject = self.erased.removeprefix("sealed:v1:").partition(":")[0]
        vault_backup_of(self.settings).opened().erasure.erase([subject])

    def require_erased(self, home: Path) -> None:
        """The vault of a home reads the other name, and not that of the erased person."""
        vault = vault_backup_of(load_settings(sync_home=home)).vault.vault
        assert vault.unseal(PLATFORM, FIELD, self.other)
        with pytest.raises(StorageError, match="is destroyed"):
            vault.unseal(PLATFORM, FIELD, self.erased)

    def tombstone_files(self) -> list[Path]:
        return sorted(self.home.glob("*_store/tombstones/*.json"))


def backed_up_home(folder: Path, factory: pytest.TempPathFactory) -> BackedUpHome:
    """A copy of the home in a new folder. The first call of a test process makes the home."""
    made = factory.getbasetemp() / "backed_up_home"
    if not made.exists():
        shell = unpacked_home(made)
        for command in (("backup", "create"), ("vault", "backup")):
            done = shell.run_in_process(*command)
            assert done.returncode == 0, done.stderr or done.stdout
    copy_by_process(made, folder)
    find_own_files(folder)
    shell = Shell(folder)
    names = shell.query("SELECT author_name AS name FROM openrice.reviews GROUP BY ALL ORDER BY ALL LIMIT 2")
    return BackedUpHome(shell, *(str(row["name"]) for row in names))
