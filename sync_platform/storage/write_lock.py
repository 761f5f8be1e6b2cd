"""The lock for write transactions of the lake: one process on any machine holds it at a time, and the holder is known.

With a SQLite catalog it is a file beside the catalog, with a PostgreSQL catalog an advisory lock of the server. A lock
ends with its process. The holder writes its label: its machine, its process and the time.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from sync_platform.errors import StorageError
from sync_platform.storage.advisory_lock import AdvisoryLock
from sync_platform.storage.lock_holder import Holder

logger = logging.getLogger(__name__)
LOCK_WAIT_S = 600.0
LONG_WAIT_S = 10.0  # commits of other platforms take a second or two each
ADVISORY_NAME = "lake/write"
MAX_NODE = 30  # a label in PostgreSQL has at most 63 bytes
logger = logging.getLogger(__name__)


@contextmanager
def holding_file(catalog: Path) -> Iterator[None]:
    """Hold the lock of a catalog's file; StorageError where it is not free within ten minutes."""
    lock, label = FileLock(f"{catalog}.write.lock"), _label_file(catalog)
    try:
        with _long_wait_logged():
            lock.acquire(timeout=LOCK_WAIT_S)
    except Timeout:
        raise StorageError(f"another process holds the lock {lock.lock_file} and does not release it") from None
    try:
        with suppress(OSError):  # nobody waits for the label
            label.write_text(_this_holder().label)
        yield
    finally:
        with suppress(OSError):
            label.unlink(missing_ok=True)
        lock.release()


@contextmanager
def holding_advisory(address: str) -> Iterator[None]:
    """Hold the lock of the catalog in PostgreSQL at a libpq address; StorageError as `holding_file`."""
    lock = AdvisoryLock(address, ADVISORY_NAME)
    with lock:
        with _long_wait_logged():
            lock.acquire(LOCK_WAIT_S, lambda: _this_holder().label)
        yield


@contextmanager
def _long_wait_logged() -> Iterator[None]:
    began = time.monotonic()
    try:
        yield
    finally:
        waited_s = time.monotonic() - began
        if waited_s >= LONG_WAIT_S:
            logger.warning("waited %.0f s for the lake's write lock", waited_s)


def write_lock_holder(catalog: str) -> Holder | None:
    """The holder of the lock of `sqlite:PATH` or `postgres:CONNINFO`; None where it is free, or has no label yet."""
    if catalog.startswith("postgres:"):
        lock = AdvisoryLock(catalog.removeprefix("postgres:"), ADVISORY_NAME)
        with lock:
            return Holder.parse(lock.holder() or "")
    return _holder_of_file(Path(catalog.removeprefix("sqlite:")))


def _holder_of_file(catalog: Path) -> Holder | None:
    """A killed holder leaves its label, so the lock is tried, and the label must be the same before and after that."""
    label = _read(_label_file(catalog))
    if not label or _is_free(catalog) or _read(_label_file(catalog)) != label:
        return None
    return Holder.parse(label)


def _is_free(catalog: Path) -> bool:
    try:
        with FileLock(f"{catalog}.write.lock", timeout=0):
            return True
    except (Timeout, OSError):
        return False


def _read(file: Path) -> str:
    try:
        return file.read_text()
    except OSError:
        return ""


def _label_file(catalog: Path) -> Path:
    return catalog.with_name(f"{catalog.name}.write.holder")


def _this_holder() -> Holder:
    return Holder(f"{os.uname().nodename[:MAX_NODE]}/{os.getpid()}", datetime.now(UTC))
