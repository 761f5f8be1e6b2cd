"""The reference tables: every vocabulary as a table of the lake, with a history like any other tracked table.

What belongs here: loading editions of vocabularies. `reference.vocabularies` says which edition each table has. What
the words mean belongs to the stages that use them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import polars as pl

from sync_platform.lake.chain import chain_changes
from sync_platform.lake.commit_context import CommitContext
from sync_platform.lake.history import HistoryWriter
from sync_platform.lake.schema import ensure_other_tables
from sync_platform.lake.syncs import describe_commit
from sync_platform.lake.table_writer import update_rows
from sync_platform.lake.tracked_table import COMPUTED_KEPT, TrackedTable
from sync_platform.lake.transaction import in_one_transaction
from sync_platform.landing.sync_id import new_sync_id
from sync_platform.sources.columns import Column
from sync_platform.sources.period import current_period
from sync_platform.storage.lake_connection import LAKE, Lake
from sync_platform.storage.lake_tables import tables_of
from sync_platform.storage.temporary_tables import TemporaryTables
from sync_platform.vocabularies.declared_vocabularies import VOCABULARIES
from sync_platform.vocabularies.vocabulary import Edition, Vocabulary

REFERENCE = "reference"
EDITIONS = TrackedTable(
    REFERENCE,
    "vocabularies",
    "The vocabularies in the reference tables: the version and the source of each",
    ("name",),
    (
        Column("name", "VARCHAR", "Vocabulary: reference.NAME"),
        Column("version", "BIGINT", "Its version"),
        Column("source", "VARCHAR", "Where its words come from"),
        Column("digest", "VARCHAR", "SHA-256 of its rows, first 12 hex digits"),
        Column("words", "BIGINT", "How many rows it has"),
    ),
    COMPUTED_KEPT,
)
_TYPES: dict[str, Any] = {
    "VARCHAR": pl.String,
    "VARCHAR[]": pl.List(pl.String),
    "DOUBLE": pl.Float64,
    "BIGINT": pl.Int64,
    "BOOLEAN": pl.Boolean,
}


def reference_table(vocabulary: Vocabulary) -> TrackedTable:
    """The table of a vocabulary."""
    return TrackedTable(
        REFERENCE, vocabulary.name, vocabulary.description, vocabulary.key, vocabulary.columns, COMPUTED_KEPT
    )


def reference_tables() -> tuple[TrackedTable, ...]:
    """The table of every vocabulary, and the table of their editions."""
    return (EDITIONS, *map(reference_table, VOCABULARIES))


def ensure_reference_tables(session: duckdb.DuckDBPyConnection) -> None:
    """Create missing tables, and missing columns of existing ones, within the caller's transaction."""
    wanted = {(table.schema, table.name): (table.every_column, table.description) for table in reference_tables()}
    ensure_other_tables(session, wanted)


def load_editions(
    lake: Lake, session: duckdb.DuckDBPyConnection, history: str, editions: Sequence[Edition], run_id: str
) -> list[str]:
    """Load the editions that the lake does not have, in one transaction; returns their titles.

    Words that an edition no longer has are removed. Writes nothing if the lake has all editions. Raises StorageError
    where the lake cannot be written.
    """
    new = _new(session, editions)
    if new:
        in_one_transaction(lake, session, lambda: _load(session, history, new, run_id))
    return [edition.title for edition in new]


def _new(session: duckdb.DuckDBPyConnection, editions: Sequence[Edition]) -> list[Edition]:
    """The editions that the lake does not have."""
    present = set(tables_of(session))
    if (REFERENCE, EDITIONS.name) not in present:
        return list(editions)
    query = f"SELECT name, version, source, digest FROM {LAKE}.{EDITIONS.sql} WHERE removed_at IS NULL"
    stored = {name: tuple(values) for name, *values in session.execute(query).fetchall()}
    return [
        edition
        for edition in editions
        if stored.get(edition.name) != (edition.version, edition.source, edition.digest)
        or (REFERENCE, edition.name) not in present
    ]


def _load(session: duckdb.DuckDBPyConnection, history: str, editions: Iterable[Edition], run_id: str) -> None:
    """Write the editions within the caller's transaction."""
    ensure_reference_tables(session)
    committed_at = _later_than_all(session)
    context = CommitContext(
        REFERENCE,
        "",
        current_period("monthly", committed_at).key,
        new_sync_id(committed_at),
        run_id,
        committed_at,
        committed_at,
    )
    titles = []
    with TemporaryTables(session) as scratch:
        writer = HistoryWriter(scratch, history)
        for edition in editions:
            titles.append(edition.title)
            update_rows(writer, reference_table(edition.vocabulary), _rows(session, edition), context)
            own = [(edition.name, edition.version, edition.source, edition.digest, len(edition.rows), False)]
            update_rows(writer, EDITIONS, _frame(EDITIONS.columns, own), context)
        chain_changes(writer, context, lambda key: None)  # vocabularies have no landing manifests
    describe_commit(session, run_id, f"vocabularies: {', '.join(titles)}")


def _rows(session: duckdb.DuckDBPyConnection, edition: Edition) -> pl.DataFrame:
    """The rows of an edition, and the stored rows that it no longer has; these have `ended`."""
    table = reference_table(edition.vocabulary)
    listed = ", ".join(f'"{column.name}"' for column in table.columns)
    stored = session.execute(f"SELECT {listed} FROM {LAKE}.{table.sql} WHERE removed_at IS NULL").fetchall()
    rows = [(*row.values(), False) for row in edition.rows]
    frame = _frame(table.columns, [*rows, *((*row, True) for row in stored)])
    return frame.unique(table.key, keep="first", maintain_order=True)


def _frame(columns: Sequence[Column], rows: Sequence[tuple[Any, ...]]) -> pl.DataFrame:
    schema = {column.name: _TYPES[column.sql_type] for column in columns}
    return pl.DataFrame(rows, schema={**schema, "ended": pl.Boolean}, orient="row")


def _later_than_all(session: duckdb.DuckDBPyConnection) -> datetime:
    """Now, or later than the last load where the clock was set back."""
    now = datetime.now(UTC)
    last = session.execute(f"SELECT max(last_changed_at) FROM {LAKE}.{EDITIONS.sql}").fetchall()[0][0]
    return now if last is None else max(now, last + timedelta(microseconds=1))
