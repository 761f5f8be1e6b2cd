"""The commits that a lake can be read at: each snapshot, with the last entry of the hash chain then."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from sync_platform.backup.backup_manifest import BackedUpCommit
from sync_platform.backup.lake_files import CatalogSnapshot
from sync_platform.lake.chain import BATCHES, has_chain
from sync_platform.storage.hash_chain import FIRST
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import LAKE, Lake


def commits_of(address: LakeAddress, snapshots: Sequence[CatalogSnapshot]) -> list[BackedUpCommit]:
    """A commit for each of the snapshots, which are in order."""
    with Lake(address, read_only=True, snapshot=snapshots[-1].number) as lake, lake.session() as session:
        heads = _heads(session, snapshots) if has_chain(session) else {}
    number, link, commits = 0, FIRST, []
    for snapshot in snapshots:
        number, link = heads.get(snapshot.number, (number, link))
        commits.append(BackedUpCommit(snapshot.number, snapshot.at, number, link))
    return commits


def _heads(session: duckdb.DuckDBPyConnection, snapshots: Sequence[CatalogSnapshot]) -> dict[int, tuple[int, str]]:
    """The last batch after the first snapshot, and after each later snapshot that appended some."""
    schema, table = BATCHES.split(".")
    first, last = snapshots[0].number, snapshots[-1].number
    heads = (
        {
            snapshot: (number, link)
            for snapshot, number, link in session.execute(
                f"""SELECT snapshot_id, max(number), arg_max(link, number)
            FROM ducklake_table_insertions('{LAKE}', '{schema}', '{table}', {first + 1}, {last}) GROUP BY ALL"""
            ).fetchall()
        }
        if first < last
        else {}
    )
    if heads and min(number for number, _ in heads.values()) == 1:
        return heads
    row = _head_at(session, first)
    return heads if row is None else {**heads, first: row}


def _head_at(session: duckdb.DuckDBPyConnection, snapshot: int) -> tuple[int, str] | None:
    query = f"SELECT max(number), arg_max(link, number) FROM {LAKE}.{BATCHES} AT (VERSION => {snapshot})"
    try:
        number, link = session.execute(query).fetchall()[0]
    except duckdb.CatalogException:  # the lake began later, such as a restored one, whose first commit has everything
        return None
    return None if number is None else (number, link)
