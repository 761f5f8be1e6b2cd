"""The erasure ledger: every erasure as events, appended only and hash-chained, in the ledger's database.

What belongs here: the table. What its events mean belongs in privacy/erasure_record.py. The ledger names a person by
data subject ids, which are keyed hashes, and has none of the person's values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from itertools import groupby
from typing import Any

import orjson
import sqlalchemy as sa

from sync_platform.errors import UsageError
from sync_platform.privacy.erasure_record import Erasure, ErasureEvent, ErasureEventKind, erasure_of
from sync_platform.storage.chained_table import append_repeatedly, chained_after, chained_columns
from sync_platform.storage.hash_chain import broken_links
from sync_platform.storage.ledger import MIGRATIONS, metadata
from sync_platform.storage.relational import open_database, transaction
from sync_platform.storage.utc_time import utc_now

erasures = sa.Table(
    "erasures",
    metadata,
    *chained_columns(
        sa.Column("erasure", sa.BigInteger, nullable=False, index=True),
        sa.Column("at", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("details", sa.Text, nullable=False),
    ),
)
_ALL = sa.select(erasures).order_by(erasures.c.number)


class ErasureLedger:
    """The table in the ledger at a SQLAlchemy URL; StorageError where it cannot be used."""

    def __init__(self, url: str, clock: Callable[[], datetime] = utc_now) -> None:
        self._engine, self._clock = open_database(url, MIGRATIONS), clock

    def now(self) -> datetime:
        return self._clock()

    def begin(self, actor: str, details: Mapping[str, Any]) -> Erasure:
        """Record a new erasure."""
        return self.find(self._append(None, ErasureEventKind.requested, actor, details).erasure)

    def append(self, number: int, kind: ErasureEventKind, actor: str, details: Mapping[str, Any]) -> ErasureEvent:
        """Record what happened to an erasure; durable when this returns."""
        return self._append(number, kind, actor, details)

    def find(self, number: int) -> Erasure:
        with transaction(self._engine) as connection:
            rows = connection.execute(_ALL.where(erasures.c.erasure == number)).mappings().all()
        if not rows:
            raise UsageError(f"there is no erasure {number}")
        return erasure_of([ErasureEvent(**row) for row in rows])

    def erasures(self) -> list[Erasure]:
        """Every erasure, in order of their numbers."""
        events = sorted(self._events(), key=lambda event: (event.erasure, event.number))
        return [erasure_of(list(own)) for _, own in groupby(events, key=lambda event: event.erasure)]

    def breaks(self) -> list[str]:
        """Where the chain is broken, in words."""
        return [f"event {event.number} of the erasure ledger: {what}" for event, what in broken_links(self._events())]

    def close(self) -> None:
        """Close the connections to the database."""
        self._engine.dispose()

    def _events(self) -> list[ErasureEvent]:
        with transaction(self._engine) as connection:
            return [ErasureEvent(**row) for row in connection.execute(_ALL).mappings()]

    def _append(
        self, erasure: int | None, kind: ErasureEventKind, actor: str, details: Mapping[str, Any]
    ) -> ErasureEvent:
        def append() -> ErasureEvent:
            with transaction(self._engine) as connection:
                last = connection.execute(_ALL.order_by(None).order_by(erasures.c.number.desc()).limit(1)).mappings()
                newest = last.first()
                most = connection.execute(sa.select(sa.func.max(erasures.c.erasure))).scalar() or 0
                unlinked = ErasureEvent(
                    erasure=erasure or most + 1,
                    at=self._clock().isoformat(),
                    actor=actor,
                    event=kind,
                    details=orjson.dumps(dict(details), option=orjson.OPT_SORT_KEYS).decode(),
                )
                event = chained_after(unlinked, ErasureEvent(**newest) if newest else None)
                connection.execute(sa.insert(erasures).values(**vars(event)))
            return event

        return append_repeatedly("the erasure ledger", append)
