"""The history of metrics as a table of SQL, `monitoring.metrics`, beside the lake in the same session.

What belongs here: the table's columns, and how it is copied from the ledger. It is copied only for a statement that
names it, so the lake has no commit for metrics.
"""

from __future__ import annotations

import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

import duckdb
import sqlalchemy as sa

from sync_platform.errors import StorageError
from sync_platform.monitoring.metric_history import MetricHistory
from sync_platform.settings import Settings, without_password
from sync_platform.sources.columns import Column
from sync_platform.storage.extensions import extension_paths
from sync_platform.storage.relational import database_exists
from sync_platform.storage.sql_text import sql_text
from sync_platform.storage.unwritable_place import readable_database

SCHEMA, NAME = "monitoring", "metrics"
DESCRIPTION = "Metrics of 15 months: counts and durations of each sync and backup, and gauges of each hour"
COLUMNS = (
    Column("measured_at", "TIMESTAMPTZ", "When the sync or backup ended, or the beginning of the hour (UTC)"),
    Column("name", "VARCHAR", "Name of the metric, such as DataStaleness"),
    Column("environment", "VARCHAR", "The installation's environment"),
    Column("platform", "VARCHAR", "Platform; empty for a metric of the installation"),
    Column("dataset", "VARCHAR", "Dataset; empty for a metric that has none"),
    Column("severity", "VARCHAR", "Severity of the alerts that OpenAlerts counts; empty for all others"),
    Column("value", "DOUBLE", "Value of the sync or backup, or the last value of the hour"),
    Column("minimum", "DOUBLE", "Smallest value of the hour"),
    Column("maximum", "DOUBLE", "Largest value of the hour"),
    Column("samples", "BIGINT", "How often it was measured in the hour; 1 for a sync or backup"),
    Column("event", "VARCHAR", "The sync (sync_id), or the backup (`backup` and its number in the audit log)"),
)
OF = "nullif(platform, ''), nullif(dataset, '')"
ROWS = {
    "metric_events": f'"at", name, {{environment}}, {OF}, NULL, value, value, value, 1, event',
    "metric_hours": f"hour, name, {{environment}}, {OF}, nullif(severity, ''), value, minimum, maximum, samples, NULL",
}
"""By table of the ledger, the values of the columns."""


def add_metrics_table(session: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Copy the history into the table `monitoring.metrics` of the session, with comments; empty without a ledger.

    StorageError where the ledger cannot be read.
    """
    listed = ", ".join(f"{column.name} {column.sql_type}" for column in COLUMNS)
    session.execute(f"ATTACH IF NOT EXISTS ':memory:' AS {SCHEMA}")
    session.execute(f"CREATE OR REPLACE TABLE {SCHEMA}.{NAME} ({listed})")
    session.execute(f"COMMENT ON TABLE {SCHEMA}.{NAME} IS '{DESCRIPTION}'")
    for column in COLUMNS:
        session.execute(f"COMMENT ON COLUMN {SCHEMA}.{NAME}.{column.name} IS {sql_text(column.description)}")
    if database_exists(settings.ledger_url):
        _require_tables(settings)
        try:
            with tempfile.TemporaryDirectory() as folder:
                _copy(session, settings, Path(folder))
        except (duckdb.Error, sqlite3.Error, OSError) as error:
            reason = without_password(str(error).splitlines()[0])
            raise StorageError(f"the history of metrics in the ledger cannot be read: {reason}") from None


def _require_tables(settings: Settings) -> None:
    """An older ledger gets its tables. StorageError where one is gone: DuckDB would stop working at that."""
    history = MetricHistory(settings.ledger_url)
    try:
        gone = history.missing_tables()
    finally:
        history.close()
    if gone:
        raise StorageError(f"the ledger has no table {', '.join(gone)} any more: restore it from a copy of the ledger")


def _copy(session: duckdb.DuckDBPyConnection, settings: Settings, folder: Path) -> None:
    address = sa.make_url(settings.ledger_url)
    is_file = address.get_backend_name() == "sqlite"
    if is_file:
        address = address.set(database=str(_copied_tables(Path(address.database or ""), folder)))
    (path,) = extension_paths(["sqlite_scanner" if is_file else "postgres_scanner"])
    session.execute(f"LOAD {sql_text(path)}")
    names = ", ".join(column.name for column in COLUMNS)
    at = "measured_at AT TIME ZONE 'UTC'" if is_file else "measured_at"  # SQLite stores no time zone
    for table, columns in ROWS.items():
        rows = f"SELECT {columns.format(environment=sql_text(settings.environment))} FROM {_scan(address, table)}"
        session.execute(
            f"INSERT INTO {SCHEMA}.{NAME} SELECT * REPLACE ({at} AS measured_at) FROM ({rows}) AS stored({names})"
        )


def _copied_tables(ledger: Path, folder: Path) -> Path:
    """A SQLite file with copies of the tables, for DuckDB. It has a SQLite of its own: if it closed the ledger itself,
    this process would lose its locks on the ledger, and with them a commit (storage/catalog_file.py)."""
    copy = folder / f"{ledger.name}.metrics"
    with closing(sqlite3.connect(copy)) as connection:
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute("ATTACH ? AS ledger", [str(readable_database(ledger, folder))])
        connection.execute("BEGIN")
        for table in ROWS:
            (statement,) = connection.execute("SELECT sql FROM ledger.sqlite_master WHERE name = ?", [table]).fetchone()
            connection.execute(statement)  # with the types of its columns
            connection.execute(f"INSERT INTO main.{table} SELECT * FROM ledger.{table}")
        connection.commit()
    return copy


def _scan(address: sa.URL, table: str) -> str:
    """The function of DuckDB that reads a table of the ledger."""
    if address.get_backend_name() == "sqlite":
        return f"sqlite_scan({sql_text(address.database or '')}, '{table}')"
    url = address.set(drivername="postgresql").render_as_string(hide_password=False)
    return f"postgres_scan({sql_text(url)}, 'public', '{table}')"
