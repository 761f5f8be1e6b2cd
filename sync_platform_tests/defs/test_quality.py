"""Asset checks: six per table and partition, and the assets that a failed check blocks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from sync_platform.definitions import build
from sync_platform.defs.automation import asset_keys
from sync_platform.defs.partitions import partitions_of
from sync_platform.defs.progress import NoProgress
from sync_platform.defs.tables import table_key
from sync_platform.platforms import load_platforms
from sync_platform.quality.score import DIMENSIONS
from sync_platform.settings import load_settings
from sync_platform.sources.declaration import Platform
from sync_platform.sources.period import current_period
from sync_platform_tests.cli.extra_platform import ruled_file, seat, served

SEATS = dg.AssetKey(["tables", "seats"])
FLOOR_PLAN = dg.AssetKey("floor_plan")
CHECKS = {"contract", *DIMENSIONS, "drift", "anomalies"}
THIS_MONTH = current_period("monthly").key
AN_EARLIER_MONTH = "2026-03"
WARN, ERROR = dg.AssetCheckSeverity.WARN, dg.AssetCheckSeverity.ERROR


@dg.asset(
    key=FLOOR_PLAN,
    deps=[SEATS],
    partitions_def=partitions_of(load_settings())["monthly"],
    # `eager` alone requests only the newest month
    automation_condition=dg.AutomationCondition.eager().without(dg.AutomationCondition.in_latest_time_window())
    & dg.AutomationCondition.all_deps_blocking_checks_passed(),
)
def floor_plan() -> None:
    """An asset downstream of the tables."""


class Restaurant:
    """The further platform over HTTP, with a downstream asset, on a Dagster instance."""

    def __init__(self, records: list[dict[str, Any]]) -> None:
        self.records = records
        self.instance = dg.DagsterInstance.ephemeral()
        self.definitions = dg.Definitions.merge(
            build(load_settings(), NoProgress()),
            dg.Definitions(assets=[floor_plan], executor=dg.in_process_executor),
        )

    def sync(
        self, partition: str, records: list[dict[str, Any]], *more: dg.AssetKey
    ) -> tuple[dict[str, dg.AssetCheckEvaluation], dg.ExecuteInProcessResult]:
        """Run one month while these records are served; return its checks by name."""
        self.records[:] = records
        return self._run(partition, [dg.AssetKey(["landing", "tables"]), SEATS, *more])

    def check_again(self, partition: str) -> dict[str, dg.AssetCheckEvaluation]:
        """Run the checks again, on the last landing."""
        return self._run(partition, [SEATS])[0]

    def _run(
        self, partition: str, keys: list[dg.AssetKey]
    ) -> tuple[dict[str, dg.AssetCheckEvaluation], dg.ExecuteInProcessResult]:
        job = self.definitions.resolve_implicit_global_asset_job_def()
        result = job.execute_in_process(
            asset_selection=keys, partition_key=partition, instance=self.instance, raise_on_error=False
        )
        return {check.check_name: check for check in result.get_asset_check_evaluations()}, result


@pytest.fixture
def restaurant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Restaurant]:
    (tmp_path / "extra").mkdir()
    (tmp_path / "extra" / "tables.py").write_text(ruled_file(most_seats=12))
    records: list[dict[str, Any]] = []
    with served(records) as url:
        monkeypatch.setenv("SYNC_HOME", str(tmp_path / "home"))
        monkeypatch.setenv("PLATFORM_PATH", str(tmp_path / "extra"))
        monkeypatch.setenv("TABLES_BASE_URL", url)
        restaurant = Restaurant(records)
        yield restaurant
        restaurant.instance.dispose()


GOOD = [seat(number) for number in range(10)]
ONE_BAD = [*GOOD[:9], seat(9, seats=40)]


def _was_made(result: dg.ExecuteInProcessResult, key: dg.AssetKey) -> bool:
    return any(event.asset_key == key for event in result.get_asset_materialization_events())


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[dg.DagsterInstance, list[Platform]]]:
    """An instance in which a monthly and a weekly platform were synced from a small sandbox."""
    platforms = [load_platforms()[name] for name in ("chope", "data_gov_hk")]
    with pytest.MonkeyPatch.context() as patch, dg.DagsterInstance.ephemeral() as instance:
        patch.setenv("SYNC_HOME", str(tmp_path_factory.mktemp("home")))
        patch.setenv("SANDBOX_PLACES", "40")
        job = build(load_settings(), NoProgress()).resolve_implicit_global_asset_job_def()
        for platform in platforms:
            period = current_period(platform.cadence).key
            assert job.execute_in_process(
                asset_selection=asset_keys(platform), partition_key=period, instance=instance
            ).success
        yield instance, platforms


def test_after_a_sync_every_table_has_its_seven_checks_for_the_partition(
    evaluated: tuple[dg.DagsterInstance, list[Platform]],
) -> None:
    instance, platforms = evaluated
    tables = [(platform, dataset) for platform in platforms for dataset in platform.datasets]
    assert len(tables) == 3
    for platform, dataset in tables:
        for name in CHECKS:
            key = dg.AssetCheckKey(table_key(platform, dataset), name)
            (record,) = instance.event_log_storage.get_asset_check_execution_history(key, limit=5)
            assert record.partition == current_period(platform.cadence).key
            assert record.evaluation is not None
            assert record.evaluation.passed, record.evaluation
            assert record.evaluation.blocking == (name == "contract")
            assert record.evaluation.description


def test_a_dimension_check_shows_score_numerator_denominator_threshold_and_worst_measures(
    restaurant: Restaurant,
) -> None:
    checks, _ = restaurant.sync(THIS_MONTH, [*GOOD[:7], *(seat(number, name=None) for number in range(7, 10))])
    completeness = checks["completeness"]
    metadata = {name: value.value for name, value in completeness.metadata.items()}
    assert (metadata["score"], metadata["numerator"], metadata["denominator"], metadata["threshold"]) == (
        0.7,
        7,
        10,
        0.8,
    )
    assert metadata["worst"] == "- name is filled in 7 of 10"
    assert completeness.description == "70.00% (7 of 10); name is filled in 7 of 10"
    assert (completeness.passed, completeness.severity) == (False, WARN)
    assert checks["accuracy"].description == "not measured"
    assert "score" not in checks["accuracy"].metadata


def test_too_many_quarantined_records_block_downstream_assets_in_that_partition_only(
    restaurant: Restaurant,
) -> None:
    checks, result = restaurant.sync(AN_EARLIER_MONTH, GOOD, FLOOR_PLAN)
    assert result.success
    assert _was_made(result, FLOOR_PLAN)
    checks, result = restaurant.sync(THIS_MONTH, ONE_BAD, FLOOR_PLAN)
    contract = checks["contract"]
    assert (contract.passed, contract.severity, contract.blocking) == (False, ERROR, True)
    assert contract.description == "1 of 10 records are in quarantine, 2.0% are tolerated"
    text = str(contract.metadata["in_quarantine"].value)
    assert text.startswith("- 9: seats is 40, not from 1 to 12 (http://127.0.0.1:")
    assert text.endswith(".ndjson.zst:10)")
    assert set(checks) == CHECKS
    assert not result.success
    assert _was_made(result, SEATS), "valid records are stored all the same"
    assert not _was_made(result, FLOOR_PLAN)
    checks, result = restaurant.sync(AN_EARLIER_MONTH, GOOD, FLOOR_PLAN)
    assert checks["contract"].passed
    assert _was_made(result, FLOOR_PLAN)


def test_automation_updates_assets_downstream_of_partitions_that_meet_their_contract(restaurant: Restaurant) -> None:
    first = dg.evaluate_automation_conditions(restaurant.definitions, restaurant.instance)
    restaurant.sync(AN_EARLIER_MONTH, GOOD)
    restaurant.sync(THIS_MONTH, ONE_BAD)
    second = dg.evaluate_automation_conditions(restaurant.definitions, restaurant.instance, cursor=first.cursor)
    assert second.get_requested_partitions(FLOOR_PLAN) == {AN_EARLIER_MONTH}
    restaurant.sync(THIS_MONTH, GOOD)
    third = dg.evaluate_automation_conditions(restaurant.definitions, restaurant.instance, cursor=second.cursor)
    assert third.get_requested_partitions(FLOOR_PLAN) == {THIS_MONTH}


def test_a_low_score_warns_and_blocks_nothing(restaurant: Restaurant, monkeypatch: pytest.MonkeyPatch) -> None:
    on_the_roof = [seat(number, area="roof") for number in range(10)]
    checks, result = restaurant.sync(THIS_MONTH, on_the_roof, FLOOR_PLAN)
    assert {name for name, check in checks.items() if not check.passed} == {"validation"}
    validation = checks["validation"]
    assert (validation.severity, validation.blocking) == (WARN, False)
    assert validation.metadata["score"].value == 0
    assert "area not one of hall, terrace in 10 records, e.g. area is roof" in (validation.description or "")
    assert result.success
    assert _was_made(result, FLOOR_PLAN)
    monkeypatch.setenv("QUALITY_THRESHOLD_VALIDATION", "0")
    checks, _ = restaurant.sync(THIS_MONTH, on_the_roof)
    assert checks["validation"].passed
    assert checks["validation"].metadata["threshold"].value == 0


def test_the_tolerance_of_a_platform_replaces_that_of_the_installation(
    restaurant: Restaurant, monkeypatch: pytest.MonkeyPatch
) -> None:
    restaurant.sync(THIS_MONTH, ONE_BAD)
    kept = {}
    for everywhere, of_the_platform in [("0.02", ""), ("0.1", ""), ("0.1", "0.05"), ("0", "0.1")]:
        monkeypatch.setenv("QUARANTINE_TOLERANCE", everywhere)
        monkeypatch.setenv("TABLES_QUARANTINE_TOLERANCE", of_the_platform)
        kept[everywhere, of_the_platform] = restaurant.check_again(THIS_MONTH)["contract"].passed
    assert kept == {("0.02", ""): False, ("0.1", ""): True, ("0.1", "0.05"): False, ("0", "0.1"): True}


OWN_FILES = {
    "tables.seats.few.sql": "-- severity: error\nSELECT source_id FROM tables.seats WHERE source_id <> '1'",
    "tables.seats.fine.sql": "SELECT source_id FROM tables.seats WHERE false",
    "tables.seats.wrong.sql": "SELECT source_id FROM nowhere",
    "nobody.seats.low.sql": "SELECT 1",
}


@pytest.fixture
def own_files(tmp_path: Path) -> None:
    """The files are there before the definitions are built: a test takes this fixture before `restaurant`."""
    folder = tmp_path / "home" / "checks"
    folder.mkdir(parents=True)
    for name, sql in OWN_FILES.items():
        (folder / name).write_text(sql)


def test_each_own_file_is_an_asset_check_and_none_breaks_a_sync(own_files: None, restaurant: Restaurant) -> None:
    checks, result = restaurant.sync(THIS_MONTH, GOOD)
    assert result.success
    own = {name: (check.passed, check.severity) for name, check in checks.items() if name not in CHECKS}
    assert own == {"few": (False, ERROR), "fine": (True, WARN), "wrong": (False, WARN)}
    assert "9 of 10 records break the rule" in (checks["few"].description or "")
    assert "tables.seats.wrong.sql: its SQL is wrong" in (checks["wrong"].description or "")
