"""The cost of freshness and health, and of a whole round of the watch: `python -m benchmarks.monitoring`.

Eight platforms with a year of syncs, scores, backups, drills and runs on record; the time after start-up. It also shows
that a round changes nothing but its own tables.
"""

from __future__ import annotations

import hashlib
import resource
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import sqlalchemy as sa

from sync_platform.cli.runner.home import prepare_home
from sync_platform.cli.runner.watched_dagster import dagster_reader
from sync_platform.defs.dagster_internals import instance_in
from sync_platform.lake.schema import ensure_sync_tables
from sync_platform.monitoring.bounded_calls import BoundedCalls
from sync_platform.monitoring.health_report import health_of
from sync_platform.monitoring.installation_state import read_state
from sync_platform.monitoring.watch_round import watch_once
from sync_platform.platforms import load_platforms
from sync_platform.quality.score import DIMENSIONS, OVERALL, WHOLE
from sync_platform.settings import Settings, load_settings
from sync_platform.sources.declaration import Platform
from sync_platform.sources.period import current_period
from sync_platform.storage.audit_log import AuditLog, audit_log
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import LAKE, Lake

DAYS, MEASURES, ROUNDS = 365, 24, 5
SYNC_ID = "strftime(moment, '%Y%m%dT%H%M%S') || '-' || platform AS sync_id"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings(sync_home=Path(folder))
        now, platforms = datetime.now(UTC), load_platforms()
        syncs = _write_lake(settings, platforms, now)
        entries = _write_log(settings, now)
        runs = _write_runs(settings, platforms)
        print(
            f"{len(platforms)} platforms, {syncs:,} records of syncs, {entries:,} log entries, {runs:,} runs of Dagster"
        )
        health = health_of(settings, platforms, read_state(settings, list), now)
        print(f"health {health.state}, {health.score} points")
        _measure("freshness and health", lambda: health_of(settings, platforms, read_state(settings, list), now))
        read_dagster, calls = dagster_reader(settings), BoundedCalls()
        first = watch_once(settings, read_dagster, calls)
        print(
            f"problems: {', '.join(each.cause for each in first.problems)}; unread: {', '.join(first.unread) or 'none'}"
        )
        before = contents(settings.home)
        _measure("a whole round of the watch", lambda: watch_once(settings, read_dagster, calls))
        after = contents(settings.home)
        changed = sorted(name for name in before | after if before.get(name) != after.get(name))
        print(f"changed: {', '.join(changed) or 'nothing'}")


def _measure(name: str, call: Callable[[], object]) -> None:
    walls, processors = [], []
    for _ in range(ROUNDS):
        began, used = time.perf_counter(), _processor_s()
        call()
        walls.append(time.perf_counter() - began)
        processors.append(_processor_s() - used)
    print(f"{name}: {statistics.median(walls):.2f} s, {statistics.median(processors):.2f} s of processor time")


def contents(home: Path) -> dict[str, str]:
    """The digest of each table of each SQLite database below a home, and of each other file."""
    found: dict[str, str] = {}
    for file in sorted(each for each in home.rglob("*") if each.is_file() and each.suffix != ".lock"):
        name = str(file.relative_to(home))
        if file.suffix in (".sqlite", ".db"):
            found |= {f"{name}: {table}": digest for table, digest in _tables(file).items()}
        elif not name.endswith(("-wal", "-shm")):
            found[name] = hashlib.sha256(file.read_bytes()).hexdigest()
    return found


def _tables(file: Path) -> dict[str, str]:
    with closing(sqlite3.connect(file)) as connection:
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        rows = {name: repr(connection.execute(f'SELECT * FROM "{name}"').fetchall()) for name in names}
    return {name: hashlib.sha256(text.encode()).hexdigest() for name, text in rows.items()}


def _write_runs(settings: Settings, platforms: dict[str, Platform]) -> int:
    """A run for each platform and day, which succeeded."""
    with instance_in(prepare_home(settings.home)) as instance:
        for number in range(DAYS):
            for name in platforms:
                run = dg.DagsterRun(
                    job_name="daily_incremental",
                    run_id=f"{number:08}-{name}",
                    status=dg.DagsterRunStatus.SUCCESS,
                    tags={"platform": name},
                )
                instance.add_run(run)
    return DAYS * len(platforms)


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
