"""Problems of freshness: platforms whose full sync is late.

What belongs here: which late platforms are one problem. Those that no full sync was tried for are one (a schedule or a
daemon does not run), and those whose full syncs did not become complete are another. A platform that was never synced
is not in use yet, which `health` and `freshness` say: it is no problem.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sync_platform.documents.local_time import local_minute
from sync_platform.documents.typed_command import named_command
from sync_platform.lake.corrected_times import duration_in_words
from sync_platform.lake.syncs import SyncRecord
from sync_platform.monitoring.freshness import LATE_AFTER, freshness_of
from sync_platform.monitoring.named_subjects import in_one_phrase
from sync_platform.monitoring.problem import Problem, ProblemName
from sync_platform.monitoring.stored_syncs import stored_datasets
from sync_platform.monitoring.sync_outcomes import newest_of, outcomes_of
from sync_platform.sources.declaration import Platform

NOT_TRIED, NOT_COMPLETE = "no full sync was tried", "no full sync was complete"


@dataclass(frozen=True)
class _LatePlatform:
    """A late platform. `shown_at`: what its stalest dataset shows; None if a dataset never had a complete full sync."""

    platform: str
    shown_at: datetime | None
    limit: timedelta
    is_tried: bool

    def in_words(self, now: datetime) -> str:
        if self.shown_at is None:
            return f"{self.platform} (never complete)"
        age = duration_in_words(now - self.shown_at)
        return f"{self.platform} (shows {local_minute(self.shown_at)}, {age} ago; late after {self.limit.days} days)"


def staleness_problems(
    platforms: Iterable[Platform], records: Mapping[str, Sequence[SyncRecord]], now: datetime
) -> Iterator[Problem]:
    """At most two problems: see above. `records`: the final ones, by platform."""
    late = [
        late_platform
        for platform in platforms
        if records.get(platform.name) and (late_platform := _late(platform, records[platform.name], now))
    ]
    if not_tried := [each for each in late if not each.is_tried]:
        yield _problem(
            NOT_TRIED,
            not_tried,
            now,
            "A schedule, a sensor or the Dagster daemon does not run, or runs wait in the queue: `{status}` shows "
            "which. Start it, or sync now: `{sync}`",
            ("status",),
        )
    if tried := [each for each in late if each.is_tried]:
        yield _problem(
            NOT_COMPLETE,
            tried,
            now,
            "Remove the cause that the failed or degraded syncs name: `{status}` shows them. Then sync again: `{sync}`",
            ("freshness",),
        )


def _late(platform: Platform, records: Sequence[SyncRecord], now: datetime) -> _LatePlatform | None:
    limit = LATE_AFTER[platform.cadence]
    freshness = freshness_of(platform, stored_datasets(platform), records, now)
    first = min(record.started_at for record in records)
    late = [dataset for dataset in freshness.datasets if dataset.is_late and (dataset.shown_at or now - first > limit)]
    if not late:
        return None
    newest_full = newest_of(outcomes_of(record for record in records if record.mode == "full"))
    is_tried = newest_full is not None and now - newest_full.started_at <= limit
    shown_moments = [dataset.shown_at for dataset in late]
    shown_at = None if None in shown_moments else min(moment for moment in shown_moments if moment)
    return _LatePlatform(platform.name, shown_at, limit, is_tried)


def _problem(
    detail: str, late: Sequence[_LatePlatform], now: datetime, action: str, command: tuple[str, ...]
) -> Problem:
    names = tuple(sorted(late_platform.platform for late_platform in late))
    listed = in_one_phrase(
        late_platform.in_words(now) for late_platform in sorted(late, key=lambda late_platform: late_platform.platform)
    )
    return Problem(
        ProblemName.sync_stale,
        detail,
        f"The data of {listed} are stale: {detail} in time.",
        "The tables show an older state: what opened, changed or closed since then is not in them.",
        action.format(status=named_command("status"), sync=named_command("sync", *names)),
        command,
        names,
    )
