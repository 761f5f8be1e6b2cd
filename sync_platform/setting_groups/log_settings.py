"""The settings of log lines."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator

from sync_platform.setting_groups.settings_group import SettingsGroup


class LogSettings(SettingsGroup):
    """The settings of log lines. They are read alone, so that other wrong settings are logged in the right form."""

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
