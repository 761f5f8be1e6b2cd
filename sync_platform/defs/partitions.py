"""Periods as Dagster partitions. sources/period.py defines a period; this module defines which periods exist."""

from __future__ import annotations

from datetime import date

import dagster as dg

from sync_platform.errors import UsageError
from sync_platform.sources.period import Cadence, Period

TIMEZONE = "Asia/Hong_Kong"
FIRST_DAY: dict[Cadence, date] = {"weekly": date(2023, 1, 2), "monthly": date(2026, 1, 1)}
"""The first period of each cadence. Weeks begin with the government's archive; monthly platforms have none."""

MONTHS = dg.MonthlyPartitionsDefinition(
    start_date=FIRST_DAY["monthly"].strftime("%Y-%m"), fmt="%Y-%m", timezone=TIMEZONE, end_offset=1
)
WEEKS = dg.WeeklyPartitionsDefinition(
    start_date=FIRST_DAY["weekly"].isoformat(), day_offset=1, timezone=TIMEZONE, end_offset=1
)


def partitions_of(cadence: Cadence) -> dg.TimeWindowPartitionsDefinition:
    """The partitions of a cadence, the current period included."""
    return WEEKS if cadence == "weekly" else MONTHS


def require_partition(period: Period) -> None:
    """Raise UsageError for a period before the first one."""
    first = FIRST_DAY[period.cadence]
    if period.first < first:
        raise UsageError(f"partition {period.key!r} lies before the first {period.cadence} one, {first.isoformat()}")
