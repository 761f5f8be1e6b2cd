"""Unidentified records: quarantined records without a readable id. Each could be any row that its list does not show.

It cannot be a row that an earlier full list showed by its id, beside the same unidentified records: there the row was
another record. Records are the same if their landed lines are, by hash; a record that comes twice must have come twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sync_platform.lake.corrected_times import corrected_history
from sync_platform.lake.schema import ENDS
from sync_platform.lake.tracked_table import TrackedTable
from sync_platform.storage.lake_connection import LAKE
from sync_platform.storage.temporary_tables import TemporaryTables

MOST_LISTS = 12
"""How many earlier lists are read, the newest first: one year of a platform that is synced monthly."""
UNLISTED = "('unseen', 'leaving')"
"""SQL: the operations of rows that a list covers and does not show (lake/difference.py)."""
_OF_DATASET = "platform = $platform AND dataset = $dataset"


@dataclass(frozen=True)
class UnidentifiedRecords:
    """The unidentified records of one full list, observed at `observed_at`.

    `quarantine`: the relation of the list's quarantined records (lake/incoming.py). `history`: the table of changes.
    """

    history: str
    table: TrackedTable
    observed_at: datetime
    quarantine: str

    def hold_back(self, scratch: TemporaryTables, operations: str) -> None:
        """Change the operation of the rows that one of these records could be to `not_covered`."""
        key = self.table.key_list
        shown_beside = self._shown_beside(scratch, f"SELECT {key} FROM {operations} WHERE operation IN {UNLISTED}")
        scratch.session.execute(
            f"""UPDATE {operations} SET operation = 'not_covered'
            WHERE operation IN {UNLISTED} AND {key} NOT IN (FROM {shown_beside})"""
        )

    def _shown_beside(self, scratch: TemporaryTables, wanted: str) -> str:
        """The wanted rows that an earlier list showed beside all of these records.

        A full list showed a row that was live after it, as known then, and that it did not leave live unseen.
        """
        return scratch.create(
            "shown_beside",
            f"""WITH wanted AS ({wanted}), lists AS (FROM {self._lists_with_all(scratch)}),
            known AS (
                SELECT l.sync_id, h.entity_id, arg_max(h.operation, (h.observed_at, h.committed_at)) AS operation
                FROM {corrected_history(scratch.session, self.history)} h
                JOIN lists l ON h.observed_at <= l.observed_at AND h.committed_at <= l.committed_at
                WHERE {_OF_DATASET} AND h.entity_id IN (FROM wanted) GROUP BY ALL
            )
            SELECT DISTINCT entity_id FROM known k WHERE operation NOT IN {ENDS} AND NOT EXISTS (
                FROM {LAKE}.sync.not_retired n
                WHERE {_OF_DATASET} AND n.sync_id = k.sync_id AND n.source_id = k.entity_id)""",
            self._of_dataset,
        )

    def _lists_with_all(self, scratch: TemporaryTables) -> str:
        """The earlier full lists that have all of these records, each with its times.

        Lists whose changes may be folded (lineage/folding.py) are left out: what they showed is no longer known.
        """
        return scratch.create(
            "lists",
            f"""WITH lists AS (
                SELECT sync_id, max(observed_at) AS observed_at, min(committed_at) AS committed_at
                FROM {LAKE}.sync.runs WHERE {_OF_DATASET} AND mode = 'full' AND status <> 'failed'
                    AND NOT coalesce(is_outdated, false)
                GROUP BY sync_id HAVING max(observed_at) < $at
                    AND least(max(observed_at), min(committed_at)) > coalesce((
                        SELECT max(committed_to) FROM {LAKE}.lineage.batches WHERE {_OF_DATASET} AND kind = 'closing'
                    ), '-infinity'::TIMESTAMPTZ)
            ), records AS (
                SELECT record_hash, count(*) AS times FROM {self.quarantine} WHERE source_id IS NULL GROUP BY ALL
            ), earlier AS (
                SELECT sync_id, record_hash, count(DISTINCT (landing_object, landing_line)) AS times
                FROM {LAKE}.quality.quarantine WHERE {_OF_DATASET} AND source_id IS NULL GROUP BY ALL
            )
            FROM lists WHERE sync_id IN (
                SELECT e.sync_id FROM earlier e JOIN records r USING (record_hash) WHERE e.times >= r.times
                GROUP BY ALL HAVING count(*) = (SELECT count(*) FROM records))
            ORDER BY observed_at DESC, sync_id LIMIT {MOST_LISTS}""",
            {**self._of_dataset, "at": self.observed_at},
        )

    @property
    def _of_dataset(self) -> dict[str, object]:
        return {"platform": self.table.schema, "dataset": self.table.name}
