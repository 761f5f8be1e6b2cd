"""Accepted levels: when a person said that the deviation of a series is expected (`alerts resolve --expected`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sync_platform.monitoring.expected_anomaly import expected_anomalies


def accepted_moments(ledger_url: str) -> Mapping[str, Sequence[datetime]]:
    """By cause, the moments (UTC), earliest first. A ledger that does not exist is not created: then there are none.

    Raises StorageError where the ledger cannot be read.
    """
    found: dict[str, list[datetime]] = {}
    for each in expected_anomalies(ledger_url):
        found.setdefault(each.detail, []).append(each.accepted_at)
    return found
