"""The Dagster instance of the command line: opening it, and preparing it for a run."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dagster import DagsterError, DagsterInstance
from sqlalchemy.exc import SQLAlchemyError

from sync_platform.cli.runner.home import prepare_home
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
    """Dagster's instance to read from, None where Dagster was never used; StorageError as `opened_instance`."""
    home = settings.home / "dagster"
    if "DAGSTER_HOME" not in os.environ and not home.exists():
        yield None
        return
    with _errors_explained(home), _instance(home, settings.ledger_url) as instance:
        yield instance


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
    except (SQLAlchemyError, OSError) as error:
        reason = with_repair(in_one_line(getattr(error, "orig", None) or error))
        folder = os.environ.get("DAGSTER_HOME") or home
        raise StorageError(f"Dagster's records in {folder} cannot be used: {with_advice(reason)}") from error


def _instance(home: Path, ledger: str) -> DagsterInstance:
    """One process at a time opens it: two that make its tables together would spoil them, for good.

    The machines that share an instance share a ledger, and so the lock.
    """
    own = os.environ.get("DAGSTER_HOME")
    if not own or Path(own).resolve() == home.resolve():  # `serve` names our folder to the processes of Dagster
        return instance_in(home)
    try:
        with brief_lock(ledger, OPENING, f"{os.getpid()}", POLL_S):
            return DagsterInstance.get()  # the operator's own: PostgreSQL, for example
    except (DagsterError, CheckError) as error:
        raise StorageError(f"DAGSTER_HOME={own!r} cannot be used: {error}") from None
