"""Relational databases for small state: SQLite by default, PostgreSQL for several machines; Alembic migrates them.

The ledger and the vault are two databases, each with its own folder of migrations.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from sync_platform.documents.wording import in_one_line
from sync_platform.errors import DamagedValue, MadeByNewer, StorageError
from sync_platform.storage.advisory_lock import KEEPALIVE
from sync_platform.storage.damaged_database import with_repair
from sync_platform.storage.full_disk import with_advice
from sync_platform.storage.unwritable_place import ReadAlone, is_unwritable, place_problem, read_alone

WAL_ATTEMPTS = 600  # half a minute
KEPT_CONNECTIONS = 16
"""How many connections to an SQLite file stay open: a new one costs as much as several reads."""
MIGRATING = threading.Lock()
"""Alembic migrates one database at a time in a process: its state is global."""
AT_ONE_MOMENT = {
    "postgresql": "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY",
    "sqlite": "BEGIN",  # Python's driver begins a transaction only with the first change
}


def open_database(url: str, migrations: Path) -> sa.Engine:
    """An engine whose schema has the newest version in `migrations`; StorageError where it cannot be opened."""
    try:
        address = sa.make_url(url)
    except sa.exc.ArgumentError:
        raise StorageError("a database's address is no SQLAlchemy URL such as sqlite:////folder/file") from None
    versions = _versions(migrations)
    try:
        engine = _engine(address)
        version = _version(engine)
        if version is not None and version not in versions:
            raise MadeByNewer(f"{_named(address)} was made by a newer version of this program")
        if version != versions[-1]:
            _upgrade(engine, migrations)
        return engine
    except (sa.exc.SQLAlchemyError, OSError, ImportError) as error:
        raise StorageError(f"cannot open {_named(address)}: {_reason(error, address)}") from error


def schema_versions(url: str, migrations: Path) -> tuple[str | None, str]:
    """The version that a database has, None for an empty one, and the newest in `migrations`; nothing is changed.

    StorageError where it cannot be read.
    """
    newest = _versions(migrations)[-1]
    if not database_exists(url):
        return None, newest
    try:
        engine = _engine(sa.make_url(url))
        try:
            return _version(engine), newest
        finally:
            engine.dispose()
    except (sa.exc.SQLAlchemyError, OSError, ImportError) as error:
        address = sa.make_url(url)
        raise StorageError(f"cannot open {_named(address)}: {_reason(error, address)}") from error


def database_exists(url: str) -> bool:
    """False if the database is a file that does not exist yet: to open it would create it."""
    address = sa.make_url(url)
    return address.get_backend_name() != "sqlite" or Path(address.database or "").exists()


@contextmanager
def transaction(engine: sa.Engine) -> Iterator[sa.Connection]:
    """One transaction; StorageError where the database fails. A violated constraint stays an IntegrityError."""
    try:
        with engine.begin() as connection:
            yield connection
    except sa.exc.IntegrityError:
        raise
    except DamagedValue as error:
        raise DamagedValue(f"{_named(engine.url)} cannot be read: {error}") from None
    except sa.exc.SQLAlchemyError as error:
        raise StorageError(f"cannot use {_named(engine.url)}: {_reason(error, engine.url)}") from None


@contextmanager
def read_transaction(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A transaction that only reads, and sees the database as it was at its beginning; errors as in `transaction`."""
    with transaction(engine) as connection:
        connection.exec_driver_sql(AT_ONE_MOMENT[engine.dialect.name])
        yield connection


def upsert(engine: sa.Engine, table: sa.Table) -> postgresql.Insert | sqlite.Insert:
    """An INSERT in the engine's dialect that offers `on_conflict_do_...` for rows that exist."""
    return sqlite.insert(table) if engine.dialect.name == "sqlite" else postgresql.insert(table)


def _named(address: sa.URL) -> str:
    """A database in messages: the path of its file, or its address without the password."""
    is_file = address.get_backend_name() == "sqlite"
    return f"the database {address.database if is_file else address.render_as_string()}"


def _reason(error: Exception, address: sa.URL) -> str:
    """The driver's message; SQLAlchemy's message would add the statement and its values. Of a file where nothing can be
    written, why."""
    cause = getattr(error, "orig", None) or error
    reason = in_one_line(cause)
    place = place_problem(Path(address.database or "")) if is_unwritable(cause) else None
    return with_repair(with_advice(f"{reason}: {place}" if place else reason))


def _engine(address: sa.URL) -> sa.Engine:
    if address.get_backend_name() != "sqlite":
        if address.drivername in ("postgresql", "postgres"):
            address = address.set(drivername="postgresql+psycopg")
        connect_args = {} if "options" in address.query else {"options": KEEPALIVE}
        return sa.create_engine(address, pool_pre_ping=True, connect_args=connect_args)
    if address.database:
        Path(address.database).parent.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(address, connect_args={"timeout": 60}, pool_size=KEPT_CONNECTIONS)

    @sa.event.listens_for(engine, "do_connect")
    def connect(dialect: object, record: object, arguments: list[Any], options: dict[str, Any]) -> sqlite3.Connection:
        connection: sqlite3.Connection = sqlite3.connect(*arguments, **options)
        try:
            _switch_to_wal(connection)
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()  # the first read opens the files beside
        except sqlite3.OperationalError as error:
            connection.close()
            return read_alone(Path(address.database or ""), error)
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA secure_delete=ON")  # the key of an erased person must not stay in a free page
        return connection

    @sa.event.listens_for(engine, "checkin")
    def keep_no_reader(connection: object, record: sa.pool.ConnectionPoolEntry) -> None:
        if isinstance(connection, ReadAlone):  # once there is room again, the next one can write
            record.invalidate()

    return engine


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    """Switch to WAL mode, with retries: SQLite's busy timeout does not cover this switch."""
    for attempt in range(WAL_ATTEMPTS):
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or attempt == WAL_ATTEMPTS - 1:
                raise
            time.sleep(0.05)


def _version(engine: sa.Engine) -> str | None:
    with engine.connect() as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()


def _versions(migrations: Path) -> list[str]:
    """Every version's number, oldest first."""
    return sorted(file.stem.split("_")[0] for file in (migrations / "versions").glob("[0-9]*.py"))


def _upgrade(engine: sa.Engine, migrations: Path) -> None:
    from alembic import command
    from alembic.config import Config
    from filelock import FileLock

    config = Config()
    config.set_main_option("script_location", str(migrations))
    is_file = engine.url.get_backend_name() == "sqlite"
    # two processes that start together must not both create the tables
    between_processes = FileLock(f"{engine.url.database}.migrate.lock") if is_file else nullcontext()
    with MIGRATING, between_processes, engine.begin() as connection:
        # without this, SQLite's driver would commit each table alone, and a killed process would leave half a version
        begin = "BEGIN IMMEDIATE" if is_file else "SELECT pg_advisory_xact_lock(hashtext('sync_platform.migrate'))"
        connection.execute(sa.text(begin))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
