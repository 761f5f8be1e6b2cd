"""Identifiers: e-mail addresses, phone numbers, handles and names, by which a person is found on every platform.

The vault stores only their keyed hashes (BLAKE2b, RFC 7693: 64 bits, hex), beside the key of the person, and they are
destroyed with it. Without the master key nobody can tell whether an address is among them.

Sealing writes them, and a search reads all of them once: an index would cost each sync more than it saves here.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from sync_platform.storage.relational import transaction
from sync_platform.vault.blank_identifiers import names_somebody
from sync_platform.vault.normalisation import ADDRESS, PHONE, email_address, handle, person_name, phone_number
from sync_platform.vault.personal_fields import PersonalKind
from sync_platform.vault.subject_keys import subject_keys
from sync_platform.vault.tombstones import tombstones

HASH_BYTES = 8
USE = b"sync-platform/identifiers"
NORMAL_FORMS = {
    PersonalKind.email: email_address,
    PersonalKind.phone: phone_number,
    PersonalKind.handle: handle,
    PersonalKind.name: person_name,
}


@dataclass(frozen=True)
class Identifier:
    """One way to name a person, as written somewhere."""

    kind: PersonalKind
    value: str


@dataclass(frozen=True, order=True)
class FoundSubject:
    """A person on one platform, in one dataset."""

    subject_id: str
    platform: str
    dataset: str


class IdentifierHashes:
    """Makes the keyed hashes of identifiers. The key is derived from the vault's lookup key."""

    def __init__(self, lookup_key: bytes) -> None:
        self._key = hmac.digest(lookup_key, USE, "sha256")

    def of(self, kind: PersonalKind, value: str) -> str | None:
        """The hash of an identifier: 16 characters. None where the value is no identifier of its kind."""
        normal_form = normalised(Identifier(kind, value))
        if normal_form is None:
            return None
        text = f"{kind.name}\x1f{normal_form}".encode()
        return hashlib.blake2b(text, key=self._key, digest_size=HASH_BYTES).hexdigest()


def normalised(identifier: Identifier) -> str | None:
    """The one spelling of an identifier (vault/normalisation.py).

    None where the value is no identifier of its kind or stands for a blank, and for kinds that name nobody, such as a
    picture.
    """
    normal_form = NORMAL_FORMS.get(identifier.kind)
    if normal_form is None or not names_somebody(identifier.kind, identifier.value):
        return None
    return normal_form(identifier.value)


def kind_by_form(value: str) -> PersonalKind | None:
    """The kind of a value of a field whose kind is not stated: an e-mail address, a phone number, or not known."""
    text = value.strip()
    if ADDRESS.fullmatch(text):
        return PersonalKind.email
    return PersonalKind.phone if PHONE.fullmatch(text) else None


def find_subjects(engine: sa.Engine, hashes: IdentifierHashes, identifier: Identifier) -> list[FoundSubject]:
    """Everyone with this identifier who is not erased, by platform and dataset; empty where it is no identifier."""
    identifier_hash = hashes.of(identifier.kind, identifier.value)
    if identifier_hash is None:
        return []
    return _subjects(engine, _position(engine, identifier_hash) > 0)


def known_subjects(engine: sa.Engine, subject_ids: Collection[str]) -> list[FoundSubject]:
    """Those of these persons who have a key and are not erased, by platform and dataset."""
    return _subjects(engine, subject_keys.c.subject_id.in_(subject_ids))


def unread_subjects(engine: sa.Engine) -> set[str]:
    """The persons of an earlier version, whose identifiers nobody has read yet from what is stored."""
    wanted = sa.select(subject_keys.c.subject_id).where(subject_keys.c.seen_in.is_(None))
    with transaction(engine) as connection:
        return set(connection.execute(wanted).scalars())


def add_identifiers(engine: sa.Engine, identifiers: Mapping[str, set[str]]) -> None:
    """Add hashes to those of persons who have a key. A repeat is harmless."""
    rows = [{"subject": subject, "hash": each} for subject, hashes in identifiers.items() for each in sorted(hashes)]
    is_new = _position(engine, sa.bindparam("hash")) == 0
    change = sa.update(subject_keys).where(subject_keys.c.subject_id == sa.bindparam("subject"), is_new)
    if rows:
        with transaction(engine) as connection:
            connection.execute(change.values(identifiers=subject_keys.c.identifiers + " " + sa.bindparam("hash")), rows)


def mark_read(engine: sa.Engine, seen_in: Mapping[str, str]) -> None:
    """Store in which datasets persons of an earlier version are, separated by spaces: they are not unread any more."""
    rows = [{"subject": subject, "datasets": datasets} for subject, datasets in seen_in.items()]
    is_theirs = (subject_keys.c.subject_id == sa.bindparam("subject"), subject_keys.c.seen_in.is_(None))
    if rows:
        with transaction(engine) as connection:
            change = sa.update(subject_keys).where(*is_theirs).values(seen_in=sa.bindparam("datasets"))
            connection.execute(change, rows)


def _position(engine: sa.Engine, hashed: str | sa.BindParameter[str]) -> sa.Function[int]:
    """SQL: where the hash is among a person's identifiers, from 1; 0 where it is not."""
    position = sa.func.instr if engine.dialect.name == "sqlite" else sa.func.strpos
    return position(subject_keys.c.identifiers, hashed)


def _subjects(engine: sa.Engine, condition: sa.ColumnElement[bool]) -> list[FoundSubject]:
    wanted = sa.select(subject_keys.c.subject_id, subject_keys.c.seen_in).where(
        condition, ~sa.exists().where(tombstones.c.subject_id == subject_keys.c.subject_id)
    )
    with transaction(engine) as connection:
        rows = connection.execute(wanted).all()
    return sorted(
        FoundSubject(subject, *name.split(".", 1)) for subject, seen_in in rows for name in (seen_in or "").split()
    )
