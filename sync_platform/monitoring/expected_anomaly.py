"""Anomalies that a person expects: level shifts that are the new usual level of a series.

What belongs here: what `alerts resolve --expected` stores, and how anomaly detection reads it. It is kept for ever,
because a series keeps its level longer than alerts are kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime

import orjson
import sqlalchemy as sa

from sync_platform.errors import UsageError
from sync_platform.monitoring.alert import Alert, shortened
from sync_platform.monitoring.alert_tables import list_text, metadata
from sync_platform.monitoring.problem import ProblemName
from sync_platform.storage.ledger import MIGRATIONS
from sync_platform.storage.relational import database_exists, open_database, transaction
from sync_platform.storage.stored_types import StoredTime
from sync_platform.storage.utc_time import in_utc

expected = sa.Table(
    "expected_anomalies",
    metadata,
    sa.Column("alert_id", sa.Text, primary_key=True),
    sa.Column("detail", sa.Text, nullable=False, index=True),
    sa.Column("subjects", sa.Text, nullable=False),
    sa.Column("since", StoredTime(), nullable=False),
    sa.Column("accepted_at", StoredTime(), nullable=False),
    sa.Column("accepted_by", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
)


@dataclass(frozen=True)
class ExpectedAnomaly:
    """An accepted level shift. Times are UTC.

    `detail`, `subjects`: those of the problem `anomaly`, at most its first 100 subjects. `since`: when its alert
    opened; `accepted_at`: when a person resolved the alert as expected.
    """

    detail: str
    subjects: tuple[str, ...]
    since: datetime
    accepted_at: datetime
    accepted_by: str
    reason: str


def expected_anomalies(ledger_url: str) -> list[ExpectedAnomaly]:
    """The accepted level shifts, oldest first. A ledger that does not exist is not created: then there are none.

    Raises StorageError where the ledger cannot be read.
    """
    if not database_exists(ledger_url):
        return []
    engine = open_database(ledger_url, MIGRATIONS)
    try:
        with transaction(engine) as connection:
            rows = connection.execute(sa.select(expected).order_by(expected.c.accepted_at)).all()
    finally:
        engine.dispose()
    return [_expected_anomaly(row) for row in rows]


def accepted_moments(ledger_url: str) -> Mapping[str, Sequence[datetime]]:
    """By the detail of the problem `anomaly`, when people accepted its level, earliest first; see the above."""
    moments: dict[str, list[datetime]] = {}
    for anomaly in expected_anomalies(ledger_url):
        moments.setdefault(anomaly.detail, []).append(anomaly.accepted_at)
    return moments


def write_expected_anomaly(connection: sa.Connection, alert: Alert, now: datetime, actor: str, reason: str) -> None:
    """Store, within the transaction, that the anomaly of an alert is expected. UsageError if it is about none."""
    if alert.name != ProblemName.anomaly:
        raise UsageError(f"--expected is for anomalies; alert {alert.alert_id} is about {alert.name}")
    values = {
        "detail": alert.detail,
        "subjects": list_text(alert.subjects),
        "since": alert.opened_at,
        "accepted_at": now,
        "accepted_by": actor,
        "reason": shortened(reason),
    }
    connection.execute(sa.delete(expected).where(expected.c.alert_id == alert.alert_id))
    connection.execute(sa.insert(expected).values(alert_id=alert.alert_id, **values))


def _expected_anomaly(row: sa.Row[tuple[str, ...]]) -> ExpectedAnomaly:
    values = {field.name: row._mapping[field.name] for field in fields(ExpectedAnomaly)}
    moments = {name: in_utc(values[name]) for name in ("since", "accepted_at")}
    return ExpectedAnomaly(**{**values, **moments, "subjects": tuple(orjson.loads(values["subjects"]))})
