"""A retry that Dagster could not launch is launched in a later round of the daemon, once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster._core.instance.ref import InstanceRef
from dagster._core.remote_origin import InProcessCodeLocationOrigin
from dagster._core.test_utils import InProcessTestWorkspaceLoadTarget
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._daemon.auto_run_reexecution import auto_run_reexecution
from dagster._daemon.auto_run_reexecution.event_log_consumer import EventLogConsumerDaemon

from sync_platform.cli.runner.home import INSTANCE_YAML
from sync_platform.server.dagster_ui.lost_retries import NOT_LAUNCHED_TAG, keep_retries

WILL_RETRY = "dagster/will_retry"


@dg.op
def fail() -> None:
    raise dg.Failure("this job always fails")


@dg.job
def failing() -> None:
    fail()


defs = dg.Definitions(jobs=[failing])


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[WorkspaceProcessContext]:
    origin = InProcessCodeLocationOrigin(LoadableTargetOrigin(module_name=__name__), location_name="failing")
    overrides = yaml.safe_load(INSTANCE_YAML)
    with (
        dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(tmp_path), overrides=overrides)) as instance,
        WorkspaceProcessContext(instance, InProcessTestWorkspaceLoadTarget(origin)) as workspace,
    ):
        yield workspace


def test_a_retry_that_could_not_be_launched_is_launched_later(
    workspace: WorkspaceProcessContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    instance, daemon = workspace.instance, EventLogConsumerDaemon()
    launched: list[str] = []

    def launch(run: dg.DagsterRun, _: object) -> None:
        if is_away:
            raise ConnectionError("the code server is being replaced")
        assert run.tags[NOT_LAUNCHED_TAG] == "false"  # the new run inherits it
        launched.append(run.run_id)

    monkeypatch.setattr(auto_run_reexecution, "retry_run", launch)
    monkeypatch.setattr(EventLogConsumerDaemon, "run_iteration", EventLogConsumerDaemon.run_iteration)
    keep_retries()
    list(daemon.run_iteration(workspace))  # it begins to read Dagster's events here
    run_id = failing.execute_in_process(
        instance=instance,
        raise_on_error=False,
        tags={"dagster/max_retries": "2", "dagster/retry_on_asset_or_op_failure": "true"},
    ).run_id
    is_away = True
    for _ in range(3):
        list(daemon.run_iteration(workspace))
        assert _tags(instance, run_id) == ("true", "true")
    is_away = False
    for _ in range(2):
        list(daemon.run_iteration(workspace))
    assert launched == [run_id]
    assert _tags(instance, run_id) == ("true", "false")


def _tags(instance: dg.DagsterInstance, run_id: str) -> tuple[str | None, str | None]:
    run = instance.get_run_by_id(run_id)
    assert run is not None
    return run.tags.get(WILL_RETRY), run.tags.get(NOT_LAUNCHED_TAG)
