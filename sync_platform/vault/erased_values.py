"""The erased form of sealed values: what a reader sees in place of a value whose key is destroyed.

What belongs here: which data subjects are erased, and the replacement in any text: a value, a landed line, a change.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Set
from typing import Any

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


def erased_subjects(vault: sa.Engine) -> Set[str]:
    """The ids of all data subjects with a tombstone in the vault's database; StorageError where it cannot be read."""
    with transaction(vault) as connection:
        return frozenset(connection.execute(sa.select(tombstones.c.subject_id)).scalars())


def erased_subjects_at(vault_url: str) -> Set[str]:
    """The same for the vault at a SQLAlchemy URL; none where there is no vault yet."""
    if not database_exists(vault_url):
        return frozenset()
    vault = open_vault_database(vault_url)
    try:
        return erased_subjects(vault)
    finally:
        vault.dispose()


def erased_form(text: str, erased: Set[str]) -> str:
    """The text with the erased form in place of every sealed value of an erased data subject."""

    def shown(match: re.Match[str]) -> str:
        return f"{PREFIX}{match[1]}:{ERASED}" if match[1] in erased else match[0]

    return SEALED_VALUE.sub(shown, text)


def without_ciphertext(value: Any, erased: Set[str]) -> Any:
    """A value with the erased form in place of every sealed value of an erased data subject, at any depth."""
    if isinstance(value, str):
        return erased_form(value, erased) if PREFIX in value else value
    if isinstance(value, list | tuple):
        return [without_ciphertext(item, erased) for item in value]
    if isinstance(value, dict):
        return {name: without_ciphertext(item, erased) for name, item in value.items()}
    return value
