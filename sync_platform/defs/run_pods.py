"""Run pods on Kubernetes: Dagster's launcher, with the resources of the platform that a run syncs.

What belongs here: which resources a run gets, and whether a run is lost whose pod cannot be asked about. Everything
else of a run pod is configuration of Dagster's launcher, in the instance's `dagster.yaml`. It needs the extra `fleet`.
"""

from __future__ import annotations

import logging
from typing import Any

from dagster import DagsterRun, Field
from dagster._core.launcher import CheckRunHealthResult, WorkerStatus
from dagster_k8s import K8sRunLauncher
from dagster_k8s.container_context import K8sContainerContext

logger = logging.getLogger(__name__)
JOB_IS_GONE = "could not be found"
"""What Dagster's launcher says of a job that the API server does not have."""


class PlatformRunLauncher(K8sRunLauncher):
    """`platform_resources`: the resources of the runs of each platform, as Kubernetes writes them.

    A run of several platforms, or of one that is not named there, gets `resources`.
    """

    def __init__(self, platform_resources: dict[str, Any] | None = None, **config: Any) -> None:
        self._platform_resources = platform_resources or {}
        super().__init__(**config)

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        resources = Field(dict, is_required=False, description="Resources of the runs of each platform.")
        inherited = super().config_type()  # type: ignore[no-untyped-call, unused-ignore]
        return {**inherited, "platform_resources": resources}

    def get_container_context_for_run(self, dagster_run: DagsterRun) -> K8sContainerContext:
        context = super().get_container_context_for_run(dagster_run)
        selected = {part for key in dagster_run.asset_selection or () for part in key.path}
        platforms = selected & self._platform_resources.keys()
        if len(platforms) != 1:
            return context
        return context.merge(K8sContainerContext(resources=self._platform_resources[platforms.pop()]))

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """Whether the run's pod is well. A run counts as running for as long as the API server cannot be asked.

        Dagster's launcher calls such a run lost: a control plane that is replaced would fail every run, and each would
        be started again beside its pod.
        """
        found: CheckRunHealthResult = super().check_run_worker_health(run)
        if found.status != WorkerStatus.UNKNOWN or JOB_IS_GONE in (found.msg or ""):
            return found
        logger.warning("the API server of Kubernetes says nothing about the pod of run %s: %s", run.run_id, found.msg)
        return CheckRunHealthResult(WorkerStatus.RUNNING, "its pod cannot be asked about now")
