"""The outbox: messages that are decided but not delivered yet, and their delivery.

What belongs here: which message is sent when. Each channel gets its messages in the order of the decisions. An attempt
is recorded before it is made, with the time of the next one, so that two processes do not send one message. A process
that dies between sending and recording leaves a message that is sent again: it has the same `message_id`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
import sqlalchemy as sa

from sync_platform.documents.local_time import local_time
from sync_platform.errors import DeliveryFailed, SyncError
from sync_platform.monitoring.alert import shortened
from sync_platform.monitoring.alert_channels import AlertChannel, channels_of
from sync_platform.monitoring.alert_message import Message
from sync_platform.monitoring.alert_store import AlertStore
from sync_platform.monitoring.alert_tables import messages
from sync_platform.monitoring.problem import Problem, ProblemName
from sync_platform.settings import Settings
from sync_platform.storage.relational import transaction
from sync_platform.storage.utc_time import in_utc

FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=30), timedelta(minutes=15)
"""The wait after the first failure, which doubles with each further one. It is longer than any attempt takes."""
LONGEST_DELIVERY_S = 30.0
"""How long one delivery sends to one channel; the next one goes on."""
FAILING_ATTEMPTS = 3
"""A channel counts as failing after this many attempts at its oldest message."""
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ChannelDelivery:
    """What one delivery did for one channel.

    `sent`, `failed`: messages that were sent, and attempts that failed. `waiting`: messages that are not sent yet.
    `error`: why the last attempt failed; None where none failed.
    """

    channel: str
    sent: int
    failed: int
    waiting: int
    error: str | None


@dataclass(frozen=True)
class Delivery:
    """One delivery, to each channel of the settings."""

    channels: Sequence[ChannelDelivery]


@dataclass(frozen=True)
class OutboxState:
    """The messages to one channel that are not sent yet: how many, since when, and the oldest's attempts and error.

    `is_refused`: the channel refused these messages, and takes others.
    """

    channel: str
    is_refused: bool
    waiting: int
    since: datetime
    attempts: int
    error: str | None


@dataclass(frozen=True)
class StoredMessage:
    """A message to one channel. `sent_at`: None where it is not sent yet; `error`: why its last attempt failed."""

    event: str
    channel: str
    decided_at: datetime
    attempts: int
    sent_at: datetime | None
    error: str | None


def deliver(settings: Settings, store: AlertStore) -> Delivery:
    """Send what is due. A channel that fails delays the others for at most 15 seconds, and nothing is raised for it.

    Raises StorageError where the ledger cannot be used.
    """
    return Delivery([_deliver_to(channel, store) for channel in channels_of(settings)])


def outbox_states(store: AlertStore) -> list[OutboxState]:
    """The state of each channel of the store that has messages which are not sent yet.

    Messages that a channel refuses while it takes others have a state of their own.
    """
    rows_by_channel: dict[tuple[str, bool], list[sa.Row[Any]]] = {}
    with transaction(store.engine) as connection:
        for channel in store.channels:
            newest = connection.execute(sa.select(sa.func.max(messages.c.sent_at)).where(messages.c.channel == channel))
            sent_at = newest.scalar()
            for row in _unsent(connection, channel):
                takes_others = sent_at is not None and in_utc(sent_at) > in_utc(row.decided_at)
                rows_by_channel.setdefault((channel, row.refused_at is not None and takes_others), []).append(row)
    return [
        OutboxState(*which, len(rows), in_utc(rows[0].decided_at), rows[0].attempts, rows[0].last_error)
        for which, rows in rows_by_channel.items()
    ]


def messages_about(store: AlertStore, alert_id: str) -> list[StoredMessage]:
    """The messages about an alert, oldest first."""
    wanted = sa.select(messages).where(messages.c.alert_id == alert_id).order_by(messages.c.number)
    with transaction(store.engine) as connection:
        rows = connection.execute(wanted).all()
    return [
        StoredMessage(
            row.event,
            row.channel,
            in_utc(row.decided_at),
            row.attempts,
            in_utc(row.sent_at) if row.sent_at else None,
            row.last_error,
        )
        for row in rows
    ]


def delivery_problems(store: AlertStore) -> list[Problem]:
    """The problem `delivery-failing` of each channel that fails, whose messages go to the other channels.

    A channel that refuses some messages and takes others is another such problem: its detail is not the channel's name.
    """
    return [_problem(state) for state in outbox_states(store) if state.attempts >= FAILING_ATTEMPTS]


def _problem(state: OutboxState) -> Problem:
    what = f"Messages do not reach the channel {state.channel} since {local_time(state.since)}: {state.error}"
    if state.is_refused:
        what = f"The channel {state.channel} refuses some messages ({state.waiting:,} so far): {state.error}"
    return Problem(
        name=ProblemName.delivery_failing,
        detail=f"{state.channel} refuses messages" if state.is_refused else state.channel,
        what=what,
        effect="None on the data. People who rely on this channel do not learn of alerts.",
        action="Check the address and the rights of the channel. Messages are kept, and sent in order when it works.",
        command=("alerts", "list"),
        subjects=(state.channel,),
    )


def _deliver_to(channel: AlertChannel, store: AlertStore) -> ChannelDelivery:
    sent, failures, until = 0, [], time.monotonic() + LONGEST_DELIVERY_S
    with transaction(store.engine) as connection:
        unsent = _unsent(connection, channel.name)
    for row in unsent:
        if time.monotonic() > until:
            break
        begun = _begun_attempt(store, row)
        if begun is None:
            if row.refused_at is None:
                break  # it is not due, or another process sends it: later messages must not overtake it
            continue
        failure = _attempt(channel, store, row, begun)
        if failure is None:
            sent += 1
            continue
        failures.append(str(failure))
        if isinstance(failure, DeliveryFailed):
            break
    return ChannelDelivery(channel.name, sent, len(failures), len(unsent) - sent, failures[-1] if failures else None)


def _unsent(connection: sa.Connection, channel: str) -> Sequence[sa.Row[Any]]:
    """The messages to a channel that are not sent yet, without their content, in the order of the decisions."""
    names = ("number", "decided_at", "attempts", "next_attempt_at", "refused_at", "last_error")
    columns = [messages.c[name] for name in names]
    wanted = (messages.c.channel == channel) & messages.c.sent_at.is_(None)
    return connection.execute(sa.select(*columns).where(wanted).order_by(messages.c.number)).all()


def _begun_attempt(store: AlertStore, row: sa.Row[Any]) -> sa.Row[Any] | None:
    """Record that the next attempt has begun. The id and the content of the message; None if it is not due, or if
    another process has begun it.
    """
    now = store.clock()
    if not _is_due(in_utc(row.next_attempt_at), now):
        return None
    wait = min(FIRST_WAIT * 2 ** min(row.attempts, 10), LONGEST_WAIT)
    is_as_known = (messages.c.number == row.number) & (messages.c.attempts == row.attempts)
    attempt = (
        sa.update(messages)
        .where(is_as_known & messages.c.sent_at.is_(None))
        .values(attempts=row.attempts + 1, next_attempt_at=now + wait)
        .returning(messages.c.message_id, messages.c.content)
    )
    with transaction(store.engine) as connection:
        return connection.execute(attempt).first()


def _is_due(next_attempt_at: datetime, now: datetime) -> bool:
    """A time that is further away than any wait was written before the clock was set back."""
    return next_attempt_at <= now or next_attempt_at > now + LONGEST_WAIT


def _attempt(channel: AlertChannel, store: AlertStore, row: sa.Row[Any], begun: sa.Row[Any]) -> Exception | None:
    """Send a message and record the result; the error if it was not sent."""
    try:
        channel.send(Message(begun.message_id, orjson.loads(begun.content)), store.clock())
    except Exception as error:  # an unexpected error concerns this message: the others must still be sent
        is_refused = not isinstance(error, DeliveryFailed)
        reason = shortened(str(error) if isinstance(error, SyncError) else repr(error))
        logger.error("a message to %s was not sent and will be sent again: %s", channel.name, reason)
        _record(store, row, {"last_error": reason, "refused_at": store.clock() if is_refused else None})
        return error
    _record(store, row, {"sent_at": store.clock(), "last_error": None})
    return None


def _record(store: AlertStore, row: sa.Row[Any], changes: dict[str, Any]) -> None:
    with transaction(store.engine) as connection:
        connection.execute(sa.update(messages).where(messages.c.number == row.number).values(**changes))
