"""The Dagster instance of the command line: opening it, and preparing it for a run."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dagster import DagsterError, DagsterInstance
from sqlalchemy.exc import SQLAlchemyError

from sync_platform.cli.runner.home import prepare_home
from sync_platform.cli.runner.record_copy import copied_records, is_only_readable
from sync_platform.cli.runner.record_version import require_known_version
from sync_platform.defs.dagster_internals import CheckError, instance_in
from sync_platform.defs.dead_runs import end_dead_runs
from sync_platform.defs.partitions import require_partition
from sync_platform.defs.resources import sources_of
from sync_platform.documents.wording import in_one_line
from sync_platform.errors import StorageError
from sync_platform.settings import Settings
from sync_platform.sources.declaration import Platform
from sync_platform.sources.period import Period
from sync_platform.storage.damaged_database import with_repair
from sync_platform.storage.full_disk import with_advice
from sync_platform.storage.platform_lock import brief_lock

OPENING = "dagster-records"
"""The name of the lock."""
POLL_S = 0.05


def prepare(settings: Settings, planned: list[tuple[Platform, Period]]) -> None:
    """Prepare what a run needs: a usable home, no dead runs that hold its platforms, and the sandbox if it is used.

    Raises StorageError or UsageError with a message for people.
    """
    prepare_sources(settings, planned)
    with opened_instance(settings) as instance:
        end_dead_runs(instance)


def prepare_sources(settings: Settings, planned: list[tuple[Platform, Period]]) -> None:
    """Prepare only the platforms of a run, without Dagster's instance; errors as in `prepare`."""
    for _, period in planned:
        require_partition(settings, period)
    sources = sources_of(settings)
    for platform, _ in planned:
        sources.source_of(platform)


def cancel_killed_runs(settings: Settings) -> None:
    """After Ctrl-C: store that the runs of the killed workers are canceled; StorageError where that fails."""
    with opened_instance(settings) as instance:
        end_dead_runs(instance, interrupted=True)


@contextmanager
def existing_instance(settings: Settings) -> Iterator[DagsterInstance | None]:
    """Dagster's instance to read from, None where Dagster was never used; StorageError as `opened_instance`.

    Where its records cannot be written, it is that of a copy.
    """
    home = settings.home / "dagster"
    if "DAGSTER_HOME" not in os.environ and not home.exists():
        yield None
        return
    if can_only_be_read(settings):
        with copied_instance(settings) as instance:
            yield instance
        return
    with _errors_explained(home), _instance(home, settings.ledger_url) as instance:
        yield instance


@contextmanager
def copied_instance(settings: Settings) -> Iterator[DagsterInstance]:
    """An instance over a copy of Dagster's records in the home, an empty one where there are none; StorageError."""
    home = settings.home / "dagster"
    with _errors_explained(home), copied_records(home) as folder, instance_in(folder) as instance:
        yield instance


def can_only_be_read(settings: Settings) -> bool:
    """True if Dagster's records lie in the home and cannot be written there."""
    home = settings.home / "dagster"
    return not _own_home(home) and is_only_readable(home)


def create_records(settings: Settings) -> None:
    """Make the tables of Dagster's records where they are not there yet; errors as in `opened_instance`."""
    with opened_instance(settings):
        pass


@contextmanager
def opened_instance(settings: Settings) -> Iterator[DagsterInstance]:
    """Dagster's instance; StorageError where its records cannot be read or written, there or in the block, or where a
    newer Dagster made them.
    """
    home = prepare_home(settings.home)
    with _errors_explained(home), _instance(home, settings.ledger_url) as instance:
        require_known_version(instance)
        yield instance


@contextmanager
def _errors_explained(home: Path) -> Iterator[None]:
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error, OSError) as error:
        reason = with_repair(in_one_line(getattr(error, "orig", None) or error))
        folder = os.environ.get("DAGSTER_HOME") or home
        raise StorageError(f"Dagster's records in {folder} cannot be used: {with_advice(reason)}") from error


def _instance(home: Path, ledger: str) -> DagsterInstance:
    """One process at a time opens it: two that make its tables together would spoil them, for good.

    The machines that share an instance share a ledger, and so the lock.
    """
    own = _own_home(home)
    if not own:
        return instance_in(home)
    try:
        with brief_lock(ledger, OPENING, f"{os.getpid()}", POLL_S):
            return DagsterInstance.get()  # the operator's own: PostgreSQL, for example
    except (DagsterError, CheckError) as error:
        raise StorageError(f"DAGSTER_HOME={own!r} cannot be used: {error}") from None


def _own_home(home: Path) -> str | None:
    """The folder of an operator's own instance; None for ours, which `serve` names to the processes of Dagster."""
    own = os.environ.get("DAGSTER_HOME")
    return None if not own or Path(own).resolve() == home.resolve() else own
