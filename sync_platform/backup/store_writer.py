"""The writer of a store of backups: the one installation that may write there, once an installation took over.

After the loss of a region two installations can reach one store: the one that was restored from it, and the lost one,
if it comes back. Whoever takes over writes its name into the store, and every other installation is refused: its
syncs, its backups, their replica, and its backup of the vault. A store without a name is open to everybody.

What belongs here: the name in the store, and the refusal. Who asks, and when, doesn't.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec

from sync_platform.documents.local_time import local_time
from sync_platform.errors import StorageError, TakenOver
from sync_platform.storage.object_store import ObjectStore

WRITER_FILE = "writer.json"


class StoreWriter(msgspec.Struct, frozen=True):
    """An installation. `ledger`: what tells its ledger from every other one. `host`: where it took over, for people."""

    ledger: str
    host: str
    since: datetime


def read_writer(store: ObjectStore) -> StoreWriter | None:
    """The writer of a store; None where nobody took over. StorageError where that cannot be read."""
    try:
        return msgspec.json.decode(store.get(WRITER_FILE), type=StoreWriter)
    except KeyError:
        return None
    except msgspec.MsgspecError as error:
        raise StorageError(f"{store.url}/{WRITER_FILE} cannot be read: {error}") from None


def take_over(stores: Iterable[ObjectStore], writer: StoreWriter) -> list[StoreWriter]:
    """Make an installation the writer of the stores; the other installations that were."""
    before = []
    for store in stores:
        if (earlier := read_writer(store)) is not None and earlier.ledger != writer.ledger:
            before.append(earlier)
        store.put(WRITER_FILE, msgspec.json.encode(writer))
    return before


def require_writer(store: ObjectStore, ledger: str) -> None:
    """Raise TakenOver where another installation is the writer; StorageError where that cannot be read."""
    writer = read_writer(store)
    if writer is not None and writer.ledger != ledger:
        raise TakenOver(
            f"another installation took over on {local_time(writer.since)}, at {writer.host}, and this one may "
            f"not write any more ({store.url}/{WRITER_FILE}): stop its services, and go on there; docs/failover.md has "
            "the way back"
        )
