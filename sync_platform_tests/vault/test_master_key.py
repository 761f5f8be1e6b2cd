"""The master key, from a file and from KMS (moto's server): created once, unreadable for others, never incomplete."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest
import sqlalchemy as sa
from moto.server import ThreadedMotoServer

from sync_platform.errors import StorageError
from sync_platform.vault.master_key import MasterKey, from_key_file, from_kms
from sync_platform.vault.seal import Vault, has_master_key, open_vault_database
from sync_platform.vault.subject_keys import master_keys
from sync_platform_tests.processes import outputs_of

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    return tmp_path / "vault" / "master.key"


def test_a_key_file_is_created_unreadable_for_others(key_file: Path) -> None:
    key = from_key_file(key_file)
    assert len(key.material) == 32
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(key_file.parent.stat().st_mode) == 0o700
    assert [file.name for file in key_file.parent.iterdir()] == ["master.key"]


def test_a_key_file_is_read_the_second_time(key_file: Path) -> None:
    assert from_key_file(key_file) == from_key_file(key_file)


def test_two_installations_have_two_keys(tmp_path: Path) -> None:
    assert from_key_file(tmp_path / "one") != from_key_file(tmp_path / "other")


def test_eight_concurrent_processes_create_one_key(key_file: Path) -> None:
    imports = "from pathlib import Path\nfrom sync_platform.vault.master_key import from_key_file"
    printed = outputs_of(8, imports, "print(from_key_file(Path(sys.argv[1])).material.hex())", str(key_file))
    assert set(printed) == {key_file.read_text().strip()}
    assert [file.name for file in key_file.parent.iterdir()] == ["master.key"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666, 0o610])
def test_a_key_file_open_to_others_is_refused_with_the_remedy(key_file: Path, mode: int) -> None:
    from_key_file(key_file)
    key_file.chmod(mode)
    with pytest.raises(StorageError, match=f"can be read by others: run `chmod 600 {key_file}`"):
        from_key_file(key_file)


@pytest.mark.parametrize("damage", [b"", b"ab" * 31, b"ab" * 33, b"zz" * 32, b"\xff\xfe", "鑰匙".encode()])
def test_a_damaged_key_file_is_refused_without_quoting_it(key_file: Path, damage: bytes) -> None:
    from_key_file(key_file)
    key_file.write_bytes(damage)
    with pytest.raises(StorageError, match="does not hold a .*master key: restore the file from its copy") as raised:
        from_key_file(key_file)
    assert "abab" not in str(raised.value)


def test_a_key_file_that_cannot_be_created_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match="cannot use the master key file"):
        from_key_file(tmp_path / "file" / "master.key")


def test_each_use_has_its_own_key() -> None:
    key = MasterKey(bytes(32))
    assert key.derive("wrap") == key.derive("wrap")
    assert key.derive("wrap") != key.derive("lookup")
    assert key.derive("wrap") != MasterKey(bytes([1] * 32)).derive("wrap")
    assert len(key.derive("own-secrets", 64)) == 64


@pytest.fixture(scope="module")
def kms() -> Iterator[KMSClient]:
    """The KMS of moto's HTTP server."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield boto3.client(
        "kms",
        endpoint_url=f"http://{host}:{port}",
        region_name="ap-southeast-1",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )
    server.stop()


@pytest.fixture
def kms_key_id(kms: KMSClient) -> str:
    return kms.create_key()["KeyMetadata"]["KeyId"]


def test_a_second_process_gets_the_same_key_from_kms(kms: KMSClient, kms_key_id: str, vault_url: str) -> None:
    first, second = (from_kms(kms, kms_key_id, open_vault_database(vault_url), master_keys) for _ in range(2))
    assert len(first.material) == 32
    assert first == second


def test_no_key_is_created_for_a_vault_that_has_one(
    kms: KMSClient, kms_key_id: str, engine: sa.Engine, tmp_path: Path
) -> None:
    Vault(engine, from_kms(kms, kms_key_id, engine, master_keys))
    assert has_master_key(engine)
    other = kms.create_key()["KeyMetadata"]["KeyId"]
    with pytest.raises(StorageError, match=f"VAULT_KMS_KEY_ID='{other}' wraps no key of this vault"):
        from_kms(kms, other, engine, master_keys, may_create=False)
    with pytest.raises(StorageError, match=r"master\.key is missing: the vault was made with a key"):
        from_key_file(tmp_path / "master.key", may_create=False)
    assert not (tmp_path / "master.key").exists()
    assert from_kms(kms, kms_key_id, engine, master_keys, may_create=False).material


def test_two_kms_keys_give_two_master_keys(kms: KMSClient, engine: sa.Engine) -> None:
    one, other = (from_kms(kms, kms.create_key()["KeyMetadata"]["KeyId"], engine, master_keys) for _ in range(2))
    assert one != other


def test_only_the_wrapped_key_is_stored(kms: KMSClient, kms_key_id: str, engine: sa.Engine, tmp_path: Path) -> None:
    key = from_kms(kms, kms_key_id, engine, master_keys)
    with engine.connect() as connection:
        assert connection.execute(sa.select(master_keys.c.kms_key_id)).scalars().all() == [kms_key_id]
    stored = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    assert kms_key_id.encode() in stored
    assert key.material not in stored


def test_two_concurrent_processes_both_use_the_key_stored_first(
    kms: KMSClient, kms_key_id: str, engine: sa.Engine
) -> None:
    class Overtaken:
        """KMS, where another process stores its key between our request and our commit."""

        decrypt = staticmethod(kms.decrypt)

        def generate_data_key(self, **asked: str) -> object:
            first.append(from_kms(kms, kms_key_id, engine, master_keys))
            return kms.generate_data_key(**asked)  # type: ignore[arg-type] # forwarded unchanged

    first: list[MasterKey] = []
    assert from_kms(Overtaken(), kms_key_id, engine, master_keys) == first[0]  # type: ignore[arg-type]


def test_a_kms_that_refuses_is_a_storage_error_naming_the_setting(kms: KMSClient, engine: sa.Engine) -> None:
    with pytest.raises(StorageError, match="VAULT_KMS_KEY_ID='no-such-key': KMS refused: .*NotFoundException"):
        from_kms(kms, "no-such-key", engine, master_keys)


def test_a_wrapped_key_that_was_tampered_with_is_a_storage_error(
    kms: KMSClient, kms_key_id: str, engine: sa.Engine
) -> None:
    from_kms(kms, kms_key_id, engine, master_keys)
    with engine.begin() as connection:
        connection.execute(sa.update(master_keys).values(wrapped_key=b"x" * 150))
    with pytest.raises(StorageError, match="KMS refused"):
        from_kms(kms, kms_key_id, engine, master_keys)


def test_an_unreachable_kms_is_a_storage_error(engine: sa.Engine) -> None:
    from botocore.config import Config

    nobody = boto3.client(
        "kms",
        endpoint_url="http://127.0.0.1:1",
        region_name="ap-southeast-1",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
        config=Config(retries={"total_max_attempts": 1}),
    )
    with pytest.raises(StorageError, match="KMS refused: Could not connect"):
        from_kms(nobody, "any", engine, master_keys)
