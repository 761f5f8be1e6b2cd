"""A database, and a lake, in a place where nothing can be written: they are read, and what cannot be done says why."""

from __future__ import annotations

import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from sync_platform.errors import StorageError
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import Lake
from sync_platform.storage.ledger import MIGRATIONS
from sync_platform.storage.relational import open_database, transaction
from sync_platform_tests.small_disk import filled, read_only, small_disk

PLACES = {
    "a full disk": (filled, "No space left on device: free some"),
    "read-only": (read_only, "is on a read-only file system: make it"),
}
Place = tuple[Callable[[Path], AbstractContextManager[None]], str]


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest) -> Place:
    return PLACES[request.param]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "a disk 資料") as folder:
        yield folder


def test_a_ledger_is_read_where_nothing_can_be_written_and_is_written_again_where_it_can(
    disk: Path, place: Place
) -> None:
    url = f"sqlite:///{disk / 'ledger.sqlite'}"
    first = open_database(url, MIGRATIONS)
    write_secret(first, 1)
    first.dispose()
    require_closed(disk / "ledger.sqlite")
    unwritable, reason = place
    with unwritable(disk):
        engine = open_database(url, MIGRATIONS)
        assert secrets_in(engine) == [1]
        with pytest.raises(StorageError, match=f"cannot use the database {disk}/ledger.sqlite: .*{reason}"):
            write_secret(engine, 2)
    write_secret(engine, 2)
    assert secrets_in(engine) == [1, 2]
    engine.dispose()


def test_a_ledger_with_commits_beside_its_file_is_not_read_without_them(disk: Path) -> None:
    file = disk / "ledger.sqlite"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE a (b)")
        subprocess.run(["cp", f"{file}-wal", disk / "kept"], check=True)
    (disk / "kept").rename(f"{file}-wal")
    with read_only(disk), pytest.raises(StorageError, match="cannot open the database .* is on a read-only"):
        open_database(f"sqlite:///{file}", MIGRATIONS)


def test_a_lake_is_read_where_nothing_can_be_written(disk: Path, place: Place) -> None:
    address = LakeAddress(f"sqlite:{disk / 'catalog.sqlite'}", str(disk / "data"), disk / "temp")
    with Lake(address) as lake, lake.session() as session:
        session.execute("CREATE TABLE a AS SELECT 7 AS b")
    (disk / "temp").rmdir()
    require_closed(disk / "catalog.sqlite")
    unwritable, _ = place
    with unwritable(disk):
        with Lake(address, read_only=True) as lake, lake.session() as session:
            assert session.execute("FROM a").fetchall() == [(7,)]
        advice = r"(free some space there|make it writable again).* and run it again"
        with pytest.raises(StorageError, match=advice), Lake(address) as lake, lake.session() as session:
            session.execute("INSERT INTO a VALUES (8)")
    with Lake(address) as lake, lake.session() as session:
        session.execute("INSERT INTO a VALUES (8)")


def write_secret(engine: sa.Engine, number: int) -> None:
    with transaction(engine) as connection:
        connection.exec_driver_sql(f"INSERT INTO platform_secrets VALUES ('keeta', '{number}', 'sealed', '2026-11-29')")


def secrets_in(engine: sa.Engine) -> list[int]:
    with transaction(engine) as connection:
        return [int(name) for (name,) in connection.exec_driver_sql("SELECT name FROM platform_secrets ORDER BY name")]


def require_closed(database: Path) -> None:
    """Nobody has the database open: there is no file beside it."""
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for ending in ("-wal", "-shm"):
        Path(f"{database}{ending}").unlink(missing_ok=True)
