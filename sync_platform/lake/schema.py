"""The tables of the lake: a dataset's table from its Row, the tables of the history, and creating all tables.

What belongs here: columns, types and comments. The columns of the tables of syncs are in `sync_columns`.
"""

from __future__ import annotations

from collections.abc import Mapping

import duckdb
import pyarrow as pa

from sync_platform.lake.restore_records import RESTORES
from sync_platform.lake.sync_columns import CURSORS, NOT_RETIRED, RUNS
from sync_platform.quality.quarantine import QUARANTINE
from sync_platform.quality.reference_shape import DRIFTS, SHAPES
from sync_platform.quality.score import SCORES
from sync_platform.sources.columns import Column, columns_of
from sync_platform.sources.declaration import Dataset, Platform
from sync_platform.storage.lake_connection import LAKE
from sync_platform.storage.sql_text import sql_text

ARROW_TYPES: dict[str, pa.DataType] = {
    "VARCHAR": pa.string(),
    "BIGINT": pa.int64(),
    "DOUBLE": pa.float64(),
    "BOOLEAN": pa.bool_(),
    "DATE": pa.date32(),
    "TIMESTAMPTZ": pa.timestamp("us", tz="UTC"),
    "DECIMAL(12,2)": pa.decimal128(12, 2),
    "VARCHAR[]": pa.list_(pa.string()),
}

ROW_GROUP_ROWS = 20_480
"""Rows of a Parquet row group. A reader or writer keeps a whole column of a row group in memory. With DuckDB's default
of 122,880 rows, a column of long texts takes half of the memory that DuckDB may use here."""


KEPT_COLUMNS = (
    Column("content_hash", "VARCHAR", "SHA-256 (first 128 bits, hex) of the record's lasting columns"),
    Column("first_seen_at", "TIMESTAMPTZ", "When the record was first observed (UTC)"),
    Column("last_changed_at", "TIMESTAMPTZ", "When the record's content was last observed to differ (UTC)"),
    Column("removed_at", "TIMESTAMPTZ", "When the record was first observed to be gone (UTC); empty while it is live"),
    Column("landing_object", "VARCHAR", "Landing object that holds the version shown"),
    Column("landing_line", "BIGINT", "Line within the landing object, from 1"),
    Column(
        "stale_since", "TIMESTAMPTZ", "Since when newer versions of the record are in quarantine (UTC); empty for none"
    ),
)
IS_PAST = Column(
    "is_past",
    "BOOLEAN",
    "True for a record that is gone because it is past: it left the window of days that the source lists, and was not "
    "removed; otherwise empty",
)
"""The column of the tables whose source lists a window of days."""
CHANGES = (
    Column("platform", "VARCHAR", "Platform the record came from"),
    Column("dataset", "VARCHAR", "Dataset of the platform"),
    Column("entity_id", "VARCHAR", "source_id of the record"),
    Column("operation", "VARCHAR", "insert | update | remove | expire (the record is past) | restore"),
    Column("changed_fields", "VARCHAR[]", "Columns whose value changed, in table order"),
    Column("before", "JSON", "The changed columns' old values; empty for an insert"),
    Column(
        "after",
        "JSON",
        "The changed columns' new values; every column's for an insert or a restore, none for a removal or an expiry",
    ),
    Column("content_hash", "VARCHAR", "Content hash after the change"),
    Column("landing_object", "VARCHAR", "Landing object that has the new version; empty for a removal or an expiry"),
    Column("landing_line", "BIGINT", "Line within the landing object, from 1"),
    Column("partition", "VARCHAR", "Observation period"),
    Column("sync_id", "VARCHAR", "Sync that found the change: sync.runs"),
    Column("run_id", "VARCHAR", "Dagster run of that sync"),
    Column("observed_at", "TIMESTAMPTZ", "When it was so (UTC)"),
    Column("committed_at", "TIMESTAMPTZ", "When we learned it (UTC)"),
)
ENDS = ("remove", "expire")
"""The operations after which a record is gone: the source removed it, or it is past (lake/difference.py)."""
BATCHES = (
    Column("number", "BIGINT", "Place in the chain, from 1 without gaps: the order of commits"),
    Column(
        "kind",
        "VARCHAR",
        "changes | opening: all that a dataset had when the chain began | closing: what retention left",
    ),
    Column("platform", "VARCHAR", "Platform of the changes"),
    Column("dataset", "VARCHAR", "Dataset of the changes"),
    Column("partition", "VARCHAR", "Observation period; empty for an opening"),
    Column(
        "sync_id", "VARCHAR", "Sync that found them: sync.runs; empty for an opening; of a closing, when it was made"
    ),
    Column("run_id", "VARCHAR", "Dagster run of that sync, or of the maintenance; empty for an opening"),
    Column("committed_from", "TIMESTAMPTZ", "First committed_at of its changes (UTC)"),
    Column("committed_to", "TIMESTAMPTZ", "Last committed_at of its changes (UTC)"),
    Column("inserted", "BIGINT", "Changes that are inserts"),
    Column("updated", "BIGINT", "Changes that are updates"),
    Column("removed", "BIGINT", "Changes that are removals or expiries"),
    Column("restored", "BIGINT", "Changes that are restores"),
    Column("digest", "VARCHAR", "SHA-256 (hex) over the digests of its changes"),
    Column("manifests", "VARCHAR", "JSON: SHA-256 (hex) of each landing manifest, by key, whose objects changes name"),
    Column("previous", "VARCHAR", "Link of the batch before; 64 zeros for the first"),
    Column("link", "VARCHAR", "SHA-256 (hex) over the link before and all of the batch's own fields"),
)


