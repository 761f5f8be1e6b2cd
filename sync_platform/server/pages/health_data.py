"""What the health page shows: the same data as `health --json`, and what happened lately.

What belongs here: reading and choosing. How it looks is in the templates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import duckdb

from sync_platform.api.health_answer import LastBackup
from sync_platform.api.sync_answer import SyncAnswer, newest_first
from sync_platform.backup.drill_state import DrillState, drill_state
from sync_platform.emergency.request import EmergencyRequest
from sync_platform.errors import NoLakeYet
from sync_platform.monitoring.freshness import PlatformFreshness, freshness_of
from sync_platform.monitoring.health import Health, Subject
from sync_platform.monitoring.health_alert import OpenAlert
from sync_platform.monitoring.health_report import health_of
from sync_platform.monitoring.installation_state import InstallationState, UnreadPart
from sync_platform.monitoring.stored_syncs import stored_datasets
from sync_platform.quality.score import OVERALL, WHOLE
from sync_platform.settings import Settings
from sync_platform.sources.declaration import Platform
from sync_platform.sources.period import HONG_KONG
from sync_platform.storage.lake_connection import LAKE, Lake
from sync_platform.storage.lake_tables import has_table
from sync_platform.unified.review_queue import QueueSize, recorded_queue_size

RECENT_SYNCS = 12
NAMED_RESTAURANTS = 5
TREND = timedelta(days=180)


@dataclass(frozen=True)
class PlatformLine:
    """One platform. `freshness`: None if it is not known. `trend`: quality scores (0 to 100), oldest first.

    `is_begun`: a sync of it was made, whatever its outcome, or that is not known.
    """

    subject: Subject
    is_begun: bool
    freshness: PlatformFreshness | None
    trend: Sequence[float]


@dataclass(frozen=True)
class MonthOfChanges:
    """The restaurants that opened (first listed) and closed since the first of the month in Hong Kong.

    `opened`, `closed`: their numbers. `named_opened`, `named_closed`: id and name of the newest ones.
    """

    since: datetime
    opened: int
    closed: int
    named_opened: Sequence[tuple[str, str]]
    named_closed: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class HealthPageData:
    """Everything on the page. None: not known.

    `drill`: the last one. `month`: None without unified restaurants. `review`: the pairs of restaurants for review.
    """

    made_at: datetime
    environment: str
    health: Health
    platforms: Sequence[PlatformLine]
    syncs: Sequence[SyncAnswer] | None
    alerts: Sequence[OpenAlert] | None
    requests: Sequence[EmergencyRequest] | None
    backup: LastBackup | None
    drill: DrillState | None
    month: MonthOfChanges | None
    review: QueueSize | None


def health_page_data(
    settings: Settings,
    platforms: Mapping[str, Platform],
    state: InstallationState,
    lake: Lake,
    backup: LastBackup | None,
    now: datetime,
) -> HealthPageData:
    """The page's data, from the state that was read. `lake`: has the trends and the changes of the month. `backup`: the
    newest one."""
    health = health_of(settings, platforms, state, now)
    records = None if isinstance(state.records, UnreadPart) else state.records
    trends, month, review = _of_lake(lake, settings.lineage_table_name, now)
    freshness = {
        name: freshness_of(platform, stored_datasets(platform), records.get(name, []), now)
        for name, platform in platforms.items()
        if records is not None
    }
    return HealthPageData(
        made_at=now,
        environment=settings.environment,
        health=health,
        platforms=[
            PlatformLine(
                each,
                records is None or bool(records.get(each.name)),
                freshness.get(each.name),
                trends.get(each.name, []),
            )
            for each in health.platforms
        ],
        syncs=None if records is None else newest_first(records)[:RECENT_SYNCS],
        alerts=None if isinstance(state.alerts, UnreadPart) else state.alerts,
        requests=None if isinstance(state.requests, UnreadPart) else state.requests,
        backup=backup,
        drill=None if isinstance(state.drills, UnreadPart) else drill_state(state.drills, now),
        month=month,
        review=review,
    )


def _of_lake(
    lake: Lake, history: str, now: datetime
) -> tuple[dict[str, list[float]], MonthOfChanges | None, QueueSize | None]:
    try:
        with lake.session() as session:
            return _trends(session, now), _month(session, history, now), recorded_queue_size(session)
    except NoLakeYet:
        return {}, None, None


def _trends(session: duckdb.DuckDBPyConnection, now: datetime) -> dict[str, list[float]]:
    """The mean overall quality of each day with a sync, by platform."""
    if not has_table(session, "quality.scores"):
        return {}
    rows = session.execute(
        f"""SELECT platform, 100 * avg(score) FROM {LAKE}.quality.scores
        WHERE dimension = $overall AND measure = $whole AND score IS NOT NULL AND observed_at > $since
        GROUP BY platform, date_trunc('day', observed_at) ORDER BY platform, date_trunc('day', observed_at)""",
        {"overall": OVERALL, "whole": WHOLE, "since": now - TREND},
    ).fetchall()
    scores: dict[str, list[float]] = {}
    for platform, score in rows:
        scores.setdefault(platform, []).append(score)
    return scores


def _month(session: duckdb.DuckDBPyConnection, history: str, now: datetime) -> MonthOfChanges | None:
    if not has_table(session, "unified.runs"):
        return None
    since = now.astimezone(HONG_KONG).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    # the first run creates the records of all restaurants, which opened earlier
    opened = f"operation = 'insert' AND committed_at > (SELECT min(committed_at) FROM {LAKE}.unified.runs)"
    closed = "list_contains(changed_fields, 'status') AND (after->>'status') = 'closed' AND operation <> 'insert'"
    new, gone = (_restaurants(session, history, condition, since) for condition in (opened, closed))
    return MonthOfChanges(since, len(new), len(gone), new[:NAMED_RESTAURANTS], gone[:NAMED_RESTAURANTS])


def _restaurants(
    session: duckdb.DuckDBPyConnection, history: str, condition: str, since: datetime
) -> list[tuple[str, str]]:
    """Id and name of each restaurant with such a change, newest first."""
    return session.execute(
        f"""SELECT c.entity_id, coalesce(any_value(r.name_en), any_value(r.name_zh), c.entity_id)
        FROM {LAKE}.{history} c JOIN {LAKE}.unified.restaurants r ON r.restaurant_id = c.entity_id
        WHERE c.platform = 'unified' AND c.dataset = 'restaurants' AND c.committed_at >= $since AND {condition}
        GROUP BY c.entity_id ORDER BY max(c.committed_at) DESC, c.entity_id""",
        {"since": since},
    ).fetchall()
