"""The audit log: who did what, through which interface, to what, and how it ended. It is append-only and hash-chained.

What belongs here: the log itself. Each interface (CLI, API, UI, schedule, sensor) records its own actor, start and end.
A subject names things (platforms, periods, run ids, counts), never a person's values.
"""

from __future__ import annotations

import getpass
import os
import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import astuple, dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

import orjson
import sqlalchemy as sa

from sync_platform.documents.states import state_of
from sync_platform.errors import StorageError
from sync_platform.storage.hash_chain import FIRST, link
from sync_platform.storage.ledger import MIGRATIONS, metadata
from sync_platform.storage.relational import open_database, transaction

CHAIN = "sync-platform/audit/1"
APPEND_ATTEMPTS = 1000
Via = Literal["cli", "api", "ui", "schedule", "sensor"]
Outcome = Literal["begun", "complete", "degraded", "failed", "interrupted"]
GAPS_DETAIL = "with_gaps"
"""In the subject of a finished sync: the platforms with gaps within the tolerance."""

audit_log = sa.Table(
    "audit_log",
    metadata,
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("at", sa.DateTime(timezone=True), nullable=False, index=True),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("via", sa.Text, nullable=False),
    sa.Column("operation", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("previous", sa.Text, nullable=False),
    sa.Column("link", sa.Text, nullable=False),
)


@dataclass(frozen=True)
class AuditEntry:
    """One entry of the log. `subject` is JSON with sorted keys; `at` is UTC."""

    number: int
    at: datetime
    actor: str
    via: str
    operation: str
    subject: str
    outcome: str
    previous: str
    link: str

    @property
    def state(self) -> str:
        """The outcome in the word that people read."""
        return state_of(self.outcome, has_gaps=GAPS_DETAIL in orjson.loads(self.subject))

    def own_link(self) -> str:
        """The link computed from the other fields, in the order of the columns."""
        return link(CHAIN, self.previous, astuple(self)[:-2])

    def document(self) -> dict[str, Any]:
        return {
            "number": self.number,
            "at": self.at,
            "actor": self.actor,
            "via": self.via,
            "operation": self.operation,
            "subject": orjson.loads(self.subject),
            "outcome": self.outcome,
            "link": self.link,
        }


def _now() -> datetime:
    return datetime.now(UTC)


class AuditLog:
    """The audit log in the ledger at a SQLAlchemy URL; StorageError where it cannot be used."""

    def __init__(self, url: str, clock: Callable[[], datetime] = _now) -> None:
        self._engine, self._clock = open_database(url, MIGRATIONS), clock

    def record(
        self, operation: str, subject: Mapping[str, Any], *, actor: str, via: Via, outcome: Outcome = "complete"
    ) -> AuditEntry:
        """Append an entry; durable when this returns.

        The number is the table's primary key. When two writers append after the same entry, the database refuses one
        of them, and that writer tries again after the other's entry. So the log cannot fork and needs no lock.
        """
        text = orjson.dumps(dict(subject), option=orjson.OPT_SORT_KEYS).decode()
        for _ in range(APPEND_ATTEMPTS):
            number, previous = self._head()
            unlinked = AuditEntry(number + 1, self._clock(), actor, via, operation, text, outcome, previous, "")
            entry = replace(unlinked, link=unlinked.own_link())
            try:
                with transaction(self._engine) as connection:
                    connection.execute(sa.insert(audit_log).values(**vars(entry)))
                return entry
            except sa.exc.IntegrityError:
                time.sleep(random.uniform(0, 0.02))  # noqa: S311 - spreads writers out, is no secret
        raise StorageError(f"the audit log took no entry in {APPEND_ATTEMPTS} attempts: others write without a pause")

    def close(self) -> None:
        """Close the connections to the database."""
        self._engine.dispose()

    def entries(self, since: datetime | None = None, operation: str | None = None) -> Iterator[AuditEntry]:
        """The entries in order of their numbers; only those since `since` and of `operation`, if given."""
        wanted = sa.select(audit_log).order_by(audit_log.c.number)
        if since is not None:
            wanted = wanted.where(audit_log.c.at >= since.astimezone(UTC))
        if operation is not None:
            wanted = wanted.where(audit_log.c.operation == operation)
        with transaction(self._engine) as connection:
            for row in connection.execution_options(yield_per=1000).execute(wanted):
                yield AuditEntry(row.number, _utc(row.at), *row[2:])

    def _head(self) -> tuple[int, str]:
        newest = sa.select(audit_log.c.number, audit_log.c.link).order_by(audit_log.c.number.desc()).limit(1)
        with transaction(self._engine) as connection:
            found = connection.execute(newest).first()
        return (found.number, found.link) if found else (0, FIRST)


def system_user() -> str:
    """The operating system's name of the user who runs this process."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return f"uid {os.getuid()}"


def _utc(moment: datetime) -> datetime:
    """The time as UTC. SQLite stores no time zone, and every stored time is UTC."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
