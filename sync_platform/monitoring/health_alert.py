"""What open alerts cost an installation of its health.

What belongs here: how many points which alert costs; docs/monitoring.md has the same table.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Protocol

from sync_platform.documents.local_time import local_minute
from sync_platform.monitoring.health import Deficit
from sync_platform.monitoring.named_subjects import shortened
from sync_platform.monitoring.problem import SEVERITIES, Severity

LOST: Mapping[Severity, float] = {"critical": 1.0, "high": 0.5, "medium": 0.2, "low": 0.0}
"""The share of the points of the part that one alert of a severity costs."""
WORKED_ON = 0.5
"""The factor of an alert that is acknowledged or silenced: a person knows it."""


class OpenAlert(Protocol):
    """An alert that is not resolved. Times are UTC."""

    @property
    def alert_id(self) -> str: ...

    @property
    def severity(self) -> Severity: ...

    @property
    def what(self) -> str: ...

    @property
    def opened_at(self) -> datetime: ...

    @property
    def acknowledged_at(self) -> datetime | None: ...

    def is_silenced(self, now: datetime) -> bool: ...


def deficits_of_alerts(alerts: Iterable[OpenAlert], now: datetime) -> Iterator[Deficit]:
    """The most severe first."""
    for alert in sorted(alerts, key=lambda each: (SEVERITIES.index(each.severity), each.opened_at, each.alert_id)):
        is_known = alert.acknowledged_at is not None or alert.is_silenced(now)
        state = "acknowledged" if alert.acknowledged_at else "silenced" if is_known else "open"
        reason = (
            f"the {alert.severity} alert {alert.alert_id} is {state}, since {local_minute(alert.opened_at)}: "
            f"{shortened(alert.what)}"
        )
        yield Deficit(
            reason, ("alerts", "show", alert.alert_id), LOST[alert.severity] * (WORKED_ON if is_known else 1.0)
        )
