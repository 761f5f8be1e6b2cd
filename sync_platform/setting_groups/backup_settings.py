"""The settings of backups."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from sync_platform.setting_groups.address_types import HttpAddress, StoreUrl
from sync_platform.setting_groups.storage_settings import StorageSettings


class BackupSettings(StorageSettings):
    """Where backups are, in which form, and how long they are kept."""

    s3_backup_bucket: str = Field("", description="Bucket for backups. Empty: backups stay under `$SYNC_HOME`.")
    backup_retention_days: int = Field(365, ge=1, description="Days a backup is kept.")
    backup_compression: bool = Field(True, description="Whether backups are compressed.")
    backup_encryption: bool = Field(True, description="Whether backups are encrypted.")
    backup_after_sync: bool = Field(False, description="Whether an incremental backup follows every sync.")
    backup_recovery_key_file: Path | None = Field(
        None,
        description="File with the recovery key, which opens backups without the vault. Empty: the master key.",
    )
    backup_replica: StoreUrl = Field(
        "", description="Second store of every backup: `s3://bucket/prefix` or `file:///folder`. Empty: none."
    )
    backup_replica_region: str = Field("", description="AWS region of the replica. Empty: AWS_REGION.")
    backup_replica_endpoint_url: HttpAddress = Field(
        "", description="Address of the replica's S3 server, if not AWS. Empty: AWS_ENDPOINT_URL."
    )
    s3_backup_kms_key_id: str = Field(
        "", description="KMS key with which S3 encrypts backups. Empty: a key that S3 manages (AES256)."
    )
    vault_backup: StoreUrl = Field(
        "",
        description="Place of the vault's backup: `file:///folder` or `s3://bucket/prefix`, apart from all other data. "
        "Empty: `$SYNC_HOME/vault_backup_store`.",
    )
    vault_backup_key_file: Path | None = Field(
        None,
        description="Key file of the vault's backup (made with mode 0600 on first use); keep a copy elsewhere. Empty: "
        "`$SYNC_HOME/vault/backup.key`.",
    )

    @property
    def backup_url(self) -> str:
        return f"s3://{self.s3_backup_bucket}" if self.s3_backup_bucket else (self.home / "backup_store").as_uri()

    @property
    def vault_backup_url(self) -> str:
        return self.vault_backup or (self.home / "vault_backup_store").as_uri()

    @property
    def vault_backup_key(self) -> Path:
        return self.vault_backup_key_file or self.home / "vault" / "backup.key"
