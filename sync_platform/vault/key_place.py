"""Where a master key is stored: in a key file, wrapped by KMS, or in AWS Secrets Manager.

A place has the present key, and while a rotation runs the proposed one too. The check value in the vault says which of
the two is the vault's. So a rotation that was killed at any moment leaves a vault that opens.
"""

from __future__ import annotations

from typing import Protocol

import sqlalchemy as sa

from sync_platform.errors import StorageError
from sync_platform.vault.key_check import check_value, stored_check_value
from sync_platform.vault.master_key import MasterKey
from sync_platform.vault.seal import has_master_key

WITHOUT_KEY = (
    "Without it no personal value can be sealed or read, so syncs and backups stop. Queries, reports and status still "
    "work, and so do restores with a recovery key. docs/vault.md says how to get a key back"
)


class KeyPlace(Protocol):
    """A place for one master key. Every method raises StorageError, naming the place, where the place fails."""

    name: str
    """The place in words, for messages."""
    is_outside: bool
    """True if the key is kept by another service. Then the backup of the vault does not have it."""

    def is_present(self) -> bool:
        """True if there is a key; it may be damaged."""
        ...

    def present(self) -> MasterKey | None:
        """The key; None where there is none."""
        ...

    def proposed(self) -> MasterKey | None:
        """The key that a rotation has proposed; None where there is none."""
        ...

    def create(self) -> MasterKey:
        """Store a new key, and return it. If two processes create one, both return the first."""
        ...

    def propose(self, key: MasterKey) -> None:
        """Store a key beside the present one, in place of one proposed earlier; durable when this returns."""
        ...

    def accept(self) -> None:
        """Make the proposed key the present one; harmless where that was done."""
        ...


def open_master_key(place: KeyPlace, engine: sa.Engine) -> MasterKey:
    """The master key of the vault; one that a killed rotation proposed and used becomes the present one.

    A new vault gets a new key. StorageError where a vault that was made with a key finds none.
    """
    present, stored = place.present(), stored_check_value(engine)
    if present is None:
        if not has_master_key(engine):
            return place.create()
        present = place.present()  # another process may have made the vault since
    if present is not None and stored in (None, check_value(present)):
        return present
    proposed = place.proposed()
    if proposed is not None and stored == check_value(proposed):
        place.accept()
        return proposed
    if present is None:
        raise StorageError(f"{place.name} is missing, and this vault was made with a key. {WITHOUT_KEY}")
    return present
