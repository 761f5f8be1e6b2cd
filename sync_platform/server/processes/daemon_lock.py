"""The lock that allows one server over a home. Servers that share a ledger have homes of their own, and one daemon."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from filelock import FileLock, Timeout

from sync_platform.errors import StorageError
from sync_platform.settings import Settings


@contextmanager
def only_daemon(settings: Settings) -> Iterator[None]:
    """Hold the lock within the block. StorageError where another process has it, or the home cannot be written."""
    lock = FileLock(settings.home / "serve.lock")
    try:
        settings.home.mkdir(parents=True, exist_ok=True)
        lock.acquire(blocking=False)
    except Timeout:
        raise StorageError(f"`serve` runs already over {settings.home}: another one needs a home of its own") from None
    except OSError as error:
        raise StorageError(f"SYNC_HOME={str(settings.home)!r} cannot be written: {error.strerror or error}") from None
    try:
        yield
    finally:
        lock.release()
