"""Destruction of the keys of erased data subjects. Without its key, every copy of a person's values is unreadable."""

from __future__ import annotations

import time

import sqlalchemy as sa

from sync_platform.errors import StorageError
from sync_platform.storage.relational import transaction
from sync_platform.vault.subject_keys import subject_keys
from sync_platform.vault.tombstones import tombstones

CHECKPOINT_ATTEMPTS = 40
CHECKPOINT_WAIT_S = 0.25


def destroy_keys(engine: sa.Engine) -> int:
    """Delete the key and the identifiers of every subject with a tombstone; the number of keys. A repeat is harmless.

    In SQLite the bytes are overwritten, in the database and in its log. StorageError where readers of the vault keep
    the log in use for ten seconds; the keys are deleted then, and a repeat empties the log.
    """
    is_erased = subject_keys.c.subject_id.in_(sa.select(tombstones.c.subject_id))
    with transaction(engine) as connection:
        deleted = connection.execute(sa.delete(subject_keys).where(is_erased)).rowcount
    empty_log(engine)
    return deleted


def empty_log(engine: sa.Engine) -> None:
    """Write SQLite's log into the database and cut it to nothing: it still has pages from before the last change.

    StorageError where readers of the vault keep the log in use for ten seconds.
    """
    if engine.dialect.name != "sqlite":
        return
    for _ in range(CHECKPOINT_ATTEMPTS):
        with engine.connect() as connection:
            is_busy = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()[0]
        if not is_busy:
            return
        time.sleep(CHECKPOINT_WAIT_S)
    raise StorageError("the vault's log could not be emptied, because other processes read the vault: try again")
