"""The ledger: the database for small operational state.

It holds secrets that platforms issue between runs (this module), the audit log (`audit_log`), leases (`lease`), the
digests of the lake's files (`file_lists`), emergency requests, alerts, and the register of privacy requests. Losing it
loses the audit log, that register, all open emergency requests, and all alerts.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from sync_platform.storage.relational import open_database, transaction, upsert
from sync_platform.storage.stored_types import StoredTime

MIGRATIONS = Path(__file__).parent / "ledger_migrations"
metadata = sa.MetaData()
platform_secrets = sa.Table(
    "platform_secrets",
    metadata,
    sa.Column("platform", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("sealed_value", sa.Text, nullable=False),
    sa.Column("written_at", StoredTime(), nullable=False),
)


class Ledger:
    """The ledger database at a SQLAlchemy URL; raises StorageError where it cannot be opened or used."""

    def __init__(self, url: str) -> None:
        self._engine = open_database(url, MIGRATIONS)

    def sealed_secret(self, platform: str, name: str) -> str | None:
        """The sealed value last written under this name; None where there is none."""
        wanted = sa.select(platform_secrets.c.sealed_value).where(
            platform_secrets.c.platform == platform, platform_secrets.c.name == name
        )
        with transaction(self._engine) as connection:
            return connection.execute(wanted).scalar()

    def sealed_secrets(self) -> dict[tuple[str, str], str]:
        """Every sealed value, by platform and name."""
        with transaction(self._engine) as connection:
            rows = connection.execute(sa.select(platform_secrets)).all()
        return {(row.platform, row.name): row.sealed_value for row in rows}

    def write_sealed_secret(self, platform: str, name: str, sealed_value: str) -> None:
        """Store a sealed value in place of the previous one; durable when this returns."""
        value = {"sealed_value": sealed_value, "written_at": datetime.now(UTC)}
        insert = upsert(self._engine, platform_secrets).values(platform=platform, name=name, **value)
        with transaction(self._engine) as connection:
            connection.execute(insert.on_conflict_do_update(index_elements=["platform", "name"], set_=value))

    def replace_sealed_secret(self, platform: str, name: str, old: str | None, sealed_value: str) -> bool:
        """Store a sealed value if `old` is still stored (None: nothing is). False, and nothing changes, otherwise."""
        value = {"sealed_value": sealed_value, "written_at": datetime.now(UTC)}
        table = platform_secrets
        is_old = (table.c.platform == platform) & (table.c.name == name) & (table.c.sealed_value == old)
        insert = upsert(self._engine, table).values(platform=platform, name=name, **value)
        insert_new = insert.on_conflict_do_nothing(index_elements=["platform", "name"]).returning(table.c.name)
        update_old = sa.update(table).where(is_old).values(**value).returning(table.c.name)
        with transaction(self._engine) as connection:
            return connection.execute(insert_new if old is None else update_old).first() is not None
