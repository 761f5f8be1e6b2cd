"""A home on SQLite restored into PostgreSQL and S3, and back: the same tables, and a lineage that verifies there."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sync_platform.lake.digest import Digest, digest_table
from sync_platform.settings import Settings, load_settings
from sync_platform.sources.period import day_in_hong_kong
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import Lake
from sync_platform_tests.cli.backed_up_home import BackedUpHome, backed_up_home
from sync_platform_tests.cli.conftest import Shell
from sync_platform_tests.installations import installed
from sync_platform_tests.services import S3Server


@pytest.fixture
def backed_up(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> BackedUpHome:
    return backed_up_home(tmp_path / "home", tmp_path_factory)


def digests(settings: Settings) -> dict[str, Digest]:
    """The digest of every table of an installation's lake, all rows and columns."""
    with Lake(LakeAddress.of(settings), read_only=True) as lake, lake.session() as session:
        newest = session.execute("SELECT id FROM lake.current_snapshot()").fetchall()[0][0]
        tables = session.execute(
            "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = 'lake'"
        ).fetchall()
        return {f"{schema}.{table}": digest_table(session, f'"{schema}"."{table}"', newest) for schema, table in tables}


@pytest.mark.full  # test_replica has the same without commands and servers
def test_the_replica_on_another_server_is_verified_and_restored_alone_when_the_primary_is_gone(
    backed_up: BackedUpHome, tmp_path: Path, s3_server: S3Server, other_s3_server: S3Server
) -> None:
    expected = digests(backed_up.settings)
    replica = f"s3://{other_s3_server.bucket}/replica"
    shell = backed_up.shell
    shell.environment = s3_server.environment | {"S3_BACKUP_BUCKET": s3_server.bucket, "BACKUP_REPLICA": replica}
    shell.environment |= {"BACKUP_REPLICA_ENDPOINT_URL": other_s3_server.endpoint}
    backed_up.run("backup", "create")
    planned = json.loads(backed_up.run("backup", "prune", "--dry-run", "--json"))
    assert planned["replica"]["backups_kept"] == planned["backups_kept"] == 1
    shell.environment["AWS_ENDPOINT_URL"] = "http://127.0.0.1:9"
    assert "127.0.0.1:9" in backed_up.refused("backup", "restore", "--target", str(tmp_path / "none"))
    backed_up.run("backup", "verify", "--all", "--replica")
    fresh = tmp_path / "fresh"
    backed_up.run("backup", "restore", "--replica", "--target", str(fresh))
    assert digests(load_settings(sync_home=fresh)) == expected


@pytest.mark.full  # test_fresh_lake restores a laptop into PostgreSQL and S3 without commands
def test_a_laptop_is_restored_into_postgresql_and_s3_and_from_there_into_a_laptop(
    backed_up: BackedUpHome, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    expected = digests(backed_up.settings)
    assert len(expected) > 20
    with installed("fleet", request) as settings:
        fleet = BackedUpHome(Shell(backed_up.home, settings), backed_up.erased, backed_up.other)
        fleet.run("backup", "restore", "--target", "development")
        assert digests(fleet.settings) == expected
        fleet.run("lineage", "verify")
        fleet.run("vault", "restore")
        fleet.run("backup", "create", "--type", "full")
        fleet.run("backup", "verify")
        fresh = tmp_path / "fresh"
        fleet.run("backup", "restore", "--target", str(fresh))
    laptop = BackedUpHome(Shell(fresh), backed_up.erased, backed_up.other)
    assert digests(load_settings(sync_home=fresh)) == expected
    laptop.run("lineage", "verify")


def test_a_restore_to_a_moment_in_the_future_is_refused(backed_up: BackedUpHome, tmp_path: Path) -> None:
    refused = backed_up.refused("backup", "restore", "--at", "2099-01-01", "--target", str(tmp_path / "restored"))
    assert "--at 2099-01-01 lies in the future" in refused
    assert not (tmp_path / "restored").exists()


def test_a_restore_to_the_end_of_today_restores_what_is_known_by_now(backed_up: BackedUpHome, tmp_path: Path) -> None:
    today = day_in_hong_kong(datetime.now(UTC)).isoformat()
    backed_up.run("backup", "restore", "--at", today, "--target", str(tmp_path / "restored"))
    assert digests(load_settings(sync_home=tmp_path / "restored")) == digests(backed_up.settings)
