"""The pod of a run, as Dagster's launcher asks an API server for it with the configuration of the chart."""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import kubernetes_validate
import pytest
import yaml
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._core.launcher import LaunchRunContext, WorkerStatus
from dagster._core.test_utils import create_run_for_test
from dagster_k8s.client import DagsterK8sUnrecoverableAPIError
from urllib3.exceptions import HTTPError

from sync_platform.defs import run_pods
from sync_platform.defs.run_pods import PlatformRunLauncher
from sync_platform.server.dagster_ui.lost_runs import KnowsLostRuns
from sync_platform_tests.infrastructure.chart import Manifest, of_kind, rendered
from sync_platform_tests.infrastructure.test_chart import KUBERNETES


def kubeconfig_of(folder: Path, port: int) -> Path:
    """A kubeconfig file that names the server at a port of this machine."""
    named = {"name": "test", "cluster": {"server": f"http://127.0.0.1:{port}"}}
    context = {"name": "test", "context": {"cluster": "test", "user": "test"}}
    users = [{"name": "test", "user": {}}]
    file = folder / "kubeconfig"
    file.write_text(
        yaml.safe_dump(
            {"clusters": [named], "contexts": [context], "users": users, "current-context": "test", "kind": "Config"}
        )
    )
    return file


@contextmanager
def silent_api_server(folder: Path) -> Iterator[Path]:
    """A server that accepts every connection and never answers, and a kubeconfig file that names it."""
    with socket.create_server(("127.0.0.1", 0)) as listening:  # the system accepts: nobody reads
        yield kubeconfig_of(folder, listening.getsockname()[1])


@contextmanager
def api_server(
    folder: Path, refusal: Manifest | None = None, job_status: Manifest | None = None
) -> Iterator[tuple[Path, list[Manifest]]]:
    """A server that takes every object and has none, and a kubeconfig file that names it; the objects that it got.

    `refusal`: what it answers to each new object instead. `job_status`: that of the job that it has. What it is
    asked to delete is among what it got.
    """
    got: list[Manifest] = []

    class Api(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self._answer(*((refusal["code"], refusal) if refusal else (201, got[-1])))

        def do_GET(self) -> None:
            if job_status is None:
                self._answer(404, {"kind": "Status", "code": 404})
            elif "/jobs/" in self.path:
                self._answer(200, {"kind": "Job", "status": job_status})
            else:
                self._answer(200, {"kind": "PodList", "items": []})

        def do_DELETE(self) -> None:
            got.append({"deleted": self.path.rpartition("/")[2]})
            self._answer(200, {"kind": "Status"})

        def _answer(self, status: int, content: Manifest) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(content).encode())

        def log_message(self, *_: Any) -> None:
            """Nothing is printed."""

    server = HTTPServer(("127.0.0.1", 0), Api)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield kubeconfig_of(folder, server.server_port), got
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


def launched(folder: Path, keys: list[list[str]], refusal: Manifest | None = None) -> Manifest:
    """The job that the chart's launcher makes for a run of these assets."""
    with api_server(folder, refusal) as (kubeconfig, got), chart_launcher(folder, kubeconfig) as (instance, launcher):
        launcher.launch_run(LaunchRunContext(created(instance, keys), workspace=None))
    (job,) = got
    return job


def created(instance: dg.DagsterInstance, keys: list[list[str]]) -> dg.DagsterRun:
    """A run for these assets that is not launched yet."""
    return create_run_for_test(
        instance,
        job_name="sync",
        asset_selection=frozenset(map(dg.AssetKey, keys)),
        job_code_origin=dg.reconstructable(_sync).get_python_origin(),
    )


def begun(
    instance: dg.DagsterInstance, status: dg.DagsterRunStatus = dg.DagsterRunStatus.STARTED, **tags: str
) -> dg.DagsterRun:
    """A run that has begun, or has another status, with these tags; `RUN` in a value is its id."""
    run_id = create_run_for_test(instance, job_name="sync", status=status).run_id
    instance.add_run_tags(run_id, {f"sync_platform/{tag}": value.replace("RUN", run_id) for tag, value in tags.items()})
    run = instance.get_run_by_id(run_id)
    assert run is not None
    return run


def state_of(instance: dg.DagsterInstance, run: dg.DagsterRun) -> dg.DagsterRunStatus | None:
    found = instance.get_run_by_id(run.run_id)
    return found.status if found else None


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
    assert re.fullmatch("dagster-run-[0-9a-f-]{36}", job["metadata"]["name"])  # as the tag of its run
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
        run = begun(instance, job="dagster-run-RUN")
        assert launcher.check_run_worker_health(run).status == WorkerStatus.UNKNOWN
    with chart_launcher(tmp_path, kubeconfig) as (instance, launcher):
        assert launcher.check_run_worker_health(run).status == WorkerStatus.RUNNING
        assert launcher.terminate(run.run_id) is False
        assert state_of(instance, run) == dg.DagsterRunStatus.STARTED  # its pod goes on


def test_a_run_is_not_lost_while_the_api_server_accepts_requests_and_answers_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_pods, "ANSWER_WITHIN_S", 0.2)
    with silent_api_server(tmp_path) as kubeconfig, chart_launcher(tmp_path, kubeconfig) as (instance, launcher):
        of_a_job, of_a_command = begun(instance, job="dagster-run-RUN"), begun(instance, pod="server-1/RUN")
        for run in (of_a_job, of_a_command):
            assert launcher.check_run_worker_health(run).status == WorkerStatus.RUNNING
            assert launcher.terminate(run.run_id) is False
            assert state_of(instance, run) == dg.DagsterRunStatus.STARTED
        with pytest.raises(HTTPError):  # what Dagster's run monitoring asks of a run that does not begin
            launcher.get_run_worker_debug_info(of_a_job)


