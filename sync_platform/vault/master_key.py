"""The master key that wraps every other key. It comes from a key file (created on first use) or from KMS."""

from __future__ import annotations

import contextlib
import os
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from sync_platform.errors import StorageError
from sync_platform.storage.relational import transaction

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient

MASTER_KEY_BYTES = 32
HAS_KEY = "the vault was made with a key, and without that key nothing in it can be read"


@dataclass(frozen=True)
class MasterKey:
    """32 bytes. Each use derives its own key from them (HKDF-SHA256, RFC 5869), so no two uses share a key."""

    material: bytes

    def derive(self, use: str, length: int = 32) -> bytes:
        return HKDF(hashes.SHA256(), length, salt=None, info=f"sync-platform/{use}".encode()).derive(self.material)


def from_key_file(path: Path, *, may_create: bool = True) -> MasterKey:
    """The key in a file (hex, mode 0600); StorageError if it is damaged or readable by others.

    `may_create`: a file that does not exist is created with a new key; else it is a StorageError.
    """
    try:
        if not path.exists():
            if not may_create:
                raise StorageError(f"the master key file {path} is missing: {HAS_KEY}; restore the file from its copy")
            write_key_file(path, MasterKey(secrets.token_bytes(MASTER_KEY_BYTES)))
        if path.stat().st_mode & 0o077:
            raise StorageError(f"{path} can be read by others: run `chmod 600 {path}`")
        material = bytes.fromhex(path.read_text().strip())
    except OSError as error:
        raise StorageError(f"cannot use the master key file {path}: {error.strerror or error}") from error
    except ValueError:
        raise StorageError(f"{path} does not hold a master key: restore the file from its copy") from None
    if len(material) != MASTER_KEY_BYTES:
        raise StorageError(f"{path} does not hold a {MASTER_KEY_BYTES}-byte master key: restore the file from its copy")
    return MasterKey(material)


def from_kms(
    client: KMSClient, kms_key_id: str, engine: sa.Engine, master_keys: sa.Table, *, may_create: bool = True
) -> MasterKey:
    """The data key that KMS wraps; it is generated once, and `master_keys` in the vault stores its wrapped form.

    StorageError where KMS refuses, or where the key would have to be generated and `may_create` is false.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    wanted = sa.select(master_keys.c.wrapped_key).where(master_keys.c.kms_key_id == kms_key_id)
    try:
        with transaction(engine) as connection:
            wrapped = connection.execute(wanted).scalar()
        if wrapped is None:
            if not may_create:
                raise StorageError(
                    f"VAULT_KMS_KEY_ID={kms_key_id!r} wraps no key of this vault: {HAS_KEY}; set that key"
                )
            made = client.generate_data_key(KeyId=kms_key_id, KeySpec="AES_256")
            row = {"kms_key_id": kms_key_id, "wrapped_key": made["CiphertextBlob"], "created_at": datetime.now(UTC)}
            try:
                with transaction(engine) as connection:
                    connection.execute(sa.insert(master_keys).values(row))
            except sa.exc.IntegrityError:
                pass  # another process created the key first, and its key is used
            with transaction(engine) as connection:
                wrapped = connection.execute(wanted).scalar_one()
        return unwrap_with_kms(client, kms_key_id, wrapped)
    except (ClientError, BotoCoreError) as error:
        raise StorageError(f"VAULT_KMS_KEY_ID={kms_key_id!r}: KMS refused: {error}") from error


def unwrap_with_kms(client: KMSClient, kms_key_id: str, wrapped_key: bytes) -> MasterKey:
    """The master key from its form that KMS wrapped; StorageError where KMS refuses."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return MasterKey(client.decrypt(KeyId=kms_key_id, CiphertextBlob=wrapped_key)["Plaintext"])
    except (ClientError, BotoCoreError) as error:
        raise StorageError(f"VAULT_KMS_KEY_ID={kms_key_id!r}: KMS refused: {error}") from error


def write_key_file(path: Path, key: MasterKey) -> None:
    """Write a key to a draft file, then link it: of two processes one wins, and no process reads half a key.

    A file that exists stays as it is.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w") as file:
            file.write(key.material.hex() + "\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()
