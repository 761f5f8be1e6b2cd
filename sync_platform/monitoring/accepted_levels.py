"""Accepted levels: when a person said that the deviation of a series is expected (`alerts resolve --expected`).

What belongs here: reading them from the ledger, where alerts store them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from sync_platform.storage.ledger import MIGRATIONS
from sync_platform.storage.relational import open_database, read_transaction

TABLE = sa.table(
    "expected_anomalies", sa.column("detail", sa.Text), sa.column("accepted_at", sa.DateTime(timezone=True))
)


def accepted_moments(ledger_url: str) -> Mapping[str, Sequence[datetime]]:
    """By cause, the moments (UTC), earliest first. A ledger that does not exist is not created: then there are none.

    Raises StorageError where the ledger cannot be read.
    """
    address = sa.make_url(ledger_url)
    if address.get_backend_name() == "sqlite" and not Path(address.database or "").exists():
        return {}
    engine = open_database(ledger_url, MIGRATIONS)
    try:
        with read_transaction(engine) as connection:
            if not sa.inspect(connection).has_table(TABLE.name):
                return {}
            rows = connection.execute(sa.select(TABLE).order_by(TABLE.c.accepted_at)).all()
    finally:
        engine.dispose()
    found: dict[str, list[datetime]] = {}
    for cause, moment in rows:
        found.setdefault(cause, []).append(moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC))
    return found
