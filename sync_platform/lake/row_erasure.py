"""Erasure in the stored rows: every sealed value of an erased person becomes the erased form, as a new commit.

The ciphertext in earlier changes of the history is unreadable, because its key is destroyed.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass

import duckdb

from sync_platform.lake.erased_rows import erased_rows, sealed_columns
from sync_platform.lake.row_replacement import replace_stored, stored_tables
from sync_platform.lake.syncs import describe_commit
from sync_platform.lake.tracked_table import dataset_table
from sync_platform.lake.transaction import in_one_transaction
from sync_platform.sources.declaration import Dataset, Platform
from sync_platform.storage.lake_connection import LAKE, Lake
from sync_platform.storage.temporary_tables import TemporaryTables


@dataclass(frozen=True)
class ErasedTable:
    """How many rows of a table now have the erased form in place of ciphertext."""

    table: str
    rows: int


def erase_rows(
    lake: Lake, history: str, platforms: Mapping[str, Platform], erased: Set[str], run_id: str
) -> list[ErasedTable]:
    """Give every stored row of the erased persons its erased form, removed rows included, in one transaction.

    `erased`: the ids of data subjects that have a tombstone. Returns the tables that changed; a repeat changes nothing.
    """
    with lake.session() as session:
        tables = [table for table in stored_tables(session, platforms) if sealed_columns(table[1])]
        return in_one_transaction(lake, session, lambda: _erase_tables(session, history, tables, erased, run_id))


def _erase_tables(
    session: duckdb.DuckDBPyConnection,
    history: str,
    tables: list[tuple[Platform, Dataset]],
    erased: Set[str],
    run_id: str,
) -> list[ErasedTable]:
    done = list[ErasedTable]()
    for platform, dataset in tables:
        table = f"{LAKE}.{dataset_table(platform.name, dataset).sql}"
        with TemporaryTables(session) as scratch:
            replacement = erased_rows(scratch, table, dataset, erased, '"source_id"')
            if replacement is not None:
                rows = replace_stored(scratch, history, platform, dataset, replacement, run_id)
                done.append(ErasedTable(f"{platform.name}.{dataset.name}", rows))
    if done:
        describe_commit(session, run_id, f"erasure: {sum(each.rows for each in done):,} rows")
    return done
