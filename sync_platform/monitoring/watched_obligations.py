"""The obligations that are judged in each round, because that costs little. The compliance report judges all.

What belongs here: which obligations these are. They are judged by the same functions as in the report.
"""

from __future__ import annotations

from datetime import UTC, datetime

import duckdb

from sync_platform.compliance import requirements
from sync_platform.compliance.applied_retention import GRACE
from sync_platform.compliance.data_quality import judge_quarantine, open_quarantine
from sync_platform.compliance.lake_view import LakeView
from sync_platform.compliance.obligation import Obligation
from sync_platform.compliance.span import Span
from sync_platform.lake.maintenance import outdated_snapshots
from sync_platform.settings import Settings

_SINCE = datetime(2000, 1, 1, tzinfo=UTC)


def obligations_of_lake(session: duckdb.DuckDBPyConnection, settings: Settings, now: datetime) -> list[Obligation]:
    """Whether the quarantine is reviewed, and former states of the lake are deleted."""
    view = LakeView(session, settings.lineage_table_name, Span(_SINCE, now), now)
    late = outdated_snapshots(session, settings.time_travel_days, now - GRACE)
    reason = f"{len(late):,} former states of the lake are overdue for more than {GRACE.days} days"
    return [
        judge_quarantine(view, open_quarantine(view)),
        requirements.TIME_TRAVEL.judged(not late, reason),
    ]
