"""The versions of Dagster's own records, and their migration."""

from __future__ import annotations

import os
import sys
from contextlib import redirect_stdout
from pathlib import Path

from alembic.config import Config
from alembic.script import ScriptDirectory
from dagster import DagsterInstance

from sync_platform.cli.runner.home import INSTANCE_FILE, stored_settings
from sync_platform.cli.runner.instance import existing_instance, opened_instance
from sync_platform.cli.runner.instance_settings import InstanceSettings
from sync_platform.errors import StorageError
from sync_platform.settings import Settings

SCRIPTS = "dagster:_core/storage/alembic"
"""Where Dagster has its migrations, for SQLite and for PostgreSQL."""


def dagster_versions(settings: Settings) -> tuple[str | None, str | None]:
    """The version of Dagster's records and the newest that it knows; None where there are no records yet.

    StorageError where they cannot be read.
    """
    with existing_instance(settings) as instance:
        if instance is None:
            return None, None
        return _version(instance, 0), _version(instance, 1)


def instance_settings(settings: Settings) -> InstanceSettings | None:
    """The `dagster.yaml` that is in use; None where there is none yet. StorageError where it cannot be read."""
    folder = Path(os.environ.get("DAGSTER_HOME") or settings.home / "dagster")
    try:
        return stored_settings(folder)
    except OSError as error:
        raise StorageError(f"{folder / INSTANCE_FILE} cannot be read: {error.strerror or error}") from None


def is_newer(version: str | None) -> bool:
    """True if a newer Dagster made records of this version: this one has no migration that leads to it."""
    return version is not None and not {*version.split("/")} <= _known_versions()


def migrate_dagster(settings: Settings) -> None:
    """Bring Dagster's records to its newest version; StorageError where they are newer, or cannot be written."""
    version, _ = dagster_versions(settings)
    if is_newer(version):
        raise StorageError(
            f"Dagster's records were made by a newer version of Dagster ({version}); they were not changed"
        )
    with opened_instance(settings) as instance, redirect_stdout(sys.stderr):  # Dagster prints its progress
        instance.upgrade()


def _known_versions() -> set[str]:
    config = Config()
    config.set_main_option("script_location", SCRIPTS)
    return {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}


def _version(instance: DagsterInstance, position: int) -> str:
    """The versions of all three storages in one text; `position`: 0 for those found, 1 for the newest."""
    storages = (instance.run_storage, instance.event_log_storage, instance.schedule_storage)
    versions = [storage.alembic_version() for storage in storages if storage is not None]
    return "/".join(dict.fromkeys(str(each[position]) for each in versions if each is not None))
