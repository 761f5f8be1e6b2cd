"""The cost of a round of freshness, health and problems: `python -m benchmarks.monitoring`.

Eight platforms with a year of syncs, scores, backups and drills on record; the time after start-up, without Dagster.
"""

from __future__ import annotations

import resource
import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from sync_platform.lake.schema import ensure_sync_tables
from sync_platform.monitoring.health_report import health_of
from sync_platform.monitoring.installation_state import read_state
from sync_platform.monitoring.recorded_problems import recorded_sources
from sync_platform.platforms import load_platforms
from sync_platform.quality.score import DIMENSIONS, OVERALL, WHOLE
from sync_platform.settings import Settings, load_settings
from sync_platform.sources.declaration import Platform
from sync_platform.sources.period import current_period
from sync_platform.storage.audit_log import AuditLog, audit_log
from sync_platform.storage.lake_connection import LAKE, Lake, LakeAddress

DAYS, MEASURES, ROUNDS = 365, 24, 5
SYNC_ID = "strftime(moment, '%Y%m%dT%H%M%S') || '-' || platform AS sync_id"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings(sync_home=Path(folder))
        now, platforms = datetime.now(UTC), load_platforms()
        syncs = _write_lake(settings, platforms, now)
        entries = _write_log(settings, now)
        walls, processors = [], []
        for _ in range(ROUNDS):
            began, used = time.perf_counter(), _processor_s()
            state = read_state(settings, list)
            health = health_of(settings, platforms, state, now)
            problems = [each for source in recorded_sources(settings, platforms, state, now) for each in source.look()]
            walls.append(time.perf_counter() - began)
            processors.append(_processor_s() - used)
        print(f"{len(platforms)} platforms, {syncs:,} records of syncs, {entries:,} entries in the audit log")
        print(f"health {health.state}, {health.score} points, {len(problems)} problems")
        print(f"a round: {statistics.median(walls):.2f} s, {statistics.median(processors):.2f} s of processor time")


def _write_lake(settings: Settings, platforms: dict[str, Platform], now: datetime) -> int:
    rows = [row for platform in platforms.values() for row in _syncs(platform, now)]
    with Lake(LakeAddress.of(settings)) as lake, lake.session() as session:
        ensure_sync_tables(session)
        session.execute(
            "CREATE TEMP TABLE syncs (platform TEXT, dataset TEXT, part TEXT, mode TEXT, moment TIMESTAMPTZ)"
        )
        session.executemany("INSERT INTO syncs VALUES (?, ?, ?, ?, ?)", rows)
        session.execute(
            f"""INSERT INTO {LAKE}.sync.runs BY NAME
            SELECT {SYNC_ID}, 'run' AS run_id, platform, dataset, part AS "partition", mode, 'complete' AS status,
            moment AS observed_at, moment AS started_at, moment AS committed_at, 1000 AS records,
            true AS list_complete FROM syncs"""
        )
        dimensions = [(name, WHOLE) for name in (*DIMENSIONS, OVERALL)]
        dimensions += [(DIMENSIONS[number % 4], f"measure {number}") for number in range(MEASURES)]
        session.execute("CREATE TEMP TABLE measures (dimension TEXT, measure TEXT)")
        session.executemany("INSERT INTO measures VALUES (?, ?)", dimensions)
        session.execute(
            f"""INSERT INTO {LAKE}.quality.scores BY NAME
            SELECT {SYNC_ID}, platform, dataset, part AS "partition", 'run' AS run_id, dimension, measure,
            0.99 AS score, 990 AS numerator, 1000 AS denominator, 1000 AS population, 0.95 AS threshold,
            1.0 AS confidence, '{{}}' AS detail, moment AS observed_at, moment AS committed_at FROM syncs, measures"""
        )
    return len(rows)


def _syncs(platform: Platform, now: datetime) -> list[tuple[Any, ...]]:
    """A full sync each month or week, and an incremental one each day where the platform has a delta."""
    every = 7 if platform.cadence == "weekly" else 31
    plans = [("full", days) for days in range(0, DAYS, every)]
    plans += [("incremental", days) for days in range(DAYS) if platform.has_delta and days % every]
    found = []
    for mode, days in plans:
        at = now - timedelta(days=days, hours=3)
        key = current_period(platform.cadence, at).key
        found += [(platform.name, dataset.name, key, mode, at) for dataset in platform.datasets]
    return found


def _write_log(settings: Settings, now: datetime) -> int:
    """Ten operations a day; the links of the chain are not computed."""
    log = AuditLog(settings.ledger_url)
    log.close()
    names = ["backup", "drill", *["sync"] * 8]
    rows = []
    for number in range(DAYS * len(names) * 2):
        operation, outcome = names[number // 2 % len(names)], ("begun", "complete")[number % 2]
        at = now - timedelta(days=DAYS - number / len(names) / 2)
        rows.append(
            {
                "number": number + 1,
                "at": at,
                "actor": "ada",
                "via": "schedule",
                "operation": operation,
                "subject": '{"snapshot": 1}',
                "outcome": outcome,
                "previous": "",
                "link": "",
            }
        )
    engine = sa.create_engine(settings.ledger_url)
    with engine.begin() as connection:
        connection.execute(sa.insert(audit_log), rows)
    engine.dispose()
    return len(rows)


def _processor_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
