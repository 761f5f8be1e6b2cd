"""What a restore changes in one table: counts by operation, and examples. A dry run and a real run have the same."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

import duckdb

from sync_platform.lake.difference import Difference
from sync_platform.lake.incoming import Incoming
from sync_platform.lake.tracked_table import TrackedTable
from sync_platform.lake.versions import changed_names

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
    session: duckdb.DuckDBPyConnection, table: TrackedTable, incoming: Incoming, difference: Difference
) -> TableDifference:
    return TableDifference(
        f"{table.schema}.{table.name}",
        difference.insert,
        difference.update,
        difference.remove,
        difference.restore,
        difference.refresh,
        _examples(session, table, incoming, difference),
    )


def _examples(
    session: duckdb.DuckDBPyConnection, table: TrackedTable, incoming: Incoming, difference: Difference
) -> list[ExampleRow]:
    """The first rows of each operation, by key."""
    shown = f"""SELECT * FROM {difference.operations} WHERE operation <> 'stale'
        QUALIFY row_number() OVER (PARTITION BY operation ORDER BY {table.key_list}) <= {EXAMPLES}"""
    columns = [column for column in table.columns if column.name not in table.key]
    rows = session.execute(
        f"""SELECT d.operation, {table.entity("d")}, CASE WHEN d.operation IN ('update', 'refresh')
                THEN {changed_names(columns)} ELSE [] END
        FROM ({shown}) d LEFT JOIN {incoming.rows} i ON {table.same_key("i", "d")}
            LEFT JOIN {difference.old} c ON {table.same_key("c", "d")}
        ORDER BY ALL"""
    ).fetchall()
    return [ExampleRow(*row) for row in rows]
