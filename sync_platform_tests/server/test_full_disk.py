"""A full disk under the server: it says that it is not ready, and dead runs are reported once there is room."""

from __future__ import annotations

import logging
import multiprocessing
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.instance.ref import InstanceRef
from dagster._core.test_utils import create_run_for_test
from dagster._grpc.server import DagsterApiServer

from sync_platform.server import home_probe
from sync_platform.server.dagster_ui.code_server import look_again_after_errors
from sync_platform.server.home_probe import HomeProbe
from sync_platform_tests.limits import LONGEST_WAIT_S
from sync_platform_tests.small_disk import filled, small_disk


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk") as disk:
        yield disk


def test_a_home_on_a_full_disk_is_not_ready_until_there_is_room(disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(home_probe, "AGE_S", -1)
    probe = HomeProbe(disk)
    assert probe.problem() == ""
    with filled(disk):
        assert probe.problem() == "SYNC_HOME cannot be written"
    assert probe.problem() == ""
    assert list(disk.iterdir()) == []


def test_a_home_is_not_written_for_every_request(tmp_path: Path) -> None:
    probe = HomeProbe(tmp_path)
    assert probe.problem() == ""
    tmp_path.rmdir()
    assert probe.problem() == ""


def test_a_run_that_dies_while_the_disk_is_full_is_reported_once_there_is_room(
    disk: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The thread of Dagster's code server, on records of a real full disk."""
    monkeypatch.setattr("dagster._grpc.server.CLEANUP_TICK", 0.05)
    with dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(disk))) as instance:
        run = create_run_for_test(instance, status=dg.DagsterRunStatus.STARTED)
        process = multiprocessing.get_context("spawn").Process(target=int)
        process.start()
        process.join()
        server = CodeServer(run.run_id, process, instance.get_ref())
        with filled(disk):
            server.thread.start()
            while not caplog.records:
                assert server.thread.is_alive()
                time.sleep(0.01)
        server.end_after_runs()
        server.thread.join(LONGEST_WAIT_S)
        assert not server.thread.is_alive()
        ended = instance.get_run_by_id(run.run_id)
        assert ended is not None and ended.status is dg.DagsterRunStatus.FAILURE
    assert [each.getMessage() for each in caplog.records if each.name == "code-server"] == [
        "runs whose process died cannot be reported now: OperationalError"
    ]


class CodeServer(DagsterApiServer):
    """A code server with one run, without its network and its definitions."""

    def __init__(self, run_id: str, process: Any, instance: InstanceRef) -> None:
        self._logger = logging.getLogger("code-server")
        self._execution_lock = threading.Lock()
        self._executions = {run_id: (process, instance)}
        self._termination_events: dict[str, Any] = {run_id: None}
        self._termination_times = {}
        self._shutdown_once_executions_finish_event = threading.Event()
        self._server_termination_event = threading.Event()
        self.thread = threading.Thread(target=self._cleanup_thread)

    def end_after_runs(self) -> None:
        self._shutdown_once_executions_finish_event.set()


look_again_after_errors(CodeServer)
