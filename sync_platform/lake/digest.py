"""The digest of a table's content: the same rows give the same digest, in whatever files and order they stand."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from sync_platform.storage.lake_connection import LAKE


@dataclass(frozen=True)
class Digest:
    """Rows, and two sums over their hashes that no order changes; comparable within one version of DuckDB."""

    rows: int
    hash_sum: int
    hash_xor: int


def digest_table(session: duckdb.DuckDBPyConnection, table: str, snapshot: int) -> Digest:
    """The digest of every row and column of a table (`schema.table`, quoted) as of a snapshot; one scan, no memory."""
    row = session.execute(
        f"""SELECT count(*), coalesce(sum(hash(r)), 0), coalesce(bit_xor(hash(r)), 0)
        FROM {LAKE}.{table} AS r AT (VERSION => {snapshot})"""
    ).fetchall()[0]
    return Digest(*row)
