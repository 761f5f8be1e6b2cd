"""A region is lost with its store and its databases: the standby restores from the replica alone, and serves."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

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

    def run(self, *arguments: str) -> str:
        done = Shell(self.home, self.settings).run_in_process(*arguments)
        assert done.returncode == 0, done.stderr or done.stdout
        return done.stdout

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


@pytest.mark.full  # test_replica and test_fresh_lake have the parts without commands and servers
def test_a_standby_takes_over_from_the_replica_alone(
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    postgres_server: PostgresServer,
    s3_server: S3Server,
    other_s3_server: S3Server,
) -> None:
    vault = {"VAULT_BACKUP": (tmp_path / "apart").as_uri(), "VAULT_BACKUP_KEY_FILE": str(tmp_path / "safe" / "key")}

    def backups(of: S3Server, folder: str, replica_of: S3Server, replica: str) -> dict[str, str]:
        """Where the backups of a region are, and where their replica is."""
        where = {"S3_BACKUP_BUCKET": f"{of.bucket}/{folder}", "BACKUP_REPLICA": f"s3://{replica_of.bucket}/{replica}"}
        return {**where, "BACKUP_REPLICA_ENDPOINT_URL": replica_of.endpoint, **vault}

    made = backed_up_home(tmp_path / "made" / "home", tmp_path_factory)
    primary = Region(made.home, postgres_server, s3_server, backups(s3_server, "backups", other_s3_server, "replica"))
    from_home = {name: value for name, value in primary.settings.items() if name not in primary.backups}
    for command in (("backup", "restore", "--target", "development"), ("vault", "restore")):
        assert Shell(primary.home, from_home).run_in_process(*command).returncode == 0
    primary.run("vault", "backup")
    primary.run("backup", "create")
    expected = primary.digests()
    primary.run("sync", "chope", "--no-unify")
    drill = json.loads(primary.run("backup", "drill", "--replica", "--json"))
    assert drill["passed"] and drill["rpo_s"] > 0

    primary.lose()
    lost_at = datetime.now(UTC)
    began = time.monotonic()
    standby = Region(
        tmp_path / "standby" / "home",
        postgres_server,
        other_s3_server,
        backups(other_s3_server, "replica", s3_server, "returned"),
    )
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


def require_serving(region: Region) -> None:
    """Its server answers: how healthy it is, and which restaurants there are."""
    with region.in_use():
        server = RunningServer(Shell(region.home, region.settings))
        try:
            assert server.client.health().health_score >= 0
            assert next(server.client.restaurants()).restaurant_id
        finally:
            server.stop()
