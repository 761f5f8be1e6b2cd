"""Periods as Dagster partitions. sources/period.py defines a period; this module defines which periods exist."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import dagster as dg

from sync_platform.errors import UsageError
from sync_platform.settings import Settings
from sync_platform.sources.period import Cadence, Period

TIMEZONE = "Asia/Hong_Kong"
FIRST_WEEK = date(2023, 1, 2)
"""Weeks begin with the government's archive; months begin where the settings say, since no platform has an archive."""

Partitions = Mapping[Cadence, dg.TimeWindowPartitionsDefinition]


def partitions_of(settings: Settings) -> Partitions:
    """The partitions of each cadence, the current period included."""
    return {
        "monthly": dg.MonthlyPartitionsDefinition(
            start_date=settings.first_month, fmt="%Y-%m", timezone=TIMEZONE, end_offset=1
        ),
        "weekly": dg.WeeklyPartitionsDefinition(
            start_date=FIRST_WEEK.isoformat(), day_offset=1, timezone=TIMEZONE, end_offset=1
        ),
    }


def require_partition(settings: Settings, period: Period) -> None:
    """Raise UsageError for a period before the first one."""
    first, setting = FIRST_WEEK.isoformat(), ""
    if period.cadence == "monthly":
        first, setting = settings.first_month, " (FIRST_MONTH)"
    if period.key < first:
        raise UsageError(f"partition {period.key!r} lies before the first {period.cadence} one, {first}{setting}")
