"""The number of data subjects that have a key in the vault.

What belongs here: counts. The vault cannot say who the persons are, because a subject's id is a keyed hash.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa

from sync_platform.storage.relational import transaction
from sync_platform.vault.subject_keys import subject_keys


@dataclass(frozen=True)
class DataSubjectCounts:
    """`held`: data subjects with a key now; `created`: those whose key was created in a span.

    A person known to two platforms counts twice.
    """

    held: int
    created: int


def count_data_subjects(vault: sa.Engine, first: datetime, last: datetime) -> DataSubjectCounts:
    """The data subjects in the vault's database, and those created from `first` to `last`, both included.

    StorageError where the database cannot be read.
    """
    created = subject_keys.c.created_at.between(first.astimezone(UTC), last.astimezone(UTC))
    with transaction(vault) as connection:
        held = connection.execute(sa.select(sa.func.count()).select_from(subject_keys)).scalar_one()
        new = connection.execute(sa.select(sa.func.count()).select_from(subject_keys).where(created)).scalar_one()
    return DataSubjectCounts(held, new)
