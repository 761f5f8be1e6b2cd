"""Coverage: which stored rows a full list covers, so that a covered row that the list does not show is gone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

import pyarrow as pa

from sync_platform.lake.incoming import Arrival
from sync_platform.lake.tracked_table import TrackedTable
from sync_platform.lake.unidentified_records import UnidentifiedRecords
from sync_platform.landing.manifest import Manifest
from sync_platform.sources.declaration import Dataset
from sync_platform.storage.temporary_tables import TemporaryTables

if TYPE_CHECKING:
    from sync_platform.lake.rows import TypedRows


@dataclass(frozen=True)
class Coverage:
    """The stored rows of some parts of a list, or of all parts but some.

    `part`: SQL over a stored row, the name of its part. `names`: the parts. `are_excluded`: True if the rows of the
    other parts are covered. A row without a part is not covered. `unidentified`: records of the list without an id; a
    row that one of them could be is not covered.
    """

    part: str
    names: Iterable[str] = ()
    are_excluded: bool = False
    unidentified: UnidentifiedRecords | None = None

    def rows(self, scratch: TemporaryTables, stored: str, keys: str) -> str | None:
        """The relation of the keys of the rows of `stored` whose part is covered; None if every part is."""
        if replace(self, unidentified=None) == EVERY_ROW:
            return None
        scratch.session.register("part_names", pa.table({"name": pa.array(self.names, pa.string())}))
        try:
            names = scratch.create("parts", "FROM part_names")
        finally:
            scratch.session.unregister("part_names")
        part = f"CAST({self.part} AS VARCHAR)"
        listed = f"{part} {'NOT IN' if self.are_excluded else 'IN'} (FROM {names})"
        return scratch.create("covered", f"SELECT {keys} FROM {stored} WHERE {part} IS NOT NULL AND {listed}")


EVERY_ROW = Coverage("''", are_excluded=True)
"""The coverage of a list that is complete."""
NO_ROW = Coverage("''")
"""The coverage of a list of which it is not known which parts are complete."""


def coverage_of_parts(manifest: Manifest, dataset: Dataset) -> Coverage:
    """The coverage of an incomplete list: the parts that its manifest names as read whole."""
    if manifest.parts is None:
        return NO_ROW
    if manifest.parts.read is None:
        return Coverage(dataset.part_of_row, tuple(manifest.parts.unread), are_excluded=True)
    return Coverage(dataset.part_of_row, tuple(manifest.parts.read))


def proven_coverage(covered: Coverage, manifest: Manifest, dataset: Dataset) -> Coverage:
    """The coverage without the parts that nothing proves whole (landing/completeness.py)."""
    if manifest.unproven is None:
        return covered
    if manifest.unproven.parts is None or covered == NO_ROW:
        return NO_ROW
    unproven = set(manifest.unproven.parts)
    names = unproven | set(covered.names) if covered.are_excluded else set(covered.names) - unproven
    return replace(covered, part=dataset.part_of_row, names=tuple(sorted(names)))


def coverage_of_list(
    typed: TypedRows, arrival: Arrival, history: str, table: TrackedTable, observed_at: datetime
) -> Coverage:
    """The coverage of a full list: no row where a filter dropped most of it, because any row may be missing then."""
    if typed.filter_faults:
        return NO_ROW
    manifest = typed.landed.manifest
    coverage = coverage_of_parts(manifest, typed.dataset) if manifest.reasons else EVERY_ROW
    if not arrival.unidentified:
        return coverage
    unidentified = UnidentifiedRecords(history, table, observed_at, arrival.quarantine)
    return replace(coverage, unidentified=unidentified)
