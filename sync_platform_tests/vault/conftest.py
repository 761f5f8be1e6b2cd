"""Every test has its own vault."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from sync_platform.vault.master_key import MasterKey
from sync_platform.vault.seal import Vault, open_vault_database

MASTER = MasterKey(bytes(range(32)))


@pytest.fixture
def vault_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'vault.sqlite'}"


@pytest.fixture
def engine(vault_url: str) -> sa.Engine:
    return open_vault_database(vault_url)


@pytest.fixture
def open_vault(vault_url: str) -> Callable[[], Vault]:
    """A function that opens the vault like another process: without a cache."""
    return lambda: Vault(open_vault_database(vault_url), MASTER)


@pytest.fixture
def vault(open_vault: Callable[[], Vault]) -> Vault:
    return open_vault()
