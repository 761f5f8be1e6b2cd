"""A restore that a person asked for, and what both of its targets need: subject, locks, erasures, run id."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sync_platform.backup.chosen_commit import ChosenCommit
from sync_platform.backup.conflict import Conflict
from sync_platform.cli.backup.repeated_erasure import RepeatedErasures, read_erasures
from sync_platform.cli.platform_locks import take_platform_locks
from sync_platform.platforms import load_platforms
from sync_platform.settings import Settings
from sync_platform.sources.declaration import Platform
from sync_platform.storage.held_lock import HeldLocks

if TYPE_CHECKING:
    from sync_platform.defs.backups import Backups

ACTIVITY = "restore"
"""Who has the locks and the lease, in words."""


@dataclass(frozen=True)
class RestoreRequest:
    """What is restored, and how.

    `sources`: the names of the platforms; empty for all. `began_s`: when the command began, by the monotonic clock.
    """

    settings: Settings
    backups: Backups
    chosen: ChosenCommit
    sources: list[str]
    conflict: Conflict
    from_replica: bool
    dry_run: bool
    as_json: bool
    began_s: float

    @property
    def platforms(self) -> dict[str, Platform]:
        """The platforms whose rows are restored, by name."""
        every = load_platforms(self.settings.platform_path)
        return {name: platform for name, platform in every.items() if not self.sources or name in self.sources}

    def rto_s(self) -> float:
        """Seconds since the command began."""
        return round(time.monotonic() - self.began_s, 2)

    def new_run_id(self) -> str:
        """The id of a run that restores, which the lineage shows: it names the backup. A job always has the same."""
        begun = self.settings.sync_job or f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
        return f"restore-{begun}-of-{self.chosen.manifest.id}"

    def subject(self, target: str) -> dict[str, Any]:
        """What the audit log says about the restore into a target."""
        commit = self.chosen.commit
        sources = {"sources": self.sources} if self.sources else {}
        return {
            "backup": self.chosen.manifest.id,
            "commit": commit.snapshot,
            "commit_at": commit.at.isoformat(),
            "batch": commit.batch_number,
            "batch_link": commit.batch_link,
            "target": target,
            **sources,
        }

    def document(self) -> dict[str, Any]:
        """What the JSON output says about every restore."""
        commit = self.chosen.commit
        return {
            "dry_run": self.dry_run,
            "backup": self.chosen.manifest.id,
            "commit": commit.snapshot,
            "commit_at": commit.at,
        }

    def read_erasures(self) -> RepeatedErasures:
        """The erasures to repeat; StorageError where one cannot be read."""
        return read_erasures(self.settings, from_replica=self.from_replica)

    def take_platform_locks(self, locks: HeldLocks) -> None:
        """Wait for syncs of these platforms and for unification."""
        take_platform_locks(locks, self.settings.ledger_url, self.platforms, ACTIVITY)
