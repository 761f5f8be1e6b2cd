"""The home that an earlier version made, which has persons without identifiers: every test has a copy of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sync_platform.defs.resources import landing_store_of, vault_of
from sync_platform.platforms import load_platforms
from sync_platform.privacy.searched_installation import SearchedInstallation
from sync_platform.settings import Settings, load_settings
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import Lake
from sync_platform_tests.cli.conftest import Shell
from sync_platform_tests.cli.unpacked_home import find_own_files, unpacked_home
from sync_platform_tests.folder_copies import copy_by_process

GUEST = ("email", "mobile", "forename", "surname", "special_request")


@dataclass
class PersonalHome:
    """A home with reviews and reservations."""

    shell: Shell

    @property
    def settings(self) -> Settings:
        return load_settings(sync_home=self.shell.home)

    def guest(self) -> dict[str, Any]:
        """A guest with an e-mail address and a phone number, in clear, with the guest's subject id."""
        sealed = self.shell.query(
            f"""SELECT {", ".join(GUEST)} FROM chope.reservations
            WHERE email IS NOT NULL AND mobile IS NOT NULL AND surname IS NOT NULL ORDER BY email LIMIT 1"""
        )[0]
        vault = vault_of(self.settings).vault
        clear = {name: vault.unseal("chope", name, sealed[name]) for name in GUEST if sealed[name]}
        return {**clear, "subject": sealed["email"].split(":")[2]}


@pytest.fixture(scope="session")
def made_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("personal") / "home"
    unpacked_home(home)
    return home


@pytest.fixture
def home(made_home: Path, tmp_path: Path) -> PersonalHome:
    copy_by_process(made_home, tmp_path / "home")
    find_own_files(tmp_path / "home")
    return PersonalHome(Shell(tmp_path / "home"))


@pytest.fixture
def searched(home: PersonalHome) -> Iterator[SearchedInstallation]:
    settings = home.settings
    with Lake(LakeAddress.of(settings), read_only=True) as lake:
        yield SearchedInstallation(
            vault_of(settings).vault,
            lake,
            landing_store_of(settings).open,
            settings.lineage_table_name,
            load_platforms(),
        )
