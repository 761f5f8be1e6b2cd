"""Holds every dataset's table against its own history: replayed, it must give exactly the table."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb

from sync_platform.lake.replay import replay
from sync_platform.lake.schema import table_columns, table_name
from sync_platform.lineage.findings import Break, Findings
from sync_platform.sources.declaration import Dataset, Platform
from sync_platform.storage.lake_connection import LAKE

Datasets = Mapping[tuple[str, str], Dataset]
"""The datasets that platform files declare, by platform and name."""


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
        if (platform, name) not in datasets:
            findings.not_compared.append(f"{platform}.{name}")
        elif (platform, name) not in present:
            findings.breaks.append(Break("table", "it is gone, though it has a history", None, platform, name))
        else:
            findings.tables += 1
            _compare(session, history, platform, datasets[platform, name], findings)


def _compare(
    session: duckdb.DuckDBPyConnection, history: str, platform: str, dataset: Dataset, findings: Findings
) -> None:
    replay(session, history, platform, dataset, "replayed")
    aside = {*dataset.volatile, "stale_since"}
    columns = ", ".join(f'"{column.name}"' for column in table_columns(dataset) if column.name not in aside)
    table = f"{LAKE}.{table_name(platform, dataset)}"
    rows, first = session.execute(
        f"""WITH told AS (SELECT {columns} FROM temp.replayed), held AS (SELECT {columns} FROM {table})
        SELECT count(DISTINCT source_id), min(source_id) FROM (
            (FROM told EXCEPT ALL FROM held) UNION ALL (FROM held EXCEPT ALL FROM told))"""
    ).fetchall()[0]
    session.execute("DROP TABLE temp.replayed")
    if rows:
        what = f"{rows:,} of its rows are not what its history says, such as {first!r}"
        findings.breaks.append(Break("table", what, None, platform, dataset.name))
