"""Cost of backups: `python -m benchmarks.backups [RECORDS] [ROUNDS]`.

It loads a lake of RECORDS records. Each round compares a full backup into an empty store with reading its files,
SHA-256, and the same compression and encryption; verification with reading and hashing the stored objects; and an
incremental backup after a change of 1 % with the full one. The comparisons use one thread, write nothing and read
nothing back. A ratio of processor time depends less on the load of the machine than one of wall time. Backups are
measured in one process; whole commands, which take some seconds to start, are measured once each.
"""

from __future__ import annotations

import hashlib
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from benchmarks.__main__ import Server, timed
from benchmarks.lineage import fill
from benchmarks.quality import measured_sync
from sync_platform.backup.backup_verification import verify_backups
from sync_platform.backup.creation import BackedUpInstallation, create_backup
from sync_platform.backup.file_copies import CopyPolicy
from sync_platform.backup.object_format import SAMPLE_BYTES, Codec, encode, is_worth_compressing
from sync_platform.backup.repository import Repository, file_blocks
from sync_platform.backup.repository_key import open_repository_key
from sync_platform.settings import Settings, load_settings
from sync_platform.storage.audit_log import AuditLog
from sync_platform.storage.folder_store import FolderStore
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import Lake
from sync_platform.vault.key_wrapping import KeyWrapping
from sync_platform.vault.master_key import MasterKey

SEALED = CopyPolicy(compress=True, encrypt=True)
CHANGED = 0.01
TARGETS = {"full": "at most 1.5", "verification": "at most 1.43 (0.7 of the speed)", "incremental": "below 0.1"}


class Times(NamedTuple):
    """Wall and processor time in seconds."""

    wall_s: float
    processor_s: float


@dataclass(frozen=True)
class Round:
    """What was measured, by name, and what it is compared with."""

    measured: dict[str, Times]
    compared: dict[str, Times]


def main(records: int, rounds: int) -> None:
    console = Console()
    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings(sync_home=Path(folder) / "sync")
        address = LakeAddress.of(settings)
        AuditLog(settings.ledger_url).close()  # makes the ledger, as the first sync does
        _load(settings, records)
        size = sum(path.stat().st_size for path in Path(address.data).rglob("*.parquet"))
        console.print(f"{records:,} records, {size / 1e6:,.0f} MB of data files; medians of {rounds} rounds")
        done = [_round(settings, Path(folder) / str(number), records) for number in range(rounds)]
        commands = {"a full backup": _command(settings), "an incremental one without changes": _command(settings)}
    console.print(_table(done))
    for what, took in commands.items():
        console.print(f"the command for {what}: {took.wall_s:.1f} s, {took.processor_s:.1f} s of processor time")


def _load(settings: Settings, records: int) -> None:
    server = Server(records)
    try:
        with Lake(LakeAddress.of(settings)) as lake:
            measured_sync(server.url, settings.sync_home, lake)
    finally:
        server.stop()


def _round(settings: Settings, folder: Path, records: int) -> Round:
    """A full backup into a new store, its verification, a change of 1 %, and an incremental backup."""
    address = LakeAddress.of(settings)
    data, store, scratch = Path(address.data), FolderStore(folder), folder / "scratch"
    key = open_repository_key(store, KeyWrapping(MasterKey(bytes(32)), "bench"), may_create=True)
    repository = Repository(store, key)
    installation = BackedUpInstallation(address, FolderStore(data), "lineage", settings.ledger_url)
    plain = _measured(lambda: _read_and_encode(data, key.objects))
    full = _measured(lambda: create_backup(installation, repository, "full", SEALED))
    hashing = _measured(lambda: _hash_all(folder / "objects"))
    scratch.mkdir()
    verified = _measured(lambda: verify_backups(repository, [], scratch, verifies_all=True))
    with Lake(address) as lake:
        fill(lake, round(records * CHANGED))
    incremental = _measured(lambda: create_backup(installation, repository, "incremental", SEALED))
    return Round(
        {"full": full, "verification": verified, "incremental": incremental},
        {"full": plain, "verification": hashing, "incremental": full},
    )


def _measured(action: Callable[[], object]) -> Times:
    began, worked = time.perf_counter(), time.process_time()
    action()
    return Times(time.perf_counter() - began, time.process_time() - worked)


def _command(settings: Settings) -> Times:
    """A whole process that makes a backup."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "sync_platform", "backup", "create"]
    wall_s = timed(command, SYNC_HOME=str(settings.sync_home))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Times(wall_s, after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime)


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


def _table(rounds: list[Round]) -> Table:
    """The median times, and the medians of each round's ratios."""
    table = Table("what", "wall", "processor", "x wall", "x processor", "target")
    for what, target in TARGETS.items():
        times = [statistics.median(each.measured[what][kind] for each in rounds) for kind in (0, 1)]
        ratios = [
            statistics.median(each.measured[what][kind] / each.compared[what][kind] for each in rounds)
            for kind in (0, 1)
        ]
        table.add_row(what, *(f"{each:.2f} s" for each in times), *(f"{each:.2f}" for each in ratios), target)
    return table


if __name__ == "__main__":
    numbers = [int(text) for text in sys.argv[1:]]
    main(*(numbers + [200_000, 3][len(numbers) :]))
