"""Corrected values: the right value of a field stands in place of a wrong one that the source still shows.

What belongs here: replacing the wrong value in the incoming rows of a commit and in stored rows, noticing that the
source shows the right value itself, and the list of what is corrected now. The corrections that persons have asked for
belong in the register of privacy requests. A correction is of one value: another value of the source is stored as it
is, because it is a new statement.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb

from sync_platform.lake.replaced_values import Replacement, replace_incoming, replacement
from sync_platform.sources.columns import Column, columns_of
from sync_platform.sources.declaration import Dataset
from sync_platform.storage.lake_connection import LAKE
from sync_platform.storage.lake_tables import has_table
from sync_platform.storage.temporary_tables import TemporaryTables

CORRECTED = ("privacy", "corrected_values")
DESCRIPTION = "Values that were corrected at the request of a person, and that the source shows wrong"
COLUMNS = (
    Column("request", "BIGINT", "Privacy request: `privacy requests show`"),
    Column("platform", "VARCHAR", "Platform"),
    Column("dataset", "VARCHAR", "Dataset"),
    Column("source_id", "VARCHAR", "The record"),
    Column("column_name", "VARCHAR", "The corrected column of the dataset"),
    Column("corrected_at", "TIMESTAMPTZ", "When the right value was recorded (UTC)"),
)
_NAME = f"{LAKE}.{'.'.join(CORRECTED)}"


@dataclass(frozen=True)
class ValueCorrection:
    """The right value of one column of one record, beside the wrong one.

    `number` is its event in the register. Values are texts as `text_of` has them, sealed where the column is; None for
    an empty one. `shown`: the text of the right value when the source shows it. It differs from `right` where the
    field names the person, because the source's value is sealed for the person of that name.
    """

    number: int
    request: int
    platform: str
    dataset: str
    source_id: str
    column: str
    wrong: str | None
    right: str
    shown: str
    corrected_at: datetime


@dataclass(frozen=True)
class Corrections:
    """The corrections of an installation. `read`: those of a dataset that apply, by platform and dataset.

    `pass_on`: called with each correction whose right value the source shows itself.
    """

    read: Callable[[str, str], Sequence[ValueCorrection]]
    pass_on: Callable[[ValueCorrection], None]


NO_CORRECTIONS = Corrections(lambda platform, dataset: (), lambda correction: None)


def text_of(column: Column, value: str = "") -> str:
    """SQL: a value of the column as a text, equal for two that say the same: of a set in order, without repetitions.

    `value`: SQL of the value; by default the column.
    """
    value = value or f'"{column.name}"'
    return f"list_sort(list_distinct({value}))::VARCHAR" if column.is_set else f"{value}::VARCHAR"


def correct_incoming(
    scratch: TemporaryTables, rows: str, dataset: Dataset, corrections: Sequence[ValueCorrection]
) -> None:
    """Give the incoming rows the right values in place of the wrong ones. A repeat is harmless."""
    replacements = replacement_of_values(
        scratch, rows, dataset, [(each, each.wrong, each.right) for each in corrections], "rowid"
    )
    if replacements is not None:
        replace_incoming(scratch, rows, replacements)


def shown_right(
    session: duckdb.DuckDBPyConnection,
    rows: str,
    dataset: Dataset,
    corrections: Sequence[ValueCorrection],
    observed_at: datetime,
) -> list[ValueCorrection]:
    """The corrections whose right value the source shows in these incoming rows, observed after the correction."""
    texts = {column.name: text_of(column) for column in columns_of(dataset.row)}
    later = [each for each in corrections if each.corrected_at < observed_at and each.column in texts]
    return [
        each
        for each in later
        if session.execute(
            f"SELECT 1 FROM {rows} WHERE source_id = ? AND {texts[each.column]} IN (?, ?) AND NOT deleted LIMIT 1",
            [each.source_id, each.right, each.shown],
        ).fetchone()
    ]


def forget_corrected(session: duckdb.DuckDBPyConnection, corrections: Iterable[ValueCorrection]) -> None:
    """Take corrections that are passed on from the list of corrected values, within the caller's transaction."""
    for each in corrections:
        if has_table(session, ".".join(CORRECTED)):
            session.execute(
                f"""DELETE FROM {_NAME} WHERE platform = ? AND dataset = ? AND source_id = ? AND column_name = ?""",
                [each.platform, each.dataset, each.source_id, each.column],
            )


def replacement_of_values(
    scratch: TemporaryTables,
    relation: str,
    dataset: Dataset,
    wanted: Sequence[tuple[ValueCorrection, str | None, str | None]],
    key: str,
) -> Replacement | None:
    """The rows that have a value which is to be replaced, with the new one; None for none.

    `wanted`: each correction with the value that is replaced, and the one in its place. `key`: SQL that identifies a
    row of the relation.
    """
    columns = {column.name: column for column in columns_of(dataset.row)}
    wanted = [each for each in wanted if each[0].column in columns]
    if not wanted:
        return None
    changed = sorted({each.column for each, _, _ in wanted})
    listed = ", ".join([*(f'"{name}"' for name in columns), *(text_of(columns[name]) for name in changed)])
    ids = sorted({each.source_id for each, _, _ in wanted})
    rows = scratch.session.execute(
        f"SELECT {key}, {listed} FROM {relation} WHERE list_contains($ids, source_id)", {"ids": ids}
    ).fetchall()
    keys, versions = [], []
    for row in rows:
        version = dict(zip(columns, row[1:], strict=False))
        texts = dict(zip(changed, row[1 + len(columns) :], strict=True))
        before = dict(texts)
        for each, old, new in wanted:
            if each.source_id == version["source_id"] and texts[each.column] == old:
                texts[each.column] = new
        differing = [name for name in changed if texts[name] != before[name]]
        if differing:
            keys.append(row[0])
            values = {name: _typed(scratch.session, columns[name].sql_type, texts[name]) for name in differing}
            versions.append(version | values)
    return replacement(scratch, dataset, keys, versions, changed) if keys else None


def _typed(session: duckdb.DuckDBPyConnection, sql_type: str, text: str | None) -> Any:
    return session.execute(f"SELECT CAST(? AS {sql_type})", [text]).fetchall()[0][0]
