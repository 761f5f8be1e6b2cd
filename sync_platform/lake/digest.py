"""The digest of a table's content. It does not depend on the files or the order of the rows."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from sync_platform.storage.lake_connection import LAKE


@dataclass(frozen=True)
class Digest:
    """The number of rows, and the sum and XOR of their hashes; comparable within one version of DuckDB."""

    rows: int
    hash_sum: int
    hash_xor: int


def digest_table(session: duckdb.DuckDBPyConnection, table: str, snapshot: int) -> Digest:
    """The digest of all rows of a table (`schema.table`, quoted) as of a snapshot. One scan, constant memory."""
    row = session.execute(
        f"""SELECT count(*), coalesce(sum(hash(r)), 0), coalesce(bit_xor(hash(r)), 0)
        FROM {LAKE}.{table} AS r AT (VERSION => {snapshot})"""
    ).fetchall()[0]
    return Digest(*row)
