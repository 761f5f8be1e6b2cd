"""The definitions as Dagster loads them: the graph as a snapshot, schedules, and input types."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg
import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from sync_platform.definitions import build
from sync_platform.defs.automation import WEEKLY
from sync_platform.defs.partitions import partitions_of
from sync_platform.defs.progress import NoProgress
from sync_platform.platforms import load_platforms
from sync_platform.settings import Settings, load_settings
from sync_platform.sources.period import current_period
from sync_platform_tests.pictures import graph_picture, require_picture

SNAPSHOT = Path(__file__).parent / "graph.json"


@pytest.fixture(scope="module")
def definitions(tmp_path_factory: pytest.TempPathFactory) -> dg.Definitions:
    return build(Settings(_env_file=None, sync_home=tmp_path_factory.mktemp("home"), sandbox_places=40), NoProgress())


def _graph(definitions: dg.Definitions) -> dict[str, Any]:
    repository = definitions.get_repository_def()
    assets = {}
    for key, asset in sorted((node.key.to_user_string(), node) for node in repository.asset_graph.asset_nodes):
        assets[key] = {
            "from": sorted(parent.to_user_string() for parent in asset.parent_keys),
            "group": asset.group_name,
            "partitions": type(asset.partitions_def).__name__,
            "pools": sorted(asset.pools or []),
            "kinds": sorted(asset.kinds),
            "owners": list(asset.owners),
            "tags": {name: value for name, value in sorted(asset.tags.items()) if not name.startswith("dagster/")},
            "has_freshness_policy": asset.freshness_policy is not None,
            "metadata": sorted(asset.metadata),
        }
    schedules = {
        schedule.name: {"cron": schedule.cron_schedule, "zone": schedule.execution_timezone, "job": schedule.job_name}
        for schedule in sorted(repository.schedule_defs, key=lambda one: one.name)
    }
    sensors = {
        sensor.name: {"every_s": sensor.minimum_interval_seconds, "runs": sensor.default_status.value}
        for sensor in sorted(repository.sensor_defs, key=lambda one: one.name)
    }
    checks: dict[str, list[str]] = {}
    for check in sorted(repository.asset_graph.asset_check_keys, key=str):
        spec = repository.asset_graph.get_check_spec(check)
        label = f"{check.name}{' (blocking)' if spec.blocking else ''}{'' if spec.partitions_def else ' (whole)'}"
        checks.setdefault(check.asset_key.to_user_string(), []).append(label)
    return {"assets": assets, "checks": checks, "schedules": schedules, "sensors": sensors}


def test_the_graph_equals_its_snapshot(definitions: dg.Definitions) -> None:
    """After an intended change, delete graph.json, run this test again, and read the difference before the commit."""
    graph = json.loads(json.dumps(_graph(definitions)))
    if not SNAPSHOT.exists():
        SNAPSHOT.write_text(json.dumps(graph, indent=1) + "\n")
        pytest.fail("graph.json was missing and has been written: look at it, and run again")
    assert graph == json.loads(SNAPSHOT.read_text())


def test_the_picture_of_the_readme_is_the_graph(definitions: dg.Definitions) -> None:
    graph = definitions.get_repository_def().asset_graph
    parents = {
        node.key.to_user_string(): sorted(parent.to_user_string() for parent in node.parent_keys)
        for node in sorted(graph.asset_nodes, key=lambda node: node.key)
    }
    require_picture("assets.svg", graph_picture(parents))


def test_every_platform_and_dataset_is_an_asset_with_a_description(definitions: dg.Definitions) -> None:
    graph = definitions.get_repository_def().asset_graph
    for platform in load_platforms().values():
        keys = [["landing", platform.name], *([platform.name, dataset.name] for dataset in platform.datasets)]
        assert all(len(graph.get(dg.AssetKey(key)).description or "") > 40 for key in keys)


@pytest.mark.parametrize("cadence", ["monthly", "weekly"])
def test_the_last_partition_is_the_current_period(cadence: Any) -> None:
    assert partitions_of(load_settings())[cadence].get_last_partition_key() == current_period(cadence).key


def test_months_begin_where_the_settings_say() -> None:
    partitions = partitions_of(load_settings(first_month="2024-11"))["monthly"]
    assert partitions.get_partition_keys()[:3] == ["2024-11", "2024-12", "2025-01"]


def test_a_schedule_asks_for_one_run_per_platform_of_the_current_period(definitions: dg.Definitions) -> None:
    repository = definitions.get_repository_def()
    at = datetime(2026, 12, 1, 2, 0, tzinfo=ZoneInfo("Asia/Hong_Kong"))
    asked = {}
    for schedule in repository.schedule_defs:
        context = dg.build_schedule_context(scheduled_execution_time=at, repository_def=repository)
        asked[schedule.job_name] = schedule.evaluate_tick(context).run_requests or []
    assert {request.partition_key for request in asked["monthly_full_sync"]} == {"2026-12"}
    assert {request.partition_key for request in asked[WEEKLY]} == {"2026-11-30"}
    assert {request.tags["platform"] for request in asked["monthly_full_sync"]} == {
        platform.name for platform in load_platforms().values() if platform.cadence == "monthly"
    }
    assert {request.tags["platform"] for request in asked["daily_incremental"]} == {
        platform.name for platform in load_platforms().values() if platform.has_delta and platform.cadence == "monthly"
    }
    for request in asked["daily_incremental"]:
        assert request.run_config["ops"][f"landing__{request.tags['platform']}"]["config"] == {"mode": "incremental"}


def test_tables_are_loaded_in_the_form_that_an_input_is_annotated_with(definitions: dg.Definitions) -> None:
    seen: dict[str, Any] = {}
    key = dg.AssetKey(["chope", "restaurants"])
    ins = {"rows": dg.AssetIn(key, input_manager_key="lake_io")}

    @dg.asset(ins=ins)
    def as_relation(rows: duckdb.DuckDBPyRelation) -> None:
        seen["relation"] = rows.count("*").fetchall()[0][0]

    @dg.asset(ins=ins)
    def as_arrow(rows: pa.Table) -> None:
        seen["arrow"] = rows.num_rows

    @dg.asset(ins=ins)
    def as_polars(rows: pl.DataFrame) -> None:
        seen["polars"] = rows.height

    @dg.asset(ins=ins)
    def as_pandas(rows: pd.DataFrame) -> None:
        seen["pandas"] = len(rows)

    whole = dg.Definitions.merge(definitions, dg.Definitions(assets=[as_relation, as_arrow, as_polars, as_pandas]))
    month = current_period("monthly").key
    with dg.DagsterInstance.ephemeral() as instance:
        job = whole.resolve_implicit_global_asset_job_def()
        first = job.execute_in_process(
            asset_selection=[dg.AssetKey(["landing", "chope"]), key], partition_key=month, instance=instance
        )
        assert first.success
        metadata = first.asset_materializations_for_node("chope__restaurants")[0].metadata
        selected = [asset.key for asset in (as_relation, as_arrow, as_polars, as_pandas)]
        assert job.execute_in_process(asset_selection=selected, instance=instance).success
    count = metadata["dagster/row_count"].value
    assert count > 0
    assert metadata["inserted"].value == count
    assert metadata["snapshot_id"].value >= 1
    assert seen == {"relation": count, "arrow": count, "polars": count, "pandas": count}
