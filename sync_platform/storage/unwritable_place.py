"""SQLite files and temporary files in a place where nothing can be written: on a full disk, on a read-only file system,
or in a folder of another user.

SQLite in its WAL mode writes files beside a database even to read it. Where it cannot, a database that no process has
open is read alone, without them.
"""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

from sync_platform.storage.process_files import ProcessFolder

UNWRITABLE = frozenset(
    {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM}
)
"""Results of SQLite, without their details, where it cannot write beside its file."""
ROOM_FOR_READING = 128 * 1024
"""The bytes that SQLite needs beside a database to read it."""
SPILL = "spill-"
"""How the names of the folders begin in which DuckDB spills."""


def is_unwritable(error: object) -> bool:
    """True for an error of SQLite where it cannot write its files, whatever the reason."""
    return isinstance(error, sqlite3.OperationalError) and getattr(error, "sqlite_errorcode", 0) & 0xFF in UNWRITABLE


class ReadAlone(sqlite3.Connection):
    """A connection to a database that is read without files beside it. It sees no later commit: keep it for one use."""


def read_alone(database: Path, error: sqlite3.OperationalError) -> ReadAlone:
    """A connection to a database that could not be opened with `error`, which is raised again where it cannot be read
    either: because of another error, or because a process may have it open, so that not every commit is in it."""
    beside = Path(f"{database}-wal")
    try:
        is_whole = database.stat().st_size > 0 and not (beside.exists() and beside.stat().st_size)
    except OSError:
        is_whole = False
    if not is_unwritable(error) or not is_whole or place_problem(database) is None:
        raise error
    address = f"{database.absolute().as_uri()}?mode=ro&immutable=1"
    return sqlite3.connect(address, uri=True, factory=ReadAlone, check_same_thread=False)


def readable_database(file: Path, folder: Path) -> Path:
    """A SQLite file, or its copy in `folder` where nothing can be written beside it; sqlite3.Error where that fails.

    Where it can, it is not opened: a lake of this process would lose its locks (storage/catalog_file.py).
    """
    if not file.exists() or place_problem(file) is None:
        return file
    copy = folder / file.name
    with closing(_reader(file)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    return copy


def _reader(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.OperationalError as error:
        connection.close()
        return read_alone(file, error)
    return connection


def spill_folder(temp: Path, *, read_only: bool) -> ProcessFolder:
    """A new folder for what DuckDB spills, below `temp`; a reader's is in the system's temporary folder where nothing
    can be written there. OSError where there is none."""
    try:
        temp.mkdir(parents=True, exist_ok=True)
        if not (read_only and place_problem(temp / "spill")):
            return ProcessFolder(temp, SPILL)
    except OSError:
        if not read_only:
            raise
    return ProcessFolder(Path(tempfile.gettempdir()), f"sync-platform-{SPILL}")


def place_problem(file: Path) -> str | None:
    """Why a file cannot be written where it is, in words; None where it can."""
    folder = file.parent
    try:
        state = os.statvfs(folder)
    except OSError as error:
        return f"{folder}: {error.strerror or error}"
    if state.f_flag & os.ST_RDONLY:
        return f"{folder} is on a read-only file system"
    if shutil.disk_usage(folder).free < ROOM_FOR_READING:
        return f"{folder}: {os.strerror(errno.ENOSPC)}"
    if not os.access(folder, os.W_OK | os.X_OK):
        return f"this user may not write into {folder}"
    if file.exists() and not os.access(file, os.R_OK | os.W_OK):
        return f"this user may not read and write {file}"
    return None
