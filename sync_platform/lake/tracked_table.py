"""A tracked table: every change of it is a row of the history, so the table can be replayed from the history.

What belongs here: the description of such a table, which all steps of the lake use. difference.py finds its changes,
history.py writes them, table_writer.py applies them, and replay.py replays them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from sync_platform.lake.schema import kept_columns, table_name
from sync_platform.sources.columns import Column, columns_of
from sync_platform.sources.declaration import Dataset, Platform, Window
from sync_platform.sources.period import HONG_KONG

STALE_SINCE = "stale_since"
COMPUTED_KEPT = (
    Column("first_seen_at", "TIMESTAMPTZ", "When the row was first made (UTC)"),
    Column("last_changed_at", "TIMESTAMPTZ", "When it last changed (UTC)"),
    Column("removed_at", "TIMESTAMPTZ", "When it ended (UTC); empty while it is live"),
)
"""The columns that the lake fills in tables of computed rows."""


@dataclass(frozen=True)
class TrackedTable:
    """A table with a history.

    `key`: the columns that identify a row; `entity_id` in the history is their values, joined by `/`. `columns`: the
    table's own columns, including the key. `kept`: columns that the lake fills. `volatile` columns are kept current and
    have no history. `window`: the days that a full list shows, if it does not show all.
    """

    schema: str
    name: str
    description: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    kept: tuple[Column, ...]
    volatile: frozenset[str] = frozenset()
    window: Window | None = None

    @property
    def sql(self) -> str:
        """SQL: schema and name."""
        return table_name(self.schema, self.name)

    @property
    def is_landed(self) -> bool:
        """True if its rows are landed records: they have a content hash and a landing line, and may become stale."""
        return any(column.name == "content_hash" for column in self.kept)

    @property
    def lasting(self) -> list[Column]:
        """The columns with a history, without the key."""
        return [column for column in self.columns if column.name not in (*self.key, *self.volatile)]

    @property
    def whole(self) -> list[str]:
        """The columns that an insert and a restore name. The key of a landed record is already the `entity_id`."""
        names = [column.name for column in self.lasting]
        return names if self.is_landed else [*self.key, *names]

    @property
    def every_column(self) -> tuple[Column, ...]:
        return (*self.columns, *self.kept)

    @property
    def replayed(self) -> list[str]:
        """The columns that a replay fills: all but volatile columns and `stale_since`."""
        without_history = {*self.volatile, STALE_SINCE}
        return [column.name for column in self.every_column if column.name not in without_history]

    def is_past(self, row: str, day: date | None, *, by: str = "<") -> str:
        """SQL: true if a row of a relation is before the window of a list observed on `day`; false without a window.

        `by`: `<=` also takes the rows of the window's first day, of which some may have left the list.
        """
        if self.window is None or day is None:
            return "false"
        column = next(column for column in self.columns if column.name == self.window.column)
        its_day = f'{row}."{column.name}"'
        if column.sql_type == "TIMESTAMPTZ":
            its_day = f"CAST(timezone('{HONG_KONG}', {its_day}) AS DATE)"
        return f"coalesce({its_day} {by} DATE '{self.window.first_day(day)}', false)"

    @property
    def key_list(self) -> str:
        """SQL: the key's columns."""
        return ", ".join(f'"{name}"' for name in self.key)

    def entity(self, relation: str | None = None) -> str:
        """SQL: the `entity_id` of a row of a relation."""
        prefix = f"{relation}." if relation else ""
        return " || '/' || ".join(f'{prefix}"{name}"' for name in self.key)

    def same_key(self, one: str, other: str) -> str:
        """SQL: true if rows of two relations have the same key."""
        return " AND ".join(f'{one}."{name}" = {other}."{name}"' for name in self.key)


TrackedTables = Mapping[tuple[str, str], TrackedTable]
"""Tracked tables by schema and name."""


def dataset_table(platform: str, dataset: Dataset) -> TrackedTable:
    """The table of a dataset: one row per record of the platform."""
    return TrackedTable(
        platform,
        dataset.name,
        dataset.description,
        ("source_id",),
        columns_of(dataset.row),
        kept_columns(dataset),
        dataset.volatile,
        dataset.window,
    )


def dataset_tables(platforms: Mapping[str, Platform]) -> dict[tuple[str, str], TrackedTable]:
    """The table of every dataset that the platforms declare."""
    return {
        (platform.name, dataset.name): dataset_table(platform.name, dataset)
        for platform in platforms.values()
        for dataset in platform.datasets
    }
