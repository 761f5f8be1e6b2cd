"""The history of metrics in the ledger, by default for 15 months: as long as CloudWatch keeps them.

What belongs here: storing and reading. A count or a duration has one row for each sync or backup, stored once, however
often it is measured. A gauge has one row an hour, with its last, smallest and largest value in that hour.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from sync_platform.monitoring.metric import Sample
from sync_platform.storage.ledger import MIGRATIONS, metadata
from sync_platform.storage.relational import open_database, transaction, upsert
from sync_platform.storage.stored_types import StoredTime
from sync_platform.storage.utc_time import in_utc

metric_events = sa.Table(
    "metric_events",
    metadata,
    sa.Column("event", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("platform", sa.Text, primary_key=True),
    sa.Column("dataset", sa.Text, primary_key=True),
    sa.Column("at", StoredTime(), nullable=False),
    sa.Column("value", sa.Float, nullable=False),
    sa.Column("batch", sa.Text),
    sa.Column("claimed_at", StoredTime()),
    sa.Column("sent_at", StoredTime()),
)
"""`batch`, `claimed_at`, `sent_at`: the request to CloudWatch that contains the event (cloudwatch_events.py)."""
metric_hours = sa.Table(
    "metric_hours",
    metadata,
    sa.Column("hour", StoredTime(), primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("platform", sa.Text, primary_key=True),
    sa.Column("dataset", sa.Text, primary_key=True),
    sa.Column("severity", sa.Text, primary_key=True),
    sa.Column("value", sa.Float, nullable=False),
    sa.Column("minimum", sa.Float, nullable=False),
    sa.Column("maximum", sa.Float, nullable=False),
    sa.Column("samples", sa.Integer, nullable=False),
)


@dataclass(frozen=True)
class HistoryRow:
    """One row of a metric. `at`: the end of the event, or the beginning of the hour of a gauge.

    `value`: of the event, or the last one of the hour. `samples`: how often it was measured in the hour; of an event 1.
    """

    at: datetime
    platform: str
    dataset: str
    severity: str
    value: float
    minimum: float
    maximum: float
    samples: int
    event: str


class MetricHistory:
    """The history in the ledger at a SQLAlchemy URL; StorageError where it cannot be used."""

    def __init__(self, url: str, kept: timedelta = timedelta.max) -> None:
        """`kept`: an event that is older is not stored, because it was deleted already (METRIC_RETENTION_DAYS)."""
        self.engine, self._kept = open_database(url, MIGRATIONS), kept

    def close(self) -> None:
        """Close the connections to the database."""
        self.engine.dispose()

    def missing_tables(self) -> list[str]:
        """The tables of the history that somebody has removed."""
        with transaction(self.engine) as connection:
            known = sa.inspect(connection).get_table_names()
        return [table.name for table in (metric_events, metric_hours) if table.name not in known]

    def record(self, samples: Iterable[Sample], now: datetime) -> None:
        """Store the samples of one round in one transaction. An event that is stored already stays as it is."""
        found_samples = list(samples)
        events = {
            _key(sample): sample for sample in found_samples if sample.is_of_event and now - sample.at <= self._kept
        }
        with transaction(self.engine) as connection:
            for key in _stored_keys(connection):
                events.pop(key, None)
            if events:
                connection.execute(
                    upsert(self.engine, metric_events).on_conflict_do_nothing(),
                    [_event_row(sample) for sample in events.values()],
                )
            if gauges := [_hour_row(sample) for sample in found_samples if sample.is_gauge]:
                connection.execute(self._hour_upsert(), gauges)

    def count_older(self, before: datetime) -> dict[str, int]:
        """How many rows `delete_older` would delete, by table."""
        with transaction(self.engine) as connection:
            return {
                name: connection.execute(sa.select(sa.func.count()).select_from(table).where(is_old)).scalar_one()
                for name, table, is_old in _older(before)
            }

    def delete_older(self, before: datetime) -> dict[str, int]:
        """Delete the events and hours before that time; the rows by table."""
        with transaction(self.engine) as connection:
            return {
                name: connection.execute(sa.delete(table).where(is_old)).rowcount
                for name, table, is_old in _older(before)
            }

    def rows(
        self, name: str, since: datetime, platform: str | None = None, dataset: str | None = None
    ) -> list[HistoryRow]:
        """The rows of one metric since a moment, in order of time."""
        with transaction(self.engine) as connection:
            rows = [*_events(connection, name, since), *_hours(connection, name, since)]
        chosen = (row for row in rows if platform in (None, row.platform) and dataset in (None, row.dataset))
        return sorted(chosen, key=lambda row: (row.at, row.platform, row.dataset, row.severity, row.event))

    def _hour_upsert(self) -> sa.Insert:
        insert = upsert(self.engine, metric_hours)
        old, new = metric_hours.c, insert.excluded
        return insert.on_conflict_do_update(
            index_elements=list(metric_hours.primary_key.columns),
            set_={
                "value": new.value,
                "minimum": sa.case((new.value < old.minimum, new.value), else_=old.minimum),
                "maximum": sa.case((new.value > old.maximum, new.value), else_=old.maximum),
                "samples": old.samples + 1,
            },
        )


def _older(before: datetime) -> list[tuple[str, sa.Table, sa.ColumnElement[bool]]]:
    at = before.astimezone(UTC)
    return [
        ("metric_events", metric_events, metric_events.c.at < at),
        ("metric_hours", metric_hours, metric_hours.c.hour < at),
    ]


def _key(sample: Sample) -> tuple[str, str, str, str]:
    return sample.event, sample.metric.name, sample.platform, sample.dataset


def _stored_keys(connection: sa.Connection) -> Iterator[tuple[str, str, str, str]]:
    key = metric_events.primary_key.columns
    for row in connection.execute(sa.select(*key)):
        yield tuple(row)


def _event_row(sample: Sample) -> dict[str, Any]:
    return {
        "event": sample.event,
        "name": sample.metric.name,
        "platform": sample.platform,
        "dataset": sample.dataset,
        "at": sample.at.astimezone(UTC),
        "value": sample.value,
    }


def _hour_row(sample: Sample) -> dict[str, Any]:
    hour = sample.at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    values = {"value": sample.value, "minimum": sample.value, "maximum": sample.value, "samples": 1}
    dimensions = {"platform": sample.platform, "dataset": sample.dataset, "severity": sample.severity}
    return {"hour": hour, "name": sample.metric.name, **dimensions, **values}


def _events(connection: sa.Connection, name: str, since: datetime) -> Iterator[HistoryRow]:
    table = metric_events.c
    wanted = sa.select(table.at, table.platform, table.dataset, table.value, table.event)
    for row in connection.execute(wanted.where(table.name == name, table.at >= since.astimezone(UTC))):
        yield HistoryRow(in_utc(row.at), row.platform, row.dataset, "", row.value, row.value, row.value, 1, row.event)


def _hours(connection: sa.Connection, name: str, since: datetime) -> Iterator[HistoryRow]:
    table = metric_hours.c
    wanted = sa.select(
        table.hour,
        table.platform,
        table.dataset,
        table.severity,
        table.value,
        table.minimum,
        table.maximum,
        table.samples,
    )
    # an hour that began before `since` reaches into it
    begins = since.astimezone(UTC) - timedelta(hours=1)
    for row in connection.execute(wanted.where(table.name == name, table.hour > begins)):
        dimensions = row.platform, row.dataset, row.severity
        yield HistoryRow(in_utc(row.hour), *dimensions, row.value, row.minimum, row.maximum, row.samples, "")
