"""Backfills on a fleet: what is synced, the fleet that does it, and the same by one machine.

FLEET_WEEKS=104 FLEET_MONTHS=24 make it two years of all.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.execution.backfill import BULK_ACTION_TERMINAL_STATUSES, BulkActionStatus

from sync_platform.cli.runner.runs import Runner
from sync_platform.defs.landing import Mode
from sync_platform.defs.progress import NoProgress
from sync_platform.lake.schema import table_name
from sync_platform.platforms import load_platforms
from sync_platform.settings import Settings, load_settings
from sync_platform.sources.period import parse_period, period_of
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import Lake
from sync_platform_tests.fleet.past_months import land_months
from sync_platform_tests.fleet.running_fleet import SERVICES, RunningFleet, running_fleet, unfinished, wait_for

WEEKS, MONTHS = int(os.environ.get("FLEET_WEEKS", "4")), int(os.environ.get("FLEET_MONTHS", "3"))
PLATFORMS = load_platforms()
REGISTER, WITHOUT_ARCHIVE = "data_gov_hk", ("chope", "openrice")
LAST_MONTH = 2026 * 12 + 9
"""October 2026, in months."""
DAYS = [date(month // 12, month % 12 + 1, 5) for month in range(LAST_MONTH - MONTHS + 1, LAST_MONTH + 1)]
LAST_WEEK = date(2026, 10, 12)
BACKFILLS_WITHIN_S = 4 * 3_600.0
LOOK_EVERY_S = 3.0
"""Each look is a connection to PostgreSQL, whose processor time is measured."""
PERIODS = {
    REGISTER: [period_of("weekly", LAST_WEEK - timedelta(weeks=week)).key for week in reversed(range(WEEKS))],
    **{name: [period_of("monthly", day).key for day in DAYS] for name in WITHOUT_ARCHIVE},
}
FIRST_MONTH = PERIODS[WITHOUT_ARCHIVE[0]][0]
OF_ANOTHER_SYNC = "landing_object"
"""The column that names the sync that landed a version: the register is fetched again by each."""


@contextmanager
def working_fleet(folder: Path, workers: int) -> Iterator[RunningFleet]:
    """A fleet whose processes run, with so many workers, and with the past months that are synced again landed.

    Nothing waits for the code server: backfills that are requested before it answers wait for it.
    """
    with running_fleet(folder, workers, FIRST_MONTH) as fleet:
        land_months(load_settings(), [PLATFORMS[name] for name in WITHOUT_ARCHIVE], DAYS)
        services = fleet.hosts[SERVICES]
        fleet.start(services, "serve", "--only", "code-server")
        with fleet.instance():  # makes Dagster's tables, which has no lock
            pass
        fleet.start(services, "serve", "--only", "daemon")
        for worker in fleet.workers:
            fleet.start(worker, "serve", "--only", "worker")
        yield fleet


def backfilled_by_one_machine(home: Path) -> Settings:
    """The settings of a laptop on which the same periods were synced, from the same landed pages and keys."""
    settings = load_settings(sync_home=home, lake_catalog="", lake_data="", ledger="")
    runner = Runner(settings, NoProgress())
    for name, periods in PERIODS.items():
        for period in periods:
            result = runner.run(PLATFORMS[name], parse_period(PLATFORMS[name].cadence, period), Mode.full)
            assert result.success, result.error
    return settings


def contents(settings: Settings) -> dict[str, tuple[Any, ...]]:
    """The number of rows of every table, and the sum and XOR of their hashes.

    Without volatile columns: a row that ended before the table first had it has none. The history is not compared: it
    has more changes where periods come in another order, and `lineage verify` replays it.
    """
    found = {}
    with Lake(LakeAddress.of(settings), read_only=True) as lake, lake.session() as session:
        for name in PERIODS:
            for dataset in PLATFORMS[name].datasets:
                excluded = ", ".join([OF_ANOTHER_SYNC, *sorted(dataset.volatile)])
                rows = f"SELECT * EXCLUDE ({excluded}) FROM lake.{table_name(name, dataset)}"
                digest = f"SELECT count(*), sum(hash(r)), bit_xor(hash(r)) FROM ({rows}) AS r"
                found[f"{name}.{dataset.name}"] = session.execute(digest).fetchall()[0]
    return found


def ended_states(fleet: RunningFleet, instance: dg.DagsterInstance, backfill_ids: list[str]) -> set[BulkActionStatus]:
    """Wait until backfills and all runs have ended; the states of the backfills."""
    ended = set(BULK_ACTION_TERMINAL_STATUSES)
    wait_for(lambda: states_of(instance, backfill_ids) <= ended, fleet, BACKFILLS_WITHIN_S, LOOK_EVERY_S)
    wait_for(lambda: not unfinished(instance), fleet, every_s=LOOK_EVERY_S)
    return states_of(instance, backfill_ids)


def states_of(instance: dg.DagsterInstance, backfill_ids: list[str]) -> set[BulkActionStatus]:
    return {backfill.status for each in backfill_ids if (backfill := instance.get_backfill(each))}
