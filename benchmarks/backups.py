"""Cost of backups: `python -m benchmarks.backups [CHANGES]`.

It fills a lake, and compares a full backup with reading its files, SHA-256, and the same compression and encryption;
verification with reading and hashing the stored objects; and an incremental backup after a change of 1 % with a full
one. Each ratio is of processor time, which depends less on the load of the machine, and of wall time.
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.lineage import fill
from sync_platform.backup.backup_verification import verify_backups
from sync_platform.backup.creation import Origin, create_backup
from sync_platform.backup.file_copies import Policy
from sync_platform.backup.object_format import SAMPLE_BYTES, Codec, encode, is_worth_compressing
from sync_platform.backup.repository import Repository, file_blocks
from sync_platform.backup.repository_key import open_repository_key
from sync_platform.settings import load_settings
from sync_platform.storage.audit_log import AuditLog
from sync_platform.storage.folder_store import FolderStore
from sync_platform.storage.lake_connection import Lake, LakeAddress
from sync_platform.vault.key_wrapping import KeyWrapping
from sync_platform.vault.master_key import MasterKey

SEALED = Policy(compress=True, encrypt=True)


def main(changes: int) -> None:
    console = Console()
    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings(sync_home=Path(folder))
        address = LakeAddress.of(settings)
        data = Path(address.data)
        with Lake(address) as lake:
            fill(lake, changes)
        store = FolderStore(Path(folder) / "backups")
        key = open_repository_key(store, KeyWrapping(MasterKey(bytes(32)), "bench"), may_create=True)
        repository = Repository(store, key)
        origin = Origin(address, FolderStore(data), "lineage", settings.ledger_url)
        AuditLog(settings.ledger_url).close()  # makes the ledger, as the first sync does
        plain = _measured(lambda: _read_and_encode(data, key.objects))
        full = _measured(lambda: create_backup(origin, repository, "full", SEALED))
        hashing = _measured(lambda: _hash_all(Path(folder) / "backups" / "objects"))
        scratch = Path(folder) / "scratch"
        scratch.mkdir()
        verified = _measured(lambda: verify_backups(repository, [], scratch, verifies_all=True))
        with Lake(address) as lake:
            fill(lake, changes // 100)
        incremental = _measured(lambda: create_backup(origin, repository, "incremental", SEALED))
    table = Table("what", "wall", "processor", "compared with", "x wall", "x processor", "target")
    _add(table, "full backup", full, "reading, SHA-256, compression, encryption", plain, "at most 1.5")
    _add(table, "verification", verified, "reading and SHA-256", hashing, "at most 1.43 (0.7 of the speed)")
    _add(table, "incremental after 1 %", incremental, "the full backup", full, "below 0.1")
    console.print(table)


Times = tuple[float, float]


def _measured(action: Callable[[], object]) -> Times:
    """Wall and processor time."""
    began, worked = time.perf_counter(), time.process_time()
    action()
    return time.perf_counter() - began, time.process_time() - worked


def _read_and_encode(data: Path, key: bytes) -> None:
    for path in sorted(data.rglob("*.parquet")):
        digest = hashlib.sha256()
        for block in file_blocks(path):
            digest.update(block)
        with path.open("rb") as file:
            codec = Codec(is_worth_compressing(file.read(SAMPLE_BYTES)), is_encrypted=True)
        for _ in encode(file_blocks(path), codec, key, b"bench"):
            pass


def _hash_all(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            digest = hashlib.sha256()
            for block in file_blocks(path):
                digest.update(block)


def _add(table: Table, what: str, found: Times, other: str, base: Times, target: str) -> None:
    ratios = [f"{mine / theirs:.2f}" for mine, theirs in zip(found, base, strict=True)]
    table.add_row(what, f"{found[0]:.2f} s", f"{found[1]:.2f} s", other, *ratios, target)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 4_000_000)
