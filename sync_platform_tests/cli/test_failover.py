"""A region is lost: the standby restores from the replica alone, and serves; and what it changed returns."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from sync_platform.defs.backups import backups_of
from sync_platform.lake.digest import Digest
from sync_platform.settings import load_settings
from sync_platform.storage.audit_log import AuditLog
from sync_platform_tests.cli.backed_up_home import backed_up_home
from sync_platform_tests.cli.conftest import Shell
from sync_platform_tests.cli.test_restored_installations import digests
from sync_platform_tests.installations import ADDRESSES, fleet_settings
from sync_platform_tests.server.running_server import RunningServer
from sync_platform_tests.services import PostgresServer, S3Server


@dataclass
class Region:
    """An installation in one region: its databases and its store, and where its backups and their replica are."""

    home: Path
    postgres: PostgresServer
    s3: S3Server
    backups: Mapping[str, str]
    settings: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.home.parent.mkdir(exist_ok=True)
        self.settings = {**fleet_settings(self.postgres, self.s3), **self.backups}

    def done(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        shell = Shell(self.home, self.settings)
        # a sync forks, which a process with threads must not
        return shell.run(*arguments) if arguments[0] == "sync" else shell.run_in_process(*arguments)

    def run(self, *arguments: str) -> str:
        done = self.done(*arguments)
        assert done.returncode == 0, done.stderr or done.stdout
        return done.stdout

    def refused(self, *arguments: str) -> str:
        done = self.done(*arguments)
        assert done.returncode != 0, done.stdout
        return " ".join((done.stdout + done.stderr).split())

    def stored(self) -> set[str]:
        """What is stored in its repository and beside the backup of the vault."""
        with self.in_use():
            backups = backups_of(load_settings(sync_home=self.home)).store.open()
        apart = Path(self.settings["VAULT_BACKUP"].removeprefix("file://"))
        return {*backups.keys(""), *(str(each) for each in apart.rglob("*"))}

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Its settings are those of this process."""
        with pytest.MonkeyPatch.context() as patch:
            for name in ADDRESSES:
                patch.delenv(name, raising=False)
            for name, value in self.settings.items():
                patch.setenv(name, value)
            yield

    def digests(self) -> dict[str, Digest]:
        with self.in_use():
            return digests(load_settings(sync_home=self.home))

    def lose(self) -> None:
        """Its databases and all objects of its store are gone."""
        with psycopg.connect(self.postgres.conninfo(), autocommit=True) as connection:
            for name in ("LEDGER", "VAULT"):
                connection.execute(f"DROP DATABASE {make_url(self.settings[name]).database} WITH (FORCE)")
            catalog = self.settings["LAKE_CATALOG"].rpartition("dbname=")[2]
            connection.execute(f"DROP DATABASE {catalog} WITH (FORCE)")
        client = self.s3.client()
        for address in (self.settings["LAKE_DATA"].removesuffix("/lake"), f"s3://{self.settings['S3_BACKUP_BUCKET']}"):
            bucket, _, prefix = address.removeprefix("s3://").partition("/")
            for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{prefix}/"):
                for each in page["Contents"]:
                    client.delete_object(Bucket=bucket, Key=each["Key"])


@dataclass
class TwoRegions:
    """Two S3 servers, each with the replica of the other, and a place apart for the backup of the vault."""

    folder: Path
    postgres: PostgresServer
    first: S3Server
    second: S3Server

    def region(self, name: str, s3: S3Server, backups: str, replica: str) -> Region:
        """A region on one of the servers, with the folder of its backups and that of their replica on the other."""
        other = self.second if s3 is self.first else self.first
        settings = {
            "S3_BACKUP_BUCKET": f"{s3.bucket}/{self.folder.name}-{backups}",
            "BACKUP_REPLICA": f"s3://{other.bucket}/{self.folder.name}-{replica}",
            "BACKUP_REPLICA_ENDPOINT_URL": other.endpoint,
            "VAULT_BACKUP": (self.folder / "apart").as_uri(),
            "VAULT_BACKUP_KEY_FILE": str(self.folder / "safe" / "key"),
        }
        return Region(self.folder / name / "home", self.postgres, s3, settings)

    def primary(self, factory: pytest.TempPathFactory) -> Region:
        """The primary region, with a lake, its backup and the replica of that, and the backup of the vault."""
        made = backed_up_home(self.folder / "primary" / "home", factory)
        primary = self.region("primary", self.first, "backups", "replica")
        from_home = {name: value for name, value in primary.settings.items() if name not in primary.backups}
        for command in (("backup", "restore", "--target", "development"), ("vault", "restore")):
            assert Shell(made.home, from_home).run_in_process(*command).returncode == 0
        primary.run("vault", "backup")
        primary.run("backup", "create")
        return primary

    def standby(self) -> Region:
        return self.region("standby", self.second, "replica", "returned")


