"""What may be interrupted: backup, restore, deletion, replica and the vault's backup, with what each of them makes."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

from sync_platform.api.job_store import JobStore
from sync_platform.backup.backup_retention import prune
from sync_platform.cli.job_process import run_job
from sync_platform.storage.audit_log import AuditLog
from sync_platform.storage.folder_store import FolderStore
from sync_platform_tests.backup.backed_up_lake import BackedUpLake
from sync_platform_tests.backup.diner_home import dishes_of, succeed
from sync_platform_tests.backup.stepped_command import NEVER, command, ended_at
from sync_platform_tests.cli.conftest import Shell
from sync_platform_tests.lake.harness import LakeHarness

UNFINISHED = re.compile(r"\.restoring|restore-|^\..*\.[0-9a-f]{8}$|^\.put-|^spill-")


class Interrupted:
    """A program that is interrupted: its arguments, and what must be so after that, and after the repeat."""

    program: ClassVar[Any] = staticmethod(command)
    arguments: ClassVar[tuple[str, ...]] = ()
    moments: ClassVar[tuple[float, ...]] = (0.6, 0.96)
    """Where it is killed, as a share of its steps, if the tests are not all tests."""

    def __init__(self, shell: Shell) -> None:
        self.shell, self.home, self.folder = shell, shell.home, shell.home.parent
        self.prepare()

    def prepare(self) -> None:
        """Bring the home into the state in which the program starts."""

    def result(self) -> Any:
        """What the program makes: the same after a repeat as after a run without an interruption."""
        raise NotImplementedError

    def check_interrupted(self) -> None:
        """Check that what is half-made does not look whole."""

    def repeat(self) -> None:
        succeed(self.shell, *self.arguments)


class Creation(Interrupted):
    arguments = ("backup", "create")

    def result(self) -> Any:
        succeed(self.shell, "backup", "verify", "--all")
        assert [path for path in (self.home / "temp").iterdir() if path.name.startswith("backup-")] == []
        newest = json.loads(succeed(self.shell, "backup", "show", "--json"))
        return {name: table["rows"] for name, table in newest["table_states"].items()}, newest["commit_list"]

    def check_interrupted(self) -> None:
        succeed(self.shell, "backup", "verify", "--all")


class FullCreation(Creation):
    arguments = ("backup", "create", "--type", "full")


class FreshRestore(Interrupted):
    @property
    def fresh(self) -> Shell:
        return Shell(self.folder / "fresh", self.shell.environment)

    def prepare(self) -> None:
        self.arguments = ("backup", "restore", "--target", str(self.folder / "fresh"))  # type: ignore[misc]

    def result(self) -> Any:
        succeed(self.fresh, "lineage", "verify")
        (evidence,) = (self.fresh.home / "evidence").iterdir()
        assert [path.name for path in self.fresh.home.rglob("*") if UNFINISHED.search(path.name)] == []
        return dishes_of(self.fresh.home), sorted(path.name for path in evidence.iterdir())

    def check_interrupted(self) -> None:
        is_marked = (self.fresh.home / "restore-unfinished.json").exists()
        self.was_whole = self.fresh.home.exists() and not is_marked
        if (self.fresh.home / "lake" / "catalog.sqlite").exists():
            assert dishes_of(self.fresh.home)
        else:
            assert self.fresh.run_in_process("query", "SELECT 1 FROM diner.dishes").returncode != 0

    def repeat(self) -> None:
        done = self.shell.run_in_process(*self.arguments)
        if done.returncode != 0:  # it was killed after its end
            assert "already has the whole restore" in done.stderr and self.was_whole, done.stderr


class PointInTime(FreshRestore):
    moments = (0.96,)

    def prepare(self) -> None:
        super().prepare()
        commits = json.loads(succeed(self.shell, "backup", "show", "--json"))["commit_list"]
        self.arguments += ("--at", commits[-2]["at"])  # type: ignore[misc]


class InterruptedRestore(Interrupted):
    moments = (0.4,)
    arguments = ("backup", "restore", "--target", "development", "--conflict", "overwrite")

    def prepare(self) -> None:
        self.before = dishes_of(self.home)
        newest = json.loads(succeed(self.shell, "backup", "show", "--json"))["backup"]
        self.arguments = ("backup", "restore", newest, *InterruptedRestore.arguments[2:])  # type: ignore[misc]

    def result(self) -> Any:
        succeed(self.shell, "lineage", "verify")
        succeed(self.shell, "backup", "verify", "--all")
        return dishes_of(self.home)

    def check_interrupted(self) -> None:
        succeed(self.shell, "lineage", "verify")


def _prune(home: Path, days: int) -> None:
    lake = BackedUpLake(LakeHarness(home), FolderStore(home / "backup_store"))
    prune(lake.repository, 30, datetime.now(UTC) + timedelta(days=days, hours=1))


def _prune_again(home: Path, _: tuple[str, ...]) -> int:
    _prune(home, 41)
    return 0


def _run_job(home: Path, arguments: tuple[str, ...]) -> int:
    run_job(*arguments)
    return 0


class RestoreJob(InterruptedRestore):
    """A restore that the API runs: its job answers with what was done once, also if a later process finds it done."""

    program = staticmethod(_run_job)
    moments = (0.97,)  # after its commit

    def prepare(self) -> None:
        super().prepare()
        command = [*self.arguments, "--json"]
        self.job_id = self.jobs.add("restore", [command], "ada", "ada:k1").job_id
        own = {"SYNC_ACTOR": "ada", "SYNC_VIA": "api", "SYNC_JOB": self.job_id}
        self.shell = Shell(self.home, self.shell.environment | own)
        self.arguments = (self.job_id,)  # type: ignore[misc]

    @property
    def jobs(self) -> JobStore:
        return JobStore(f"sqlite:///{self.home / 'ledger.sqlite'}")

    def result(self) -> Any:
        job = self.jobs.find(self.job_id)
        assert (job.state, job.error) == ("complete", None)
        assert job.result is not None
        safety = json.loads(succeed(self.shell, "backup", "show", job.result["safety_backup"], "--json"))
        tables = [(each["table"], each["updated"], each["removed"]) for each in job.result["tables"] if each["updated"]]
        ends = [
            each.outcome for each in AuditLog(f"sqlite:///{self.home / 'ledger.sqlite'}").entries(operation="restore")
        ]
        rows = self.shell.query("SELECT run_id, updated FROM sync.restores")
        assert [row["run_id"].startswith(f"restore-{self.job_id}-of-") for row in rows] == [True]
        return super().result(), tables, ends.count("complete"), safety["commit_list"][-1]["snapshot"]

    def repeat(self) -> None:
        done = ended_at(self.shell, self.program, self.arguments, NEVER, "killed")
        assert done.code == 0, done.errors


class Deletion(Interrupted):
    """Two of three backups are expired, and were marked a day ago."""

    program = staticmethod(_prune_again)

    def prepare(self) -> None:
        succeed(self.shell, "backup", "create", "--type", "full")
        _prune(self.home, 40)

    def result(self) -> Any:
        succeed(self.shell, "backup", "verify", "--all")
        keys = FolderStore(self.home / "backup_store").keys()
        return Counter(key.split("/")[0] for key in keys)

    def check_interrupted(self) -> None:
        succeed(self.shell, "backup", "verify", "--all")

    def repeat(self) -> None:
        _prune(self.home, 41)


class Replication(Interrupted):
    arguments = ("backup", "replicate")

    def prepare(self) -> None:
        self.store = FolderStore(self.folder / "replica")
        self.shell = Shell(self.home, {**self.shell.environment, "BACKUP_REPLICA": self.store.url})
        succeed(Shell(self.home, self.shell.environment | {"BACKUP_REPLICA": ""}), "backup", "create")

    def result(self) -> Any:
        succeed(self.shell, "backup", "verify", "--all", "--replica")
        assert list(self.store.keys()) == list(FolderStore(self.home / "backup_store").keys())
        return "the same keys"

    def check_interrupted(self) -> None:
        if self.store.size("repository.json"):
            succeed(self.shell, "backup", "verify", "--all", "--replica")


class VaultBackup(Interrupted):
    arguments = ("vault", "backup")

    def prepare(self) -> None:
        succeed(self.shell, "vault", "backup")

    def result(self) -> Any:
        succeed(self.shell, "vault", "verify")
        left = [path for path in self.home.rglob("*") if path.name.startswith(".put-")]
        assert left + list((self.home / "temp").glob("*vault*")) == []
        return len(list((self.home / "vault_backup_store" / "vault").iterdir()))

    def check_interrupted(self) -> None:
        succeed(self.shell, "vault", "verify")


KINDS = [
    Creation,
    FullCreation,
    FreshRestore,
    PointInTime,
    InterruptedRestore,
    RestoreJob,
    Deletion,
    Replication,
    VaultBackup,
]
