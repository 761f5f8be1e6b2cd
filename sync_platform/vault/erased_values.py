"""The erased form of sealed values: what a reader sees in place of a value whose key is destroyed.

What belongs here: which data subjects are erased, and the replacement in any text: a value, a landed line, a change.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Set

import sqlalchemy as sa

from sync_platform.storage.relational import database_exists, transaction
from sync_platform.vault.seal import open_vault_database
from sync_platform.vault.sealed_values import ERASED, PREFIX
from sync_platform.vault.tombstones import tombstones

SEALED_VALUE = re.compile(rf"{PREFIX}([\w-]+):([\w-]+)", re.ASCII)
"""A sealed value anywhere in a text: the id of its data subject, and its ciphertext."""
ReadErased = Callable[[], Set[str]]
"""Returns the ids of the data subjects that are erased now."""


def nobody_erased() -> Set[str]:
    """For data without persons."""
    return frozenset()


def erased_subjects(vault_url: str) -> Set[str]:
    """The ids of all data subjects with a tombstone; none where there is no vault yet.

    StorageError where the vault's database cannot be read.
    """
    if not database_exists(vault_url):
        return frozenset()
    engine = open_vault_database(vault_url)
    try:
        with transaction(engine) as connection:
            return frozenset(connection.execute(sa.select(tombstones.c.subject_id)).scalars())
    finally:
        engine.dispose()


def erased_form(text: str, erased: Set[str]) -> str:
    """The text with the erased form in place of every sealed value of an erased data subject."""

    def shown(found: re.Match[str]) -> str:
        return f"{PREFIX}{found[1]}:{ERASED}" if found[1] in erased else found[0]

    return SEALED_VALUE.sub(shown, text)
