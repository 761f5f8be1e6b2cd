"""The scorecard asset: a typed frame in the lake, updated after each sync of a table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dagster as dg

from sync_platform.definitions import build
from sync_platform.defs.progress import NoProgress
from sync_platform.defs.scorecard import SCORECARD
from sync_platform.settings import Settings
from sync_platform.sources.period import current_period
from sync_platform_tests.lake.harness import LakeHarness, diner
from sync_platform_tests.quality.venues import VENUES, venues


def _definitions(home: Path) -> dg.Definitions:
    return build(Settings(_env_file=None, sync_home=home, sandbox_places=40), NoProgress())


def _materialise(definitions: dg.Definitions) -> Any:
    assets = [asset for asset in definitions.assets or [] if isinstance(asset, dg.AssetsDefinition)]
    return dg.materialize(assets, selection=[SCORECARD], resources=definitions.resources)


def test_the_scorecard_is_a_typed_frame_with_a_summary_and_a_table_of_the_lake(tmp_path: Path) -> None:
    harness = LakeHarness(tmp_path, diner(dataset=VENUES))
    harness.sync([*venues(49), {**venues(50)[-1], "rating": 9}], hour=0)
    result = _materialise(_definitions(tmp_path))
    (output,) = (event.step_output_data for event in result.all_events if event.is_successful_output)
    summary = output.type_check_data.metadata
    assert summary["datasets"].value == 1
    assert "diner.venues" in summary["lowest"].value
    row = harness.ask(
        "SELECT dataset, partition, validation, round(confidence, 2) < 1, findings FROM quality.scorecard"
    )
    assert row == [("diner.venues", "2026-11", 0.98, True, 0)]
    harness.lake.close()


def test_a_scorecard_that_did_not_change_is_not_written_again(tmp_path: Path) -> None:
    harness = LakeHarness(tmp_path, diner(dataset=VENUES))
    harness.sync(venues(5), hour=0)
    definitions = _definitions(tmp_path)
    for _ in range(2):
        assert _materialise(definitions).success
    written = harness.ask("SELECT count(*) FROM lake.snapshots() WHERE commit_message = 'quality.scorecard'")
    assert written == [(1,)]
    harness.lake.close()


def test_a_synced_table_makes_the_scorecard_due(tmp_path: Path) -> None:
    definitions = _definitions(tmp_path)
    with dg.DagsterInstance.ephemeral() as instance:
        first = dg.evaluate_automation_conditions(definitions, instance)
        key = dg.AssetKey(["chope", "restaurants"])
        instance.report_runless_asset_event(dg.AssetMaterialization(key, partition=current_period("monthly").key))
        second = dg.evaluate_automation_conditions(definitions, instance, cursor=first.cursor)
        third = dg.evaluate_automation_conditions(definitions, instance, cursor=second.cursor)
    assert (second.get_num_requested(SCORECARD), third.get_num_requested(SCORECARD)) == (1, 0)
    assert first.get_num_requested(SCORECARD) == 0
