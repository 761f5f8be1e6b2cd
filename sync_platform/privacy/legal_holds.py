"""Legal holds: fields of a person that may not be erased until a day, each with its reason.

What belongs here: the holds in the ledger, appended only and hash-chained, and which fields they cover at a moment.
What an erasure does with held fields belongs in privacy/held_values.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import orjson
import sqlalchemy as sa

from sync_platform.errors import UsageError
from sync_platform.storage.chained_table import ChainedRow, append_repeatedly, chained_after, chained_columns
from sync_platform.storage.hash_chain import broken_links
from sync_platform.storage.ledger import MIGRATIONS, metadata
from sync_platform.storage.relational import open_database, transaction
from sync_platform.storage.utc_time import utc_now

SET, RELEASED = "set", "released"
legal_holds = sa.Table(
    "legal_holds",
    metadata,
    *chained_columns(
        sa.Column("hold", sa.BigInteger, nullable=False, index=True),
        sa.Column("at", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("details", sa.Text, nullable=False),
    ),
)


@dataclass(frozen=True, kw_only=True)
class HoldEvent(ChainedRow):
    """One event of a hold. `at` is UTC in ISO 8601; `details` is JSON."""

    CHAIN = "sync-platform/legal-holds/1"
    hold: int
    at: str
    actor: str
    event: str
    details: str


@dataclass(frozen=True)
class LegalHold:
    """A hold of one person. `until`: its end, or when it was released, if that was earlier.

    `fields`: the fields that it covers, each `platform.dataset.field`; empty for all.
    """

    number: int
    subjects: tuple[str, ...]
    fields: tuple[str, ...]
    reason: str
    set_at: datetime
    set_by: str
    until: datetime
    released_by: str | None = None

    def is_active(self, now: datetime) -> bool:
        return now < self.until

    def covers(self, field: str) -> bool:
        return not self.fields or field in self.fields

    def document(self) -> dict[str, Any]:
        return {**vars(self), "set_at": self.set_at, "until": self.until}


class LegalHolds:
    """The holds in the ledger at a SQLAlchemy URL; StorageError where it cannot be used."""

    def __init__(self, url: str, clock: Callable[[], datetime] = utc_now) -> None:
        self._engine, self._clock = open_database(url, MIGRATIONS), clock

    def add(
        self, subjects: Sequence[str], fields: Sequence[str], reason: str, until: datetime, actor: str
    ) -> LegalHold:
        """Set a hold; UsageError without a reason, or where its end is past."""
        if not reason.strip():
            raise UsageError("a legal hold needs a reason, such as the case that it is for")
        if until <= self._clock():
            raise UsageError("a legal hold ends in the future: give a later day")
        details = {
            "subjects": sorted(set(subjects)),
            "fields": sorted(set(fields)),
            "reason": reason.strip(),
            "until": until.astimezone(UTC).isoformat(),
        }
        number = self._append(None, SET, actor, details).hold
        return self.find(number)

    def release(self, number: int, reason: str, actor: str) -> LegalHold:
        """End a hold before its end; UsageError where it is unknown, or has ended."""
        if not self.find(number).is_active(self._clock()):
            raise UsageError(f"hold {number} has ended already")
        if not reason.strip():
            raise UsageError("say why the hold ends before its day")
        self._append(number, RELEASED, actor, {"reason": reason.strip()})
        return self.find(number)

    def find(self, number: int) -> LegalHold:
        for each in self.holds():
            if each.number == number:
                return each
        raise UsageError(f"there is no legal hold {number}")

    def of(self, subjects: Sequence[str]) -> list[LegalHold]:
        """The holds of any of these data subjects, ended ones too, in order."""
        wanted = set(subjects)
        return [each for each in self.holds() if wanted & set(each.subjects)]

    def holds(self) -> list[LegalHold]:
        """Every hold, in order of their numbers."""
        holds: dict[int, LegalHold] = {}
        for event in self._events():
            details, event_at = orjson.loads(event.details), datetime.fromisoformat(event.at)
            if event.event == SET:
                holds[event.hold] = LegalHold(
                    event.hold,
                    tuple(details["subjects"]),
                    tuple(details["fields"]),
                    details["reason"],
                    event_at,
                    event.actor,
                    datetime.fromisoformat(details["until"]),
                )
            else:
                holds[event.hold] = replace(holds[event.hold], until=event_at, released_by=event.actor)
        return list(holds.values())

    def breaks(self) -> list[str]:
        """Where the chain is broken, in words."""
        return [f"event {event.number} of the legal holds: {what}" for event, what in broken_links(self._events())]

    def close(self) -> None:
        """Close the connections to the database."""
        self._engine.dispose()

    def _events(self) -> list[HoldEvent]:
        with transaction(self._engine) as connection:
            wanted = sa.select(legal_holds).order_by(legal_holds.c.number)
            return [HoldEvent(**row) for row in connection.execute(wanted).mappings()]

    def _append(self, hold: int | None, event: str, actor: str, details: dict[str, Any]) -> HoldEvent:
        def append() -> HoldEvent:
            events = self._events()
            number = hold or 1 + max((each.hold for each in events), default=0)
            unlinked = HoldEvent(
                hold=number,
                at=self._clock().isoformat(),
                actor=actor,
                event=event,
                details=orjson.dumps(details, option=orjson.OPT_SORT_KEYS).decode(),
            )
            row = chained_after(unlinked, events[-1] if events else None)
            with transaction(self._engine) as connection:
                connection.execute(sa.insert(legal_holds).values(**vars(row)))
            return row

        return append_repeatedly("the legal holds", append)
