"""The master key wrapped by AWS KMS: the vault's database has only the wrapped form, and KMS unwraps it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa

from sync_platform.errors import StorageError
from sync_platform.storage.relational import transaction
from sync_platform.storage.stored_types import StoredTime
from sync_platform.vault.master_key import MASTER_KEY_BYTES, MasterKey

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient

master_keys = sa.Table(
    "master_keys",
    sa.MetaData(),
    sa.Column("kms_key_id", sa.Text, primary_key=True),
    sa.Column("wrapped_key", sa.LargeBinary, nullable=False),
    sa.Column("created_at", StoredTime(), nullable=False),
    sa.Column("proposed_key", sa.LargeBinary),
)


class KmsKey:
    """The master key that one KMS key wraps. It wraps the proposed key too, which is stored beside the present one."""

    is_outside = True

    def __init__(self, client: KMSClient, kms_key_id: str, engine: sa.Engine) -> None:
        self._client, self._id, self._engine = client, kms_key_id, engine
        self.name = f"the master key that VAULT_KMS_KEY_ID={kms_key_id!r} wraps"

    def is_present(self) -> bool:
        return self._stored("wrapped_key") is not None

    def present(self) -> MasterKey | None:
        return self._unwrapped(self._stored("wrapped_key"))

    def proposed(self) -> MasterKey | None:
        return self._unwrapped(self._stored("proposed_key"))

    def create(self) -> MasterKey:
        with self._errors():
            made = self._client.generate_data_key(KeyId=self._id, NumberOfBytes=2 * MASTER_KEY_BYTES)
        self._insert(made["CiphertextBlob"])
        stored = self._unwrapped(self._stored("wrapped_key"))
        if stored is None:
            raise StorageError(f"{self.name} is gone from the vault's database")
        return stored

    def propose(self, key: MasterKey) -> None:
        with self._errors():
            wrapped = self._client.encrypt(KeyId=self._id, Plaintext=key.material)["CiphertextBlob"]
        if not self._insert(wrapped):
            with transaction(self._engine) as connection:
                connection.execute(self._change().values(proposed_key=wrapped))

    def accept(self) -> None:
        accepted = {"wrapped_key": master_keys.c.proposed_key, "proposed_key": None}
        with transaction(self._engine) as connection:
            connection.execute(self._change().where(master_keys.c.proposed_key.is_not(None)).values(**accepted))

    def unwrap(self, wrapped: bytes) -> MasterKey:
        """A master key from its wrapped form; StorageError where KMS refuses."""
        with self._errors():
            return MasterKey.from_bytes(
                self._client.decrypt(KeyId=self._id, CiphertextBlob=wrapped)["Plaintext"], self.name
            )

    def _unwrapped(self, wrapped: bytes | None) -> MasterKey | None:
        return None if wrapped is None else self.unwrap(wrapped)

    def _stored(self, column: str) -> bytes | None:
        with transaction(self._engine) as connection:
            wanted = sa.select(master_keys.c[column]).where(master_keys.c.kms_key_id == self._id)
            wrapped: bytes | None = connection.execute(wanted).scalar()
        return wrapped

    def _insert(self, wrapped: bytes) -> bool:
        """Store the first key that this KMS key wraps; False where another process stored one first."""
        row = {"kms_key_id": self._id, "wrapped_key": wrapped, "created_at": datetime.now(UTC)}
        try:
            with transaction(self._engine) as connection:
                connection.execute(sa.insert(master_keys).values(row))
        except sa.exc.IntegrityError:
            return False
        return True

    def _change(self) -> sa.Update:
        return sa.update(master_keys).where(master_keys.c.kms_key_id == self._id)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            yield
        except (ClientError, BotoCoreError) as error:
            raise StorageError(f"VAULT_KMS_KEY_ID={self._id!r}: KMS refused: {error}") from error
