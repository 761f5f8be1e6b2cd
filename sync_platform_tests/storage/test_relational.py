"""Opening a database: concurrent processes migrate it once, and every failure is a StorageError."""

from __future__ import annotations

import time
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from sync_platform.errors import StorageError
from sync_platform.storage.relational import open_database, transaction
from sync_platform_tests.processes import outputs_of
from sync_platform_tests.services import PostgresServer

VERSION = """
import sqlalchemy as sa
from alembic import op
revision, down_revision = "{revision}", {before!r}
def upgrade():
    op.create_table("made_by_{revision}", sa.Column("id", sa.Integer, primary_key=True))
"""
ENTRY = """
from alembic import context
context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
"""


@pytest.fixture
def migrations(tmp_path: Path) -> Path:
    """A folder of migrations with one version."""
    (tmp_path / "migrations" / "versions").mkdir(parents=True)
    (tmp_path / "migrations" / "env.py").write_text(ENTRY)
    _add_version(tmp_path / "migrations", "0001", None)
    return tmp_path / "migrations"


def _add_version(migrations: Path, revision: str, before: str | None) -> None:
    (migrations / "versions" / f"{revision}_test.py").write_text(VERSION.format(revision=revision, before=before))


def _tables(engine: sa.Engine) -> list[str]:
    return sorted(name for name in sa.inspect(engine).get_table_names() if name.startswith("made_by"))


def test_an_empty_database_is_migrated_to_the_newest_version(database_url: str, migrations: Path) -> None:
    _add_version(migrations, "0002", "0001")
    assert _tables(open_database(database_url, migrations)) == ["made_by_0001", "made_by_0002"]


def test_an_older_database_gets_only_the_missing_migrations(database_url: str, migrations: Path) -> None:
    first = open_database(database_url, migrations)
    with first.begin() as connection:
        connection.execute(sa.text("INSERT INTO made_by_0001 VALUES (7)"))
    _add_version(migrations, "0002", "0001")
    second = open_database(database_url, migrations)
    assert _tables(second) == ["made_by_0001", "made_by_0002"]
    with second.connect() as connection:
        assert connection.execute(sa.text("SELECT id FROM made_by_0001")).scalars().all() == [7]


def test_an_up_to_date_database_is_not_migrated_again(database_url: str, migrations: Path) -> None:
    upgrades = migrations / "upgrades"
    with (migrations / "env.py").open("a") as entry:
        entry.write(f"open({str(upgrades)!r}, 'a').write('.')\n")
    open_database(database_url, migrations)
    open_database(database_url, migrations)
    assert upgrades.read_text() == "."
    _add_version(migrations, "0002", "0001")
    open_database(database_url, migrations)
    assert upgrades.read_text() == ".."


def test_four_processes_that_start_together_migrate_once(database_url: str, migrations: Path) -> None:
    program = "engine = open_database(sys.argv[1], Path(sys.argv[2]))\n"
    program += "print(sorted(sa.inspect(engine).get_table_names()))"
    imports = "import sqlalchemy as sa, alembic.command\nfrom pathlib import Path\n"
    imports += "from sync_platform.storage.relational import open_database"
    printed = outputs_of(4, imports, program, database_url, str(migrations))
    assert printed == ["['alembic_version', 'made_by_0001']"] * 4


def test_a_database_of_a_newer_program_is_refused(database_url: str, migrations: Path) -> None:
    _add_version(migrations, "0002", "0001")
    open_database(database_url, migrations)
    (migrations / "versions" / "0002_test.py").unlink()
    with pytest.raises(StorageError, match="was made by a newer version of this program"):
        open_database(database_url, migrations)


def test_a_migration_that_fails_leaves_nothing_behind(database_url: str, migrations: Path) -> None:
    broken = (migrations / "versions" / "0001_test.py").read_text() + "    op.execute('SELECT * FROM nowhere')\n"
    (migrations / "versions" / "0001_test.py").write_text(broken)
    with pytest.raises(StorageError, match=r"cannot open the database .*nowhere"):
        open_database(database_url, migrations)
    (migrations / "versions" / "0001_test.py").write_text(broken.replace("nowhere", "made_by_0001"))
    assert _tables(open_database(database_url, migrations)) == ["made_by_0001"]


def test_a_path_that_cannot_be_written_is_a_storage_error(tmp_path: Path, migrations: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match=r"cannot open the database .*/file/state.sqlite"):
        open_database(f"sqlite:///{tmp_path}/file/state.sqlite", migrations)


def test_a_file_that_is_no_database_is_a_storage_error(tmp_path: Path, migrations: Path) -> None:
    (tmp_path / "state.sqlite").write_text("a letter to a friend, and longer than a header is " * 20)
    with pytest.raises(StorageError, match="file is not a database"):
        open_database(f"sqlite:///{tmp_path}/state.sqlite", migrations)


def test_an_unreachable_server_is_a_storage_error_without_the_password(migrations: Path) -> None:
    with pytest.raises(StorageError, match="cannot open the database") as raised:
        open_database("postgresql://user:hush@127.0.0.1:1/ledger", migrations)
    assert "hush" not in str(raised.value)
    assert str(raised.value).isprintable(), "in one line"


@pytest.mark.parametrize("url", ["", "just text with hush", "mysql://user:hush@host/db", "nosuch://user:hush@host/db"])
def test_an_invalid_address_is_a_storage_error_without_the_password(url: str, migrations: Path) -> None:
    with pytest.raises(StorageError) as raised:
        open_database(url, migrations)
    assert "hush" not in str(raised.value)


def test_a_broken_transaction_is_a_storage_error_without_the_values(database_url: str, migrations: Path) -> None:
    engine = open_database(database_url, migrations)
    insert = sa.text("INSERT INTO gone VALUES (:value)")
    with pytest.raises(StorageError, match=r"cannot use the database .*gone") as raised, transaction(engine) as open_:
        open_.execute(insert, {"value": "hush"})
    assert "hush" not in str(raised.value)


def test_a_failed_transaction_writes_nothing(database_url: str, migrations: Path) -> None:
    engine = open_database(database_url, migrations)
    with pytest.raises(StorageError), transaction(engine) as connection:
        connection.execute(sa.text("INSERT INTO made_by_0001 VALUES (1)"))
        connection.execute(sa.text("INSERT INTO gone VALUES (1)"))
    with transaction(engine) as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM made_by_0001")).scalar() == 0


def test_a_rotated_password_stops_new_connections_until_the_program_has_the_new_one(
    postgres_server: PostgresServer, migrations: Path
) -> None:
    """Without a password the test server can only forbid the login of a role, which looks the same to the program."""
    name, database = f"operator_{time.monotonic_ns()}", postgres_server.create_database()
    url = postgres_server.url(database).replace("postgres@", f"{name}:secret@")

    def change(statement: str) -> None:
        with psycopg.connect(postgres_server.conninfo(), autocommit=True) as connection:
            connection.execute(statement)
            ended = "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE usename = %s"
            connection.execute(ended, [name])

    change(f"CREATE ROLE {name} LOGIN")
    change(f"ALTER DATABASE {database} OWNER TO {name}")
    engine = open_database(url, migrations)
    change(f"ALTER ROLE {name} NOLOGIN")
    with pytest.raises(StorageError, match=f"{name}:.*is not permitted to log in") as refused, transaction(engine):
        pass
    assert "secret" not in str(refused.value)
    change(f"ALTER ROLE {name} LOGIN")
    with transaction(engine) as connection:
        assert connection.execute(sa.text("SELECT 1")).scalar() == 1
    engine.dispose()
