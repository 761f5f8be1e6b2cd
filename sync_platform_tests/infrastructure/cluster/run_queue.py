"""Dagster's daemon by hand, with the instance of the chart: its records in PostgreSQL, and a job for each run.

What belongs here: the instance, the queue, the health check and the retries. What a pod does is in nodes.py.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster._core.definitions.selector import JobSubsetSelector
from dagster._core.instance.ref import InstanceRef
from dagster._core.remote_origin import InProcessCodeLocationOrigin
from dagster._core.test_utils import InProcessTestWorkspaceLoadTarget
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._daemon.auto_run_reexecution.event_log_consumer import EventLogConsumerDaemon
from dagster._daemon.monitoring.run_monitoring import execute_run_monitoring_iteration
from dagster._daemon.run_coordinator.queued_run_coordinator_daemon import QueuedRunCoordinatorDaemon

from sync_platform_tests.infrastructure.chart import of_kind, rendered
from sync_platform_tests.services import PostgresServer

DEFINITIONS = "sync_platform_tests.infrastructure.cluster.run_definitions"
UNFINISHED = {
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
}


@dataclass
class RunQueue:
    """`instance`: that of the daemon. Every method does what the daemon does in one round."""

    instance: dg.DagsterInstance
    workspace: WorkspaceProcessContext
    daemon: QueuedRunCoordinatorDaemon
    retries: EventLogConsumerDaemon

    def submit(
        self,
        job_name: str = "sync",
        assets: Sequence[dg.AssetKey] = (dg.AssetKey(["openrice", "restaurants"]),),
        config: dict[str, object] | None = None,
        tags: dict[str, str] | None = None,
    ) -> str:
        """Put a run of these assets into the queue, as a person does in the UI; its id."""
        context = self.workspace.create_request_context()
        (location,) = context.code_locations
        (repository,) = location.get_repositories().values()
        selector = JobSubsetSelector(
            location_name=location.name,
            repository_name=repository.name,
            job_name=job_name,
            op_selection=None,
            asset_selection=list(assets),
            asset_check_selection=None,
        )
        job = location.get_job(selector)
        plan = location.get_execution_plan(job, config or {}, None, None, self.instance)
        run = self.instance.create_run(
            job_name=job_name,
            run_id=None,
            run_config=config or {},
            status=None,
            tags=tags or {},
            root_run_id=None,
            parent_run_id=None,
            step_keys_to_execute=None,
            execution_plan_snapshot=plan.execution_plan_snapshot,
            job_snapshot=job.job_snapshot,
            parent_job_snapshot=job.parent_job_snapshot,
            op_selection=None,
            asset_selection=frozenset(assets),
            asset_check_selection=None,
            resolved_op_selection=None,
            remote_job_origin=job.get_remote_origin(),
            job_code_origin=job.get_python_origin(),
            asset_graph=location.get_repositories()[repository.name].asset_graph,
        )
        self.instance.submit_run(run.run_id, context)
        return run.run_id

    def round(self) -> None:
        """The health check, the retries of failed runs, and the launch of queued ones."""
        list(execute_run_monitoring_iteration(self.workspace, logging.getLogger("monitoring")))
        list(self.retries.run_iteration(self.workspace))
        list(self.daemon.run_iteration(self.workspace))

    def state(self, run_id: str) -> dg.DagsterRunStatus:
        run = self.instance.get_run_by_id(run_id)
        assert run is not None
        return run.status

    def retry_of(self, run_id: str) -> str:
        """The id of the run that repeats this one; empty where none does."""
        return next((run.run_id for run in self.instance.get_runs() if run.parent_run_id == run_id), "")

    def log(self, run_id: str) -> str:
        return "\n".join(entry.message or entry.user_message for entry in self.instance.all_logs(run_id))


def chart_instance(folder: Path, kubeconfig: Path) -> dg.DagsterInstance:
    """The instance that the chart describes, for the API server and the user of a kubeconfig file."""
    text = of_kind(rendered({"nodeGoneS": 2}), "ConfigMap")["sync-platform-dagster"]["data"]["dagster.yaml"]
    described = yaml.safe_load(text)
    described["run_launcher"]["config"] |= {"load_incluster_config": False, "kubeconfig_file": str(kubeconfig)}
    folder.mkdir()
    (folder / "dagster.yaml").write_text(yaml.safe_dump(described))
    return dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(folder)))


@contextmanager
def records_in(server: PostgresServer) -> Iterator[dict[str, str]]:
    """The variable that says where Dagster's records are, in this process and for others."""
    url = server.url(server.create_database()).replace("postgresql:", "postgresql+psycopg2:")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_POSTGRES_URL", url)
        yield {"DAGSTER_POSTGRES_URL": os.environ["DAGSTER_POSTGRES_URL"]}


@contextmanager
def run_queue(folder: Path, kubeconfig: Path, definitions: str = DEFINITIONS) -> Iterator[RunQueue]:
    """The daemon over the definitions in a module. `folder`: for its instance."""
    location = LoadableTargetOrigin(module_name=definitions)
    origin = InProcessCodeLocationOrigin(location, location_name="runs")
    with (
        chart_instance(folder, kubeconfig) as instance,
        WorkspaceProcessContext(instance, InProcessTestWorkspaceLoadTarget(origin)) as workspace,
        QueuedRunCoordinatorDaemon(interval_seconds=1) as daemon,
    ):
        yield RunQueue(instance, workspace, daemon, EventLogConsumerDaemon())
