"""Freshness counts from what the last complete full sync shows, not from what was written last."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from sync_platform.definitions import build
from sync_platform.defs.progress import NoProgress
from sync_platform.defs.tables import table_key
from sync_platform.lake.syncs import SyncRecord
from sync_platform.monitoring.freshness import PlatformFreshness, freshness_of, staleness_of
from sync_platform.monitoring.sync_outcomes import final_records
from sync_platform.settings import load_settings
from sync_platform.sources.period import Cadence
from sync_platform_tests.monitoring.recorded_syncs import NOW, PLATFORMS, recorded

CHOPE, REGISTER = PLATFORMS["chope"], PLATFORMS["data_gov_hk"]


def freshness(platform: str, *syncs: list[SyncRecord]) -> PlatformFreshness:
    declared = PLATFORMS[platform]
    records = final_records(record for sync in syncs for record in sync)
    return freshness_of(declared, [each.name for each in declared.datasets], records.get(platform, []), NOW)


@pytest.mark.parametrize(
    ("cadence", "days", "staleness"),
    [("monthly", 0, 0), ("monthly", 31, 0.5), ("monthly", 62, 1), ("monthly", 400, 1), ("weekly", 3.5, 0.25)],
)
def test_staleness_is_the_age_divided_by_twice_the_cadence(cadence: Cadence, days: float, staleness: float) -> None:
    assert staleness_of(NOW - timedelta(days=days), cadence, NOW) == staleness
    assert staleness_of(None, cadence, NOW) == 1


def test_a_platform_is_as_stale_as_its_stalest_dataset() -> None:
    first = CHOPE.datasets[0].name
    platform_freshness = freshness("chope", recorded("chope", 31), recorded("chope", 1, dataset=first))
    assert platform_freshness.datasets[0].staleness == pytest.approx(1 / 62, abs=1e-4)
    assert platform_freshness.staleness == 0.5
    assert platform_freshness.shown_at == NOW - timedelta(days=31)
    assert platform_freshness.due_at == NOW + timedelta(days=2)


@pytest.mark.parametrize(("platform", "days", "is_late"), [("chope", 32, False), ("chope", 34, True)])
def test_a_full_sync_is_late_two_days_after_a_month(platform: str, days: int, is_late: bool) -> None:
    assert freshness(platform, recorded(platform, days)).is_late is is_late


def test_the_register_is_late_a_day_after_a_week() -> None:
    assert not freshness("data_gov_hk", recorded("data_gov_hk", 7.5)).is_late
    assert freshness("data_gov_hk", recorded("data_gov_hk", 8.5)).is_late


def test_a_complete_sync_with_gaps_makes_fresh_and_a_degraded_failed_or_incremental_one_does_not() -> None:
    old = recorded("chope", 60)
    assert freshness("chope", old, recorded("chope", 1, gaps=["page 7 failed"])).staleness < 0.02
    for newer in (
        recorded("chope", 1, "degraded"),
        recorded("chope", 1, "failed", dataset=None),
        recorded("chope", 1, mode="incremental"),
    ):
        assert freshness("chope", old, newer).staleness > 0.9
    incremental = freshness("chope", old, recorded("chope", 1, mode="incremental"))
    assert incremental.datasets[0].newest_data_at == NOW - timedelta(days=1)


def test_the_last_commit_of_a_sync_counts() -> None:
    rejected = recorded("chope", 5, "degraded", sync_id="s")
    accepted = recorded("chope", 5, sync_id="s", committed_at=NOW)
    assert freshness("chope", rejected, accepted).staleness < 0.1


def test_a_list_that_the_source_made_long_ago_is_stale_although_it_was_fetched_today() -> None:
    platform_freshness = freshness("data_gov_hk", recorded("data_gov_hk", 0, generation=date(2026, 11, 13)))
    assert platform_freshness.shown_at == datetime(2026, 11, 13, 16, tzinfo=UTC)  # the end of that day in Hong Kong
    assert platform_freshness.is_late


def test_a_sync_that_is_recorded_in_the_future_does_not_count() -> None:
    platform_freshness = freshness("chope", recorded("chope", 40), recorded("chope", -3))
    assert platform_freshness.syncs_in_future == 1
    assert platform_freshness.is_late


def test_a_platform_without_a_sync_is_wholly_stale() -> None:
    platform_freshness = freshness("chope")
    assert (
        platform_freshness.staleness,
        platform_freshness.shown_at,
        platform_freshness.due_at,
        platform_freshness.is_late,
    ) == (1, None, None, True)


def test_a_backfill_of_an_old_month_leaves_a_platform_stale_and_dagsters_evaluator_calls_it_fresh(
    tmp_path: Path,
) -> None:
    """A backfill observes the end of its period, whenever it runs. Dagster sees only that something was written."""
    shown = datetime(2025, 3, 31, 16, tzinfo=UTC)
    backfill = recorded("chope", 0, partition="2025-03", observed_at=shown)
    assert freshness("chope", recorded("chope", 60), backfill).staleness == pytest.approx(60 / 62, abs=1e-3)

    key = table_key(CHOPE, CHOPE.datasets[0])
    graph = build(load_settings(sync_home=tmp_path), NoProgress()).resolve_asset_graph()
    with dg.DagsterInstance.ephemeral() as instance:
        instance.report_runless_asset_event(dg.AssetMaterialization(key, partition="2025-03"))
        assert evaluated_by_dagster(instance, graph.get(key)) == "PASS"


def evaluated_by_dagster(instance: dg.DagsterInstance, node: object) -> str:
    from dagster._core.definitions.freshness_evaluator import TimeWindowFreshnessPolicyEvaluator
    from dagster._core.loader import LoadingContextForTest

    evaluation = TimeWindowFreshnessPolicyEvaluator().evaluate_freshness(LoadingContextForTest(instance), node)  # type: ignore[arg-type]
    return asyncio.run(evaluation).name
