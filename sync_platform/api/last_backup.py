"""The newest backup, for the health: its time from the audit log, its size from its manifest, which is read once."""

from __future__ import annotations

import logging
from datetime import datetime

from sync_platform.api.health_answer import LastBackup
from sync_platform.backup.backup_manifest import BackupManifest
from sync_platform.errors import SyncError
from sync_platform.monitoring.backup_state import BackupState
from sync_platform.monitoring.installation_state import UnreadPart
from sync_platform.platforms import load_platforms
from sync_platform.settings import Settings

logger = logging.getLogger(__name__)


class LastBackupReader:
    """Reads the newest backup; a manifest that was read is kept."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._known: LastBackup | None = None

    def read(self, state: BackupState | UnreadPart) -> LastBackup | None:
        """The newest backup that was completed; None if there is none, or if it is not known."""
        if isinstance(state, UnreadPart):
            return None
        completed = [entry for entry in state.logged.ended if entry.outcome == "complete"]
        if not completed:
            return None
        named = completed[-1].details.get("backup")
        if named is None:
            return None
        if self._known is None or self._known.backup_id != named or self._known.record_count is None:
            self._known = self._read(named, completed[-1].at)
        return self._known

    def _read(self, backup_id: str, ended_at: datetime) -> LastBackup:
        from sync_platform.defs.backups import backups_of  # the import of Dagster takes a second

        try:
            repository = backups_of(self._settings).repository_or_none()
            manifest = repository.manifest(backup_id) if repository else None
        except SyncError as error:
            logger.warning("the size of the newest backup is not known: %s", error)
            manifest = None
        return LastBackup(
            backup_id=backup_id,
            timestamp=ended_at,
            record_count=None if manifest is None else record_count(manifest, self._settings),
            size_bytes=None if manifest is None else manifest.size_bytes,
        )


def record_count(manifest: BackupManifest, settings: Settings) -> int:
    """The records of all platforms in a backup."""
    platforms = load_platforms(settings.platform_path)
    return sum(table.rows for name, table in manifest.tables.items() if name.split(".")[0] in platforms)
