"""The rotation of the master key: all that the old key protects is protected by a new one, and no data is touched.

What belongs here: the order of the steps. Until the last one, the vault has both keys, so everything can be read after
a kill at any moment, and a repeat goes on where it stopped. docs/vault.md describes the steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import sqlalchemy as sa

from sync_platform.backup.repository_key import rewrap_repository_key
from sync_platform.backup.vault_backup import VaultBackup
from sync_platform.errors import UsageError
from sync_platform.storage.held_lock import needs_no_lock
from sync_platform.storage.ledger import Ledger
from sync_platform.storage.object_store import ObjectStore
from sync_platform.storage.operation_step import OnStep, ignore_step
from sync_platform.vault.destruction import empty_log
from sync_platform.vault.key_place import KeyPlace, open_master_key
from sync_platform.vault.platform_secrets import reseal_secrets
from sync_platform.vault.rotation import rewrap_vault
from sync_platform.vault.rotation_lock import rotating_alone
from sync_platform.vault.rotation_record import end_rotation, is_rotating
from sync_platform.vault.seal import Vault


@dataclass
class RotationReport:
    """What a rotation did. `subject_keys`: 0 where it only completed one that was interrupted."""

    is_continued: bool = False
    subject_keys: int = 0
    secrets: int = 0
    repositories: int = 0
    has_backup: bool = False


@dataclass(frozen=True)
class KeyRotation:
    """What a rotation reaches. No sync may use the vault meanwhile: the caller holds the locks of all platforms.

    `place`: where the settings say that the master key is. `previous_place`: where it is now; another place moves it.
    `repositories`: the stores of the data's backups.
    """

    engine: sa.Engine
    place: KeyPlace
    previous_place: KeyPlace
    ledger: Ledger
    backup: VaultBackup
    repositories: Sequence[ObjectStore]

    def run(self, on_step: OnStep = ignore_step, require_lock: Callable[[], None] = needs_no_lock) -> RotationReport:
        """Rotate the master key, or complete a rotation that was interrupted.

        `require_lock` is asked before each step, and raises where the caller has lost a lock. StorageError where a step
        fails; then everything can still be read, and a repeat goes on. Busy where another process rotates the key of
        the vault.
        """
        with self._alone(require_lock) as require:
            report = RotationReport(is_continued=is_rotating(self.engine))
            if not report.is_continued:
                on_step("wrapping the keys of persons by a new master key")
                report.subject_keys = self._replace_key(require)
            self._complete(report, require, on_step)
        return report

    def complete(self, require_lock: Callable[[], None] = needs_no_lock) -> None:
        """Complete a rotation that was interrupted, if there is one; errors as for `run`."""
        with self._alone(require_lock) as require:
            if is_rotating(self.engine):
                self._complete(RotationReport(is_continued=True), require, ignore_step)

    @contextmanager
    def _alone(self, require_lock: Callable[[], None]) -> Iterator[Callable[[], None]]:
        """Hold the lock of the rotation; yields the question about it and about the locks of the caller."""
        with rotating_alone(self.engine) as held:

            def require() -> None:
                require_lock()
                held.require()

            yield require

    def _complete(self, report: RotationReport, require: Callable[[], None], on_step: OnStep) -> None:
        """Do the steps that remain once the vault has its new key."""
        master = open_master_key(self.place, self.engine)
        vault = Vault(self.engine, master)
        report.has_backup = self.backup.exists()
        if report.has_backup:
            on_step("replacing the backup of the vault")
            self.backup.create(self.engine, "" if self.place.is_outside else master.text, require)
        on_step("sealing the secrets of platforms anew")
        require()
        report.secrets = reseal_secrets(self.ledger, vault.own_secrets)
        on_step("wrapping the keys of the backups anew")
        for store in self.repositories:
            require()
            report.repositories += rewrap_repository_key(store, vault.backups)
        require()
        end_rotation(self.engine)
        empty_log(self.engine)

    def _replace_key(self, require: Callable[[], None]) -> int:
        old = open_master_key(self.previous_place, self.engine)
        present = self.place.present()
        if present is None or present == old:
            new = old.rotated()
            require()
            self.place.propose(new)
        elif present.permanent == old.permanent:
            new = present  # of a move that was interrupted
        else:
            raise UsageError(f"{self.place.name} is of another vault: choose another place; nothing was changed")
        require()
        count = rewrap_vault(self.engine, old, new)
        require()
        self.place.accept()
        return count
