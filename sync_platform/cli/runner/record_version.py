"""The version of Dagster's records: a newer Dagster's are not opened. Their migration is in dagster_migration.py."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import dagster
from dagster import DagsterInstance
from dagster._core.storage.runs.sql_run_storage import SqlRunStorage
from sqlalchemy import inspect, text

from sync_platform.errors import StorageError

MIGRATIONS = Path(dagster.__file__).parent / "_core" / "storage" / "alembic" / "versions"
"""A file for each version, with the version in its name: to let Alembic read them takes 50 ms."""


def require_known_version(instance: DagsterInstance) -> None:
    """Raise StorageError where a newer Dagster made the records: this one has no migration that leads to them."""
    version = _stored(instance)
    if version and not any(f"{version}_" in name for name in _files()):
        raise StorageError(
            f"Dagster's records were made by a newer version of Dagster ({version}); they were not changed"
        )


def _stored(instance: DagsterInstance) -> str:
    """The version of the records of runs, which Dagster migrates with all others; empty where there is none."""
    storage = instance.run_storage
    if not isinstance(storage, SqlRunStorage):
        return ""
    with storage.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return ""
        return str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar() or "")


@cache
def _files() -> list[str]:
    return [path.name for path in MIGRATIONS.iterdir()]
