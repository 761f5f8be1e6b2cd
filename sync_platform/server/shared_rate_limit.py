"""Limits of how often something may be asked, by client, for all servers that share a ledger."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import sqlalchemy as sa

from sync_platform.server.rate_limit import RateLimit
from sync_platform.storage.relational import transaction, upsert

metadata = sa.MetaData()
rate_limits = sa.Table(
    "rate_limits",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("uses", sa.Text, nullable=False),
    sa.Column("used_at", sa.Float, nullable=False),
)


class SharedRateLimit:
    """At most `count` times within `per_s` seconds for each key, in all processes together.

    `name`: of the limit. What this process refuses by its own count costs the ledger nothing.
    """

    def __init__(
        self, ledger: sa.Engine, name: str, count: int, per_s: float, clock: Callable[[], float] = time.time
    ) -> None:
        self._ledger, self._name, self._clock = ledger, name, clock
        self._own = RateLimit(count, per_s, clock)

    def wait_s(self, key: str) -> float:
        """0 and the use is counted, or the seconds until the next use is possible. StorageError without the ledger."""
        return self._own.wait_s(key) or self._shared_wait_s(key)

    def give_back(self, key: str) -> None:
        """Count the newest use no more, of this process or of another. StorageError without the ledger."""
        self._own.give_back(key)
        is_it = (rate_limits.c.name == self._name) & (rate_limits.c.key == key)
        with transaction(self._ledger) as connection:
            # the update of nothing locks the row until the end of the transaction
            connection.execute(sa.update(rate_limits).where(is_it).values(used_at=rate_limits.c.used_at))
            stored = connection.execute(sa.select(rate_limits.c.uses).where(is_it)).scalar()
            uses: list[float] = sorted(json.loads(stored or "[]"))[:-1]
            connection.execute(sa.update(rate_limits).where(is_it).values(uses=json.dumps(uses)))

    def _shared_wait_s(self, key: str) -> float:
        count, per_s, now = self._own.count, self._own.per_s, self._clock()
        row = {"name": self._name, "key": key, "uses": "[]", "used_at": now}
        insert = upsert(self._ledger, rate_limits).values(**row)
        # the update of nothing locks the row until the end of the transaction
        locked = insert.on_conflict_do_update(index_elements=["name", "key"], set_={"used_at": now})
        is_it = (rate_limits.c.name == self._name) & (rate_limits.c.key == key)
        with transaction(self._ledger) as connection:
            stored = connection.execute(locked.returning(rate_limits.c.uses)).scalar_one()
            uses: list[float] = [each for each in json.loads(stored) if each > now - per_s]
            if len(uses) >= count:
                return max(uses[0] + per_s - now, 0.001)
            connection.execute(sa.update(rate_limits).where(is_it).values(uses=json.dumps([*uses, now])))
            is_over = (rate_limits.c.name == self._name) & (rate_limits.c.used_at < now - per_s)
            connection.execute(sa.delete(rate_limits).where(is_over))
        return 0
