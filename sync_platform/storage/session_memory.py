"""How much memory a session of the lake may use, and how this process gives memory back."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import duckdb

M_MMAP_THRESHOLD = -3  # mallopt(3)
LARGE_BLOCK_BYTES = 256 * 1024


@contextmanager
def with_memory(session: duckdb.DuckDBPyConnection, limit: str) -> Iterator[None]:
    """Raise the memory limit of the session's DuckDB to `limit` (such as `1GB`) for the block."""
    usual = session.execute("SELECT current_setting('memory_limit')").fetchall()[0][0]
    session.execute(f"SET memory_limit = '{limit}'")
    try:
        yield
    finally:
        with suppress(duckdb.OutOfMemoryException):  # DuckDB still uses more than that: then the higher limit stays
            session.execute(f"SET memory_limit = '{usual}'")


def return_freed_memory() -> None:
    """Make the C library return each large block to the system as soon as it is freed.

    Otherwise glibc raises its threshold with each freed block and keeps more and more memory: 300 MB when 300,000 rows
    are written.
    """
    if sys.platform == "linux":
        with suppress(AttributeError):  # a C library without it
            ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK_BYTES)
