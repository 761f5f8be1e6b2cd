"""The table of keys in the vault: one key per person.

Beside its key, a person has identifiers (vault/identifiers.py). They are in the same row, so that they are destroyed
with the key, and so that sealing reads them together with it.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from sync_platform.storage.stored_types import StoredTime

subject_keys = sa.Table(
    "subject_keys",
    sa.MetaData(),
    sa.Column("subject_id", sa.Text, primary_key=True),
    sa.Column("wrapped_key", sa.LargeBinary, nullable=False),
    sa.Column("created_at", StoredTime(), nullable=False),
    sa.Column("identifiers", sa.Text, nullable=False, server_default=""),
    sa.Column("seen_in", sa.Text, nullable=True),
)
"""`identifiers`: keyed hashes of the person's e-mail addresses, phone numbers, handles and names, separated by spaces.
`seen_in`: the datasets that the person was seen in, as `platform.dataset`, separated by spaces. It is null for a person
of an earlier version until the identifiers are read from what is stored."""


@dataclass(slots=True)
class SubjectKey:
    """The key of a person. `known`: the datasets and identifiers stored beside it, between spaces."""

    key: bytes
    known: str
