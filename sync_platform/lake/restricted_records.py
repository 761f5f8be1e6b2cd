"""Restricted records: rows of persons whose values may only be stored, so no reader of the lake is shown them.

What belongs here: the list of these records in the lake, which every commit and every change of a restriction brings up
to date, and the SQL with which readers leave them out. The rows themselves, and their history, stay as they are: syncs,
backups, verification, access and erasure go on. The restrictions belong in the register of privacy requests.
"""

from __future__ import annotations

from collections.abc import Mapping, Set

import duckdb

from sync_platform.lake.erased_rows import sealed_columns, values_of
from sync_platform.lake.row_replacement import stored_tables
from sync_platform.lake.schema import ensure_other_tables
from sync_platform.lake.syncs import describe_commit
from sync_platform.lake.tracked_table import dataset_table
from sync_platform.lake.transaction import in_one_transaction
from sync_platform.sources.columns import Column
from sync_platform.sources.declaration import Dataset, Platform
from sync_platform.storage.lake_connection import LAKE, Lake
from sync_platform.storage.lake_tables import has_table
from sync_platform.storage.temporary_tables import TemporaryTables

RESTRICTED = ("privacy", "restricted_records")
DESCRIPTION = "Records of persons who restricted the use of their values: stored, and shown to no reader"
COLUMNS = (
    Column("platform", "VARCHAR", "Platform"),
    Column("dataset", "VARCHAR", "Dataset"),
    Column("source_id", "VARCHAR", "The record"),
)
TABLE = ".".join(RESTRICTED)
_NAME = f"{LAKE}.{TABLE}"


def is_usable(platform: str, dataset: str, key: str, table: str = TABLE) -> str:
    """SQL: true for a row whose record is not restricted. The arguments are SQL; `table`: the list."""
    return f"""NOT EXISTS (SELECT 1 FROM {table} AS restricted WHERE restricted.platform = {platform}
        AND restricted.dataset = {dataset} AND restricted.source_id = {key})"""


def has_restricted(session: duckdb.DuckDBPyConnection) -> bool:
    """True if the lake has the list of restricted records."""
    return has_table(session, TABLE)


def usable_changes(session: duckdb.DuckDBPyConnection, history: str) -> str:
    """SQL: true for a change of a record that is not restricted. `history`: the alias of the history in the query."""
    if not has_restricted(session):
        return "true"
    return is_usable(f"{history}.platform", f"{history}.dataset", f"{history}.entity_id", _NAME)


def is_restricted(session: duckdb.DuckDBPyConnection, platform: str, dataset: str, source_id: str) -> bool:
    """True if this record is restricted."""
    query = f"SELECT 1 FROM {_NAME} WHERE platform = ? AND dataset = ? AND source_id = ?"
    return has_restricted(session) and bool(session.execute(query, [platform, dataset, source_id]).fetchall())


def add_restricted(scratch: TemporaryTables, rows: str, platform: str, dataset: Dataset, subjects: Set[str]) -> None:
    """Add incoming rows of restricted persons to the list, within the caller's transaction."""
    if subjects and sealed_columns(dataset):
        ensure_other_tables(scratch.session, {RESTRICTED: (COLUMNS, DESCRIPTION)})
        records = _records(scratch, rows, platform, dataset, subjects)
        scratch.session.execute(f"INSERT INTO {_NAME} ({records} EXCEPT FROM {_NAME})")


def restrict_records(lake: Lake, platforms: Mapping[str, Platform], subjects: Set[str], run_id: str) -> bool:
    """Make the list that of all rows of the restricted persons; True if it changed. A repeat changes nothing."""

    def restrict() -> bool:
        if not subjects and not has_restricted(session):
            return False
        ensure_other_tables(session, {RESTRICTED: (COLUMNS, DESCRIPTION)})
        with TemporaryTables(session) as scratch:
            parts = [
                _records(
                    scratch, f"{LAKE}.{dataset_table(platform.name, dataset).sql}", platform.name, dataset, subjects
                )
                for platform, dataset in list(stored_tables(session, platforms))
                if subjects and sealed_columns(dataset)
            ]
            wanted = scratch.create("wanted", " UNION ALL ".join([f"SELECT * FROM {_NAME} WHERE false", *parts]))
            changed = session.execute(
                f"(FROM {wanted} EXCEPT FROM {_NAME}) UNION ALL (FROM {_NAME} EXCEPT FROM {wanted})"
            ).fetchall()
            if changed:
                session.execute(f"DELETE FROM {_NAME}")
                session.execute(f"INSERT INTO {_NAME} FROM {wanted}")
                describe_commit(session, run_id, f"restriction: {len(changed):,} records begin or end")
        return bool(changed)

    with lake.session() as session:
        return in_one_transaction(lake, session, restrict)


def _stored(platform: Platform, dataset: Dataset) -> str:
    return f"{LAKE}.{dataset_table(platform.name, dataset).sql}"


def _records(scratch: TemporaryTables, relation: str, platform: str, dataset: Dataset, subjects: Set[str]) -> str:
    """SQL: the restricted records of a relation with the columns of a dataset."""
    is_theirs = values_of(scratch, sealed_columns(dataset), subjects)
    return f"""SELECT DISTINCT '{platform}' AS platform, '{dataset.name}' AS dataset, source_id
        FROM {relation} WHERE {is_theirs}"""
