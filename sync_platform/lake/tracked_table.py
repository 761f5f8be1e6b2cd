"""A tracked table: one whose every change is a row of the history, so that the history replays to the table.

What belongs here: the description of such a table, which every step of the lake takes. How its changes are found,
written, applied and replayed is in difference.py, history.py, table_writer.py and replay.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sync_platform.lake.schema import KEPT_COLUMNS, table_name
from sync_platform.sources.columns import Column, columns_of
from sync_platform.sources.declaration import Dataset, Platform

STALE_SINCE = "stale_since"


@dataclass(frozen=True)
class TrackedTable:
    """A table with a history.

    `key`: the columns that name a row; in the history a row is named by their values, joined by `/`. `columns`: the
    table's own, the key included. `kept`: columns that the lake fills. `volatile` columns are kept current and have no
    history. `listed_from`: the column by which a full list leaves out earlier rows (Dataset.listed_from).
    """

    schema: str
    name: str
    description: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    kept: tuple[Column, ...]
    volatile: frozenset[str] = frozenset()
    listed_from: str | None = None

    @property
    def sql(self) -> str:
        """Schema and name, as written in SQL."""
        return table_name(self.schema, self.name)

    @property
    def is_landed(self) -> bool:
        """Whether its rows are landed records: they have a content hash and a landing line, and may become stale."""
        return any(column.name == "content_hash" for column in self.kept)

    @property
    def lasting(self) -> list[str]:
        """The columns whose changes are history, the key left out."""
        return [column.name for column in self.columns if column.name not in (*self.key, *self.volatile)]

    @property
    def whole(self) -> list[str]:
        """The columns that an insert and a restore name. A landed record's key is the change's `entity_id` already."""
        return self.lasting if self.is_landed else [*self.key, *self.lasting]

    @property
    def every_column(self) -> tuple[Column, ...]:
        return (*self.columns, *self.kept)

    @property
    def replayed(self) -> list[str]:
        """The columns that the history gives: all but volatile ones and staleness."""
        aside = {*self.volatile, STALE_SINCE}
        return [column.name for column in self.every_column if column.name not in aside]

    @property
    def key_list(self) -> str:
        """SQL: the key's columns."""
        return ", ".join(f'"{name}"' for name in self.key)

    def entity(self, relation: str | None = None) -> str:
        """SQL: how the history names a row of a relation."""
        prefix = f"{relation}." if relation else ""
        return " || '/' || ".join(f'{prefix}"{name}"' for name in self.key)

    def same_key(self, one: str, other: str) -> str:
        """SQL: whether rows of two relations have the same key."""
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
        KEPT_COLUMNS,
        dataset.volatile,
        dataset.listed_from,
    )


def dataset_tables(platforms: Mapping[str, Platform]) -> dict[tuple[str, str], TrackedTable]:
    """The table of every dataset that the platforms declare."""
    return {
        (platform.name, dataset.name): dataset_table(platform.name, dataset)
        for platform in platforms.values()
        for dataset in platform.datasets
    }
