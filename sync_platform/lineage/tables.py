"""Holds every dataset's table against its own history: replayed, it must give exactly the table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import duckdb

from sync_platform.lake.replay import replay
from sync_platform.lake.schema import table_columns, table_name
from sync_platform.lineage.findings import Break, Findings
from sync_platform.sources.declaration import Dataset, Platform
from sync_platform.storage.lake_connection import LAKE
from sync_platform.unified.history import replay_kept
from sync_platform.unified.tables import KEPT_TABLES, SCHEMA, KeptTable

Datasets = Mapping[tuple[str, str], Dataset]
"""The datasets that platform files declare, by platform and name."""


KEPT_BY_NAME = {table.name: table for table in KEPT_TABLES}
"""The unified tables that have a history."""


def datasets_of(platforms: Mapping[str, Platform]) -> Datasets:
    """Every dataset that the platforms declare."""
    return {(platform.name, dataset.name): dataset for platform in platforms.values() for dataset in platform.datasets}


def check_tables(session: duckdb.DuckDBPyConnection, history: str, datasets: Datasets, findings: Findings) -> None:
    """Compare each table that stands in the lake or in the history, volatile columns and staleness aside."""
    present = set(
        session.execute(
            "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = ?", [LAKE]
        ).fetchall()
    )
    told = set(session.execute(f"SELECT DISTINCT platform, dataset FROM {LAKE}.{history}").fetchall())
    for platform, name in sorted(told | (present & set(datasets))):
        kept = KEPT_BY_NAME.get(name) if platform == SCHEMA else None
        if (platform, name) not in datasets and kept is None:
            findings.not_compared.append(f"{platform}.{name}")
        elif (platform, name) not in present:
            findings.breaks.append(Break("table", "it is gone, though it has a history", None, platform, name))
        else:
            findings.tables += 1
            if kept is None:
                columns, key = _replay_dataset(session, history, platform, datasets[platform, name])
            else:
                columns, key = _replay_unified(session, history, kept)
            _compare(
                session, table_name(platform, name), columns, key, Break("table", "", None, platform, name), findings
            )


def _replay_dataset(
    session: duckdb.DuckDBPyConnection, history: str, platform: str, dataset: Dataset
) -> tuple[list[str], tuple[str, ...]]:
    """Make `temp.replayed`; the columns to be compared, and the key."""
    replay(session, history, platform, dataset, "replayed")
    aside = {*dataset.volatile, "stale_since"}
    return [column.name for column in table_columns(dataset) if column.name not in aside], ("source_id",)


def _replay_unified(
    session: duckdb.DuckDBPyConnection, history: str, table: KeptTable
) -> tuple[list[str], tuple[str, ...]]:
    """Make `temp.replayed`; the columns to be compared, and the key."""
    replay_kept(session, history, table, "replayed")
    return [*table.key, *table.lasting, "first_seen_at", "removed_at"], table.key


def _compare(
    session: duckdb.DuckDBPyConnection,
    table: str,
    columns: list[str],
    key: tuple[str, ...],
    at: Break,
    findings: Findings,
) -> None:
    """Hold the table against `temp.replayed`; `at` says where a break would be."""
    listed = ", ".join(f'"{name}"' for name in columns)
    entity = " || '/' || ".join(f'"{name}"' for name in key)
    rows, first = session.execute(
        f"""WITH told AS (SELECT {listed} FROM temp.replayed), held AS (SELECT {listed} FROM {LAKE}.{table})
        SELECT count(DISTINCT {entity}), min({entity}) FROM (
            (FROM told EXCEPT ALL FROM held) UNION ALL (FROM held EXCEPT ALL FROM told))"""
    ).fetchall()[0]
    session.execute("DROP TABLE temp.replayed")
    if rows:
        what = f"{rows:,} of its rows are not what its history says, such as {first!r}"
        findings.breaks.append(replace(at, what=what))
