"""Relational databases for small state: SQLite by default, PostgreSQL when scaled out; schemas moved by Alembic.

The ledger and the vault are two databases with two migration histories; each owner names its own folder of versions.
"""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import sqlalchemy as sa

from sync_platform.errors import StorageError


def open_database(url: str, migrations: Path) -> sa.Engine:
    """An engine whose schema is at the newest version of `migrations`; StorageError where it cannot be opened."""
    try:
        engine = _engine(url)
        if _version(engine) != _newest(migrations):
            _upgrade(engine, migrations)
        return engine
    except (sa.exc.SQLAlchemyError, OSError) as error:
        reason = getattr(error, "orig", None) or error
        raise StorageError(f"cannot open the database {sa.make_url(url).render_as_string()}: {reason}") from error


def _engine(url: str) -> sa.Engine:
    parsed = sa.make_url(url)
    if parsed.get_backend_name() != "sqlite":
        if parsed.drivername in ("postgresql", "postgres"):
            parsed = parsed.set(drivername="postgresql+psycopg")
        return sa.create_engine(parsed, pool_pre_ping=True)
    if parsed.database:
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(parsed, connect_args={"timeout": 60})

    @sa.event.listens_for(engine, "connect")
    def durable_and_patient(connection: object, _: object) -> None:
        cursor = connection.cursor()  # type: ignore[attr-defined] # a DB-API connection
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.close()

    return engine


def _version(engine: sa.Engine) -> str | None:
    with engine.connect() as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()


def _newest(migrations: Path) -> str:
    return max(file.stem.split("_")[0] for file in (migrations / "versions").glob("[0-9]*.py"))


def _upgrade(engine: sa.Engine, migrations: Path) -> None:
    from alembic import command
    from alembic.config import Config
    from filelock import FileLock

    config = Config()
    config.set_main_option("script_location", str(migrations))
    sqlite = engine.url.get_backend_name() == "sqlite"
    # two processes that start together must not both create the tables
    with FileLock(f"{engine.url.database}.migrate.lock") if sqlite else nullcontext(), engine.begin() as connection:
        if not sqlite:
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(hashtext('sync_platform.migrate'))"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
