"""The recovery point (RPO): how much may be lost by the settings, and how much would be lost now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import duckdb

from sync_platform.backup.repository import ReadManifest
from sync_platform.documents.local_time import local_minute
from sync_platform.errors import StorageError
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import LAKE, Lake

GRACE = timedelta(days=1, hours=2)
"""How old a commit in no backup may be while the daily backup is on time."""
GRACE_AFTER_SYNC = timedelta(minutes=30)
"""The same where a backup follows every sync."""


@dataclass(frozen=True)
class RecoveryPoint:
    """`at_most`: what may be lost by the settings. `protected_until`: the newest commit in a backup of all sources.

    `unprotected_since`: the oldest commit in no such backup; None if there is none. `problem`: why more than `at_most`
    would be lost now, in words; None where it would not.
    """

    at_most: str
    protected_until: datetime | None
    unprotected_since: datetime | None
    problem: str | None


def recovery_point(
    lake: LakeAddress, read: Sequence[ReadManifest], now: datetime, *, after_sync: bool
) -> RecoveryPoint:
    """The recovery point of a lake at a time. `after_sync`: a backup follows every sync."""
    at_most = "one commit" if after_sync else "one day"
    whole = [each.manifest for each in read if each.manifest and each.manifest.sources is None]
    newest = whole[-1].newest_commit if whole else None
    if newest is None:
        return RecoveryPoint(at_most, None, None, "there is no backup of all platforms: everything would be lost")
    try:
        since = _first_commit_after(lake, newest.at)
    except (StorageError, duckdb.Error) as error:
        reason = str(error).splitlines()[0]
        return RecoveryPoint(at_most, newest.at, None, f"what is in no backup is not known: {reason}")
    problem = None
    if since and now - since > (GRACE_AFTER_SYNC if after_sync else GRACE):
        problem = f"commits since {local_minute(since)} are in no backup: more than {at_most} would be lost now"
    return RecoveryPoint(at_most, newest.at, since, problem)


def _first_commit_after(address: LakeAddress, moment: datetime) -> datetime | None:
    with Lake(address, read_only=True) as lake, lake.session() as session:
        query = f"SELECT min(snapshot_time) FROM ducklake_snapshots('{LAKE}') WHERE snapshot_time > ?"
        committed_at: datetime | None = session.execute(query, [moment]).fetchall()[0][0]
    return committed_at
