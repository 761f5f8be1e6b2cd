"""A process keeps its locks on a SQLite file while it has the file open, so no other process deletes its log."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
import sqlalchemy as sa

from sync_platform.backup.catalog_copy import copy_catalog
from sync_platform.monitoring.metrics_table import add_metrics_table
from sync_platform.settings import Settings, load_settings
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import Lake
from sync_platform.storage.ledger import MIGRATIONS
from sync_platform.storage.reading_statements import reading_statements
from sync_platform.storage.relational import open_database, transaction
from sync_platform_tests.sqlite_locks import held_locks

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows which locks a process holds")
OTHER_PROCESS = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
print(connection.execute("SELECT count(*) FROM leases").fetchone()[0])
connection.close()
"""


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("SYNC_HOME", str(tmp_path / "home"))
    return load_settings()


@pytest.fixture
def address(tmp_path: Path) -> LakeAddress:
    address = LakeAddress(f"sqlite:{tmp_path / 'catalog.sqlite'}", str(tmp_path / "data"), tmp_path / "temp")
    with Lake(address) as lake, lake.session() as session:
        session.execute("CREATE TABLE a AS SELECT 7 AS b")
    return address


@contextmanager
def reading(address: LakeAddress) -> Iterator[Path]:
    """The catalog's file, while this process is in a transaction of the lake."""
    assert address.catalog_file is not None
    with Lake(address, read_only=True) as lake, lake.session() as session:
        session.execute("BEGIN")
        session.execute("FROM a").fetchall()
        yield address.catalog_file


def leases_seen_by_another_process(ledger: Path) -> int:
    return int(subprocess.check_output([sys.executable, "-c", OTHER_PROCESS, str(ledger)]))


def test_a_commit_after_a_query_of_metrics_is_seen_by_other_processes(settings: Settings) -> None:
    engine = open_database(settings.ledger_url, MIGRATIONS)
    ledger = settings.home / "ledger.sqlite"
    held = held_locks(ledger)
    with closing(duckdb.connect()) as session:
        add_metrics_table(session, settings)
    assert held_locks(ledger) == held != []
    assert leases_seen_by_another_process(ledger) == 0
    with transaction(engine) as connection:
        connection.execute(sa.text("INSERT INTO leases VALUES ('a', 'b', '2026-11-30', '2026-11-30', 0)"))
    assert leases_seen_by_another_process(ledger) == 1
    engine.dispose()


def test_a_transaction_of_a_lake_keeps_its_locks_while_the_lake_is_opened_again(address: LakeAddress) -> None:
    with reading(address) as catalog:
        held = held_locks(catalog)
        assert held != []
        with Lake(address, read_only=True) as other, other.session() as session:
            assert session.execute("FROM a").fetchall() == [(7,)]
            assert set(held_locks(catalog)) >= set(held)
        assert held_locks(catalog) == held
        reading_statements(address)
        assert held_locks(catalog) == held


def test_a_transaction_of_a_lake_keeps_its_locks_while_its_data_are_found_elsewhere(
    address: LakeAddress, tmp_path: Path
) -> None:
    (tmp_path / "data").rename(tmp_path / "moved")
    moved = replace(address, data=str(tmp_path / "moved"))
    with Lake(moved, read_only=True) as reader, reader.session() as session:
        session.execute("BEGIN")
        session.execute("FROM a").fetchall()
        held = held_locks(tmp_path / "catalog.sqlite")
        with Lake(moved) as lake, lake.session() as other:
            assert other.execute("FROM a").fetchall() == [(7,)]
        assert held_locks(tmp_path / "catalog.sqlite") == held != []


def test_a_file_whose_locks_would_be_lost_is_refused_in_every_test(address: LakeAddress, tmp_path: Path) -> None:
    with reading(address) as catalog:
        with pytest.raises(AssertionError, match="takes away the locks"):
            catalog.read_bytes()
        with pytest.raises(AssertionError, match="takes away the locks"):
            copy_catalog(address, tmp_path / "copy")
    copy_catalog(address, tmp_path / "copy")
    assert catalog.read_bytes() != b""
