"""Drift on record: which fields of which datasets came in another shape, by the syncs that brought them.

What belongs here: reading `quality.drift` without values, for messages that leave the installation.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import duckdb

from sync_platform.storage.lake_connection import LAKE
from sync_platform.storage.lake_tables import has_table

LOOSE = "loose"
"""Left out: a loose value is read as what it means, and comes again with every sync."""
_WORDS = {
    "missing": "is missing",
    "renamed": "seems to have another name",
    "retyped": "has another type",
    "new": "is new",
    "placeholder": "is the same text in many records",
}


@dataclass(frozen=True)
class RecordedDrift:
    """One field that came in another shape. `kind`: see quality/drift.py."""

    platform: str
    dataset: str
    kind: str
    path: str

    @property
    def in_words(self) -> str:
        return f"`{self.path}` of {self.dataset} {_WORDS.get(self.kind, self.kind)}"


def drift_of_syncs(session: duckdb.DuckDBPyConnection, sync_ids: Collection[str]) -> list[RecordedDrift]:
    """The drift that these syncs brought, without loose values."""
    if not sync_ids or not has_table(session, "quality.drift"):
        return []
    rows = session.execute(
        f"""SELECT DISTINCT platform, dataset, kind, path FROM {LAKE}.quality.drift
        WHERE list_contains($syncs, sync_id) AND kind <> $loose ORDER BY ALL""",
        {"syncs": sorted(sync_ids), "loose": LOOSE},
    ).fetchall()
    return [RecordedDrift(*row) for row in rows]