def test_a_run_goes_back_into_the_queue_where_the_api_server_never_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dagster_k8s.client.DEFAULT_JOB_CREATION_TIMEOUT", 0.2)
    at_once = SimpleNamespace(sleep=lambda _: None, time=time.time)  # it waits 10 s between its attempts
    monkeypatch.setattr("dagster_k8s.client.time", at_once)
    with (
        silent_api_server(tmp_path) as kubeconfig,
        chart_launcher(tmp_path, kubeconfig) as (instance, launcher),
        pytest.raises(DagsterUserCodeUnreachableError, match="takes no job"),
    ):
        launcher.launch_run(LaunchRunContext(created(instance, [["openrice", "restaurants"]]), workspace=None))


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({}, WorkerStatus.RUNNING),
        ({"job": "dagster-run-of-the-run-that-it-repeats"}, WorkerStatus.RUNNING),
        ({"pod": "sync-platform-server-1/RUN"}, WorkerStatus.FAILED),
        ({"pod": "sync-platform-server-1/the-run-that-it-repeats"}, WorkerStatus.RUNNING),
    ],
    ids=["beside the cluster", "it repeats one with a job", "in a pod that is gone", "it repeats one of a pod"],
)
def test_a_run_of_a_command_is_not_lost_because_it_has_no_job(
    tmp_path: Path, tags: dict[str, str], expected: WorkerStatus
) -> None:
    with api_server(tmp_path) as (kubeconfig, _), chart_launcher(tmp_path, kubeconfig) as (instance, launcher):
        run = begun(instance, **tags)
        assert launcher.check_run_worker_health(run).status == expected
        assert launcher.terminate(run.run_id) is False
        assert state_of(instance, run) == dg.DagsterRunStatus.STARTED
    with chart_launcher(tmp_path, kubeconfig) as (instance, launcher):
        assert launcher.check_run_worker_health(run).status == WorkerStatus.RUNNING


@pytest.mark.parametrize(
    ("job_status", "tags", "is_lost"),
    [
        ({"failed": 1}, {"job": "dagster-run-RUN"}, True),
        ({"failed": 1, "active": 1}, {"job": "dagster-run-RUN"}, False),
        ({}, {"job": "dagster-run-RUN"}, False),
        (None, {"job": "dagster-run-RUN"}, False),
        ({"failed": 1}, {}, False),
    ],
    ids=["its pod failed", "its pod runs", "it has no pod yet", "its job is gone", "a command runs it"],
)
def test_a_run_is_lost_before_it_begins_if_its_pod_failed(
    tmp_path: Path, job_status: dict[str, int] | None, tags: dict[str, str], is_lost: bool
) -> None:
    with (
        api_server(tmp_path, job_status=job_status) as (kubeconfig, _),
        chart_launcher(tmp_path, kubeconfig) as (instance, launcher),
    ):
        run = begun(instance, status=dg.DagsterRunStatus.STARTING, **tags)
        assert isinstance(launcher, KnowsLostRuns)
        assert launcher.is_lost(run) is is_lost
    with chart_launcher(tmp_path, kubeconfig) as (_, launcher):  # nothing answers
        assert launcher.is_lost(run) is False


def test_a_run_whose_job_was_made_by_an_attempt_without_an_answer_is_launched(tmp_path: Path) -> None:
    refusal = {"kind": "Status", "code": 409, "reason": "AlreadyExists"}
    assert launched(tmp_path, [["openrice", "restaurants"]], refusal)["kind"] == "Job"


@pytest.mark.parametrize(
    ("job_status", "is_deleted"),
    [({"active": 1}, False), ({"succeeded": 1}, True), ({"failed": 1}, True), ({}, False)],
    ids=["its pod runs", "its pod did nothing", "its pod failed", "it has no pod yet"],
)
def test_a_job_that_ended_without_beginning_its_run_is_deleted_and_the_run_is_tried_again(
    tmp_path: Path, job_status: dict[str, int], is_deleted: bool
) -> None:
    """Its pod came while the run was back in the queue, which Dagster takes for a duplicate."""
    refusal = {"kind": "Status", "code": 409, "reason": "AlreadyExists"}
    with (
        api_server(tmp_path, refusal, job_status) as (kubeconfig, got),
        chart_launcher(tmp_path, kubeconfig) as (instance, launcher),
    ):
        run = create_run_for_test(
            instance, job_name="sync", job_code_origin=dg.reconstructable(_sync).get_python_origin()
        )
        with pytest.raises(DagsterUserCodeUnreachableError, match="is made anew") if is_deleted else nullcontext():
            launcher.launch_run(LaunchRunContext(run, workspace=None))
    assert [each["deleted"] for each in got if "deleted" in each] == (
        [f"dagster-run-{run.run_id}"] if is_deleted else []
    )


@pytest.mark.parametrize(
    ("code", "reason", "error"),
    [
        (429, "TooManyRequests", DagsterUserCodeUnreachableError),
        (409, "Conflict", DagsterUserCodeUnreachableError),
        (403, "Forbidden", DagsterK8sUnrecoverableAPIError),
    ],
)
def test_a_refusal_that_passes_brings_the_run_back_into_the_queue(
    tmp_path: Path, code: int, reason: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        launched(tmp_path, [["openrice", "restaurants"]], {"kind": "Status", "code": code, "reason": reason})
