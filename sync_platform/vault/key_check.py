"""The check values of a vault's master key: a vault opens only under the key that it was made with.

Without them, a sync under another key would seal every personal value again, and each would look changed. Each half has
its own: a key file that is cut off or damaged may have one half right, and the other half names persons.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import sqlalchemy as sa

from sync_platform.documents.local_time import local_time
from sync_platform.documents.typed_command import typed
from sync_platform.errors import StorageError
from sync_platform.storage.relational import transaction, upsert
from sync_platform.storage.stored_types import StoredTime
from sync_platform.vault.master_key import MasterKey

CHECK_BYTES = 16
ONLY = 1
"""The id of the only row."""

key_checks = sa.Table(
    "key_checks",
    sa.MetaData(),
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("check_value", sa.Text, nullable=False),
    sa.Column("created_at", StoredTime(), nullable=False),
    sa.Column("permanent_check", sa.Text),  # null in a vault of an earlier version until it is opened
)


def check_value(master: MasterKey) -> str:
    """128 bits that HKDF-SHA256 derives from the replaceable half of the key, in hex. They reveal nothing of it."""
    return master.derive_replaceable("check", CHECK_BYTES).hex()


def permanent_check(master: MasterKey) -> str:
    """The same of the permanent half."""
    return master.derive("permanent-check", CHECK_BYTES).hex()


def stored_check_value(engine: sa.Engine) -> str | None:
    """The check value of the key that the vault was made with; None for a new vault or one of an earlier version."""
    with transaction(engine) as connection:
        return connection.execute(sa.select(key_checks.c.check_value)).scalar()


def store_check_value(engine: sa.Engine, master: MasterKey) -> str:
    """Store the check value of a vault that has none; returns the stored one. Of two processes, the first wins."""
    row = {
        "id": ONLY,
        "check_value": check_value(master),
        "created_at": datetime.now(UTC),
        "permanent_check": permanent_check(master),
    }
    with transaction(engine) as connection:
        connection.execute(upsert(engine, key_checks).on_conflict_do_nothing(), row)
        stored: str = connection.execute(sa.select(key_checks.c.check_value)).scalar_one()
    return stored


def require_check_value(stored: str, master: MasterKey, replaced: Mapping[str, datetime]) -> None:
    """StorageError for another key than the one that the check value was stored for.

    `replaced`: the check values of the keys that a rotation replaced, and when.
    """
    check = check_value(master)
    if stored == check:
        return
    if check in replaced:
        raise StorageError(
            f"this master key was replaced by `{typed('vault', 'rotate')}` at {local_time(replaced[check])}: copy the "
            "new key to this machine; nothing was read or written"
        )
    raise StorageError(
        "this is not the master key that the vault was made with: set VAULT_KEY_FILE, VAULT_KMS_KEY_ID or "
        "VAULT_SECRET_ID to that key, or restore the key file from its copy; nothing was read or written"
    )


def require_permanent_half(engine: sa.Engine, master: MasterKey) -> None:
    """StorageError for a key with another permanent half than the vault's; a vault of an earlier version stores its
    check value. The replaceable half was compared before."""
    check, column = permanent_check(master), key_checks.c.permanent_check
    with transaction(engine) as connection:
        stored = connection.execute(sa.select(column)).scalar()
        if stored is None:
            connection.execute(sa.update(key_checks).where(column.is_(None)).values(permanent_check=check))
        elif stored != check:
            raise StorageError(
                "the second half of this master key is not that of the key that the vault was made with: it was cut "
                "off or damaged. Restore the key from its copy; nothing was read or written"
            )


def replace_check_value(connection: sa.Connection, old: MasterKey, new: MasterKey) -> str:
    """Make another key the vault's; returns the check value of the old one. StorageError if that is not the vault's."""
    change = sa.update(key_checks).where(key_checks.c.check_value == check_value(old))
    if connection.execute(change.values(check_value=check_value(new))).rowcount != 1:
        raise StorageError("another process has rotated the master key: nothing was changed")
    return check_value(old)


def is_vaults_key(connection: sa.Connection, master: MasterKey) -> bool:
    """True if no other key is the vault's by now."""
    stored = connection.execute(sa.select(key_checks.c.check_value)).scalar()
    return stored in (None, check_value(master))