@pytest.fixture
def regions(
    tmp_path: Path, postgres_server: PostgresServer, s3_server: S3Server, other_s3_server: S3Server
) -> TwoRegions:
    return TwoRegions(tmp_path, postgres_server, s3_server, other_s3_server)


@pytest.mark.full  # test_replica and test_fresh_lake have the parts without commands and servers
def test_a_standby_takes_over_from_the_replica_alone(
    regions: TwoRegions, tmp_path_factory: pytest.TempPathFactory
) -> None:
    primary = regions.primary(tmp_path_factory)
    expected = primary.digests()
    primary.run("sync", "chope", "--no-unify")
    drill = json.loads(primary.run("backup", "drill", "--replica", "--json"))
    assert drill["passed"] and drill["rpo_s"] > 0

    primary.lose()
    lost_at = datetime.now(UTC)
    began = time.monotonic()
    standby = regions.standby()
    standby.run("vault", "restore")
    restored = json.loads(standby.run("backup", "restore", "--target", "development", "--json"))
    assert standby.digests() == expected
    require_serving(standby)
    assert 0 < restored["rto_s"] < time.monotonic() - began
    assert datetime.fromisoformat(restored["commit_at"]) < lost_at
    with standby.in_use():
        log = AuditLog(load_settings(sync_home=standby.home).ledger_url)
        (entry,) = [each for each in log.entries(operation="restore") if each.outcome == "complete"]
        log.close()
    assert json.loads(entry.subject)["rto_s"] == restored["rto_s"]


@pytest.mark.full  # test_store_writer has the refusals without commands and servers
def test_what_a_standby_changed_returns_and_the_old_primary_writes_nothing_meanwhile(
    regions: TwoRegions, tmp_path_factory: pytest.TempPathFactory
) -> None:
    primary = regions.primary(tmp_path_factory)  # it is cut off, and not lost
    standby = regions.standby()
    take_over(standby)
    standby.run("sync", "chope", "--no-unify")
    standby.run("backup", "create")
    before = standby.stored()

    stale = primary.digests()  # the primary region is back, and its services start
    for command in (
        ("sync", "chope", "--no-unify"),
        ("backup", "create"),
        ("backup", "replicate"),
        ("vault", "backup"),
    ):
        assert "another installation took over" in primary.refused(*command)
    assert (primary.digests(), standby.stored()) == (stale, before)

    standby.run("sync", "data_gov_hk", "--no-unify")  # the way back: nothing of this is lost
    standby.run("vault", "backup")
    standby.run("backup", "create")
    standby.run("backup", "verify", "--all", "--replica")
    changed = standby.digests()
    assert changed != stale
    returned = regions.region("returned", regions.first, "returned", "next-replica")
    take_over(returned)
    assert returned.digests() == changed
    require_serving(returned)

    assert "another installation took over" in standby.refused("sync", "chope", "--no-unify")
    returned.run("sync", "chope", "--no-unify")
    returned.run("vault", "backup")
    returned.run("backup", "create")
    assert json.loads(returned.run("backup", "drill", "--replica", "--json"))["passed"]


def take_over(region: Region) -> None:
    """What docs/failover.md does in the region that goes on."""
    region.run("vault", "restore")
    region.run("backup", "restore", "--target", "development")
    region.run("lineage", "verify")
    region.run("backup", "take-over")


def require_serving(region: Region) -> None:
    """Its server answers: how healthy it is, and which restaurants there are."""
    with region.in_use():
        server = RunningServer(Shell(region.home, region.settings))
        try:
            assert server.client.health().health_score >= 0
            assert next(server.client.restaurants()).restaurant_id
        finally:
            server.stop()
