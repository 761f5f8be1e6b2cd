"""Moments as people read them: in one time zone, which is named, and without fractions of a second.

What belongs here: every text of a moment that a person reads. Programs get UTC in ISO 8601. Which day a period or an
option such as `--from` means does not depend on this zone: days are always days in Hong Kong.
"""

from __future__ import annotations

import os
from datetime import datetime
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from sync_platform.settings import load_settings


def local_time(moment: datetime) -> str:
    """A moment to the second in the zone of TIME_ZONE, such as `2026-11-24 20:07:31 HKT`."""
    return f"{moment.astimezone(_zone()):%Y-%m-%d %H:%M:%S %Z}"


def local_minute(moment: datetime) -> str:
    """A moment to the minute in the zone of TIME_ZONE, such as `2026-11-24 20:07 HKT`."""
    return f"{moment.astimezone(_zone()):%Y-%m-%d %H:%M %Z}"


def _zone() -> ZoneInfo:
    return _zone_of(os.environ.get("TIME_ZONE"), Path.cwd())


@cache
def _zone_of(variable: str | None, folder: Path) -> ZoneInfo:
    """The zone that the settings name: the variable, or the `.env` of the folder. They are read once for each."""
    return ZoneInfo(load_settings().time_zone)
