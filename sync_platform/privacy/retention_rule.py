"""The rules of retention: what is kept for how long, and what happens to it then. One table, for people and programs.

What belongs here: the rules. Their days are settings (setting_groups/retention_settings.py); defs/retention_steps.py
applies them. docs/retention.md and the compliance report show the table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sync_platform.settings import Settings


class RuleName(StrEnum):
    """The rules. The audit log has these values, so a value never changes."""

    sync_logs = "sync-logs"
    lineage = "lineage"
    backups = "backups"
    metrics = "metrics"
    alerts = "alerts"
    landing = "landing"
    privacy_requests = "privacy-requests"
    access_answers = "access-answers"


@dataclass(frozen=True)
class RetentionRule:
    """One rule. `setting`: the setting with its days. `then`: what happens to what is older."""

    name: RuleName
    what: str
    setting: str
    then: str
    basis: str

    def days(self, settings: Settings) -> int:
        days: int = getattr(settings, self.setting.lower())
        return days

    def before(self, settings: Settings, now: datetime) -> datetime:
        """What is older than this moment is past its retention."""
        return now - timedelta(days=self.days(settings))


_STORED_NO_LONGER = "GDPR Art. 5(1)(e); PDPO s.26(1), Sch. 1 DPP 2(2)"
RULES: tuple[RetentionRule, ...] = (
    RetentionRule(
        RuleName.sync_logs,
        "logs of syncs: Dagster's runs, event logs and captured output",
        "SYNC_LOG_RETENTION_DAYS",
        "they are deleted; materialisations, checks and the state of partitions stay",
        _STORED_NO_LONGER,
    ),
    RetentionRule(
        RuleName.lineage,
        "single changes in the history",
        "LINEAGE_RETENTION_DAYS",
        "they are folded into at most three changes for each record",
        _STORED_NO_LONGER,
    ),
    RetentionRule(
        RuleName.backups,
        "backups, and their replicas",
        "BACKUP_RETENTION_DAYS",
        "they are marked, and deleted a day later; the newest one stays",
        _STORED_NO_LONGER,
    ),
    RetentionRule(RuleName.metrics, "metrics", "METRIC_RETENTION_DAYS", "they are deleted", "own policy"),
    RetentionRule(
        RuleName.alerts,
        "resolved alerts, and messages about alerts",
        "ALERT_RETENTION_DAYS",
        "they are deleted",
        "own policy",
    ),
    RetentionRule(
        RuleName.landing,
        "landed pages; fewer days where the terms of a live platform say so",
        "LANDING_RETENTION_DAYS",
        "they are deleted; of each dataset the newest sync and the newest complete one stay",
        f"{_STORED_NO_LONGER}; platform terms",
    ),
    RetentionRule(
        RuleName.privacy_requests,
        "closed privacy requests, refusals among them",
        "PRIVACY_REQUEST_RETENTION_DAYS",
        "their details are deleted; the chain of the register stays whole",
        "PDPO s.27 (at least four years for refusals)",
    ),
    RetentionRule(
        RuleName.access_answers,
        "answers to access requests, in the files that this program wrote",
        "ACCESS_ANSWER_RETENTION_DAYS",
        "they are deleted, if they are still where they were written",
        _STORED_NO_LONGER,
    ),
)
RULE: Mapping[RuleName, RetentionRule] = {each.name: each for each in RULES}
