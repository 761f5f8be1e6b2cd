"""Confirmation: a row that an unproven list does not show is retired when the full sync before did not show it either.

A list is unproven where nothing is known to be missing, and nothing proves that it is whole (sources/list_proof.py).
Its row that is not shown for the first time stays live and awaits confirmation: `sync.not_retired` says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sync_platform.lake.commit_context import CommitContext
from sync_platform.lake.coverage import EVERY_ROW, Coverage
from sync_platform.landing.manifest import Manifest
from sync_platform.sources.declaration import Dataset
from sync_platform.storage.lake_connection import LAKE
from sync_platform.storage.temporary_tables import TemporaryTables

UNCONFIRMED = "unconfirmed"
"""The operation of a row that stays live until the next full sync."""


@dataclass(frozen=True)
class Confirmation:
    """The need for a second list before rows are retired. `unproven`: the rows whose list is not proven to be whole."""

    unproven: Coverage
    platform: str
    dataset: str
    observed_at: datetime

    def hold_back(self, scratch: TemporaryTables, stored: str, operations: str, keys: str) -> int:
        """Change the operation of unseen rows that must be confirmed to `unconfirmed`; returns their number."""
        unproven = self.unproven.rows(scratch, stored, keys) or stored
        missed = self._missed_before(scratch, stored)
        rows = scratch.session.execute(
            f"""UPDATE {operations} SET operation = '{UNCONFIRMED}' WHERE operation = 'unseen'
            AND source_id IN (SELECT source_id FROM {unproven}) AND source_id NOT IN (FROM {missed})"""
        ).fetchall()
        return int(rows[0][0])

    def _missed_before(self, scratch: TemporaryTables, stored: str) -> str:
        """The rows that awaited confirmation after the full sync before, and that no sync has shown changed since."""
        return scratch.create(
            "missed",
            f"""SELECT n.source_id FROM {LAKE}.sync.not_retired n JOIN {stored} c USING (source_id)
            WHERE n.platform = $platform AND n.dataset = $dataset AND n.awaits_confirmation
            AND c.last_changed_at <= n.observed_at
            AND n.sync_id = (SELECT sync_id FROM {LAKE}.sync.runs
                WHERE platform = $platform AND dataset = $dataset AND mode = 'full'
                AND status <> 'failed' AND observed_at < $at
                ORDER BY observed_at DESC, committed_at DESC LIMIT 1)""",
            {"platform": self.platform, "dataset": self.dataset, "at": self.observed_at},
        )


def confirmation_of(manifest: Manifest, dataset: Dataset, context: CommitContext) -> Confirmation | None:
    """None where the list is proven to be whole."""
    if manifest.unproven is None:
        return None
    return Confirmation(_unproven_rows(manifest, dataset), context.platform, context.dataset, context.observed_at)


def _unproven_rows(manifest: Manifest, dataset: Dataset) -> Coverage:
    parts = manifest.unproven.parts if manifest.unproven else []
    return EVERY_ROW if parts is None else Coverage(dataset.part_of_row, tuple(parts))
