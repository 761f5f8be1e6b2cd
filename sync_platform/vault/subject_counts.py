"""How many data subjects the vault holds a key of.

What belongs here: counts. Who they are, the vault cannot tell: a subject's id is a keyed hash.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa

from sync_platform.storage.relational import transaction
from sync_platform.vault.seal import subject_keys


@dataclass(frozen=True)
class DataSubjectCounts:
    """Data subjects with a key now, and those of them whose key was made in a span. One person known to two platforms
    is two."""

    held: int
    created: int


def count_data_subjects(vault: sa.Engine, first: datetime, last: datetime) -> DataSubjectCounts:
    """The subjects in the vault's database, and those that came from `first` to `last`, both included; StorageError
    where it cannot be read."""
    created = subject_keys.c.created_at.between(first.astimezone(UTC), last.astimezone(UTC))
    with transaction(vault) as connection:
        held = connection.execute(sa.select(sa.func.count()).select_from(subject_keys)).scalar_one()
        new = connection.execute(sa.select(sa.func.count()).select_from(subject_keys).where(created)).scalar_one()
    return DataSubjectCounts(held, new)
