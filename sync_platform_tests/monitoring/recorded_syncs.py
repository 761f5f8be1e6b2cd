"""Records of syncs for tests of monitoring, and a fixed time."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sync_platform.lake.schema import ensure_sync_tables
from sync_platform.lake.syncs import Status, SyncRecord, write_sync
from sync_platform.platforms import load_platforms
from sync_platform.settings import Settings, load_settings
from sync_platform.sources.period import current_period
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import Lake

NOW = datetime(2026, 11, 28, 4, 0, tzinfo=UTC)
PLATFORMS = load_platforms()
numbers = itertools.count(1)


def recorded(
    platform: str, days_ago: float, status: Status = "complete", dataset: str | None = "", **values: Any
) -> list[SyncRecord]:
    """One sync of a platform, begun so many days before NOW: a record of each dataset, or of the one that is named."""
    declared = PLATFORMS[platform]
    at = NOW - timedelta(days=days_ago)
    names = [each.name for each in declared.datasets] if dataset == "" else [dataset]
    known: dict[str, Any] = {
        "sync_id": f"{at:%Y%m%dT%H%M%S}-{next(numbers):06}",
        "partition": current_period(declared.cadence, at).key,
        "mode": "full",
        "observed_at": at,
        "started_at": at,
        "committed_at": at + timedelta(minutes=1),
        "reasons": [] if status == "complete" else ["the page list ended early"],
        **values,
    }
    return [SyncRecord(run_id="run", platform=platform, dataset=name, status=status, **known) for name in names]


def write_records(home: Path, records: Iterable[SyncRecord]) -> Settings:
    """Store the records in the lake of a home; returns its settings."""
    settings = load_settings(sync_home=home)
    with Lake(LakeAddress.of(settings)) as lake, lake.session() as session:
        session.execute("BEGIN")
        ensure_sync_tables(session)
        for record in records:
            write_sync(session, record)
        session.execute("COMMIT")
    return settings
