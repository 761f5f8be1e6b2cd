"""A small lake with a few syncs, and its repository of backups in a folder or a bucket."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sync_platform.backup.backup_id import BackupKind
from sync_platform.backup.backup_verification import BackupFindings, verify_backups
from sync_platform.backup.creation import BackedUpInstallation, CreatedBackup, create_backup
from sync_platform.backup.file_copies import CopyPolicy
from sync_platform.backup.repository import Repository
from sync_platform.backup.repository_key import open_repository_key
from sync_platform.settings import load_settings
from sync_platform.storage.amazon_session import amazon_session
from sync_platform.storage.audit_log import AuditLog
from sync_platform.storage.folder_store import FolderStore
from sync_platform.storage.object_store import ObjectStore
from sync_platform.storage.objects import open_store
from sync_platform.storage.operation_name import OperationName
from sync_platform_tests.lake.harness import LakeHarness

MENU = [{"id": number, "name": f"Dish {number}", "tags": ["a", "b"], "price": 10 + number} for number in range(1, 9)]
SEALED = CopyPolicy(compress=True, encrypt=True)


@dataclass
class BackedUpLake:
    """A lake, the audit log, and the repository; `make` and `verify` as the commands do them."""

    harness: LakeHarness
    store: ObjectStore
    repository: Repository = field(init=False)

    def __post_init__(self) -> None:
        key = open_repository_key(self.store, self.harness.vault.backups, may_create=True)
        self.repository = Repository(self.store, key)
        self.ledger_url = load_settings(sync_home=self.harness.folder).ledger_url
        self.audit_log = AuditLog(self.ledger_url)

    @property
    def installation(self) -> BackedUpInstallation:
        data = self.harness.lake.address.data
        client = self._client() if "://" in data else None
        return BackedUpInstallation(
            self.harness.lake.address,
            open_store(data if client else Path(data).as_uri(), client),
            "lineage",
            self.ledger_url,
        )

    def make(
        self, kind: BackupKind = "incremental", policy: CopyPolicy = SEALED, sources: Sequence[str] = ()
    ) -> CreatedBackup:
        created = create_backup(self.installation, self.repository, kind, policy, sources)
        details = {"store": self.store.url, "backup": created.manifest.id, "manifest": created.digest}
        details |= {"sources": list(sources)} if sources else {}
        self.audit_log.record(OperationName.backup, details, actor="ada", via="cli")
        return created

    def verify(self, backup_id: str | None = None, *, verifies_all: bool = True) -> BackupFindings:
        scratch = self.harness.folder / "scratch"
        scratch.mkdir(exist_ok=True)
        return verify_backups(
            self.repository, list(self.audit_log.entries()), scratch, backup_id, verifies_all=verifies_all
        )

    def found(self) -> str:
        """The findings of a verification of all backups, which must not hold, in words."""
        findings = self.verify()
        assert not findings.holds
        return "\n".join(str(each) for each in findings.found)

    def _client(self) -> Any:
        settings = load_settings()
        return amazon_session().client("s3", region_name=settings.aws_region, endpoint_url=settings.aws_endpoint_url)


def fill(harness: LakeHarness) -> None:
    """Three syncs: inserts, an update, removals."""
    harness.sync(MENU, hour=0)
    harness.sync([{**MENU[0], "name": "Renamed"}, *MENU[1:]], hour=10)
    harness.sync(MENU[:6], hour=20)


def backed_up_in(folder: Path) -> BackedUpLake:
    """A filled lake with an empty repository beside it."""
    harness = LakeHarness(folder)
    fill(harness)
    return BackedUpLake(harness, FolderStore(folder / "backup_store"))
