"""The versions of Dagster's own records, and their migration."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout

from dagster import DagsterInstance

from sync_platform.cli.runner.instance import existing_instance, opened_instance
from sync_platform.settings import Settings


def dagster_versions(settings: Settings) -> tuple[str | None, str | None]:
    """The version of Dagster's records and the newest that it knows; None where there are no records yet.

    StorageError where they cannot be read.
    """
    with existing_instance(settings) as instance:
        if instance is None:
            return None, None
        return _version(instance, 0), _version(instance, 1)


def migrate_dagster(settings: Settings) -> None:
    """Bring Dagster's records to its newest version; StorageError where they cannot be written."""
    with opened_instance(settings) as instance, redirect_stdout(sys.stderr):  # Dagster prints its progress
        instance.upgrade()


def _version(instance: DagsterInstance, position: int) -> str:
    """The versions of all three storages in one text; `position`: 0 for those found, 1 for the newest."""
    storages = (instance.run_storage, instance.event_log_storage, instance.schedule_storage)
    versions = [storage.alembic_version() for storage in storages if storage is not None]
    return "/".join(dict.fromkeys(str(each[position]) for each in versions if each is not None))
