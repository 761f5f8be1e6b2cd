"""A full disk, or one that can only be read, as an error that names the place and says what to do."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sync_platform.errors import StorageError

FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
FULL_MARKS = (*(os.strerror(number) for number in FULL), "disk is full", "disk I/O error")
FAILED_WRITES = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN})
"""Results of SQLite, without their details: on a full disk its files of the WAL mode fail with an I/O error."""
READ_ONLY_MARKS = (os.strerror(errno.EROFS), "read-only file system")
UNWRITABLE = FULL | {errno.EROFS}
ADVICE = "free some space there and run it again"
READ_ONLY_ADVICE = "make it writable again, once its disk is without errors, and run it again"
"""The system makes a file system read-only when its disk has errors."""


def reason_of(error: OSError) -> str:
    """The system's words for an error, and what to do where the disk is full or can only be read."""
    return with_advice(error.strerror or str(error))


def with_advice(reason: str) -> str:
    """A reason in the words of the system, SQLite or DuckDB, and what to do where it is a full disk, or one that
    can only be read."""
    if any(mark in reason for mark in READ_ONLY_MARKS):
        return f"{reason}: {READ_ONLY_ADVICE}"
    return f"{reason}: {ADVICE}" if any(mark in reason for mark in FULL_MARKS) else reason


@contextmanager
def full_disk_named(place: Path) -> Iterator[None]:
    """StorageError where a disk is full or read-only within the block; it names the file, or `place` where the file is
    not known."""
    try:
        yield
    except OSError as error:
        if error.errno not in UNWRITABLE:
            raise
        raise StorageError(f"cannot write {error.filename or place}: {reason_of(error)}") from error
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF not in FAILED_WRITES:
            raise
        raise StorageError(f"cannot write {place}: {with_advice(str(error))}") from error
