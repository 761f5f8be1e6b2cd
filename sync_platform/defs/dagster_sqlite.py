"""How Dagster's SQLite files are written: with few waits for the disk, so that a run begins quickly.

Dagster opens a connection for each event and closes it. When the last connection of a file is closed, SQLite copies the
log of the file into it, waits for the disk several times, and deletes the log. A connection that stays open while a run
goes on saves that. A new run has a file of its own; making its tables and indexes one by one waits for the disk dozens
of times, so it begins as a copy of an empty one.

No state of the product depends on these files. In WAL mode with `synchronous=NORMAL` they stay whole after a power
failure, which may cost the last events (https://www.sqlite.org/pragma.html#pragma_synchronous). A killed process loses
nothing. Parts of Dagster that this module uses although they are not public: SqliteEventLogStorage and its shards.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import sqlalchemy as sa
from dagster import DagsterInstance
from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME, SqliteEventLogStorage

RUNS = "runs.db"
"""The file with the records of all runs, beside the folder of events."""


_empty_logs: list[bytes] = []


def keep_empty_log() -> None:
    """Keep the file of a run without events, for the runs of processes that are forked from this one."""
    with tempfile.TemporaryDirectory() as folder:
        storage = SqliteEventLogStorage(folder)
        with storage.run_connection("empty"):
            pass
        _empty_logs[:] = [Path(storage.path_for_shard("empty")).read_bytes()]


@contextmanager
def opened_files(instance: DagsterInstance, run_id: str | None = None) -> Iterator[None]:
    """Keep Dagster's SQLite files open in the block; nothing where it stores in another database.

    `run_id`: the id of a new run, if it is known before the run. One block at a time in a process.
    """
    storage = instance.event_log_storage
    if not isinstance(storage, SqliteEventLogStorage):
        yield
        return
    events = Path(storage.path_for_shard(INDEX_SHARD_NAME)).parent
    files = [events / f"{INDEX_SHARD_NAME}.db", events.parent / RUNS]
    if run_id is not None:
        files.append(_begun_log(Path(storage.path_for_shard(run_id))))
    with ExitStack() as opened, _waiting_less(events.parent):
        for file in files:
            if file.exists():
                opened.enter_context(closing(_opened(file)))
        yield


def _begun_log(file: Path) -> Path:
    """The file of a new run: a copy of the kept one, if there is one. Otherwise Dagster makes it."""
    if _empty_logs and not file.exists():
        written = file.with_suffix(".new")
        written.write_bytes(_empty_logs[0])
        written.replace(file)
    return file


def _opened(file: Path) -> sqlite3.Connection:
    """A connection that has read once: from then on it counts as one that uses the log."""
    connection = sqlite3.connect(file, timeout=60, check_same_thread=False)
    connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    return connection


@contextmanager
def _waiting_less(folder: Path) -> Iterator[None]:
    """In the block, new connections of this process to files below the folder wait less for the disk."""
    within = f"{os.path.realpath(folder)}{os.sep}"

    def set_pragma(connection: object, _: object) -> None:
        if isinstance(connection, sqlite3.Connection):
            (_, _, file), *_ = connection.execute("PRAGMA database_list").fetchall()
            if os.path.realpath(file).startswith(within):
                connection.execute("PRAGMA synchronous=NORMAL")

    sa.event.listen(sa.Engine, "connect", set_pragma)
    try:
        yield
    finally:
        sa.event.remove(sa.Engine, "connect", set_pragma)
