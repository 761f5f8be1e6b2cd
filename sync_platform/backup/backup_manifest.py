"""The manifest of a backup: everything it consists of, written last and signed. A backup without one does not exist.

A stored manifest is a JSON object: `manifest`, `public_key` (hex) and `signature` (Ed25519, base64) of the bytes of
`manifest` as they stand there. Its digest is the SHA-256 of the whole object.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Literal

import msgspec

from sync_platform.backup.backup_id import BackupKind
from sync_platform.errors import DamagedBackup, StorageError
from sync_platform.vault.signature import Signer, is_signed

FORMAT = "sync-platform backup 1"
FOLDER = "manifests/"
Role = Literal["data", "catalog", "ledger"]
"""`data`: a data or delete file of the lake. `catalog`: the lake's catalog as one SQLite file. `ledger`: evidence."""


class StoredFile(msgspec.Struct, frozen=True):
    """A file of a backup, and the object that holds its content.

    `path`: relative to the lake's data for `data`. `sha256` and `size_bytes` are of the file itself, `stored_sha256`
    and `stored_bytes` of the object `name`, which may be compressed and encrypted. Digests are in hex.
    """

    path: str
    role: Role
    sha256: str
    size_bytes: int
    name: str
    stored_sha256: str
    stored_bytes: int


class BackedUpTable(msgspec.Struct, frozen=True):
    """A table in the newest snapshot of a backup.

    `columns`: name and type. `digest`: SHA-256 (hex) over the columns, and the path and SHA-256 of each live file.
    """

    rows: int
    columns: list[tuple[str, str]]
    digest: str


class BackedUpCommit(msgspec.Struct, frozen=True):
    """A commit that a backup holds: its snapshot, its time, and the last entry of the lake's hash chain then."""

    snapshot: int
    at: datetime
    batch_number: int
    batch_link: str


class Predecessor(msgspec.Struct, frozen=True):
    """The backup before this one: its id, and the digest of its manifest."""

    id: str
    digest: str


class TombstoneHead(msgspec.Struct, frozen=True):
    """The last tombstone of the vault when a backup was made: its number, 0 where there was none, and its link.

    `public_key` (hex) verifies the signatures of tombstones where the vault is lost.
    """

    number: int
    link: str
    public_key: str


class BackupManifest(msgspec.Struct, frozen=True):
    """What a backup consists of. `sources` is None for all. Backups are ordered by `sequence`, not by their times.

    `files` lists every file of the backup, also those that an earlier backup copied. `copied` are the names of the
    objects that this backup wrote. `tombstones` is None where the backup was made without the vault.
    """

    format: str
    id: str
    kind: BackupKind
    sequence: int
    created_at: datetime
    sources: list[str] | None
    predecessor: Predecessor | None
    snapshot: int
    files: list[StoredFile]
    copied: list[str]
    tables: dict[str, BackedUpTable]
    commits: list[BackedUpCommit]
    versions: dict[str, str]
    tombstones: TombstoneHead | None = None

    @property
    def catalog(self) -> StoredFile:
        return next(file for file in self.files if file.role == "catalog")

    def with_role(self, role: Role) -> Iterator[StoredFile]:
        return (file for file in self.files if file.role == role)

    @property
    def size_bytes(self) -> int:
        """The size of the files before compression."""
        return sum(file.size_bytes for file in self.files)

    @property
    def stored_bytes(self) -> int:
        """The size of all objects that the backup needs."""
        return sum({file.name: file.stored_bytes for file in self.files}.values())

    @property
    def copied_bytes(self) -> int:
        """The size of the objects that this backup wrote."""
        sizes = {file.name: file.stored_bytes for file in self.files}
        return sum(sizes[name] for name in self.copied)

    @property
    def newest_commit(self) -> BackedUpCommit | None:
        return self.commits[-1] if self.commits else None


class _SignedManifest(msgspec.Struct):
    manifest: msgspec.Raw
    public_key: str
    signature: str


def manifest_key(backup_id: str) -> str:
    return f"{FOLDER}{backup_id}.json"


def manifest_digest(body: bytes) -> str:
    """The digest of a stored manifest, in hex."""
    return hashlib.sha256(body).hexdigest()


def signed_body(manifest: BackupManifest, signer: Signer) -> bytes:
    """The stored form of a manifest."""
    text = msgspec.json.encode(manifest)
    return msgspec.json.encode(_SignedManifest(msgspec.Raw(text), signer.public_key, signer.sign(text)))


def read_body(body: bytes, key: str, public_key: str) -> BackupManifest:
    """The manifest from its stored form at `key`. DamagedBackup where it is not what was written there.

    StorageError for a manifest of another format.
    """
    try:
        signed = msgspec.json.decode(body, type=_SignedManifest)
        if msgspec.json.encode(signed) != body:
            raise DamagedBackup("it was changed after it was signed")
        text = bytes(signed.manifest)
        if signed.public_key != public_key:
            raise DamagedBackup("it is signed under another key than the repository's")
        if not is_signed(text, signed.signature, public_key):
            raise DamagedBackup("it was changed after it was signed")
        document: Any = msgspec.json.decode(text)
        if document["format"] != FORMAT:
            raise StorageError(f"it is of another format, {document['format']!r}: use a newer version of this program")
        manifest = msgspec.convert(document, BackupManifest)
    except (msgspec.MsgspecError, KeyError, TypeError, UnicodeDecodeError):
        raise DamagedBackup("it is no manifest") from None
    if manifest_key(manifest.id) != key:
        raise DamagedBackup(f"it is the manifest of {manifest.id}")
    return manifest
