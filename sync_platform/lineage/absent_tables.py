"""Tables that a statement names and that were not there yet at a moment of the past: no sync had stored them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import duckdb

from sync_platform.documents.local_time import local_time
from sync_platform.errors import UsageError
from sync_platform.lake.chain import BATCHES
from sync_platform.storage.lake_connection import LAKE
from sync_platform.storage.lake_tables import has_table

RUNS = "sync.runs"


def require_present(
    session: duckdb.DuckDBPyConnection,
    then: duckdb.DuckDBPyConnection,
    tables: Iterable[tuple[str, str, str]],
    moment: datetime,
) -> None:
    """UsageError for a table (catalog, schema, name) that the lake has now and did not have then.

    `then`: a session in the lake as it was. A table that the lake does not have at all is left to the statement.
    """
    for catalog, schema, name in sorted(tables):
        table = f'"{schema}"."{name}"'
        if catalog in ("", LAKE) and not has_table(then, table) and has_table(session, table):
            raise not_there_yet(schema, name, moment, first_commit(session, schema, name))


def not_there_yet(schema: str, name: str, moment: datetime, first: datetime | None) -> UsageError:
    """The error about a table that was not there at the moment. `first`: when it was stored first, if that is known."""
    since = f"; it was first committed at {local_time(first)}" if first else ""
    return UsageError(f"as of {local_time(moment)}: {schema}.{name} was not there yet{since}")


def first_commit(session: duckdb.DuckDBPyConnection, schema: str, name: str) -> datetime | None:
    """When a table was stored first, by its first sync or its first changes; None where neither is known."""
    times = []
    for source, column in ((RUNS, "committed_at"), (BATCHES, "committed_from")):
        if has_table(session, source):
            ((time,),) = session.execute(
                f"SELECT min({column}) FROM {LAKE}.{source} WHERE lower(platform) = lower(?) AND dataset = lower(?)",
                [schema, name],
            ).fetchall()
            times.append(time)
    return min(filter(None, times), default=None)
