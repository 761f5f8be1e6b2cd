"""Every sync and backup is sent to CloudWatch exactly once, although PutMetricData counts a repeated request twice.

What belongs here: claiming and confirming. A request claims its events in the ledger before it is sent, and confirms
them after its answer. Events that are claimed but not confirmed are in doubt: a process died, or an answer was lost.
CloudWatch is asked whether it has them. It takes a request as a whole, so one event speaks for all. If it has them,
they are confirmed; if it still has not when it must show them, they are sent again.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from sync_platform.errors import SyncError
from sync_platform.monitoring.cloudwatch import (
    MOST_DATA,
    NEWEST,
    OLDEST,
    count_at,
    data_of,
    may_have_arrived,
    put,
    requests_of,
)
from sync_platform.monitoring.metric import BY_NAME, Sample
from sync_platform.monitoring.metric_history import metric_events
from sync_platform.storage.relational import transaction
from sync_platform.storage.utc_time import in_utc

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient

SHOWN_AFTER = (
    (timedelta(hours=3), timedelta(minutes=5)),
    (timedelta(hours=24), timedelta(hours=3)),
    (OLDEST, timedelta(hours=48)),
)
"""By the age of a value when it was sent, the time after which CloudWatch shows it: its documentation of PutMetricData
says 2 hours and 48 hours for old values; those of the last 3 hours are shown within two minutes."""
MOST_REQUESTS = 20
"""How many requests one round sends; the next round sends the rest."""
IN_ORDER = (metric_events.c.at, *metric_events.primary_key.columns)
"""One order for all processes, so that no two wait for each other's rows."""
Row = sa.Row[Any]


class EventSender:
    """Sends the events of the history in a ledger. StorageError where the ledger cannot be used."""

    def __init__(self, engine: sa.Engine, client: CloudWatchClient, environment: str) -> None:
        self._engine, self._client, self._environment = engine, client, environment

    def send(self, now: datetime) -> int:
        """Settle what is in doubt, then send what was not sent; returns how many events were sent.

        Raises the error of the first request that fails; what it did not send stays for the next round. Where
        CloudWatch cannot be asked what it has, the rest is still sent.
        """
        unsettled = self._settle_doubts(now)
        sent = 0
        for _ in range(MOST_REQUESTS):
            claimed = self._claim(now)
            if not claimed:
                break
            self._send(claimed, now)
            sent += len(claimed)
        if unsettled:
            raise unsettled
        return sent

    def _claim(self, now: datetime) -> Sequence[Row]:
        """The events of one request, claimed so that no other process sends them; empty where there are none."""
        batch = secrets.token_hex(8)
        with transaction(self._engine) as connection:
            unclaimed = sa.select(metric_events).where(
                metric_events.c.batch.is_(None), metric_events.c.at.between(*_accepted(now))
            )
            events = connection.execute(unclaimed.order_by(*IN_ORDER).limit(MOST_DATA)).all()
            request = next(requests_of(data_of(map(_sample, events), self._environment)), [])
            for row in events[: len(request)]:
                claim = sa.update(metric_events).where(*_is(row), metric_events.c.batch.is_(None))
                connection.execute(claim.values(batch=batch, claimed_at=now.astimezone(UTC)))
        return self._of_batch(batch)

    def _send(self, claimed: Sequence[Row], now: datetime) -> None:
        try:
            put(self._client, data_of(map(_sample, claimed), self._environment), is_repeatable=False)
        except SyncError as error:
            if not may_have_arrived(error):
                self._release(claimed[0].batch)
            raise
        self._confirm(claimed[0].batch, now)

    def _settle_doubts(self, now: datetime) -> SyncError | None:
        """Confirm or release the requests in doubt; returns the error of one that could not be looked up."""
        in_doubt = sa.select(metric_events.c.batch).where(
            metric_events.c.batch.is_not(None), metric_events.c.sent_at.is_(None)
        )
        with transaction(self._engine) as connection:
            batches = connection.execute(in_doubt.distinct()).scalars().all()
        for batch in batches:
            newest = self._of_batch(batch)[0]
            try:
                has_arrived = self._has_arrived(newest)
            except SyncError as error:
                return error
            if has_arrived:
                self._confirm(batch, now)
            elif now - in_utc(newest.claimed_at) > _shown_after(newest):
                self._release(batch)
        return None

    def _has_arrived(self, row: Row) -> bool:
        """True if CloudWatch has more values of that minute than other requests have sent."""
        sample = _sample(row)
        minute = sample.at.replace(second=0, microsecond=0)
        others = (
            sa.select(sa.func.count())
            .select_from(metric_events)
            .where(
                *(metric_events.c[name] == row._mapping[name] for name in ("name", "platform")),
                metric_events.c.at >= minute,
                metric_events.c.at < minute + timedelta(minutes=1),
                metric_events.c.sent_at.is_not(None),
            )
        )
        with transaction(self._engine) as connection:
            sent = connection.execute(others).scalar_one()
        return count_at(self._client, sample, self._environment) > sent

    def _of_batch(self, batch: str) -> Sequence[Row]:
        wanted = sa.select(metric_events).where(metric_events.c.batch == batch).order_by(metric_events.c.at.desc())
        with transaction(self._engine) as connection:
            return connection.execute(wanted).all()

    def _confirm(self, batch: str, now: datetime) -> None:
        self._change(batch, {"sent_at": now.astimezone(UTC)})

    def _release(self, batch: str) -> None:
        self._change(batch, {"batch": None, "claimed_at": None})

    def _change(self, batch: str, values: Mapping[str, Any]) -> None:
        with transaction(self._engine) as connection:
            connection.execute(sa.update(metric_events).where(metric_events.c.batch == batch).values(**values))


def _accepted(now: datetime) -> tuple[datetime, datetime]:
    return now.astimezone(UTC) - OLDEST, now.astimezone(UTC) + NEWEST


def _shown_after(row: Row) -> timedelta:
    age = in_utc(row.claimed_at) - in_utc(row.at)
    return next((wait for limit, wait in SHOWN_AFTER if age <= limit), SHOWN_AFTER[-1][1])


def _is(row: Row) -> list[sa.ColumnElement[bool]]:
    return [column == row._mapping[column.name] for column in metric_events.primary_key.columns]


def _sample(row: Row) -> Sample:
    return Sample(BY_NAME[row.name], in_utc(row.at), row.value, row.platform, row.dataset, event=row.event)
