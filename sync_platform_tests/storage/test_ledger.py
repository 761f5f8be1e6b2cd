"""The secrets in the ledger, on SQLite and PostgreSQL."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from sync_platform.errors import StorageError
from sync_platform.storage.ledger import MIGRATIONS, Ledger
from sync_platform.storage.relational import open_database, transaction
from sync_platform_tests.processes import outputs_of


def test_a_secret_never_written_is_none(database_url: str) -> None:
    assert Ledger(database_url).sealed_secret("keeta", "refresh_token") is None


def test_another_process_reads_a_written_secret(database_url: str) -> None:
    Ledger(database_url).write_sealed_secret("keeta", "refresh_token", "c2VhbGVk")
    assert Ledger(database_url).sealed_secret("keeta", "refresh_token") == "c2VhbGVk"


def test_a_secret_written_twice_is_updated(database_url: str) -> None:
    ledger = Ledger(database_url)
    for value in ("one", "two"):
        ledger.write_sealed_secret("keeta", "refresh_token", value)
    assert ledger.sealed_secret("keeta", "refresh_token") == "two"
    assert _rows(database_url) == 1


def test_a_secret_is_replaced_only_if_it_is_still_the_known_one(database_url: str) -> None:
    ledger = Ledger(database_url)
    assert ledger.replace_sealed_secret("keeta", "exchange", None, "one")
    assert not ledger.replace_sealed_secret("keeta", "exchange", None, "two")
    assert not ledger.replace_sealed_secret("keeta", "exchange", "zero", "two")
    assert ledger.sealed_secret("keeta", "exchange") == "one"
    assert ledger.replace_sealed_secret("keeta", "exchange", "one", "two")
    assert ledger.sealed_secret("keeta", "exchange") == "two"


def test_secrets_of_other_platforms_and_names_are_left_alone(database_url: str) -> None:
    ledger = Ledger(database_url)
    names = [("keeta", "a"), ("keeta", "b"), ("chope", "a")]
    for platform, name in names:
        ledger.write_sealed_secret(platform, name, f"{platform}-{name}")
    ledger.write_sealed_secret("keeta", "a", "new")
    assert [ledger.sealed_secret(*name) for name in names] == ["new", "keeta-b", "chope-a"]


def test_four_processes_can_write_one_secret_at_the_same_time(database_url: str) -> None:
    imports = "import os, alembic.command\nfrom sync_platform.storage.ledger import Ledger"
    program = "ledger = Ledger(sys.argv[1])\n"
    program += "for name in range(20):\n    ledger.write_sealed_secret('keeta', str(name), str(os.getpid()))\n"
    program += "print(os.getpid())"
    writers = outputs_of(4, imports, program, database_url)
    ledger = Ledger(database_url)
    assert {ledger.sealed_secret("keeta", str(name)) for name in range(20)} <= set(writers)
    assert _rows(database_url) == 20


def test_a_ledger_that_breaks_is_a_storage_error_without_the_secret(database_url: str) -> None:
    ledger = Ledger(database_url)
    with transaction(open_database(database_url, MIGRATIONS)) as connection:
        connection.execute(sa.text("DROP TABLE platform_secrets"))
    with pytest.raises(StorageError, match="cannot use the database") as raised:
        ledger.write_sealed_secret("keeta", "refresh_token", "hush")
    assert "hush" not in str(raised.value)
    with pytest.raises(StorageError, match="cannot use the database"):
        ledger.sealed_secret("keeta", "refresh_token")


def test_a_ledger_that_cannot_be_written_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match="cannot open the database"):
        Ledger(f"sqlite:///{tmp_path}/file/ledger.sqlite")


def _rows(database_url: str) -> int:
    with transaction(open_database(database_url, MIGRATIONS)) as connection:
        return int(connection.execute(sa.text("SELECT count(*) FROM platform_secrets")).scalar_one())
