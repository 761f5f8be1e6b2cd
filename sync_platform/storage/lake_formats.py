"""The versions of what a lake stores: its tables, and its history with the chain. They stand in the lake's catalog.

A version is raised when an earlier program would read or write it wrongly; a new column alone is no new version. The
catalog's own version is DuckLake's. The ledger and the vault have theirs in Alembic's table.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from sync_platform.errors import MadeByNewer

VERSIONS = {"lake schema": 1, "history": 1}
"""What this program writes. A lake without a version was made before versions were stored, and is of version 1."""
PREFIX = "sync_platform "


@dataclass(frozen=True)
class LakeFormat:
    """One version of a lake. `found` is None where none is stored; `ours` is what this program writes."""

    name: str
    found: int | None
    ours: int


def read_formats(session: duckdb.DuckDBPyConnection, lake: str) -> list[LakeFormat]:
    """The versions of the lake that is attached under this name."""
    # values are written into the statement: to bind one, DuckDB imports pandas, which takes a third of a second
    rows = session.execute(
        f"SELECT key, max(value::BIGINT) FROM {_metadata(lake)} WHERE starts_with(key, '{PREFIX}') GROUP BY key"
    ).fetchall()
    versions = {key.removeprefix(PREFIX): version for key, version in rows}
    return [LakeFormat(name, versions.get(name), VERSIONS.get(name, 0)) for name in {**VERSIONS, **versions}]


def require_known_formats(session: duckdb.DuckDBPyConnection, lake: str) -> None:
    """Raise MadeByNewer where a newer program made the lake that is attached under this name."""
    newer = [each for each in read_formats(session, lake) if (each.found or 0) > each.ours]
    if newer:
        stated = ", ".join(f"{each.name} {each.found} (this program knows {each.ours or 'none'})" for each in newer)
        raise MadeByNewer(f"the lake was made by a newer version of this program: {stated}; nothing was changed")


def store_formats(session: duckdb.DuckDBPyConnection, lake: str) -> None:
    """Store the versions of this program. The caller has the lake's write lock."""
    for name, version in VERSIONS.items():
        session.execute(f"DELETE FROM {_metadata(lake)} WHERE key = '{PREFIX}{name}'")
        session.execute(f"INSERT INTO {_metadata(lake)} (key, value) VALUES ('{PREFIX}{name}', '{version}')")


def _metadata(lake: str) -> str:
    return f"__ducklake_metadata_{lake}.ducklake_metadata"
