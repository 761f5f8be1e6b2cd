"""One transaction of the lake, repeated as a whole after a conflict with another writer."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import duckdb

from sync_platform.errors import StorageError
from sync_platform.storage.damaged_database import with_repair
from sync_platform.storage.disk_flush import files_below, flush_files
from sync_platform.storage.full_disk import reason_of, with_advice
from sync_platform.storage.lake_connection import LAKE, Lake
from sync_platform.storage.lake_formats import require_known_formats

T = TypeVar("T")
COMMIT_ATTEMPTS = 30
MAX_ERROR_LENGTH = 300
CONFLICT_MARKS = ("conflict", "deadlock detected", "could not serialize", "database is locked", "duplicate key")


@contextlib.contextmanager
def guarded(lake: Lake, require_lock: Callable[[], None]) -> Iterator[None]:
    """Within the block, every commit to the lake asks this question first; it raises where a lock is lost."""
    before, lake.require_lock = lake.require_lock, require_lock
    try:
        yield
    finally:
        lake.require_lock = before


def in_one_transaction(lake: Lake, session: duckdb.DuckDBPyConnection, work: Callable[[], T]) -> T:
    """Run `work` in a transaction under the write lock; after a conflict with another writer, repeat it.

    `lake.require_lock` raises where the caller has lost the lock of what it writes; it is asked before the work and
    before the commit. MadeByNewer where a newer program has migrated the lake since it was opened.
    """
    for attempt in range(1, COMMIT_ATTEMPTS + 1):
        try:
            with lake.write_lock():
                require_known_formats(session, LAKE)  # a migration stores them under this lock
                lake.require_lock()
                folder = lake.address.data_folder
                earlier = files_below(folder) if folder else set()
                session.execute("BEGIN")
                try:
                    result = work()
                    if folder:
                        _flush(folder, earlier)
                    lake.require_lock()
                    session.execute("COMMIT")
                    return result
                except BaseException:
                    _roll_back(session)
                    raise
        except duckdb.Error as error:
            if attempt == COMMIT_ATTEMPTS or not any(mark in str(error).lower() for mark in CONFLICT_MARKS):
                reason = with_repair(with_advice(_in_short(error)))
                raise StorageError(f"the lake refused the commit: {reason}") from error
            time.sleep(random.uniform(0.05, 0.2) * min(attempt, 10))  # noqa: S311 - spreads writers; not for security
    raise AssertionError("unreachable: the last attempt raises")


def _flush(folder: Path, earlier: set[str]) -> None:
    """Write the data files of a transaction to the disk, before the catalog names them there. StorageError."""
    try:
        flush_files(files_below(folder) - earlier, folder)
    except OSError as error:
        raise StorageError(f"{folder} cannot be written to the disk: {reason_of(error)}") from error


def _in_short(error: duckdb.Error) -> str:
    """The error's first line, without the SQL statement that the catalog quotes: the statement contains values."""
    return str(error).split("\n")[0].partition("INSERT INTO")[0][:MAX_ERROR_LENGTH].strip()


def _roll_back(session: duckdb.DuckDBPyConnection) -> None:
    with contextlib.suppress(duckdb.Error):  # a failed COMMIT has already ended the transaction
        session.execute("ROLLBACK")
