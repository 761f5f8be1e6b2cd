"""The pod of a run, as Dagster's launcher asks an API server for it with the configuration of the chart."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import dagster as dg
import kubernetes_validate
import pytest
import yaml
from dagster._core.launcher import LaunchRunContext, WorkerStatus
from dagster._core.test_utils import create_run_for_test

from sync_platform.defs.run_pods import PlatformRunLauncher
from sync_platform_tests.infrastructure.chart import Manifest, of_kind, rendered
from sync_platform_tests.infrastructure.test_chart import KUBERNETES


@contextmanager
def api_server(folder: Path) -> Iterator[tuple[Path, list[Manifest]]]:
    """A server that takes every object and has none, and a kubeconfig file that names it; the objects that it got."""
    got: list[Manifest] = []

    class Api(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self._answer(201, got[-1])

        def do_GET(self) -> None:
            self._answer(404, {"kind": "Status", "code": 404})

        def _answer(self, status: int, content: Manifest) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(content).encode())

        def log_message(self, *_: Any) -> None:
            """Nothing is printed."""

    server = HTTPServer(("127.0.0.1", 0), Api)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    named = {"name": "test", "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}
    file = folder / "kubeconfig"
    context = {"name": "test", "context": {"cluster": "test", "user": "test"}}
    users = [{"name": "test", "user": {}}]
    file.write_text(
        yaml.safe_dump(
            {"clusters": [named], "contexts": [context], "users": users, "current-context": "test", "kind": "Config"}
        )
    )
    try:
        yield file, got
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def chart_launcher(folder: Path, kubeconfig: Path) -> Iterator[tuple[dg.DagsterInstance, PlatformRunLauncher]]:
    """An instance with the launcher that the chart configures, for the API server of a kubeconfig file."""
    config_map = of_kind(rendered(), "ConfigMap")["sync-platform-dagster"]
    launcher = yaml.safe_load(config_map["data"]["dagster.yaml"])["run_launcher"]
    launcher["config"] |= {"load_incluster_config": False, "kubeconfig_file": str(kubeconfig)}
    with dg.instance_for_test({"run_launcher": launcher}, temp_dir=str(folder)) as instance:
        assert isinstance(instance.run_launcher, PlatformRunLauncher)
        yield instance, instance.run_launcher


def launched(folder: Path, keys: list[list[str]]) -> Manifest:
    """The job that the chart's launcher makes for a run of these assets."""
    with api_server(folder) as (kubeconfig, got), chart_launcher(folder, kubeconfig) as (instance, launcher):
        run = create_run_for_test(
            instance,
            job_name="sync",
            asset_selection=frozenset(map(dg.AssetKey, keys)),
            job_code_origin=dg.reconstructable(_sync).get_python_origin(),
        )
        launcher.launch_run(LaunchRunContext(run, workspace=None))
    (job,) = got
    return job


@dg.job
def _sync() -> None: ...


@pytest.mark.parametrize(
    ("keys", "memory"),
    [
        ([["landing", "openrice", "restaurants"], ["openrice", "restaurants"]], "4Gi"),
        ([["unified", "restaurants"]], "3Gi"),
        ([["openrice", "restaurants"], ["data_gov_hk", "licences"]], "3Gi"),
    ],
    ids=["of a platform", "of none", "of two"],
)
def test_a_run_gets_the_resources_of_its_platform(tmp_path: Path, keys: list[list[str]], memory: str) -> None:
    (container,) = launched(tmp_path, keys)["spec"]["template"]["spec"]["containers"]
    assert container["resources"]["limits"]["memory"] == memory


def test_a_run_pod_is_closed_and_knows_its_settings(tmp_path: Path) -> None:
    job = launched(tmp_path, [["openrice", "restaurants"]])
    kubernetes_validate.validate(job, KUBERNETES, strict=True)
    pod = job["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert job["spec"]["backoffLimit"] == 0
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert [next(iter(each.values()))["name"] for each in container["envFrom"]] == [
        "sync-platform-settings",
        "sync-platform-runs",
    ]
    assert {each["mountPath"] for each in container["volumeMounts"]} >= {"/tmp", "/var/lib/sync-platform"}
    assert container["args"][:2] == ["dagster", "api"]


def test_a_run_is_lost_if_its_job_is_gone_and_not_if_the_api_server_is(tmp_path: Path) -> None:
    with api_server(tmp_path) as (kubeconfig, _), chart_launcher(tmp_path, kubeconfig) as (instance, launcher):
        run = create_run_for_test(instance, job_name="sync", status=dg.DagsterRunStatus.STARTED)
        assert launcher.check_run_worker_health(run).status == WorkerStatus.UNKNOWN
    with chart_launcher(tmp_path, kubeconfig) as (instance, launcher):
        assert launcher.check_run_worker_health(run).status == WorkerStatus.RUNNING