def kept_columns(dataset: Dataset) -> tuple[Column, ...]:
    """The columns of a dataset's table that the lake fills."""
    return (*KEPT_COLUMNS, IS_PAST) if dataset.window else KEPT_COLUMNS


def table_columns(dataset: Dataset) -> tuple[Column, ...]:
    """All columns of a dataset's table, including those that the lake fills."""
    return (*columns_of(dataset.row), *kept_columns(dataset))


def table_name(platform: Platform | str, dataset: Dataset | str) -> str:
    """SQL: `platform.dataset`."""
    schema = platform if isinstance(platform, str) else platform.name
    return f'"{schema}"."{dataset if isinstance(dataset, str) else dataset.name}"'


def ensure_tables(connection: duckdb.DuckDBPyConnection, history: str, platform: str, dataset: Dataset) -> None:
    """Create missing tables (history, dataset) and columns added to a declaration, within the caller's transaction.

    Writes nothing where nothing is missing.
    """
    existing = _existing(connection)
    ensure_sync_tables(connection, existing)
    if tuple(history.split(".")) not in existing:
        _create(connection, history, CHANGES, "Every change of every record, with its source; append-only")
        cluster_history(connection, f"{LAKE}.{history}")
    _ensure(connection, existing, ("lineage", "batches"), BATCHES, "Every commit's changes, hashed and chained")
    wanted_columns = table_columns(dataset)
    _ensure(connection, existing, (platform, dataset.name), wanted_columns, dataset.description)


def cluster_history(connection: duckdb.DuckDBPyConnection, history: str) -> None:
    """Set how the history's files are laid out: one entity is found among ten million changes in about 10 ms."""
    # few files to open, few row groups to read
    connection.execute(f"ALTER TABLE {history} SET PARTITIONED BY (bucket(16, entity_id))")
    connection.execute(f"ALTER TABLE {history} SET SORTED BY (entity_id ASC, observed_at ASC)")
    connection.execute(f"CALL {LAKE}.set_option('parquet_row_group_size', {ROW_GROUP_ROWS})")
    # a sync writes one row group per bucket, in which sorting is useless; compaction sorts the merged rows
    connection.execute(f"CALL {LAKE}.set_option('sort_on_insert', false)")


