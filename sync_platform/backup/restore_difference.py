"""What a restore changes in one table: counts by operation, and examples. A dry run and a real run have the same."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from sync_platform.lake.tracked_table import TrackedTable
from sync_platform.lake.versions import changed_names
from sync_platform.storage.temporary_tables import TemporaryTables

OPERATIONS = ("insert", "update", "remove", "restore", "refresh")
EXAMPLES = 3
"""Examples of each operation."""


@dataclass(frozen=True)
class ExampleRow:
    """One row that changes. `columns`: those whose values differ, for an update; never the values themselves."""

    operation: str
    entity_id: str
    columns: list[str]


@dataclass(frozen=True)
class TableDifference:
    """The rows of a table that a restore changes.

    `inserted`: rows that the lake never had; `restored`: rows that had ended and are live again; `refreshed`: rows in
    which only columns without a history differ. `watermark`: where incremental syncs read on, if that went back.
    """

    table: str
    inserted: int
    updated: int
    removed: int
    restored: int
    refreshed: int
    examples: list[ExampleRow] = field(default_factory=list)
    watermark: datetime | None = None

    @property
    def in_history(self) -> int:
        return self.inserted + self.updated + self.removed + self.restored

    @property
    def changes_nothing(self) -> bool:
        return not (self.in_history or self.refreshed)

    def document(self) -> dict[str, Any]:
        return asdict(self)


def difference_of(
    scratch: TemporaryTables, table: TrackedTable, operations: str, new: str, old: str
) -> TableDifference:
    """`operations`: a relation of the key and the operation of each row that changes. `new` and `old`: relations that
    have those rows after and before."""
    counted = f"SELECT operation, count(*) FROM {operations} GROUP BY ALL"
    counts = Counter(dict(scratch.session.execute(counted).fetchall()))
    return TableDifference(
        f"{table.schema}.{table.name}",
        counts["insert"],
        counts["update"],
        counts["remove"],
        counts["restore"],
        counts["refresh"],
        _examples(scratch, table, operations, new, old),
    )


def _examples(scratch: TemporaryTables, table: TrackedTable, operations: str, new: str, old: str) -> list[ExampleRow]:
    """The first rows of each operation, by key."""
    keys = table.key_list
    first = " UNION ALL ".join(
        f"(SELECT {keys}, operation FROM {operations} WHERE operation = '{each}' ORDER BY {keys} LIMIT {EXAMPLES})"
        for each in OPERATIONS
    )
    first_rows = scratch.create("shown", first)
    have_both_sides = "operation IN ('update', 'refresh')"
    rows = scratch.session.execute(
        f"SELECT operation, {table.entity()}, [] FROM {first_rows} WHERE NOT {have_both_sides}"
    ).fetchall()
    if scratch.session.execute(f"FROM {first_rows} WHERE {have_both_sides} LIMIT 1").fetchone():
        columns = [column for column in table.columns if column.name not in table.key]
        i, c = (f"(SELECT s.* FROM {side} s SEMI JOIN {first_rows} USING ({keys}))" for side in (new, old))
        rows += scratch.session.execute(
            f"""SELECT d.operation, {table.entity("d")}, {changed_names(columns)}
            FROM {first_rows} d JOIN {i} i ON {table.same_key("i", "d")} JOIN {c} c ON {table.same_key("c", "d")}
            WHERE d.{have_both_sides}"""
        ).fetchall()
    return [ExampleRow(*row) for row in sorted(rows)]
