"""Every setting, typed, described and with its default. Nothing is read at import: call `load_settings()`.

What belongs here: what an operator may change. A platform file declares its own pace, terms and cadence; the settings
named `<PLATFORM>_...` (`PlatformSettings`) override them.
"""

from __future__ import annotations

import os
import re
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BaseModel, Field, ValidationError, field_validator

from sync_platform.errors import SettingsError
from sync_platform.setting_groups.address_types import HttpAddress, SecretAddress
from sync_platform.setting_groups.backup_settings import BackupSettings
from sync_platform.setting_groups.log_settings import LogSettings
from sync_platform.setting_groups.monitoring_settings import MonitoringSettings
from sync_platform.setting_groups.quality_settings import QualitySettings
from sync_platform.setting_groups.retention_settings import RetentionSettings
from sync_platform.setting_groups.server_settings import ServerSettings
from sync_platform.setting_groups.settings_group import DOTENV

SECRET_NAMES = ("KEY", "SECRET", "TOKEN", "PASSWORD", "WEBHOOK", "WEBHOOK_URL")
"""How the names of secret settings end."""
PASSWORD = re.compile(
    r"(password\s*=\s*|^\s*password:\s+)('(?:[^'\\]|\\.)*'|[^\s'\"]+)|(://[^:/@\s]*:)[^@\s]*@",
    re.IGNORECASE | re.MULTILINE,
)


class Settings(LogSettings, BackupSettings, RetentionSettings, MonitoringSettings, QualitySettings, ServerSettings):
    """The settings of the installation: those below, and those of the groups."""

    organisation: str = Field("", description="Organisation that runs this installation; shown in reports.")
    contact: str = Field("", description="Whom to ask about a report: a name, an e-mail address or a phone number.")
    time_zone: str = Field(
        "Asia/Hong_Kong", description="Time zone in which times are shown to people; JSON and tables have UTC."
    )
    sync_actor: str = Field("", description="Actor's name in the audit log. Empty: the operating system's user.")
    sync_via: Literal["cli", "api"] = Field(
        "cli", description="Interface of commands in the audit log. The API sets `api` for the commands that it runs."
    )
    sync_job: str = Field(
        "",
        description="Job of the API that a command belongs to. The API sets it, so that a command that is run again "
        "after its process was killed does nothing twice.",
    )
    operator_role: Literal["viewer", "operator", "compliance", "admin", "unsealer"] = Field(
        "admin",
        description="Role of the person at the command line. It does not stop a person who can read the key files.",
    )
    emergency_queue_url: HttpAddress = Field(
        "", description="Address of an SQS queue that emergency requests are read from. Empty: none."
    )
    lineage_table_name: str = Field(
        "lineage.changes", description="Name of the change history's table, as `schema.table`."
    )
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
    platforms_in_use: str = Field(
        "",
        description="Platforms that this installation syncs, separated by commas. Empty: all. Schedules, `sync` and "
        "emergency requests without names leave the others out, and so do health, freshness and the watch.",
    )
    first_month: str = Field(
        "2026-01",
        description="First month (YYYY-MM) of the monthly partitions. Months before your first sync can be synced "
        "only from pages that were landed for them.",
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

    @field_validator("first_month")
    @classmethod
    def _is_month(cls, value: str) -> str:
        if not re.fullmatch(r"20\d\d-(0[1-9]|1[0-2])", value):
            raise ValueError("must be a month such as 2026-01")
        if value > datetime.now(ZoneInfo("Asia/Hong_Kong")).strftime("%Y-%m"):
            raise ValueError("must not lie in the future: there would be no month to sync")
        return value

    @field_validator("time_zone")
    @classmethod
    def _is_zone(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError("must be the name of a time zone, such as Asia/Hong_Kong or UTC")
        return value


class PlatformSettings(BaseModel):
    """The settings of one platform, each named `<PLATFORM>_<NAME>` (`OPENRICE_BASE_URL`)."""

    base_url: SecretAddress = Field(
        "", description="Address to fetch from. Empty: the built-in sandbox. A login in it is never shown.", repr=False
    )
    archive_url: SecretAddress = Field(
        "", description="Address of the platform's archive, where it has one.", repr=False
    )
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
    def _without_slash_at_end(cls, value: str) -> str:
        return value.rstrip("/")


def without_password(text: str) -> str:
    """The text with the passwords of database addresses replaced by `***`."""
    return PASSWORD.sub(lambda match: f"{match[1]}***" if match[1] else f"{match[3]}***@", text)


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
    values = {**_dotenv(), **os.environ}
    return {value for name, value in values.items() if name.endswith(SECRET_NAMES) and value}


def platform_settings(platform: str) -> PlatformSettings:
    """The `<PLATFORM>_...` settings of one platform; raises SettingsError like `load_settings`."""
    prefix = f"{platform.upper()}_"
    variables = {**_dotenv(), **os.environ}
    values = {
        name: variables[prefix + name.upper()]
        for name in PlatformSettings.model_fields
        if variables.get(prefix + name.upper(), "") != ""
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
