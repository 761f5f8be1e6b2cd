"""The tables of alerts in the ledger, and how rows become alerts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa

from sync_platform.monitoring.alert import Alert
from sync_platform.storage.relational import transaction, upsert
from sync_platform.storage.stored_types import StoredTime
from sync_platform.storage.utc_time import in_utc

MOST_STORED_SUBJECTS, LONGEST_SUBJECT = 100, 100

metadata = sa.MetaData()
alerts = sa.Table(
    "alerts",
    metadata,
    sa.Column("alert_id", sa.Text, primary_key=True),
    sa.Column("cause", sa.Text, nullable=False, index=True),
    sa.Column("open_as", sa.Text, unique=True),  # the cause while it is open, so that a cause has one open alert
    *(sa.Column(name, sa.Text, nullable=False) for name in ("severity", "what", "effect", "action")),
    *(sa.Column(name, sa.Text, nullable=False) for name in ("command", "subjects")),
    *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("subjects_in_all", "times_seen", "times_reopened")),
    *(sa.Column(name, StoredTime(), nullable=False) for name in ("opened_at", "last_seen_at")),
    sa.Column("gone_at", StoredTime()),
    sa.Column("resolved_at", StoredTime(), index=True),
    *(sa.Column(name, sa.Text) for name in ("resolved_by", "resolved_because")),
    sa.Column("acknowledged_at", StoredTime()),
    sa.Column("acknowledged_by", sa.Text),
    *(sa.Column(name, StoredTime()) for name in ("silenced_at", "silenced_until")),
    *(sa.Column(name, sa.Text) for name in ("silenced_by", "silenced_because")),
)
messages = sa.Table(
    "alert_messages",
    metadata,
    sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("message_id", sa.Text, nullable=False),
    sa.Column("alert_id", sa.Text, nullable=False, index=True),
    *(sa.Column(name, sa.Text, nullable=False) for name in ("channel", "event", "content")),
    sa.Column("decided_at", StoredTime(), nullable=False, index=True),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("next_attempt_at", StoredTime(), nullable=False),
    sa.Column("sent_at", StoredTime(), index=True),
    sa.Column("refused_at", StoredTime()),
    sa.Column("last_error", sa.Text),
)
rounds = sa.Table(
    "alert_rounds",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),  # always 1: one row, which is also the lock
    sa.Column("at", StoredTime()),
)


@contextmanager
def locked_transaction(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A transaction that changes alerts: only one at a time, also on several machines. StorageError as usual."""
    lock = upsert(engine, rounds).values(number=1)
    with transaction(engine) as connection:
        connection.execute(lock.on_conflict_do_update(index_elements=["number"], set_={"number": 1}))
        yield connection


def create_missing_tables(engine: sa.Engine) -> set[str]:
    """Create the tables that somebody has dropped, empty; their names. StorageError where that fails."""
    with transaction(engine) as connection:
        known = set(sa.inspect(connection).get_table_names())
        missing = [table for table in metadata.sorted_tables if table.name not in known]
        metadata.create_all(connection, missing)
    return {table.name for table in missing}


def read_alerts(connection: sa.Connection, condition: sa.ColumnElement[bool]) -> list[Alert]:
    """The alerts that meet a condition, oldest first."""
    wanted = sa.select(alerts).where(condition).order_by(alerts.c.opened_at, alerts.c.alert_id)
    return [_alert(row) for row in connection.execute(wanted)]


def row_of(alert: Alert) -> dict[str, Any]:
    """The values of an alert's row."""
    lists = {"command": list_text(alert.command), "subjects": list_text(alert.subjects)}
    return {**vars(alert), **lists, "open_as": alert.cause if alert.is_open else None}


def list_text(values: tuple[str, ...]) -> str:
    """A list as it is stored."""
    return orjson.dumps(values).decode()


def stored_subjects(subjects: tuple[str, ...]) -> tuple[str, ...]:
    """The subjects that are stored: the first ones, and not more than their first characters."""
    return tuple(subject[:LONGEST_SUBJECT] for subject in subjects[:MOST_STORED_SUBJECTS])


def count_resolved(connection: sa.Connection, before: datetime) -> dict[str, int]:
    """How many alerts were resolved, and messages decided, before that time."""
    return {
        name: connection.execute(sa.select(sa.func.count()).select_from(table).where(is_old)).scalar_one()
        for name, table, is_old in _resolved(before)
    }


def delete_resolved(connection: sa.Connection, before: datetime) -> dict[str, int]:
    """Delete alerts that were resolved, and messages that were decided, before that time; how many."""
    return {
        name: connection.execute(sa.delete(table).where(is_old)).rowcount for name, table, is_old in _resolved(before)
    }


def _resolved(before: datetime) -> list[tuple[str, sa.Table, sa.ColumnElement[bool]]]:
    return [
        ("alerts", alerts, alerts.c.resolved_at < before),
        ("alert_messages", messages, messages.c.decided_at < before),
    ]


def _alert(row: sa.Row[Any]) -> Alert:
    values = {field.name: row._mapping[field.name] for field in fields(Alert)}
    lists = {name: tuple(orjson.loads(values[name])) for name in ("command", "subjects")}
    moments = {name: in_utc(value) for name, value in values.items() if isinstance(value, datetime)}
    return Alert(**{**values, **lists, **moments})
