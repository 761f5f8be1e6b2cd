"""Whether this installation may write: its stores of backups, and which installation took over there.

What belongs here: which stores are asked, and for what. What is stored in them is in `backup/store_writer.py`.
"""

from __future__ import annotations

import logging
import socket
from dataclasses import dataclass
from datetime import UTC, datetime

from sync_platform.backup.store_writer import StoreWriter, require_writer, take_over
from sync_platform.defs.resources import StoreResource, backup_store_of, replica_store_of, store_of
from sync_platform.errors import StorageError, TakenOver
from sync_platform.settings import Settings
from sync_platform.storage.audit_log import origin_of

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class InstallationWriter:
    """An installation and its stores: that of its backups, that of the vault's backup, and the replica, if any."""

    ledger_url: str
    own: tuple[StoreResource, ...]
    replica: StoreResource | None

    def take_over(self) -> tuple[StoreWriter, list[StoreWriter]]:
        """Make this installation the writer of its own stores: it, and the others that were.

        Not that of its replica: there the installation in the other region may have its backups.
        """
        writer = StoreWriter(origin_of(self.ledger_url), socket.gethostname(), datetime.now(UTC))
        return writer, take_over([each.open() for each in self.own], writer)

    def require_for_sync(self) -> None:
        """Raise TakenOver where another installation took over. A sync goes on where a store cannot be asked."""
        ledger = origin_of(self.ledger_url)
        for each in (*self.own, *((self.replica,) if self.replica else ())):
            try:
                require_writer(each.open(), ledger)
            except TakenOver:
                raise
            except StorageError as error:
                logger.warning("whether another installation took over is not known: %s", error)


def writer_of(settings: Settings) -> InstallationWriter:
    own = (backup_store_of(settings), store_of(settings, settings.vault_backup_url))
    return InstallationWriter(settings.ledger_url, own, replica_store_of(settings))
