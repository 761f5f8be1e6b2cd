"""Moments as people read them: in one time zone, which is named, and without fractions of a second.

What belongs here: every text of a moment that a person reads. Programs get UTC in ISO 8601. Which day a period or an
option such as `--from` means does not depend on this zone: days are always days in Hong Kong.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from sync_platform.settings import load_settings


def local_time(moment: datetime) -> str:
    """A moment to the second in the zone of TIME_ZONE, such as `2026-11-24 20:07:31 HKT`.

    A moment without a zone is UTC, as databases without zones return it.
    """
    return f"{_local(moment):%Y-%m-%d %H:%M:%S %Z}"


def local_minute(moment: datetime) -> str:
    """A moment to the minute, such as `2026-11-24 20:07 HKT`; otherwise as `local_time`."""
    return f"{_local(moment):%Y-%m-%d %H:%M %Z}"


def _local(moment: datetime) -> datetime:
    known = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return known.astimezone(_zone(os.environ.get("TIME_ZONE"), Path.cwd()))


@cache
def _zone(variable: str | None, folder: Path) -> ZoneInfo:
    """The zone that the settings name, read once for each value of the variable and each folder with a `.env`."""
    return ZoneInfo(load_settings().time_zone)
