"""The settings of how long things are kept; BACKUP_RETENTION_DAYS stands with the settings of backups.

privacy/retention_rule.py says what each of them is about. What is past its limit is deleted by `retention run`, and by
the schedule of that name.
"""

from __future__ import annotations

from pydantic import Field

from sync_platform.setting_groups.settings_group import SettingsGroup


class RetentionSettings(SettingsGroup):
    """How long things are kept."""

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
    sync_log_retention_days: int = Field(
        30, ge=1, description="Days that Dagster's runs, event logs and captured output are kept."
    )
    metric_retention_days: int = Field(456, ge=1, description="Days that metrics are kept (15 months).")
    alert_retention_days: int = Field(90, ge=1, description="Days that resolved alerts and their messages are kept.")
    privacy_request_retention_days: int = Field(
        1461,
        ge=1461,
        description="Days that closed privacy requests are kept, refusals among them: 4 years (PDPO s.27) or more.",
    )
    access_answer_retention_days: int = Field(
        365, ge=1, description="Days that answers to access requests are kept, where this program wrote them."
    )
