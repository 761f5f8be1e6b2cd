"""The volatile values of a late observation.

Volatile columns have no history: a table has the values of the newest observation that shows a row. A late observation
changes them where no later observation shows the row. So observations in any order leave the values that they leave in
order of time.
"""

from __future__ import annotations

from datetime import datetime

from sync_platform.lake.corrected_times import corrected_history
from sync_platform.lake.incoming import IncomingRows
from sync_platform.lake.schema import ENDS
from sync_platform.lake.tracked_table import TrackedTable
from sync_platform.storage.lake_connection import LAKE
from sync_platform.storage.temporary_tables import TemporaryTables


class LateVolatileValues:
    """The rows of a late observation, with their volatile values, without those that a later observation shows.

    `rows` is the relation of these rows.
    """

    def __init__(self, scratch: TemporaryTables, table: TrackedTable, incoming: IncomingRows) -> None:
        self._session = scratch.session
        self._table = table
        names = ", ".join(f'"{name}"' for name in (*table.key, *sorted(table.volatile)))
        self.rows = scratch.create("late_values", f"SELECT {names} FROM {incoming.rows} WHERE NOT deleted")

    @property
    def is_empty(self) -> bool:
        return self._session.execute(f"FROM {self.rows} LIMIT 1").fetchone() is None

    def leave_out(self, shown: str) -> None:
        """Leave out the rows whose keys are in the relation `shown`: a later observation shows them."""
        keys = self._table.key_list
        self._session.execute(f"DELETE FROM {self.rows} WHERE ({keys}) IN (SELECT {keys} FROM {shown})")

    def leave_out_changed(self, history: str, after: datetime) -> None:
        """Leave out the rows that have a change after that time by an observation that shows them."""
        self._session.execute(
            f"""DELETE FROM {self.rows} WHERE {self._table.entity()} IN (
                SELECT entity_id FROM {corrected_history(self._session, history)}
                WHERE platform = $platform AND dataset = $dataset AND observed_at > $after
                    AND operation NOT IN {ENDS})""",
            {"platform": self._table.schema, "dataset": self._table.name, "after": after},
        )

    def write(self, *, only_blank: bool) -> None:
        """Write the values into the table; with `only_blank`, only in place of null."""
        names = [f'"{name}"' for name in sorted(self._table.volatile)]
        new = {name: f"coalesce(t.{name}, l.{name})" if only_blank else f"l.{name}" for name in names}
        self._session.execute(
            f"""UPDATE {LAKE}.{self._table.sql} AS t SET {", ".join(f"{name} = {value}" for name, value in new.items())}
            FROM {self.rows} l WHERE {self._table.same_key("t", "l")}
                AND ({" OR ".join(f"t.{name} IS DISTINCT FROM {value}" for name, value in new.items())})"""
        )
