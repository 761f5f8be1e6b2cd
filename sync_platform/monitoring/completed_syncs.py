"""The message that a full sync was completed lately: information, no problem."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from sync_platform.documents.local_time import local_minute
from sync_platform.lake.syncs import SyncRecord
from sync_platform.monitoring.problem import Problem, ProblemName
from sync_platform.monitoring.stored_syncs import stored_datasets
from sync_platform.sources.declaration import Platform
from sync_platform.sources.period import current_period

LATELY = timedelta(days=1)


def completed_syncs(
    platforms: Iterable[Platform], records: Mapping[str, Sequence[SyncRecord]], now: datetime
) -> Iterator[Problem]:
    """One message for each platform whose first complete full sync of the current period was committed LATELY.

    A later sync of the period gives no new message. `records`: the final ones, by platform.
    """
    for platform in platforms:
        period = current_period(platform.cadence, now).key
        first = _first_complete(platform, period, records.get(platform.name, []))
        committed_at = max((record.committed_at for record in first), default=None)
        if committed_at is None or not now - LATELY <= committed_at <= now:
            continue
        counted = ", ".join(f"{record.rows:,} {record.dataset}" for record in first)
        yield Problem(
            ProblemName.sync_completed,
            f"{platform.name} {period}",
            f"The full sync of {platform.name} for {period} was completed at {local_minute(committed_at)}: {counted}.",
            "The tables show everything that the platform lists now.",
            "Nothing is to be done.",
            ("freshness", platform.name),
            (platform.name,),
        )


def _first_complete(platform: Platform, period: str, records: Sequence[SyncRecord]) -> list[SyncRecord]:
    """The records of the first full sync of the period that is complete in all stored datasets; empty for none."""
    wanted = stored_datasets(platform)
    syncs: dict[str, dict[str, SyncRecord]] = {}
    for record in records:
        if record.partition == period and record.mode == "full" and record.status == "complete" and record.dataset:
            syncs.setdefault(record.sync_id, {})[record.dataset] = record
    whole = [[by_dataset[name] for name in wanted] for by_dataset in syncs.values() if by_dataset.keys() >= set(wanted)]
    return min(whole, key=lambda found_records: (found_records[0].started_at, found_records[0].sync_id), default=[])
