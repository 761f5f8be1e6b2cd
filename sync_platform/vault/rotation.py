"""The re-wrapping of a vault under a new master key: one transaction, so a killed rotation has changed all or nothing.

What belongs here: what a rotation changes in the vault's database. The order of all steps belongs in
backup/key_rotation.py. No sealed value changes, because the keys of persons stay the same.
"""

from __future__ import annotations

import sqlalchemy as sa

from sync_platform.errors import StorageError
from sync_platform.storage.relational import transaction
from sync_platform.vault.key_check import key_checks, replace_check_value
from sync_platform.vault.master_key import MasterKey
from sync_platform.vault.rotation_record import begin_rotation
from sync_platform.vault.subject_key_wrapping import SubjectKeyWrapping
from sync_platform.vault.subject_keys import subject_keys

KEYS_AT_A_TIME = 5_000


def rewrap_vault(engine: sa.Engine, old: MasterKey, new: MasterKey) -> int:
    """Wrap every person's key by the new master key, and make that the vault's key; returns the number of keys.

    StorageError, and nothing is changed, where `old` is not the vault's key, or where a key cannot be unwrapped.
    """
    if old.permanent != new.permanent:
        raise StorageError("the new master key is not made from the vault's: it would not find any person again")
    with transaction(engine) as connection:
        _lock(connection)
        previous_check = replace_check_value(connection, old, new)
        count = _rewrap_subject_keys(connection, SubjectKeyWrapping(old), SubjectKeyWrapping(new))
        begin_rotation(connection, old, previous_check, new)
    return count


def _lock(connection: sa.Connection) -> None:
    """Let no process make a key meanwhile: it would be wrapped by the old key."""
    if connection.engine.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.exec_driver_sql(f"LOCK TABLE {subject_keys.name}, {key_checks.name} IN EXCLUSIVE MODE")


def _rewrap_subject_keys(connection: sa.Connection, old: SubjectKeyWrapping, new: SubjectKeyWrapping) -> int:
    ids, wrapped_keys = subject_keys.c.subject_id, subject_keys.c.wrapped_key
    change = sa.update(subject_keys).where(ids == sa.bindparam("subject")).values(wrapped_key=sa.bindparam("wrapped"))
    count, last = 0, ""
    while True:
        wanted = sa.select(ids, wrapped_keys).where(ids > last).order_by(ids).limit(KEYS_AT_A_TIME)
        rows = connection.execute(wanted).all()
        if not rows:
            return count
        rewrapped = [
            {"subject": subject, "wrapped": new.wrap(subject, old.unwrap(subject, wrapped))}
            for subject, wrapped in rows
        ]
        connection.execute(change, rewrapped)
        count, last = count + len(rows), rows[-1][0]
