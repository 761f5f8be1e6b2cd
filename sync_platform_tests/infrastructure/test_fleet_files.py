"""The files of a fleet on plain hosts: the instance of Dagster, the unit of a worker, and its settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from dagster._core.instance.ref import InstanceRef

from sync_platform.cli.runner.home import INSTANCE_YAML
from sync_platform.defs.worker_launcher import WorkerRunLauncher
from sync_platform.settings import Settings
from sync_platform_tests.infrastructure.test_one_server import arguments, complaints_of_systemd, unit
from sync_platform_tests.tree import ROOT

FOLDER = ROOT / "infrastructure" / "fleet"
UNIT = FOLDER / "systemd" / "sync-platform-worker.service"
OF_DAGSTER = {"DAGSTER_HOME", "DAGSTER_POSTGRES_URL"}


def instance_yaml() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((FOLDER / "dagster.yaml").read_text())
    return found


def test_dagster_accepts_the_instance_and_launches_runs_on_workers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUN_BROKER", "redis://127.0.0.1:9/0")
    overrides = {**instance_yaml(), "storage": {"sqlite": {"base_dir": str(tmp_path)}}}
    with dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(tmp_path), overrides=overrides)) as instance:
        assert isinstance(instance.run_launcher, WorkerRunLauncher)
        assert instance.run_monitoring_enabled and instance.run_retries_enabled
        assert instance.run_monitoring_max_resume_run_attempts == 0
        queue = instance.get_concurrency_config().run_queue_config
        assert queue and queue.max_user_code_failure_retries > 1_000


def test_the_instance_differs_from_that_of_a_laptop_only_where_it_must() -> None:
    fleet, laptop = instance_yaml(), yaml.safe_load(INSTANCE_YAML)
    added = {"storage", "compute_logs", "run_launcher"}
    assert set(fleet) - set(laptop) == added
    for name in set(laptop) - {"concurrency", "run_monitoring"}:
        assert fleet[name] == laptop[name], name
    assert fleet["concurrency"]["pools"] == laptop["concurrency"]["pools"]


def test_the_unit_of_a_worker_is_closed_and_its_run_outlives_a_stop() -> None:
    service = unit(UNIT)
    assert " ".join(arguments(service["ExecStart"])) == "serve --only worker"
    assert service["ProtectSystem"] == "strict" and service["CapabilityBoundingSet"] == ""
    assert service["KillMode"] == "process"


def test_systemd_accepts_the_unit_of_a_worker() -> None:
    assert complaints_of_systemd(UNIT) == []


def test_the_settings_of_the_example_of_a_worker_exist() -> None:
    lines = (FOLDER / "environment.example").read_text().splitlines()
    names = {line.partition("=")[0] for line in lines if line and not line.startswith("#")}
    assert {name for name in names - OF_DAGSTER if name.lower() not in Settings.model_fields} == set()
    assert {"RUN_BROKER", *OF_DAGSTER} <= names
