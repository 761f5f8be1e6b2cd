"""The period that a `sync` fetches of each platform."""

from __future__ import annotations

import re

from sync_platform.errors import UsageError
from sync_platform.sources.declaration import Platform
from sync_platform.sources.period import Cadence, Period, current_period, parse_period

FORMS: dict[Cadence, str] = {"monthly": r"\d{4}-\d{2}", "weekly": r"\d{4}-\d{2}-\d{2}"}


def plan(platforms: list[Platform], partition: str | None) -> list[tuple[Platform, Period]]:
    """Each platform with its period: the current one, or the one that `partition` names.

    A month does not name a week. For a weekly platform in a monthly sync, or a monthly platform in a weekly sync, only
    the current period is possible. Otherwise UsageError says how to name the platform's own period.
    """
    if partition is None:
        return [(platform, current_period(platform.cadence)) for platform in platforms]
    named = next((cadence for cadence, form in FORMS.items() if re.fullmatch(form, partition)), None)
    if named is None:
        raise UsageError(f"partition {partition!r} is neither a month such as 2026-11 nor a day such as 2026-11-16")
    period = parse_period(named, partition)
    is_current = period == current_period(named)
    planned = []
    for platform in platforms:
        if platform.cadence == named:
            planned.append((platform, period))
        elif is_current:
            planned.append((platform, current_period(platform.cadence)))
        else:
            other = "a day of the week (2026-11-16)" if platform.cadence == "weekly" else "a month (2026-11)"
            raise UsageError(
                f"partition {partition!r} is not one of {platform.name}'s, which is {platform.cadence}: "
                f"sync it by itself and name {other}, or name the other platforms only"
            )
    return planned
