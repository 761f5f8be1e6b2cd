"""What changed in a span: the difference between two states of the lake, computed once, and asked for its changes.

What belongs here: the difference as data. `change_document` and `change_json` write it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

import duckdb

from sync_platform.lineage.change_export import ExportScope
from sync_platform.lineage.change_span import TableChanges, count_changes, count_syncs
from sync_platform.lineage.changes import SEALED, Change, changes_between, without_sealed
from sync_platform.quality.measures import NAMES
from sync_platform.storage.lake_connection import LAKE
from sync_platform.vault.sealed_values import ERASED


@dataclass(frozen=True)
class LakeDifference:
    """The changes of a scope. `limit`: the largest number of changes that are read one by one; None for all."""

    session: duckdb.DuckDBPyConnection
    history: str
    scope: ExportScope
    limit: int | None = None

    @cached_property
    def counts(self) -> list[TableChanges]:
        return count_changes(self.session, self.history, self.scope)

    @cached_property
    def syncs(self) -> int:
        """The number of syncs that were committed in the span."""
        return count_syncs(self.session, self.scope)

    @property
    def total(self) -> int:
        return sum(table_changes.total for table_changes in self.counts)

    def changes(self) -> Iterator[Change]:
        """The first changes, in order of commit. Memory does not grow with their number."""
        scope = self.scope
        changes = changes_between(self.session, self.history, scope.first, scope.last, scope.platform)
        return islice(changes, self.limit)

    def names_of(self, changes: Sequence[Change]) -> dict[tuple[str, str], str]:
        """The names that records have now, by table and id. A record without a name, or with a sealed one, has none."""
        names_by_id = {}
        for table in {change.table for change in changes}:
            ids = [change.entity_id for change in changes if change.table == table]
            for source_id, *names in self._names_in(table, ids):
                known = [without_sealed(name) for name in names if name]
                if known and not {SEALED, ERASED} & {*known}:
                    names_by_id[table, source_id] = " / ".join(known)
        return names_by_id

    def _names_in(self, table: str, ids: list[str]) -> list[tuple[str, ...]]:
        schema, _, name = table.partition(".")
        rows = self.session.execute(
            "SELECT column_name FROM duckdb_columns() WHERE database_name = ? AND schema_name = ? AND table_name = ?",
            [LAKE, schema, name],
        ).fetchall()
        columns = {column for (column,) in rows}
        key = "restaurant_id" if table == "unified.restaurants" else "source_id"
        named = [f'"{each}"' for each in NAMES if each in columns]
        if not named or key not in columns:
            return []
        return self.session.execute(
            f'SELECT {key}, {", ".join(named)} FROM {LAKE}."{schema}"."{name}" WHERE list_contains(?, {key})', [ids]
        ).fetchall()
