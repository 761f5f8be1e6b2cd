"""The settings of where state is stored."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationInfo, field_validator

from sync_platform.setting_groups.address_types import HttpAddress, StoreUrl
from sync_platform.setting_groups.settings_group import SettingsGroup


class StorageSettings(SettingsGroup):
    """Where the lake, landed pages, the ledger and the vault are."""

    sync_home: Path = Field(
        Path(".sync"), description="Folder for all local state: lake, landing, vault, ledger, Dagster."
    )
    lake_catalog: str = Field(
        "",
        description="Lake catalog, `sqlite:PATH` or `postgres:CONNINFO`. Empty: `$SYNC_HOME/lake/catalog.sqlite`.",
    )
    lake_data: str = Field(
        "",
        description="Parquet files of the lake: a folder or `s3://bucket/prefix`. Empty: `$SYNC_HOME/lake/data`.",
    )
    landing: StoreUrl = Field(
        "", description="Landing store: `file:///folder` or `s3://bucket/prefix`. Empty: `$SYNC_HOME/landing_store`."
    )
    ledger: str = Field("", description="SQLAlchemy URL of the ledger. Empty: SQLite at `$SYNC_HOME/ledger.sqlite`.")
    vault: str = Field("", description="SQLAlchemy URL of the vault. Empty: SQLite at `$SYNC_HOME/vault/vault.sqlite`.")
    vault_key_file: Path | None = Field(
        None, description="Master key file (made with mode 0600 on first use). Empty: `$SYNC_HOME/vault/master.key`."
    )
    vault_kms_key_id: str = Field("", description="KMS key that wraps the master key, instead of a key file.")
    vault_secret_id: str = Field(
        "", description="Secret in AWS Secrets Manager that has the master key (name or ARN), instead of a key file."
    )
    undeclared_personal: Literal["seal", "refuse"] = Field(
        "seal", description="What happens to a field that looks personal and that no platform file declares."
    )
    aws_region: str = Field("ap-southeast-1", description="AWS region of S3, KMS, Secrets Manager, SNS and CloudWatch.")
    aws_endpoint_url: HttpAddress = Field("", description="Address of a server to use instead of AWS (any S3 server).")
    checks: Path | None = Field(
        None, description="Folder of your own quality checks (PLATFORM.DATASET.NAME.sql). Empty: `$SYNC_HOME/checks`."
    )

    @field_validator("lake_data")
    @classmethod
    def _has_no_empty_part(cls, value: str) -> str:
        if "//" in value.partition("://")[2] or ("://" not in value and "//" in value):
            raise ValueError("must not hold `//`: the lake would not recognise its own files by their paths")
        return value

    @field_validator("lake_catalog")
    @classmethod
    def _is_catalog(cls, value: str) -> str:
        if value and not value.startswith(("sqlite:", "postgres:")):
            raise ValueError("must start with sqlite: or postgres:")
        return value

    @field_validator("sync_home")
    @classmethod
    def _is_path_of_databases(cls, value: Path) -> Path:
        if set(str(value.expanduser().absolute())) & set("?%\\"):
            raise ValueError("its path must not have ?, % or \\, which addresses of databases and files read as signs")
        return value

    @field_validator("ledger", "vault")
    @classmethod
    def _is_database(cls, value: str) -> str:
        if value and not value.startswith(("sqlite:///", "postgresql://", "postgresql+psycopg://")):
            raise ValueError("must start with sqlite:/// or postgresql://")
        return value

    @field_validator("vault_secret_id")
    @classmethod
    def _is_only_place_of_key(cls, value: str, info: ValidationInfo) -> str:
        if value and info.data.get("vault_kms_key_id"):
            raise ValueError("must be empty where VAULT_KMS_KEY_ID is set: the master key has one place")
        return value

    @property
    def home(self) -> Path:
        """Absolute path of `SYNC_HOME`."""
        return self.sync_home.expanduser().absolute()

    @property
    def catalog_url(self) -> str:
        return self.lake_catalog or f"sqlite:{self.home / 'lake' / 'catalog.sqlite'}"

    @property
    def lake_data_url(self) -> str:
        return self.lake_data or str(self.home / "lake" / "data")

    @property
    def landing_url(self) -> str:
        return self.landing or (self.home / "landing_store").as_uri()

    @property
    def ledger_url(self) -> str:
        return self.ledger or f"sqlite:///{self.home / 'ledger.sqlite'}"

    @property
    def vault_url(self) -> str:
        return self.vault or f"sqlite:///{self.home / 'vault' / 'vault.sqlite'}"

    @property
    def is_all_in_home(self) -> bool:
        """True if lake, landing, ledger and vault are where they are by default, below the home."""
        return not any((self.lake_catalog, self.lake_data, self.landing, self.ledger, self.vault))

    @property
    def temp(self) -> Path:
        """Folder for temporary files of large queries."""
        return self.home / "temp"

    @property
    def master_key_file(self) -> Path:
        return self.vault_key_file or self.home / "vault" / "master.key"

    @property
    def checks_folder(self) -> Path:
        return self.checks.expanduser().absolute() if self.checks else self.home / "checks"