def ensure_sync_tables(
    connection: duckdb.DuckDBPyConnection, existing: dict[tuple[str, ...], set[str]] | None = None
) -> None:
    """Create missing tables of syncs and of quality, and missing columns of existing ones."""
    known = _existing(connection) if existing is None else existing
    described = "Every sync of every dataset: what came, what it did, and how complete"
    _ensure(connection, known, ("sync", "runs"), RUNS, described)
    _ensure(
        connection,
        known,
        ("sync", "not_retired"),
        NOT_RETIRED,
        "Live rows that a sync did not see, and that stayed live",
    )
    _ensure(connection, known, ("sync", "cursors"), CURSORS, "Where the next incremental sync of a dataset reads on")
    _ensure(connection, known, ("sync", "restores"), RESTORES, "Every restore into this lake, by table that it changed")
    _ensure(connection, known, ("quality", "quarantine"), QUARANTINE, "Records that cannot be stored, and why")
    _ensure(connection, known, ("quality", "shapes"), SHAPES, "The last good shape of each dataset's records")
    _ensure(connection, known, ("quality", "drift"), DRIFTS, "How what came differs from the last good shape")
    _ensure(connection, known, ("quality", "scores"), SCORES, "How good the data of every sync is, by what measure")


def ensure_other_tables(
    connection: duckdb.DuckDBPyConnection, wanted: Mapping[tuple[str, str], tuple[tuple[Column, ...], str]]
) -> None:
    """Create missing tables of other packages, and missing columns of existing ones, within the caller's transaction.

    `wanted`: the columns and the description of each table, by schema and name.
    """
    existing = _existing(connection)
    for table, (columns, description) in wanted.items():
        _ensure(connection, existing, table, columns, description)


def _ensure(
    connection: duckdb.DuckDBPyConnection,
    existing: dict[tuple[str, ...], set[str]],
    table: tuple[str, str],
    wanted_columns: tuple[Column, ...],
    description: str,
) -> None:
    """Create the table, or add the columns that it does not have yet."""
    present = existing.get(table)
    if present is None:
        _create(connection, table_name(*table), wanted_columns, description)
        return
    for column in wanted_columns:
        if column.name not in present:
            name = f"{LAKE}.{table_name(*table)}"
            connection.execute(f'ALTER TABLE {name} ADD COLUMN "{column.name}" {column.sql_type}')
            _comment(connection, name, column)


def schemas_present(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """The schemas of the lake; a new lake has none for a platform or for syncs."""
    rows = connection.execute("SELECT schema_name FROM duckdb_schemas() WHERE database_name = ?", [LAKE]).fetchall()
    return {name for (name,) in rows}


def _existing(connection: duckdb.DuckDBPyConnection) -> dict[tuple[str, ...], set[str]]:
    rows = connection.execute(
        "SELECT schema_name, table_name, list(column_name) FROM duckdb_columns() WHERE database_name = ? GROUP BY ALL",
        [LAKE],
    ).fetchall()
    return {(schema, table): set(columns) for schema, table, columns in rows}


def _create(connection: duckdb.DuckDBPyConnection, name: str, columns: tuple[Column, ...], description: str) -> None:
    schema = name.split(".")[0]
    listed = ", ".join(f'"{column.name}" {column.sql_type}' for column in columns)
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {LAKE}.{schema}")
    connection.execute(f"CREATE TABLE {LAKE}.{name} ({listed})")
    connection.execute(f"COMMENT ON TABLE {LAKE}.{name} IS {sql_text(description)}")
    for column in columns:
        _comment(connection, f"{LAKE}.{name}", column)


def _comment(connection: duckdb.DuckDBPyConnection, table: str, column: Column) -> None:
    connection.execute(f'COMMENT ON COLUMN {table}."{column.name}" IS {sql_text(column.description)}')
