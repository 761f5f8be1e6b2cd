"""Tombstones: the append-only list of erased data subjects. A subject with a tombstone never gets a key again.

What belongs here: the list in the vault's database, its hash chain, and the signed form of an entry in an object store.
A tombstone has the id of a subject, which is a keyed hash, and nothing else of the person.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any

import orjson
import sqlalchemy as sa

from sync_platform.errors import StorageError
from sync_platform.storage.chained_table import ChainedRow, append_repeatedly, chained_after, chained_columns
from sync_platform.storage.hash_chain import broken_links
from sync_platform.storage.relational import transaction
from sync_platform.vault.signature import Signer, is_signed

FORMAT = "sync-platform tombstone 1"
TOMBSTONES_USE = "tombstones"
"""What the signer's key is derived for."""

tombstones = sa.Table(
    "tombstones",
    sa.MetaData(),
    *chained_columns(
        sa.Column("subject_id", sa.Text, nullable=False, unique=True), sa.Column("erased_at", sa.Text, nullable=False)
    ),
)


@dataclass(frozen=True, kw_only=True)
class Tombstone(ChainedRow):
    """One erased subject. `erased_at` is UTC in ISO 8601."""

    CHAIN = "sync-platform/tombstones/1"
    subject_id: str
    erased_at: str


def read_tombstones(connection: sa.Connection, after: int = 0) -> list[Tombstone]:
    """The tombstones with a greater number than `after`, in order."""
    wanted = sa.select(tombstones).where(tombstones.c.number > after).order_by(tombstones.c.number)
    return [Tombstone(**row) for row in connection.execute(wanted).mappings()]


def add_tombstones(engine: sa.Engine, subjects: Iterable[str]) -> None:
    """Append a tombstone for each subject that has none. From now on the vault gives no key of it to anybody."""
    wanted = list(dict.fromkeys(subjects))

    def append() -> None:
        with transaction(engine) as connection:
            present = read_tombstones(connection)
            known = {tombstone.subject_id for tombstone in present}
            new = _chained([each for each in wanted if each not in known], present[-1] if present else None)
            if new:
                connection.execute(sa.insert(tombstones), [vars(tombstone) for tombstone in new])

    append_repeatedly("the vault's tombstones", append)


def import_tombstones(connection: sa.Connection, known: Sequence[Tombstone]) -> None:
    """Append the tombstones of another store that this vault does not have.

    StorageError where the two lists contradict each other: one must be the beginning of the other.
    """
    present = read_tombstones(connection)
    if present[: len(known)] != list(known[: len(present)]):
        raise StorageError("the vault's tombstones are not those of the store: they are of another vault")
    if new := known[len(present) :]:
        connection.execute(sa.insert(tombstones), [vars(tombstone) for tombstone in new])


def require_whole(chain: Sequence[Tombstone], where: str) -> None:
    """StorageError where a tombstone of the chain is missing or was changed."""
    for tombstone, what in broken_links(chain):
        raise StorageError(f"tombstone number {tombstone.number} in {where}: {what}; nothing was restored")


def signed_tombstone(tombstone: Tombstone, signer: Signer) -> bytes:
    """The tombstone as a signed JSON object, like an anchor (lineage/anchors.py)."""
    signed = {"format": FORMAT, **vars(tombstone), "public_key": signer.public_key}
    return orjson.dumps({**signed, "signature": signer.sign(_message(signed))}, option=orjson.OPT_INDENT_2) + b"\n"


def read_signed_tombstone(name: str, body: bytes, public_key: str) -> Tombstone:
    """A tombstone from its bytes; StorageError where it is not one that the holder of `public_key` signed."""
    try:
        document: dict[str, Any] = orjson.loads(body)
        signature = document.pop("signature")
        if document["format"] != FORMAT:
            raise StorageError(f"{name} is of another format, {document['format']!r}: use a newer version")
        if document["public_key"] != public_key:
            raise StorageError(f"{name} is signed under another master key than this vault's")
        if not is_signed(_message(document), signature, public_key):
            raise StorageError(f"{name} was changed after it was signed")
        return Tombstone(**{field.name: document[field.name] for field in fields(Tombstone)})
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        raise StorageError(f"{name} is no tombstone") from None


def _chained(subjects: Sequence[str], last: Tombstone | None) -> list[Tombstone]:
    made: list[Tombstone] = []
    for subject in subjects:
        unlinked = Tombstone(subject_id=subject, erased_at=datetime.now(UTC).isoformat())
        made.append(chained_after(unlinked, made[-1] if made else last))
    return made


def _message(signed: dict[str, Any]) -> bytes:
    return orjson.dumps(signed, option=orjson.OPT_SORT_KEYS)
