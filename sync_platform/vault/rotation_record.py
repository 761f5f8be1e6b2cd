"""The record of the master key's rotations: when each began, and the previous key until the rotation ends.

The previous key is stored wrapped by the new one. With it, what is not yet protected by the new key can still be read.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa

from sync_platform.storage.relational import transaction
from sync_platform.storage.stored_types import StoredTime
from sync_platform.vault.key_wrapping import KeyWrapping
from sync_platform.vault.master_key import MasterKey

USE = "previous-key"

rotations = sa.Table(
    "rotations",
    sa.MetaData(),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("previous_check", sa.Text, nullable=False),
    sa.Column("wrapped_previous_key", sa.Text, nullable=False),
    sa.Column("began_at", StoredTime(), nullable=False),
    sa.Column("ended_at", StoredTime()),
)


@dataclass(frozen=True)
class Rotation:
    """One rotation. `previous_check`: the check value of the key that it replaced. `ended_at`: None until it ends."""

    number: int
    previous_check: str
    began_at: datetime
    ended_at: datetime | None


def read_rotations(connection: sa.Connection) -> list[Rotation]:
    """Every rotation of the vault, in order."""
    columns = (rotations.c.number, rotations.c.previous_check, rotations.c.began_at, rotations.c.ended_at)
    return [Rotation(*row) for row in connection.execute(sa.select(*columns).order_by(rotations.c.number))]


def is_rotating(engine: sa.Engine) -> bool:
    """True if a rotation has begun and not ended: it runs, or it was interrupted."""
    with transaction(engine) as connection:
        return any(rotation.ended_at is None for rotation in read_rotations(connection))


def previous_key(engine: sa.Engine, master: MasterKey) -> MasterKey | None:
    """The key that the running rotation replaces; None where no rotation runs."""
    is_running = sa.select(rotations.c.wrapped_previous_key).where(rotations.c.ended_at.is_(None))
    with transaction(engine) as connection:
        wrapped = connection.execute(is_running).scalar()
    return None if wrapped is None else MasterKey(KeyWrapping(master, USE).unwrap(wrapped))


def begin_rotation(connection: sa.Connection, previous: MasterKey, previous_check: str, new: MasterKey) -> None:
    """Record that a rotation begins."""
    number = len(read_rotations(connection)) + 1
    wrapped = KeyWrapping(new, USE).wrap(previous.material)
    row = {"number": number, "previous_check": previous_check, "wrapped_previous_key": wrapped}
    connection.execute(sa.insert(rotations).values(**row, began_at=datetime.now(UTC)))


def end_rotation(engine: sa.Engine) -> None:
    """Forget the previous key, and record that the rotation has ended; harmless where none runs."""
    ended = {"ended_at": datetime.now(UTC), "wrapped_previous_key": ""}
    with transaction(engine) as connection:
        connection.execute(sa.update(rotations).where(rotations.c.ended_at.is_(None)).values(**ended))
