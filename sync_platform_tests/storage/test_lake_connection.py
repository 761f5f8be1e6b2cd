"""The connection to the lake: its errors, and one writing process at a time."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from sync_platform.errors import NoLakeYet, StorageError
from sync_platform.settings import load_settings
from sync_platform.storage import write_lock
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import Lake
from sync_platform.storage.session_memory import with_memory
from sync_platform_tests.services import PostgresServer


@pytest.fixture
def address(tmp_path: Path, installation: dict[str, str]) -> LakeAddress:
    return LakeAddress.of(load_settings(sync_home=tmp_path))


def test_a_reader_before_the_first_writer_gets_an_error_and_creates_nothing(address: LakeAddress) -> None:
    with pytest.raises(NoLakeYet, match="sync-platform sync"), Lake(address, read_only=True).session():
        pass
    with Lake(address) as lake, lake.session():
        pass
    with Lake(address, read_only=True) as lake, lake.session() as session:
        assert session.execute("SELECT 1").fetchall() == [(1,)]


def test_a_reader_cannot_write(address: LakeAddress) -> None:
    with Lake(address) as lake, lake.session():
        pass
    with Lake(address, read_only=True) as lake, lake.session() as session, pytest.raises(Exception, match="read-only"):
        session.execute("CREATE SCHEMA lake.ours")


def test_a_second_writer_waits_for_the_first(address: LakeAddress) -> None:
    done: list[str] = []

    def second() -> None:
        with LakeAddress.of(load_settings(sync_home=address.temp.parent)).write_lock():
            done.append("second")

    with address.write_lock():
        thread = threading.Thread(target=second)
        thread.start()
        thread.join(0.3)
        done.append("first")
    thread.join()
    assert done == ["first", "second"]


def test_a_write_lock_that_is_never_released_is_a_storage_error(
    address: LakeAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write_lock, "LOCK_WAIT_S", 0.1)
    address.temp.parent.joinpath("lake").mkdir(exist_ok=True)
    other = LakeAddress.of(load_settings(sync_home=address.temp.parent))
    with address.write_lock(), pytest.raises(StorageError, match="another process"), other.write_lock():
        pass


@pytest.mark.parametrize("read_only", [False, True])
def test_a_catalog_that_is_no_database_is_a_storage_error(tmp_path: Path, read_only: bool) -> None:
    (tmp_path / "catalog.sqlite").write_bytes(b"no database" * 1000)
    address = LakeAddress(f"sqlite:{tmp_path / 'catalog.sqlite'}", str(tmp_path / "data"), tmp_path / "temp")
    with pytest.raises(StorageError, match="cannot be used"), Lake(address, read_only=read_only).session():
        pass


@pytest.mark.parametrize(
    "catalog",
    [
        "postgres:host=127.0.0.1 port=1 user=lake password=hush dbname=x",
        "postgres:host=127.0.0.1 port=1 user=lake password = 'hu sh' dbname=x",
        "postgres:postgresql://lake:hush@127.0.0.1:1/x",
    ],
)
def test_a_catalog_that_is_not_there_is_a_storage_error_without_the_password(tmp_path: Path, catalog: str) -> None:
    address = LakeAddress(catalog, str(tmp_path / "data"), tmp_path / "temp")
    with pytest.raises(StorageError, match=r"the lake at postgres:.*cannot be used") as raised, Lake(address).session():
        pass
    assert "hush" not in str(raised.value)
    assert "hu sh" not in str(raised.value)


def test_a_query_that_runs_out_of_memory_is_a_one_line_error(tmp_path: Path) -> None:
    address = LakeAddress(f"sqlite:{tmp_path / 'catalog'}", f"{tmp_path / 'data'}", tmp_path, memory_limit="64MB")
    with (
        Lake(address) as lake,
        pytest.raises(StorageError, match="needs more memory than it is given: Out of Memory Error") as raised,
        lake.session() as session,
    ):
        session.execute("SELECT max(repeat('x', 100_000_000))")
    assert "\n" not in str(raised.value)


def test_the_memory_limit_is_raised_for_a_block_and_restored(tmp_path: Path) -> None:
    address = LakeAddress(f"sqlite:{tmp_path / 'catalog'}", f"{tmp_path / 'data'}", tmp_path, memory_limit="64MB")
    big = "SELECT max(repeat('x', 100_000_000))"
    with Lake(address) as lake, lake.session() as session:
        before = session.execute("SELECT current_setting('memory_limit')").fetchall()
        with with_memory(session, "1GB"):
            session.execute(big)
        assert session.execute("SELECT current_setting('memory_limit')").fetchall() == before


def test_a_catalog_in_postgresql_may_have_its_data_in_a_folder(tmp_path: Path, postgres_server: PostgresServer) -> None:
    catalog = f"postgres:{postgres_server.conninfo(postgres_server.create_database())}"
    address = LakeAddress(catalog, str(tmp_path / "data"), tmp_path / "temp")
    with Lake(address) as lake, lake.session() as session:
        session.execute("CREATE SCHEMA lake.diner; CREATE TABLE lake.diner.dishes AS SELECT 'har gow' AS name")
    with Lake(address, read_only=True) as lake, lake.session() as session:
        assert session.execute("FROM lake.diner.dishes").fetchall() == [("har gow",)]
    (file,) = (tmp_path / "data").rglob("*.parquet")
    assert b"har gow" not in file.read_bytes()  # data outside the catalog is encrypted
