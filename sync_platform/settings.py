"""Every setting, typed, described and with its default. Nothing is read at import: call `load_settings()`.

What belongs here: what an operator may change. A platform file declares its own pace, terms and cadence; the settings
named `<PLATFORM>_...` (`PlatformSettings`) override them.
"""

from __future__ import annotations

import os
import re
from datetime import date
from pathlib import Path
from typing import Any, Literal
from zoneinfo import available_timezones

from pydantic import BaseModel, Field, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from sync_platform.errors import SettingsError

DOTENV = ".env"
SECRET_NAMES = ("KEY", "SECRET", "TOKEN", "PASSWORD", "WEBHOOK", "WEBHOOK_URL")
"""How the names of secret settings end."""
PASSWORD = re.compile(r"(password\s*=\s*)('(?:[^'\\]|\\.)*'|[^\s'\"]+)|(://[^:/@\s]*:)[^@\s]*@", re.IGNORECASE)


class LogSettings(BaseSettings):
    """The settings of log lines. They are read alone, so that other wrong settings are logged in the right form."""

    model_config = SettingsConfigDict(env_file=DOTENV, extra="ignore", env_ignore_empty=True)

    environment: Literal["development", "staging", "production"] = Field(
        "development", description="Which installation this is; shown in the UI, in reports and in log lines."
    )
    log_format: Literal["text", "json"] = Field(
        "text", description="Form of standard error: `text` for people, or `json`: one JSON object per line."
    )
    log_level: Literal["", "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = Field(
        "", description="Least level of log lines. Empty: INFO as JSON; as text no log lines beside the usual messages."
    )

    @field_validator("log_format", mode="before")
    @classmethod
    def _in_small_letters(cls, value: Any) -> Any:
        return value.strip().lower() if isinstance(value, str) else value

    @field_validator("log_level", mode="before")
    @classmethod
    def _in_capitals(cls, value: Any) -> Any:
        return value.strip().upper() if isinstance(value, str) else value


