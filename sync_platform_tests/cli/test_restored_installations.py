"""A home on SQLite restored into PostgreSQL and S3, and back: the same tables, and a lineage that verifies there."""

from __future__ import annotations

from pathlib import Path

import pytest

from sync_platform.lake.digest import Digest, digest_table
from sync_platform.settings import Settings, load_settings
from sync_platform.storage.lake_connection import Lake, LakeAddress
from sync_platform_tests.cli.backed_up_home import BackedUpHome, backed_up_home
from sync_platform_tests.cli.conftest import Shell
from sync_platform_tests.installations import installed


@pytest.fixture
def backed_up(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> BackedUpHome:
    return backed_up_home(tmp_path / "home", tmp_path_factory)


def _digests(settings: Settings) -> dict[str, Digest]:
    """The digest of every table of an installation's lake, all rows and columns."""
    with Lake(LakeAddress.of(settings), read_only=True) as lake, lake.session() as session:
        newest = session.execute("SELECT id FROM lake.current_snapshot()").fetchall()[0][0]
        tables = session.execute(
            "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = 'lake'"
        ).fetchall()
        return {f"{schema}.{table}": digest_table(session, f'"{schema}"."{table}"', newest) for schema, table in tables}


def test_a_laptop_is_restored_into_postgresql_and_s3_and_from_there_into_a_laptop(
    backed_up: BackedUpHome, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    expected = _digests(backed_up.settings)
    assert len(expected) > 20
    with installed("fleet", request) as settings:
        fleet = BackedUpHome(Shell(backed_up.home, settings), backed_up.erased, backed_up.other)
        fleet.run("backup", "restore", "--target", "development")
        assert _digests(fleet.settings) == expected
        fleet.run("lineage", "verify")
        fleet.run("vault", "restore")
        fleet.run("backup", "create", "--type", "full")
        fleet.run("backup", "verify")
        fresh = tmp_path / "fresh"
        fleet.run("backup", "restore", "--target", str(fresh))
    laptop = BackedUpHome(Shell(fresh), backed_up.erased, backed_up.other)
    assert _digests(load_settings(sync_home=fresh)) == expected
    laptop.run("lineage", "verify")
