"""Where a vault is: its database, and the place of its master key. Opening it needs nothing of Dagster.

What belongs here: from addresses to an open vault. The places themselves are in vault/key_place.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import sqlalchemy as sa

from sync_platform.settings import Settings
from sync_platform.storage.amazon_session import amazon_session
from sync_platform.vault.key_file import KeyFile
from sync_platform.vault.key_place import KeyPlace, open_master_key
from sync_platform.vault.kms_key import KmsKey
from sync_platform.vault.seal import Vault, has_master_key, open_vault_database
from sync_platform.vault.stored_secret import StoredSecret


@dataclass(frozen=True)
class VaultAddress:
    """`kms_key_id` or `secret_id` name the place of the master key in AWS; without them it is in `key_file`.

    `region` and `endpoint`: those of AWS; an empty endpoint is AWS itself.
    """

    url: str
    key_file: Path
    kms_key_id: str
    secret_id: str
    region: str
    endpoint: str

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The vault of an installation."""
        return cls(
            settings.vault_url,
            settings.master_key_file,
            settings.vault_kms_key_id,
            settings.vault_secret_id,
            settings.aws_region,
            settings.aws_endpoint_url,
        )

    def open(self, engine: sa.Engine | None = None) -> Vault:
        """The vault; StorageError where its database or master key cannot be used. A new vault gets a master key."""
        engine = engine or open_vault_database(self.url)
        return Vault(engine, open_master_key(self.key_place(engine), engine))

    @property
    def is_new(self) -> bool:
        """True if the vault was never used: opening it would make its master key."""
        return not has_master_key(open_vault_database(self.url)) and not self.has_key()

    def has_key(self) -> bool:
        """True if the master key is there."""
        return self.key_place(open_vault_database(self.url)).is_present()

    def key_place(self, engine: sa.Engine) -> KeyPlace:
        """Where the master key is stored; `engine` is of the vault's database."""
        if self.kms_key_id:
            return self.kms_key(self.kms_key_id, engine)
        return self.stored_secret(self.secret_id) if self.secret_id else KeyFile(self.key_file)

    def kms_key(self, kms_key_id: str, engine: sa.Engine) -> KmsKey:
        """The master key that this KMS key wraps."""
        client = amazon_session().client("kms", region_name=self.region, endpoint_url=self.endpoint or None)
        return KmsKey(client, kms_key_id, engine)

    def stored_secret(self, secret_id: str) -> StoredSecret:
        """The master key in this secret of Secrets Manager."""
        client = amazon_session().client("secretsmanager", region_name=self.region, endpoint_url=self.endpoint or None)
        return StoredSecret(client, secret_id)
