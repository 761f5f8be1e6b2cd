"""Secrets that platforms issue: they are stored between runs and never in clear."""

from __future__ import annotations

from pathlib import Path

import pytest

from sync_platform.errors import StorageError
from sync_platform.storage.ledger import Ledger
from sync_platform.vault.master_key import MasterKey
from sync_platform.vault.platform_secrets import PlatformSecrets
from sync_platform.vault.seal import Vault, open_vault_database
from sync_platform_tests.folder_copies import copy_to_read


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}")


def test_a_secret_never_written_is_none(ledger: Ledger, vault: Vault) -> None:
    assert PlatformSecrets(ledger, vault, "keeta").read("refresh_token") is None


def test_the_secret_last_written_is_read(ledger: Ledger, vault: Vault) -> None:
    secrets = PlatformSecrets(ledger, vault, "keeta")
    for value in ("first", "rotated 🔑"):
        secrets.write("refresh_token", value)
    assert PlatformSecrets(ledger, vault, "keeta").read("refresh_token") == "rotated 🔑"


def test_a_secret_is_replaced_only_if_it_is_still_the_known_one(ledger: Ledger, vault: Vault) -> None:
    secrets = PlatformSecrets(ledger, vault, "keeta")
    assert secrets.replace("exchange", None, "one")
    assert not secrets.replace("exchange", None, "two")
    assert secrets.replace("exchange", "one", "two")
    assert secrets.read("exchange") == "two"


def test_each_platform_and_name_has_its_own_secret(ledger: Ledger, vault: Vault) -> None:
    keeta, chope = (PlatformSecrets(ledger, vault, platform) for platform in ("keeta", "chope"))
    keeta.write("a", "keeta's")
    assert (keeta.read("b"), chope.read("a")) == (None, None)


def test_the_ledger_contains_no_secret_in_clear(ledger: Ledger, vault: Vault, tmp_path: Path) -> None:
    PlatformSecrets(ledger, vault, "keeta").write("refresh_token", "hush-hush")
    with copy_to_read(tmp_path) as copy:
        stored = [file.read_bytes() for file in copy.rglob("*") if file.is_file()]
    assert any(b"refresh_token" in body for body in stored)
    assert not any(b"hush-hush" in body for body in stored)


def test_a_secret_moved_to_another_platform_is_detected(ledger: Ledger, vault: Vault) -> None:
    PlatformSecrets(ledger, vault, "keeta").write("token", "value")
    ledger.write_sealed_secret("chope", "token", ledger.sealed_secret("keeta", "token") or "")
    with pytest.raises(StorageError, match="chope/token was sealed under another master key, or tampered with"):
        PlatformSecrets(ledger, vault, "chope").read("token")


def test_a_secret_of_another_master_key_is_a_storage_error(ledger: Ledger, vault: Vault, tmp_path: Path) -> None:
    PlatformSecrets(ledger, vault, "keeta").write("token", "value")
    other = Vault(open_vault_database(f"sqlite:///{tmp_path / 'other.sqlite'}"), MasterKey(bytes(32)))
    with pytest.raises(StorageError, match="keeta/token was sealed under another master key"):
        PlatformSecrets(ledger, other, "keeta").read("token")
