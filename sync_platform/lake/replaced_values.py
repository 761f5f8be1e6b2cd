"""New values of rows, and the content hash that each row has with them: for an erasure, or a correction.

What belongs here: the new values as a temporary table, and applying them to the incoming rows of a commit. The stored
rows belong in lake/row_replacement.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from sync_platform.lake.content_hashes import content_hashes
from sync_platform.lake.schema import ARROW_TYPES
from sync_platform.sources.columns import columns_of
from sync_platform.sources.declaration import Dataset
from sync_platform.storage.temporary_tables import TemporaryTables


@dataclass(frozen=True)
class Replacement:
    """New values of rows, in a temporary table. `columns`: those that may have a new value."""

    rows: str
    columns: Sequence[str]


def replacement(
    scratch: TemporaryTables,
    dataset: Dataset,
    keys: Sequence[Any],
    versions: Sequence[Mapping[str, Any]],
    columns: Sequence[str],
) -> Replacement:
    """Make the temporary table: `key`, the columns, and the `content_hash` of the row that a sync would make now.

    `versions`: the value of every column of the dataset, by name; one version for each key.
    """
    filled = [{name: value for name, value in version.items() if value is not None} for version in versions]
    hashes = content_hashes(dataset, [dataset.row(**each) for each in filled])
    types = {column.name: ARROW_TYPES[column.sql_type] for column in columns_of(dataset.row)}
    values = {name: pa.array([version[name] for version in versions], types[name]) for name in columns}
    table = pa.table({"key": keys, **values, "content_hash": hashes})
    scratch.session.register("replacing", table)
    try:
        return Replacement(scratch.create("replacement", "FROM replacing"), columns)
    finally:
        scratch.session.unregister("replacing")


def replace_incoming(scratch: TemporaryTables, rows: str, new: Replacement) -> None:
    """Give incoming rows their new values, in place. The key of the replacement is their `rowid`."""
    values = ", ".join(f'"{name}" = f."{name}"' for name in (*new.columns, "content_hash"))
    scratch.session.execute(f"UPDATE {rows} AS i SET {values} FROM {new.rows} f WHERE i.rowid = f.key")
