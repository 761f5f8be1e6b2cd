"""The scores of own checks after a commit: each check runs read-only on what is stored, and none breaks a sync."""

from __future__ import annotations

from collections.abc import Sequence

from sync_platform.errors import SyncError
from sync_platform.lake.syncs import SyncRecord
from sync_platform.lake.transaction import in_one_transaction
from sync_platform.quality.own_check_run import run_own_check, unmeasured
from sync_platform.quality.own_checks import OwnCheck
from sync_platform.quality.score import Score
from sync_platform.quality.scoring import write_scores
from sync_platform.storage.lake_connection import Lake

NAMES = ("platform", "dataset", "partition", "sync_id", "run_id", "observed_at", "committed_at")


def run_own_checks(lake: Lake, checks: Sequence[OwnCheck]) -> list[Score]:
    """The score of each check, by what is stored now. Each has a read-only session of its own."""
    scores = []
    with Lake(lake.address, read_only=True) as reading:
        for check in checks:
            try:
                with reading.session() as session:
                    scores.append(run_own_check(session, check))
            except SyncError as error:
                scores.append(unmeasured(check, str(error)))
    return scores


def write_own_scores(lake: Lake, scores: list[Score], record: SyncRecord) -> None:
    """Append the scores to `quality.scores`, as scores of the sync. StorageError where the lake cannot be written."""
    if not scores:
        return
    origin = {name: getattr(record, name) for name in NAMES}
    with lake.session() as session:
        in_one_transaction(lake, session, lambda: write_scores(session, scores, origin))
