"""A launch that the code server answers late leaves its run STARTING; one that it cannot have got does not."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import dagster as dg
import pytest
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._core.launcher import DefaultRunLauncher
from dagster._core.remote_origin import InProcessCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._grpc.__generated__ import dagster_api_pb2
from dagster._grpc.client import DagsterGrpcClient

from sync_platform.server.dagster_ui.slow_launches import wait_for_slow_launches
from sync_platform_tests.server.running_server import free_port


@dg.job
def empty() -> None: ...


class HastyClient(DagsterGrpcClient):
    """A client that waits a moment for the answer to a launch, and not a minute."""

    def start_run(self, _: Any) -> str:
        return str(self._query("StartRun", dagster_api_pb2.StartRunRequest, timeout=1, serialized_execute_run_args=""))


def launched_run(instance: dg.DagsterInstance) -> dg.DagsterRun:
    location = InProcessCodeLocationOrigin(LoadableTargetOrigin(module_name=__name__), location_name="empty")
    origin = RemoteJobOrigin(RemoteRepositoryOrigin(location, "__repository__"), "empty")
    return instance.create_run_for_job(empty, remote_job_origin=origin)


@pytest.fixture(autouse=True)
def _patched(monkeypatch: pytest.MonkeyPatch) -> None:
    original = DefaultRunLauncher.__dict__["launch_run_from_grpc_client"]
    monkeypatch.setattr(DefaultRunLauncher, "launch_run_from_grpc_client", original)
    wait_for_slow_launches()


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test() as instance:
        yield instance


@pytest.fixture
def silent_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        yield int(silent.getsockname()[1])


def test_a_launch_that_is_answered_late_may_still_begin(
    silent_port: int, instance: dg.DagsterInstance, caplog: pytest.LogCaptureFixture
) -> None:
    run = launched_run(instance)
    DefaultRunLauncher.launch_run_from_grpc_client(instance, run, HastyClient(port=silent_port, host="127.0.0.1"))
    assert f"run {run.run_id} has begun; it may still begin" in caplog.text


def test_a_launch_fails_where_nothing_listens(instance: dg.DagsterInstance) -> None:
    run = launched_run(instance)
    with pytest.raises(DagsterUserCodeUnreachableError, match="UNAVAILABLE"):
        DefaultRunLauncher.launch_run_from_grpc_client(instance, run, HastyClient(port=free_port(), host="127.0.0.1"))
