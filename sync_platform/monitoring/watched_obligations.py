"""The obligations that are judged in each round, because that costs little. The compliance report judges all.

What belongs here: which obligations these are. They are judged by the same functions as in the report. Of requests of
persons only those that are not answered yet count: a late answer cannot be made earlier.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import duckdb

from sync_platform.compliance import requirements
from sync_platform.compliance.applied_retention import GRACE
from sync_platform.compliance.data_quality import judge_quarantine, open_quarantine
from sync_platform.compliance.lake_view import LakeView
from sync_platform.compliance.logged_operations import logged_operations
from sync_platform.compliance.obligation import Obligation
from sync_platform.compliance.span import Span
from sync_platform.compliance.subject_requests import OPERATIONS, judge_requests, subject_requests
from sync_platform.lake.maintenance import outdated_snapshots
from sync_platform.settings import Settings
from sync_platform.storage.audit_log import AuditEntry

REQUESTS_OF_PERSONS = OPERATIONS
_SINCE = datetime(2000, 1, 1, tzinfo=UTC)


def obligations_of_lake(session: duckdb.DuckDBPyConnection, settings: Settings, now: datetime) -> list[Obligation]:
    """Whether the quarantine is reviewed, and former states of the lake are deleted."""
    view = LakeView(session, settings.lineage_table_name, Span(_SINCE, now), now)
    late = outdated_snapshots(session, settings.time_travel_days, now - GRACE)
    kept = f"{len(late):,} former states of the lake are overdue for more than {GRACE.days} days"
    return [
        judge_quarantine(view, open_quarantine(view)),
        requirements.TIME_TRAVEL.judged(not late, kept),
    ]


def obligations_of_ledger(entries: Iterable[AuditEntry], now: datetime) -> list[Obligation]:
    """Whether every request of a person is answered in time. `entries`: those of REQUESTS_OF_PERSONS, in order."""
    requests = subject_requests(logged_operations(list(entries)), Span(_SINCE, now + timedelta(days=1)))
    return list(judge_requests([each for each in requests if each.answered_at is None], now))
