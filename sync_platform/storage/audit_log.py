"""The audit log: who did what, through which interface, to what, and how it ended. It is append-only and hash-chained;
lineage/verification.py verifies its chain.

What belongs here: the log itself. Each interface (CLI, API, UI, schedule, sensor) records its own actor, start and end.
A subject names things (platforms, periods, run ids, counts), never a person's values.
"""

from __future__ import annotations

import getpass
import logging
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import orjson
import sqlalchemy as sa

from sync_platform.documents.states import state_of
from sync_platform.storage.chained_table import ChainedRow, append_repeatedly, chained_after, chained_columns
from sync_platform.storage.ledger import MIGRATIONS, metadata
from sync_platform.storage.relational import open_database, transaction
from sync_platform.storage.stored_types import StoredTime
from sync_platform.storage.utc_time import in_utc, utc_now

logger = logging.getLogger(__name__)
Via = Literal["cli", "api", "ui", "schedule", "sensor"]
Outcome = Literal["begun", "complete", "degraded", "failed", "interrupted"]
GAPS_DETAIL = "with_gaps"
"""In the subject of a finished sync: the platforms with gaps within the tolerance."""
UNREADABLE = "unreadable"
"""In a document, in place of the details of a subject: its text, where it is no JSON any more."""

audit_log = sa.Table(
    "audit_log",
    metadata,
    *chained_columns(
        sa.Column("at", StoredTime(), nullable=False, index=True),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("via", sa.Text, nullable=False),
        sa.Column("operation", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
    ),
)


@dataclass(frozen=True, kw_only=True)
class AuditEntry(ChainedRow):
    """One entry of the log. `subject` is JSON with sorted keys; `at` is UTC."""

    CHAIN = "sync-platform/audit/1"
    at: datetime
    actor: str
    via: str
    operation: str
    subject: str
    outcome: str

    @property
    def details(self) -> dict[str, Any]:
        """What `subject` says; nothing where it was edited and is no JSON any more, which verification names."""
        try:
            details = orjson.loads(self.subject)
        except orjson.JSONDecodeError:
            return {}
        return details if isinstance(details, dict) else {}

    @property
    def state(self) -> str:
        """The outcome in the word that people read."""
        return state_of(self.outcome, has_gaps=GAPS_DETAIL in self.details)

    def document(self) -> dict[str, Any]:
        return {
            "number": self.number,
            "at": self.at,
            "actor": self.actor,
            "via": self.via,
            "operation": self.operation,
            "subject": self.details or ({} if self.subject == "{}" else {UNREADABLE: self.subject}),
            "outcome": self.outcome,
            "link": self.link,
        }


class AuditLog:
    """The audit log in the ledger at a SQLAlchemy URL; StorageError where it cannot be used."""

    def __init__(self, url: str, clock: Callable[[], datetime] = utc_now) -> None:
        self._engine, self._clock = open_database(url, MIGRATIONS), clock

    def record(
        self, operation: str, subject: Mapping[str, Any], *, actor: str, via: Via, outcome: Outcome = "complete"
    ) -> AuditEntry:
        """Append an entry; durable when this returns."""
        text = orjson.dumps(dict(subject), option=orjson.OPT_SORT_KEYS).decode()
        entry = append_repeatedly("the audit log", lambda: self._append(operation, text, actor, via, outcome))
        level = logging.INFO if outcome in ("begun", "complete") else logging.WARNING
        logger.log(level, "%s: %s (entry %d of the audit log, %s)", operation, outcome, entry.number, via)
        return entry

    def _append(self, operation: str, text: str, actor: str, via: Via, outcome: Outcome) -> AuditEntry:
        newest = sa.select(audit_log).order_by(audit_log.c.number.desc()).limit(1)
        with transaction(self._engine) as connection:
            last = connection.execute(newest).first()
        unlinked = AuditEntry(
            at=self._clock(), actor=actor, via=via, operation=operation, subject=text, outcome=outcome
        )
        entry = chained_after(unlinked, _entry_of(last) if last else None)
        with transaction(self._engine) as connection:
            connection.execute(sa.insert(audit_log).values(**vars(entry)))
        return entry

    def origin(self) -> str:
        """The link of the first entry, which no other ledger has; empty where there is no entry yet."""
        first = sa.select(audit_log.c.link).order_by(audit_log.c.number).limit(1)
        with transaction(self._engine) as connection:
            return connection.execute(first).scalar() or ""

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
                yield _entry_of(row)


def _entry_of(row: sa.Row[Any]) -> AuditEntry:
    return AuditEntry(**{**row._mapping, "at": in_utc(row.at)})


def origin_of(ledger_url: str) -> str:
    """See `AuditLog.origin`."""
    log = AuditLog(ledger_url)
    try:
        return log.origin()
    finally:
        log.close()


def system_user() -> str:
    """The operating system's name of the user who runs this process."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return f"uid {os.getuid()}"
