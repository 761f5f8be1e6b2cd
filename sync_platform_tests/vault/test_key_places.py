"""The places of a master key (moto's server for those of AWS): what each of them promises, and what only some do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from sync_platform.errors import StorageError
from sync_platform.vault.key_file import KeyFile
from sync_platform.vault.key_place import KeyPlace, open_master_key
from sync_platform.vault.kms_key import KmsKey, master_keys
from sync_platform.vault.master_key import MasterKey
from sync_platform.vault.rotation import rewrap_vault
from sync_platform.vault.seal import Vault, open_vault_database
from sync_platform.vault.stored_secret import StoredSecret
from sync_platform_tests.folder_copies import copy_to_read
from sync_platform_tests.vault.amazon import amazon, client_of

Opened = Callable[[], KeyPlace]
"""Opens the place as another process does."""


@pytest.fixture(scope="module")
def kms() -> Iterator[Any]:
    with amazon() as endpoint:
        yield client_of("kms", endpoint)


@pytest.fixture(scope="module")
def secrets() -> Iterator[Any]:
    with amazon() as endpoint:
        yield client_of("secretsmanager", endpoint)


@pytest.fixture
def kms_key_id(kms: Any) -> str:
    return str(kms.create_key()["KeyMetadata"]["KeyId"])


@pytest.fixture(params=["file", "kms", "secret"])
def opened(request: pytest.FixtureRequest, tmp_path: Path, vault_url: str) -> Opened:
    if request.param == "file":
        return lambda: KeyFile(tmp_path / "master.key")
    if request.param == "kms":
        client, key = request.getfixturevalue("kms"), request.getfixturevalue("kms_key_id")
        return lambda: KmsKey(client, key, open_vault_database(vault_url))
    client = request.getfixturevalue("secrets")
    return lambda: StoredSecret(client, f"vault-of-{tmp_path.name}")


def test_a_second_process_gets_the_same_key(opened: Opened) -> None:
    assert (opened().present(), opened().is_present()) == (None, False)
    key = opened().create()
    assert len(key.material) == 64
    assert (opened().present(), opened().is_present(), opened().create()) == (key, True, key)


def test_no_key_is_created_for_a_vault_that_has_one(opened: Opened, vault: Vault) -> None:
    with pytest.raises(StorageError, match="is missing, and this vault was made with a key. .*recovery key"):
        open_master_key(opened(), vault.engine)
    assert opened().present() is None


def test_a_vault_that_another_process_makes_meanwhile_opens(
    opened: Opened, engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = opened()

    def present_before_another_made_it() -> MasterKey | None:
        monkeypatch.undo()
        before = place.present()
        Vault(engine, open_master_key(opened(), engine))
        return before

    monkeypatch.setattr(place, "present", present_before_another_made_it)
    assert open_master_key(place, engine) == opened().present() is not None


def test_a_proposed_key_is_used_only_once_the_vault_has_it(opened: Opened, engine: sa.Engine) -> None:
    old = open_master_key(opened(), engine)
    Vault(engine, old)
    new = old.rotated()
    opened().propose(old.rotated())  # of a rotation that was killed
    opened().propose(new)
    assert open_master_key(opened(), engine) == old
    assert (opened().present(), opened().proposed()) == (old, new)
    rewrap_vault(engine, old, new)
    assert open_master_key(opened(), engine) == new, "a rotation that was killed here has happened"
    assert opened().present() == new
    opened().accept()
    assert opened().present() == new


def test_a_vault_without_a_key_gets_one_and_keeps_it(opened: Opened, engine: sa.Engine) -> None:
    key = open_master_key(opened(), engine)
    Vault(engine, key)
    assert open_master_key(opened(), engine) == key


def test_a_place_that_is_empty_takes_a_proposed_key_and_accepts_it(opened: Opened) -> None:
    key = MasterKey.new()
    opened().propose(key)
    opened().accept()
    assert opened().present() == key


def test_two_kms_keys_give_two_master_keys(kms: Any, engine: sa.Engine) -> None:
    one, other = (KmsKey(kms, kms.create_key()["KeyMetadata"]["KeyId"], engine).create() for _ in range(2))
    assert one != other


def test_only_the_wrapped_key_is_stored(kms: Any, kms_key_id: str, engine: sa.Engine, tmp_path: Path) -> None:
    place = KmsKey(kms, kms_key_id, engine)
    key, proposed = place.create(), MasterKey.new()
    place.propose(proposed)
    with copy_to_read(tmp_path) as copy:
        stored = b"".join(file.read_bytes() for file in copy.rglob("*") if file.is_file())
    assert kms_key_id.encode() in stored
    assert [each in stored for each in (key.material, key.permanent, proposed.material)] == [False] * 3


def test_two_concurrent_processes_both_use_the_key_stored_first(kms: Any, kms_key_id: str, engine: sa.Engine) -> None:
    class Overtaken:
        """KMS, where another process stores its key between our request and our commit."""

        decrypt = staticmethod(kms.decrypt)

        def generate_data_key(self, **asked: Any) -> object:
            first.append(KmsKey(kms, kms_key_id, engine).create())
            return kms.generate_data_key(**asked)

    first: list[MasterKey] = []
    assert KmsKey(Overtaken(), kms_key_id, engine).create() == first[0]  # type: ignore[arg-type]


def test_a_secret_that_was_made_without_a_value_gets_a_key(secrets: Any) -> None:
    secrets.create_secret(Name="made-by-an-administrator")
    place = StoredSecret(secrets, "made-by-an-administrator")
    assert place.present() is None
    assert place.create() == place.present()


def test_a_key_of_32_bytes_that_was_copied_into_a_secret_is_read(secrets: Any) -> None:
    key = MasterKey(bytes(range(32)))
    secrets.create_secret(Name="copied", SecretString=f"{key.text}\n")
    assert StoredSecret(secrets, "copied").present() == key


def test_a_secret_with_another_text_is_refused_without_quoting_it(secrets: Any) -> None:
    secrets.create_secret(Name="password", SecretString="swordfish")
    with pytest.raises(StorageError, match="VAULT_SECRET_ID='password' does not hold a master key") as raised:
        StoredSecret(secrets, "password").present()
    assert "swordfish" not in str(raised.value)


def test_a_kms_that_refuses_is_a_storage_error_naming_the_setting(kms: Any, engine: sa.Engine) -> None:
    with pytest.raises(StorageError, match="VAULT_KMS_KEY_ID='no-such-key': KMS refused: .*NotFoundException"):
        KmsKey(kms, "no-such-key", engine).create()


def test_a_wrapped_key_that_was_tampered_with_is_a_storage_error(kms: Any, kms_key_id: str, engine: sa.Engine) -> None:
    KmsKey(kms, kms_key_id, engine).create()
    with engine.begin() as connection:
        connection.execute(sa.update(master_keys).values(wrapped_key=b"x" * 150))
    with pytest.raises(StorageError, match="KMS refused"):
        KmsKey(kms, kms_key_id, engine).present()


def test_a_service_that_cannot_be_reached_is_a_storage_error(engine: sa.Engine) -> None:
    with pytest.raises(StorageError, match="KMS refused: Could not connect"):
        KmsKey(client_of("kms"), "any", engine).create()
    with pytest.raises(StorageError, match="Secrets Manager refused: Could not connect"):
        StoredSecret(client_of("secretsmanager"), "any").present()
