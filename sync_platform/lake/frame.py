"""Stores a small frame as a table of the lake. A new frame replaces the old one, which time travel still reads."""

from __future__ import annotations

import duckdb
import pandas as pd

from sync_platform.lake.syncs import describe_commit
from sync_platform.lake.transaction import in_one_transaction
from sync_platform.storage.lake_connection import LAKE, Lake


def replace_frame(lake: Lake, schema: str, table: str, frame: pd.DataFrame, run_id: str) -> None:
    """Replace the content of `schema.table` by the frame; a missing table is created.

    Raises StorageError where the lake cannot be written; the transaction is then rolled back.
    """
    name = f'{LAKE}."{schema}"."{table}"'
    with lake.session() as session:
        session.register("frame_to_keep", frame)

        def write() -> None:
            session.execute(f'CREATE SCHEMA IF NOT EXISTS {LAKE}."{schema}"')
            session.execute(f"CREATE TABLE IF NOT EXISTS {name} AS FROM frame_to_keep LIMIT 0")
            if _is_as_before(session, name):
                return
            session.execute(f"DELETE FROM {name}")
            session.execute(f"INSERT INTO {name} BY NAME FROM frame_to_keep")
            describe_commit(session, run_id, f"{schema}.{table}")

        in_one_transaction(lake, session, write)


def _is_as_before(session: duckdb.DuckDBPyConnection, name: str) -> bool:
    query = f"""SELECT (SELECT count(*) FROM {name}) = (SELECT count(*) FROM frame_to_keep)
        AND NOT EXISTS (FROM frame_to_keep EXCEPT ALL FROM {name})"""
    return bool(session.execute(query).fetchall()[0][0])
