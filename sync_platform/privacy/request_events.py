"""The events of privacy requests: a chained table of the ledger, to which events are only appended.

What belongs here: how events are stored. The details of an event are outside the chain, which has their digest: so they
can be deleted when their retention ends, and the chain stays whole. They have a random part, so that nobody can find a
deleted text by trying.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import StrEnum
from typing import Any

import orjson
import sqlalchemy as sa

from sync_platform.storage.chained_table import ChainedRow, append_repeatedly, chained_after, chained_columns
from sync_platform.storage.ledger import MIGRATIONS, metadata
from sync_platform.storage.relational import open_database, transaction
from sync_platform.storage.stored_types import StoredTime
from sync_platform.storage.utc_time import in_utc

RANDOM = "random"
RECEIPT = "receipt"
"""The detail that names the call which recorded a request."""
VALUES = ("wrong", "right", "shown")
"""The details of a correction that are values of a person, sealed where the column is."""
privacy_request_events = sa.Table(
    "privacy_request_events",
    metadata,
    *chained_columns(
        sa.Column("request", sa.BigInteger, nullable=False, index=True),
        sa.Column("at", StoredTime(), nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("via", sa.Text, nullable=False),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
    ),
    sa.Column("details", sa.Text, nullable=True),
)


class RequestEventKind(StrEnum):
    """What happened. Stored registers have these values, so a value never changes."""

    received = "received"
    identity_checked = "identity-checked"
    person_named = "person-named"
    noted = "noted"
    extended = "extended"
    answered = "answered"
    refused = "refused"
    withdrawn = "withdrawn"
    lifted = "lifted"
    corrected = "corrected"
    passed_on = "passed-on"
    """The source shows the right value itself."""


@dataclass(frozen=True, kw_only=True)
class ChainedEvent(ChainedRow):
    """What the chain has of an event. `digest`: the SHA-256 (hex) of its details."""

    CHAIN = "sync-platform/privacy-requests/1"
    request: int
    at: datetime
    actor: str
    via: str
    event: str
    digest: str


@dataclass(frozen=True, kw_only=True)
class RequestEvent(ChainedEvent):
    """One event with its details, a JSON object; None where their retention has ended."""

    details: str | None = field(default=None)

    @property
    def known_details(self) -> dict[str, Any]:
        """The details without their random part; empty where they are deleted."""
        known: dict[str, Any] = orjson.loads(self.details) if self.details else {}
        return {name: value for name, value in known.items() if name != RANDOM}

    @property
    def shown_details(self) -> dict[str, Any]:
        """The details without values of a person."""
        return {name: value for name, value in self.known_details.items() if name not in VALUES}

    @property
    def is_changed(self) -> bool:
        """True if the details are not what they were when the event was recorded."""
        return self.details is not None and _digest(self.details) != self.digest

    def own_link(self) -> str:
        return ChainedEvent(**{each.name: getattr(self, each.name) for each in fields(ChainedEvent)}).own_link()

    def document(self) -> dict[str, Any]:
        return {
            "number": self.number,
            "at": self.at,
            "actor": self.actor,
            "via": self.via,
            "event": self.event,
            "details": self.shown_details if self.details else None,
            "link": self.link,
        }


@dataclass(frozen=True)
class NewEvent:
    """An event that is to be appended."""

    request: int
    actor: str
    via: str
    kind: RequestEventKind
    details: Mapping[str, Any]


class RequestEvents:
    """The table in the ledger at a SQLAlchemy URL; StorageError where it cannot be used."""

    def __init__(self, url: str, clock: Callable[[], datetime]) -> None:
        self._engine, self._clock = open_database(url, MIGRATIONS), clock

    def append(self, make: Callable[[sa.Connection], NewEvent]) -> RequestEvent:
        """Append the event that `make` returns from what is on record; durable when this returns.

        `make` is called again where another process appended meanwhile, so its judgement always holds.
        """
        return append_repeatedly("the register of privacy requests", lambda: self._append(make))

    def of_request(self, request: int, connection: sa.Connection) -> list[RequestEvent]:
        wanted = _ALL.where(privacy_request_events.c.request == request)
        return [_event_of(row) for row in connection.execute(wanted)]

    def newest_request(self, connection: sa.Connection) -> int:
        """The number of the newest request; 0: there is none."""
        return connection.execute(sa.select(sa.func.max(privacy_request_events.c.request))).scalar() or 0

    def with_receipt(self, receipt: str, connection: sa.Connection) -> RequestEvent | None:
        """The event that this call recorded; None if there is none, or if its details are deleted."""
        stated = orjson.dumps({RECEIPT: receipt}).decode()[1:-1]
        wanted = _ALL.where(privacy_request_events.c.details.contains(stated, autoescape=True))
        row = connection.execute(wanted).first()
        return _event_of(row) if row else None

    def all(self) -> list[RequestEvent]:
        with transaction(self._engine) as connection:
            return [_event_of(row) for row in connection.execute(_ALL)]

    def has_any(self, kind: RequestEventKind) -> bool:
        """True if an event of that kind was ever recorded."""
        wanted = sa.select(privacy_request_events.c.number).where(privacy_request_events.c.event == kind).limit(1)
        with transaction(self._engine) as connection:
            return connection.execute(wanted).first() is not None

    def delete_details(self, requests: Iterable[int]) -> int:
        """Delete the details of these requests' events for good; returns how many events had some."""
        table = privacy_request_events
        chosen = sa.update(table).where(table.c.request.in_(list(requests)), table.c.details.is_not(None))
        with transaction(self._engine) as connection:
            return connection.execute(chosen.values(details=None)).rowcount

    def close(self) -> None:
        """Close the connections to the database."""
        self._engine.dispose()

    def _append(self, make: Callable[[sa.Connection], NewEvent]) -> RequestEvent:
        table = privacy_request_events
        with transaction(self._engine) as connection:
            last = connection.execute(_NEWEST).first()
            new = make(connection)
            details = _text_of(new.details)
            unlinked = RequestEvent(
                request=new.request,
                at=self._clock(),
                actor=new.actor,
                via=new.via,
                event=new.kind,
                digest=_digest(details),
                details=details,
            )
            event = chained_after(unlinked, _event_of(last) if last else None)
            connection.execute(sa.insert(table).values(**vars(event)))
        return event


_ALL = sa.select(privacy_request_events).order_by(privacy_request_events.c.number)
_NEWEST = sa.select(privacy_request_events).order_by(privacy_request_events.c.number.desc()).limit(1)


def _event_of(row: sa.Row[Any]) -> RequestEvent:
    return RequestEvent(**{**row._mapping, "at": in_utc(row.at)})


def _text_of(details: Mapping[str, Any]) -> str:
    return orjson.dumps({**details, RANDOM: secrets.token_hex(16)}, option=orjson.OPT_SORT_KEYS).decode()


def _digest(details: str) -> str:
    return hashlib.sha256(details.encode()).hexdigest()
