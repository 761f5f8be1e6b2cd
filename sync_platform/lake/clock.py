"""The clock of a commit: this machine's, compared with the platform's server and with what the lake has seen."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sync_platform.lake.corrected_times import CLOCK_TOLERANCE, duration_in_words
from sync_platform.landing.manifest import Manifest

NO_ERROR = timedelta()
JUST_LANDED = timedelta(hours=1)
OLDEST_PAGE = timedelta(hours=6)  # of an interrupted sync: landing/interrupted_syncs.py


@dataclass(frozen=True)
class Clock:
    """`now`: the time of the commit. `observed_at`, `started_at`: of the sync. `notes`: what was corrected."""

    now: datetime
    observed_at: datetime
    started_at: datetime
    notes: list[str] = field(default_factory=list)


def read_clock(manifest: Manifest, newest: datetime | None, now: datetime | None = None) -> Clock:
    """The times of a commit. `newest`: the newest observation of the dataset in the lake. `now`: this machine's time.

    The server's clock is preferred to ours only where the lake agrees: ours may not make an observation of the future,
    and the server's may not make one that is older than the newest.
    """
    now = now or datetime.now(UTC)
    ahead = _error(manifest, newest, now)
    is_archived = manifest.observed_at < manifest.started_at - OLDEST_PAGE
    observed_at = manifest.observed_at - (NO_ERROR if is_archived else ahead)
    notes = []
    if ahead:
        side = "ahead" if ahead > NO_ERROR else "behind"
        duration = duration_in_words(abs(ahead))
        notes.append(f"this machine's clock is {duration} {side} of the server's, whose time is used: set the clock")
    return Clock(now - ahead, observed_at, manifest.started_at - ahead, notes)


def _error(manifest: Manifest, newest: datetime | None, now: datetime) -> timedelta:
    """By how much this machine's clock is ahead, negative if it is behind; zero where that is not clear."""
    ahead = timedelta(seconds=manifest.clock_ahead_s or 0)
    was_just_landed = NO_ERROR <= now - manifest.finished_at <= JUST_LANDED
    if abs(ahead) <= CLOCK_TOLERANCE or not was_just_landed:
        return NO_ERROR
    if ahead > NO_ERROR:
        return ahead if newest is None or manifest.observed_at - ahead > newest else NO_ERROR
    return ahead if newest is not None and newest > now + CLOCK_TOLERANCE else NO_ERROR
