"""Sealing: encryption of a personal value with the key of the person it is about.

Sealing is deterministic per person, field and value (AES-SIV, RFC 5297), so an unchanged value stays unchanged in the
lake. A sealed value has the form `sealed:v1:<subject id>:<base64url ciphertext>`; the plaintext is the value's JSON.
Every value of an erased person becomes `sealed:v1:<subject id>:erased`, which nobody can decrypt.
"""

from __future__ import annotations

import hmac
import os
import threading
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from sync_platform.errors import StorageError
from sync_platform.storage.relational import open_database, transaction, upsert
from sync_platform.vault.core_dumps import forbid_core_dumps
from sync_platform.vault.identifiers import IdentifierHashes
from sync_platform.vault.key_check import (
    is_vaults_key,
    require_check_value,
    require_permanent_half,
    store_check_value,
    stored_check_value,
)
from sync_platform.vault.key_wrapping import KeyWrapping
from sync_platform.vault.master_key import MasterKey
from sync_platform.vault.own_secrets import OwnSecrets
from sync_platform.vault.personal_fields import Personal
from sync_platform.vault.record_identifiers import RecordIdentifiers
from sync_platform.vault.rotation_record import previous_key, read_rotations
from sync_platform.vault.sealed_values import (
    PREFIX,
    ArraySealer,
    FieldSealer,
    Record,
    from_base64,
    to_base64,
)
from sync_platform.vault.signature import Signer
from sync_platform.vault.subject_key_wrapping import SubjectKeyWrapping
from sync_platform.vault.subject_keys import SubjectKey, subject_keys
from sync_platform.vault.subject_names import SubjectNames
from sync_platform.vault.tombstones import TOMBSTONES_USE, read_tombstones, tombstones

MIGRATIONS = Path(__file__).parent / "migrations"
KEY_BYTES = 64  # AES-256-SIV takes two 256-bit keys
MAX_CACHED = 50_000
LOOKUP_CHUNK = 500
STORED = (
    subject_keys.c.subject_id,
    subject_keys.c.wrapped_key,
    subject_keys.c.identifiers,
    subject_keys.c.seen_in,
)
OF_EARLIER_VERSION = " None "
ADD_IDENTIFIERS = (
    sa.update(subject_keys)
    .where(subject_keys.c.subject_id == sa.bindparam("subject"))
    .values(
        identifiers=subject_keys.c.identifiers + sa.bindparam("added"),
        seen_in=subject_keys.c.seen_in + sa.bindparam("dataset"),  # null stays null
    )
)


def open_vault_database(url: str) -> sa.Engine:
    return open_database(url, MIGRATIONS)


def has_master_key(engine: sa.Engine) -> bool:
    """True if the vault was opened under a master key before: no other key may be created for it."""
    return has_subject_keys(engine) or stored_check_value(engine) is not None


def has_subject_keys(engine: sa.Engine) -> bool:
    """True if the vault has the key of a person."""
    with transaction(engine) as connection:
        return connection.execute(sa.select(subject_keys.c.subject_id).limit(1)).first() is not None


