"""Correction in the stored rows: the right value stands in place of the wrong one, as a new commit.

What belongs here: bringing stored rows, and the list of corrected values, in line with the corrections on record.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import duckdb
import pyarrow as pa

from sync_platform.lake.corrected_values import COLUMNS, CORRECTED, DESCRIPTION, ValueCorrection, replacement_of_values
from sync_platform.lake.row_replacement import replace_stored, stored_tables
from sync_platform.lake.schema import ARROW_TYPES, ensure_other_tables
from sync_platform.lake.syncs import describe_commit
from sync_platform.lake.tracked_table import dataset_table
from sync_platform.lake.transaction import in_one_transaction
from sync_platform.sources.declaration import Dataset, Platform
from sync_platform.storage.lake_connection import LAKE, Lake
from sync_platform.storage.lake_tables import has_table
from sync_platform.storage.temporary_tables import TemporaryTables

_NAME = f"{LAKE}.{'.'.join(CORRECTED)}"


def correct_rows(
    lake: Lake,
    history: str,
    platforms: Mapping[str, Platform],
    applied: Sequence[ValueCorrection],
    ended: Sequence[ValueCorrection],
    run_id: str,
) -> int:
    """Bring stored rows, and the list of corrected values, in line with the corrections; how many rows changed.

    `applied`: the right value stands in place of the wrong one. `ended`: the wrong one comes back, because the
    correction was lifted. A repeat changes nothing.
    """

    def correct() -> int:
        rows = sum(
            _correct_table(session, history, platform, dataset, applied, ended, run_id)
            for platform, dataset in list(stored_tables(session, platforms))
        )
        is_listed = _list_corrected(session, applied)
        if rows or is_listed:
            describe_commit(session, run_id, f"correction: {rows:,} rows")
        return rows

    with lake.session() as session:
        return in_one_transaction(lake, session, correct)


def _correct_table(
    session: duckdb.DuckDBPyConnection,
    history: str,
    platform: Platform,
    dataset: Dataset,
    applied: Sequence[ValueCorrection],
    ended: Sequence[ValueCorrection],
    run_id: str,
) -> int:
    here = (platform.name, dataset.name)
    wanted: list[tuple[ValueCorrection, str | None, str | None]] = [
        (correction, correction.right, correction.wrong)
        for correction in ended
        if (correction.platform, correction.dataset) == here
    ]
    wanted += [
        (correction, correction.wrong, correction.right)
        for correction in applied
        if (correction.platform, correction.dataset) == here
    ]
    with TemporaryTables(session) as scratch:
        table = f"{LAKE}.{dataset_table(platform.name, dataset).sql}"
        replacement = replacement_of_values(scratch, table, dataset, wanted, "source_id")
        return (
            replace_stored(scratch, history, platform, dataset, replacement, run_id) if replacement is not None else 0
        )


def _list_corrected(session: duckdb.DuckDBPyConnection, applied: Sequence[ValueCorrection]) -> bool:
    """Make the list of corrected values that of these corrections; True if it changed."""
    is_there = has_table(session, ".".join(CORRECTED))
    if not applied and not is_there:
        return False
    ensure_other_tables(session, {CORRECTED: (COLUMNS, DESCRIPTION)})
    values = [
        (
            correction.request,
            correction.platform,
            correction.dataset,
            correction.source_id,
            correction.column,
            correction.corrected_at,
        )
        for correction in applied
    ]
    arrays = [
        pa.array([row[number] for row in values], ARROW_TYPES[column.sql_type]) for number, column in enumerate(COLUMNS)
    ]
    session.register("corrected_now", pa.table(arrays, names=[column.name for column in COLUMNS]))
    try:
        ((differs,),) = session.execute(
            f"""SELECT count(*) > 0 FROM ((FROM corrected_now EXCEPT FROM {_NAME})
                UNION ALL (FROM {_NAME} EXCEPT FROM corrected_now))"""
        ).fetchall()
        if differs:
            session.execute(f"DELETE FROM {_NAME}")
            session.execute(f"INSERT INTO {_NAME} BY NAME FROM corrected_now")
    finally:
        session.unregister("corrected_now")
    return bool(differs) or not is_there