class Settings(LogSettings):
    """The settings of the installation: where state is stored, and what a sync may use."""

    organisation: str = Field("", description="Organisation that runs this installation; shown in reports.")
    contact: str = Field("", description="Whom to ask about a report: a name, an e-mail address or a phone number.")
    time_zone: str = Field(
        "Asia/Hong_Kong", description="Time zone in which times are shown to people; JSON and tables have UTC."
    )
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
    landing: str = Field(
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
    aws_endpoint_url: str = Field("", description="Address of a server to use instead of AWS (any S3 server).")
    s3_backup_bucket: str = Field("", description="Bucket for backups. Empty: backups stay under `$SYNC_HOME`.")
    sync_actor: str = Field("", description="Actor's name in the audit log. Empty: the operating system's user.")
    sns_topic_arn: str = Field("", description="SNS topic for alerts. Empty: none are sent over SNS.")
    sns_endpoint_url: str = Field(
        "", description="Address of a server to use for SNS instead of AWS. Empty: AWS_ENDPOINT_URL."
    )
    alert_webhook: str = Field(
        "",
        description="URL that alerts are posted to, or the address of an Alertmanager. Empty: none. Without a webhook "
        "and an SNS topic, alerts go to the log.",
        repr=False,
    )
    alert_webhook_form: Literal["json", "alertmanager"] = Field(
        "json", description="Form of posted alerts: `json`, or `alertmanager` for its API v2."
    )
    lineage_table_name: str = Field(
        "lineage.changes", description="Name of the change history's table, as `schema.table`."
    )
    backup_retention_days: int = Field(365, ge=1, description="Days a backup is kept.")
    backup_compression: bool = Field(True, description="Whether backups are compressed.")
    backup_encryption: bool = Field(True, description="Whether backups are encrypted.")
    backup_after_sync: bool = Field(False, description="Whether an incremental backup follows every sync.")
    backup_recovery_key_file: Path | None = Field(
        None,
        description="File with the recovery key, which opens backups without the vault. Empty: the master key.",
    )
    backup_replica: str = Field(
        "", description="Second store of every backup: `s3://bucket/prefix` or `file:///folder`. Empty: none."
    )
    backup_replica_region: str = Field("", description="AWS region of the replica. Empty: AWS_REGION.")
    backup_replica_endpoint_url: str = Field(
        "", description="Address of the replica's S3 server, if not AWS. Empty: AWS_ENDPOINT_URL."
    )
    s3_backup_kms_key_id: str = Field(
        "", description="KMS key with which S3 encrypts backups. Empty: a key that S3 manages (AES256)."
    )
    vault_backup: str = Field(
        "",
        description="Place of the vault's backup: `file:///folder` or `s3://bucket/prefix`, apart from all other data. "
        "Empty: `$SYNC_HOME/vault_backup_store`.",
    )
    vault_backup_key_file: Path | None = Field(
        None,
        description="Key file of the vault's backup (made with mode 0600 on first use); keep a copy elsewhere. Empty: "
        "`$SYNC_HOME/vault/backup.key`.",
    )
    cloudwatch_metrics: bool = Field(False, description="Whether metrics are sent to CloudWatch (namespace DataSync).")
    cloudwatch_endpoint_url: str = Field(
        "", description="Address of CloudWatch, if not that of AWS_REGION. Empty: AWS_ENDPOINT_URL, or else AWS."
    )
    prometheus_file: Path | None = Field(
        None,
        description="File of metrics for Prometheus, in the folder of node_exporter's textfile collector; its name "
        "ends in `.prom`. Empty: none is written.",
    )
    time_travel_days: int = Field(
        30, ge=1, description="Days that the lake can be read as of a past time; older snapshots are expired."
    )
    landing_retention_days: int = Field(
        90, ge=1, description="Days that landed pages are kept, where a platform's terms do not allow fewer."
    )
    lineage_retention_days: int = Field(
        2557,
        ge=1,
        description="Days that single changes are kept (7 years); older changes are folded into one per row.",
    )
    quarantine_tolerance: float = Field(
        0.02,
        ge=0,
        le=1,
        description="Largest tolerated share of a sync's records in quarantine; above it downstream assets don't run.",
    )
    gap_tolerance: float = Field(
        0.01,
        ge=0,
        le=1,
        description="Largest tolerated share of a list's pages, parts or records that is missing; above it the sync is "
        "degraded.",
    )
    quality_threshold_validation: float = Field(
        0.98, ge=0, le=1, description="Share of records that should keep the contract; below it the check warns."
    )
    quality_threshold_completeness: float = Field(
        0.8, ge=0, le=1, description="Share of important cells that should be filled; below it the check warns."
    )
    quality_threshold_accuracy: float = Field(
        0.95, ge=0, le=1, description="Share of records that should agree with a reference; below it the check warns."
    )
    quality_threshold_consistency: float = Field(
        0.95, ge=0, le=1, description="Share of records that should be free of contradiction; below it the check warns."
    )
    quality_weight_validation: float = Field(0.35, ge=0, description="Weight of validation in the overall score.")
    quality_weight_completeness: float = Field(0.25, ge=0, description="Weight of completeness in the overall score.")
    quality_weight_accuracy: float = Field(0.2, ge=0, description="Weight of accuracy in the overall score.")
    quality_weight_consistency: float = Field(0.2, ge=0, description="Weight of consistency in the overall score.")
    http_timeout_s: float = Field(30.0, gt=0, le=600, description="Seconds to wait for a platform's answer.")
    http_attempts: int = Field(5, ge=1, le=20, description="Attempts per request before it counts as failed.")
    http_body_limit_mb: int = Field(
        256, ge=1, le=65_536, description="Largest answer of a platform in MB, decoded; a larger one is refused."
    )
    http_longest_pause_s: float = Field(
        900.0, ge=0, description="Longest pause in seconds that a platform may ask of a run; a longer one ends the run."
    )
    platform_path: str = Field(
        "",
        description=f"Extra folders of platform files, separated by `{os.pathsep}`, in addition to the built-in ones.",
    )
    checks: Path | None = Field(
        None, description="Folder of your own quality checks (PLATFORM.DATASET.NAME.sql). Empty: `$SYNC_HOME/checks`."
    )
    sandbox_places: int = Field(2000, ge=1, le=200_000, description="Places in the sandbox's invented Hong Kong.")
    sandbox_seed: int = Field(852, description="Seed of the sandbox's invented Hong Kong.")
    sandbox_today: date | None = Field(None, description="The sandbox's date (YYYY-MM-DD). Empty: today in Hong Kong.")

    @field_validator("lineage_table_name")
    @classmethod
    def _is_schema_and_table(cls, value: str) -> str:
        parts = value.split(".")
        if len(parts) != 2 or not all(part.isidentifier() for part in parts):
            raise ValueError("must be schema.table, each a plain name such as lineage.changes")
        return value

    @field_validator("time_zone")
    @classmethod
    def _is_zone(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError("must be the name of a time zone, such as Asia/Hong_Kong or UTC")
        return value

    @field_validator("sns_topic_arn")
    @classmethod
    def _is_topic(cls, value: str) -> str:
        if value and not re.fullmatch(r"arn:[\w-]+:sns:[\w-]+:\d*:[\w-]+(\.fifo)?", value):
            raise ValueError("must be the ARN of a topic, such as arn:aws:sns:ap-southeast-1:123456789012:alerts")
        return value

    @field_validator("alert_webhook", "sns_endpoint_url")
    @classmethod
    def _is_http(cls, value: str) -> str:
        if value and not value.startswith(("http://", "https://")):
            raise ValueError("must start with http:// or https://")
        return value

    @field_validator("landing", "backup_replica", "vault_backup")
    @classmethod
    def _is_store_url(cls, value: str) -> str:
        if value and not value.startswith(("file://", "s3://")):
            raise ValueError("must start with file:// or s3://")
        return value

    @field_validator("cloudwatch_endpoint_url")
    @classmethod
    def _is_address_of_server(cls, value: str) -> str:
        if value and not value.startswith(("http://", "https://")):
            raise ValueError("must start with http:// or https://")
        return value

    @field_validator("prometheus_file")
    @classmethod
    def _is_read_by_node_exporter(cls, value: Path | None) -> Path | None:
        if value is not None and value.suffix != ".prom":
            raise ValueError("must end in .prom: node_exporter reads no other file")
        return value.expanduser() if value else None

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

    @field_validator("ledger", "vault")
    @classmethod
    def _is_database(cls, value: str) -> str:
        if value and not value.startswith(("sqlite:///", "postgresql://", "postgresql+psycopg://")):
            raise ValueError("must start with sqlite:/// or postgresql://")
        return value

    @field_validator("vault_secret_id")
    @classmethod
    def _is_only_place_of_key(cls, value: str, found: ValidationInfo) -> str:
        if value and found.data.get("vault_kms_key_id"):
            raise ValueError("must be empty where VAULT_KMS_KEY_ID is set: the master key has one place")
        return value

    @property
    def home(self) -> Path:
        """Absolute path of `SYNC_HOME`."""
        return self.sync_home.expanduser().absolute()

    @property
    def checks_folder(self) -> Path:
        return self.checks.expanduser().absolute() if self.checks else self.home / "checks"

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
    def backup_url(self) -> str:
        return f"s3://{self.s3_backup_bucket}" if self.s3_backup_bucket else (self.home / "backup_store").as_uri()

    @property
    def vault_backup_url(self) -> str:
        return self.vault_backup or (self.home / "vault_backup_store").as_uri()

    @property
    def vault_backup_key(self) -> Path:
        return self.vault_backup_key_file or self.home / "vault" / "backup.key"

    @property
    def temp(self) -> Path:
        """Folder for temporary files of large queries."""
        return self.home / "temp"

    @property
    def master_key_file(self) -> Path:
        return self.vault_key_file or self.home / "vault" / "master.key"


class PlatformSettings(BaseModel):
    """The settings of one platform, each named `<PLATFORM>_<NAME>` (`OPENRICE_BASE_URL`)."""

    base_url: str = Field("", description="Address to fetch from. Empty: the built-in sandbox.")
    archive_url: str = Field("", description="Address of the platform's archive, where it has one.")
    terms_accepted: bool = Field(False, description="Whether the operator confirms that the platform's terms are met.")
    store: Literal["", "everything", "ids"] = Field(
        "", description="What may be stored: `everything` or `ids`. Empty: what the terms allow without an agreement."
    )
    api_key: str = Field("sandbox", description="Bearer token or key header, whichever the platform uses.", repr=False)
    app_id: str = Field("sandbox", description="Application id (Keeta).")
    app_secret: str = Field("sandbox", description="Application secret that signs requests (Keeta).", repr=False)
    refresh_token: str = Field("sandbox", description="First refresh token (Keeta); rotated ones are kept.", repr=False)
    requests_per_second: float | None = Field(None, gt=0, description="Pace, instead of the platform file's.")
    concurrency: int | None = Field(
        None, ge=1, le=64, description="Requests in flight, instead of the platform file's."
    )
    shrink_tolerance: float | None = Field(
        None,
        ge=0,
        le=1,
        description="Largest share of live records that one full sync may retire, instead of the platform file's.",
    )
    quarantine_tolerance: float | None = Field(
        None, ge=0, le=1, description="Largest tolerated share in quarantine, instead of the installation's."
    )
    gap_tolerance: float | None = Field(
        None, ge=0, le=1, description="Largest tolerated share that is missing, instead of the installation's."
    )

    @field_validator("base_url", "archive_url")
    @classmethod
    def _is_http(cls, value: str) -> str:
        if value and not value.startswith(("http://", "https://")):
            raise ValueError("must start with http:// or https://")
        return value.rstrip("/")


def without_password(text: str) -> str:
    """The text with the passwords of database addresses replaced by `***`."""
    return PASSWORD.sub(lambda found: f"{found[1]}***" if found[1] else f"{found[3]}***@", text)


def load_settings(**overrides: Any) -> Settings:
    """The settings from the environment and `.env`.

    Raises SettingsError, which names each variable, its value and what is allowed.
    """
    try:
        return Settings(**overrides)
    except ValidationError as error:
        raise _settings_error(error, prefix="") from error


def load_log_settings() -> LogSettings:
    """The settings of log lines; raises SettingsError like `load_settings`."""
    try:
        return LogSettings()
    except ValidationError as error:
        raise _settings_error(error, prefix="") from error


def secret_values() -> set[str]:
    """The values of all variables, of the environment and `.env`, whose names say that they are secret."""
    found = {**_dotenv(), **os.environ}
    return {value for name, value in found.items() if name.endswith(SECRET_NAMES) and value}


def platform_settings(platform: str) -> PlatformSettings:
    """The `<PLATFORM>_...` settings of one platform; raises SettingsError like `load_settings`."""
    prefix = f"{platform.upper()}_"
    found = {**_dotenv(), **os.environ}
    values = {
        name: found[prefix + name.upper()]
        for name in PlatformSettings.model_fields
        if found.get(prefix + name.upper(), "") != ""
    }
    try:
        return PlatformSettings.model_validate(values)
    except ValidationError as error:
        raise _settings_error(error, prefix) from error


def _dotenv() -> dict[str, str]:
    if not Path(DOTENV).is_file():
        return {}
    from dotenv import dotenv_values

    return {name: value for name, value in dotenv_values(DOTENV).items() if value is not None}


def _settings_error(error: ValidationError, prefix: str) -> SettingsError:
    lines = []
    for problem in error.errors():
        variable = prefix + "_".join(str(part) for part in problem["loc"]).upper()
        value = "(secret)" if variable.endswith(SECRET_NAMES) else without_password(repr(problem["input"]))
        lines.append(f"{variable}={value}: {problem['msg'].removeprefix('Value error, ')}")
    return SettingsError("wrong setting: " + "; ".join(lines))