class Vault:
    """Keys per data subject in the vault's database, wrapped by the master key (AES-256-GCM).

    Safe to use from several threads and processes; a key is committed before anything is sealed with it. A person with
    a tombstone gets no key again, and every process forgets the key of an erased person before it seals the next page.
    """

    def __init__(self, engine: sa.Engine, master: MasterKey) -> None:
        """StorageError for another master key than the one that the vault was made with."""
        forbid_core_dumps()
        self.engine, self._master = engine, master
        self._require_own_key(master)
        previous = previous_key(engine, master)
        self._wrapping = SubjectKeyWrapping(master)
        self._lookup = hmac.new(master.derive("lookup"), digestmod="sha256")
        self.identifiers = IdentifierHashes(master.derive("lookup"))
        self._record_identifiers = RecordIdentifiers(self.identifiers)
        self.anchors = Signer(master, "lineage-anchor")
        self.backups = KeyWrapping(master, "backup-repository", previous)
        self.tombstones = Signer(master, TOMBSTONES_USE)
        self.own_secrets = OwnSecrets(master, previous)
        self._keys: dict[str, SubjectKey] = {}  # keys, not ciphers: a cipher takes 4 kB, and 4 µs to make
        self._erased: dict[str, int] = {}  # the number of each erased subject's tombstone, in order
        self._lock = threading.Lock()

    def seal_records(
        self, platform: str, personal: Personal, records: list[Record], own_ids: list[str], dataset: str = ""
    ) -> None:
        """Replace every personal field of the records by its sealed value, in place and whatever its type.

        In a path, `photos[].uploader` is a field of every object in the array `photos`.
        `own_ids`: one id per record. Where a record names no data subject, its own id is used in place of a person's,
        so that the record can still be erased.
        """
        with self._lock:
            self._forget_erased()
        names = SubjectNames(personal, partial(self.subject_id, platform), self._erased)
        subjects = [names.subject_of(record, own_id) for record, own_id in zip(records, own_ids, strict=True)]
        self.seal_for(subjects, platform, personal, records, dataset)

    def seal_for(
        self, subjects: list[str], platform: str, personal: Personal, records: list[Record], dataset: str = ""
    ) -> None:
        """Like `seal_records`, for known data subjects: one per record.

        What identifies the persons is stored as keyed hashes, with `dataset`.
        """
        ciphers = self._ciphers_of(
            subjects, self._record_identifiers.of(personal, records, subjects), f"{platform}.{dataset}"
        )
        for path in personal.fields:
            if "[]." in path:
                ArraySealer(platform, path).seal_in(records, subjects, ciphers)
            else:
                FieldSealer(platform, path).seal_in(records, subjects, ciphers)

    def unseal(self, platform: str, field: str, sealed: str) -> Any:
        """The value of a sealed text. StorageError where its key is destroyed or the text was tampered with."""
        if not sealed.startswith(PREFIX):
            raise StorageError(f"the value of {platform}.{field} is not sealed")
        subject, _, text = sealed.removeprefix(PREFIX).partition(":")
        with transaction(self.engine) as connection:
            is_erased = sa.exists().where(tombstones.c.subject_id == subject)
            wrapped = connection.execute(
                sa.select(subject_keys.c.wrapped_key).where(subject_keys.c.subject_id == subject, ~is_erased)
            ).scalar()
        if wrapped is None:
            raise StorageError(f"the key of data subject {subject} is destroyed: the value is gone for good")
        try:
            plain = AESSIV(self._wrapping.unwrap(subject, wrapped)).decrypt(
                from_base64(text), [f"{platform}.{field}".encode()]
            )
        except (InvalidTag, ValueError):
            raise StorageError(f"the sealed value of {platform}.{field} was tampered with") from None
        return orjson.loads(plain)

    def ciphers(self, subjects: Iterable[str]) -> dict[str, AESSIV]:
        """The ciphers of these persons, to unseal with; erased and unknown persons have none. No key is created."""
        with self._lock:
            self._forget_erased()
            wanted = [subject for subject in dict.fromkeys(subjects) if subject not in self._erased]
            return {subject: AESSIV(stored.key) for subject, stored in self._load_keys(wanted).items()}

    def subject_id(self, platform: str, path: str, value: Any) -> str:
        """The keyed hash that identifies a person: HMAC-SHA256, 128 bits, base64url."""
        text = f"{platform}\x1f{path}\x1f{str(value).strip().casefold()}".encode()
        lookup = self._lookup.copy()  # a copy saves hashing the key again
        lookup.update(text)
        return to_base64(lookup.digest()[:16])

    def is_current(self) -> bool:
        """False once another process has rotated the master key, or ended a rotation: then the vault is opened anew."""
        with transaction(self.engine) as connection:
            return is_vaults_key(connection, self._master) and self._rotations == read_rotations(connection)

    def _require_own_key(self, master: MasterKey) -> None:
        stored = stored_check_value(self.engine)
        if stored is None:
            self._require_one_key_unwraps()  # of a vault that an earlier version made, without a check value
            stored = store_check_value(self.engine, master)
        with transaction(self.engine) as connection:
            self._rotations = read_rotations(connection)
        earlier = {rotation.previous_check: rotation.began_at for rotation in self._rotations}
        require_check_value(stored, master, earlier)
        require_permanent_half(self.engine, master)

    def _require_one_key_unwraps(self) -> None:
        with transaction(self.engine) as connection:
            row = connection.execute(sa.select(subject_keys.c.subject_id, subject_keys.c.wrapped_key).limit(1)).first()
        if row is not None:
            SubjectKeyWrapping(self._master).unwrap(*row)

    def _ciphers_of(
        self, subjects: Iterable[str], identifiers: Mapping[str, set[str]], dataset: str
    ) -> dict[str, AESSIV]:
        """The cipher of each subject; erased subjects have none. The subjects' identifiers are committed."""
        with self._lock:
            self._forget_erased()
            cached = {subject: self._keys.get(subject) for subject in dict.fromkeys(subjects)}
            keys = {subject: stored for subject, stored in cached.items() if stored is not None}
            missing = [subject for subject in cached if subject not in keys and subject not in self._erased]
            if missing:
                loaded = self._load_keys(missing)
                if new := [subject for subject in missing if subject not in loaded]:
                    loaded |= self._create_keys(new, identifiers, dataset)
                if len(self._keys) + len(loaded) > MAX_CACHED:
                    self._keys.clear()
                self._keys |= loaded
                keys |= loaded
            self._add_identifiers(keys, identifiers, dataset)
        return {subject: AESSIV(stored.key) for subject, stored in keys.items()}

    def _forget_erased(self) -> None:
        """Drop the keys of subjects that any process has erased since the last page."""
        with transaction(self.engine) as connection:
            for tombstone in read_tombstones(connection, after=len(self._erased)):
                self._erased[tombstone.subject_id] = tombstone.number
                self._keys.pop(tombstone.subject_id, None)

    def _load_keys(self, subjects: list[str]) -> dict[str, SubjectKey]:
        loaded: dict[str, SubjectKey] = {}
        with transaction(self.engine) as connection:
            for start in range(0, len(subjects), LOOKUP_CHUNK):
                chunk = subjects[start : start + LOOKUP_CHUNK]
                rows = connection.execute(sa.select(*STORED).where(subject_keys.c.subject_id.in_(chunk)))
                loaded |= {
                    subject: SubjectKey(self._wrapping.unwrap(subject, wrapped), f" {seen_in} {identifiers} ")
                    for subject, wrapped, identifiers, seen_in in rows
                }
        return loaded

    def _create_keys(
        self, subjects: list[str], identifiers: Mapping[str, set[str]], dataset: str
    ) -> dict[str, SubjectKey]:
        """Create and commit keys for new subjects; if two processes create one subject's key, both use the first.

        A subject that another process erases at the same time gets none: either its tombstone is seen here, or the
        erasure waits for this transaction and deletes the key.
        """
        now = datetime.now(UTC)
        keys, rows = {}, []
        for subject in subjects:
            key, hashes = os.urandom(KEY_BYTES), " ".join(sorted(identifiers.get(subject, ())))
            keys[subject] = SubjectKey(key, f" {dataset} {hashes} ")
            rows.append(
                {
                    "subject_id": subject,
                    "wrapped_key": self._wrapping.wrap(subject, key),
                    "created_at": now,
                    "identifiers": hashes,
                    "seen_in": dataset,
                }
            )
        is_erased = subject_keys.c.subject_id.in_(sa.select(tombstones.c.subject_id))
        with transaction(self.engine) as connection:
            if self.engine.dialect.name == "postgresql":
                connection.exec_driver_sql("LOCK TABLE tombstones IN SHARE MODE")
            written = connection.execute(
                upsert(self.engine, subject_keys).on_conflict_do_nothing(),
                rows,
            ).rowcount
            if not is_vaults_key(connection, self._master):
                raise StorageError("the master key was rotated while this process ran: start it again")
            written -= connection.execute(sa.delete(subject_keys).where(is_erased)).rowcount
        return keys if written == len(keys) else self._load_keys(subjects)

    def _add_identifiers(
        self, stored: Mapping[str, SubjectKey], identifiers: Mapping[str, set[str]], dataset: str
    ) -> None:
        """Commit the identifiers, and the dataset, that are not stored yet. What another process adds meanwhile stays.

        A person of an earlier version stays without datasets, until the identifiers are read from what is stored.
        """
        rows = []
        for subject, key in stored.items():
            hashes = [identifier for identifier in identifiers.get(subject, ()) if identifier not in key.known]
            is_seen = f" {dataset} " in key.known or key.known.startswith(OF_EARLIER_VERSION)
            if hashes or not is_seen:
                added = "".join(f" {identifier}" for identifier in sorted(hashes))
                rows.append({"subject": subject, "added": added, "dataset": "" if is_seen else f" {dataset}"})
        if rows:
            with transaction(self.engine) as connection:
                connection.execute(ADD_IDENTIFIERS, rows)
        for row in rows:
            stored[row["subject"]].known += f"{row['added']} {row['dataset']} "
