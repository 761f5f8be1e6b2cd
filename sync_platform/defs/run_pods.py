"""Run pods on Kubernetes: Dagster's launcher, with the resources of the platform that a run syncs.

What belongs here: which resources a run gets, whether a run is lost, and what follows while the API server cannot be
asked, or does not answer. Everything else of a run pod is configuration of Dagster's launcher, in the instance's
`dagster.yaml`. It needs the extra `fleet`.
"""

from __future__ import annotations

import json
import logging
from typing import Any

from dagster import DagsterRun, DagsterRunStatus, Field
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._core.launcher import CheckRunHealthResult, LaunchRunContext, WorkerStatus
from dagster_k8s import K8sRunLauncher
from dagster_k8s.client import (
    DagsterK8sAPIRetryLimitExceeded,
    DagsterK8sUnrecoverableAPIError,
    DagsterKubernetesClient,
    PatchedApiClient,
)
from dagster_k8s.container_context import K8sContainerContext
from kubernetes.client import BatchV1Api, Configuration, CoreV1Api
from kubernetes.client.rest import ApiException
from urllib3.exceptions import HTTPError

from sync_platform.defs.dead_runs import pod_of
from sync_platform.defs.run_assets import key_parts_of

logger = logging.getLogger(__name__)
JOB_TAG = "sync_platform/job"
"""The tag of a run with a job of Kubernetes: the job's name. It has the run's id, because a retry inherits the tag."""
JOB_IS_GONE = "could not be found"
"""What Dagster's launcher says of a job that the API server does not have."""
ENDED = ("Succeeded", "Failed")
BEFORE_BEGINNING = (DagsterRunStatus.NOT_STARTED, DagsterRunStatus.STARTING)
TOO_MANY_REQUESTS, CONFLICT, NOT_FOUND = 429, 409, 404
ANSWER_WITHIN_S = 10.0
"""How long an attempt of a request waits for the API server, as Dagster waits where it makes a job."""
REPEATED = 1
"""How often the client repeats a request that only reads or deletes, where it gets no answer."""


class PlatformRunLauncher(K8sRunLauncher):
    """`platform_resources`: the resources of the runs of each platform, as Kubernetes writes them.

    A run of several platforms, or of one that is not named there, gets `resources`.
    """

    def __init__(self, platform_resources: dict[str, Any] | None = None, **config: Any) -> None:
        self._platform_resources = platform_resources or {}
        super().__init__(**config)
        timed = _TimedApiClient()  # of the configuration that Dagster's launcher has just loaded
        client = DagsterKubernetesClient.production_client(BatchV1Api(timed), CoreV1Api(timed))  # type: ignore[no-untyped-call, unused-ignore]
        self._api_client = client

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        resources = Field(dict, is_required=False, description="Resources of the runs of each platform.")
        inherited = super().config_type()  # type: ignore[no-untyped-call, unused-ignore]
        return {**inherited, "platform_resources": resources}

    def get_container_context_for_run(self, dagster_run: DagsterRun) -> K8sContainerContext:
        context = super().get_container_context_for_run(dagster_run)
        platforms = key_parts_of(self._instance, dagster_run) & self._platform_resources.keys()
        if len(platforms) != 1:
            return context
        return context.merge(K8sContainerContext(resources=self._platform_resources[platforms.pop()]))

    def launch_run(self, context: LaunchRunContext) -> None:
        """Make the job of the run. While the API server cannot be asked, Dagster puts the run back into its queue."""
        run_id = context.dagster_run.run_id
        self._instance.add_run_tags(run_id, {JOB_TAG: _job_of(run_id)})
        try:
            super().launch_run(context)
        except (DagsterK8sAPIRetryLimitExceeded, DagsterK8sUnrecoverableAPIError) as error:
            if _exists_already(error):  # an earlier attempt made it, and its answer was lost
                self._delete_spent_job(run_id)
                logger.info("run %s has its job already", run_id)
            elif _is_passing(error):
                # the one error after which Dagster's queue tries a run again
                raise DagsterUserCodeUnreachableError(f"the API server of Kubernetes takes no job: {error}") from error
            else:
                raise

    def _delete_spent_job(self, run_id: str) -> None:
        """Delete the job of a run that has ended without beginning it, and let Dagster's queue try the run again.

        The pod of such a job came while the run was back in the queue: Dagster takes it for a duplicate, which does
        nothing. The run would wait for it until its start times out.
        """
        job = _job_of(run_id)
        try:
            status = self._api_client.get_job_status(job, self.job_namespace)
            run = self._instance.get_run_by_id(run_id)
            if run is None or run.status not in BEFORE_BEGINNING or status is None or status.active:
                return
            if not (status.succeeded or status.failed):
                return
            self._api_client.delete_job(job, self.job_namespace)
        except (ApiException, HTTPError, DagsterK8sAPIRetryLimitExceeded, DagsterK8sUnrecoverableAPIError) as error:
            raise DagsterUserCodeUnreachableError(f"the job of run {run_id} cannot be looked at: {error}") from error
        raise DagsterUserCodeUnreachableError(f"the job of run {run_id} ended without beginning it, and is made anew")

    def terminate(self, run_id: str) -> bool:
        """Delete the job of the run and its pod. False, and no mark, for a run without a job.

        Nor is a run marked while the API server cannot be asked: its pod would go on beside the mark.
        """
        run = self._instance.get_run_by_id(run_id)
        if run is None or not has_job(run):
            return False
        try:
            self._api_client.get_pod_names_in_job(_job_of(run_id), self.job_namespace)
        except (ApiException, HTTPError) as error:
            logger.warning("run %s is not ended: the API server of Kubernetes does not answer: %s", run_id, error)
            return False
        return bool(super().terminate(run_id))  # type: ignore[no-untyped-call, unused-ignore]

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """Whether the run's pod is well. A run counts as running for as long as the API server cannot be asked.

        Dagster's launcher calls such a run lost: a control plane that is replaced would fail every run, and each would
        be started again beside its pod. It also calls a run lost that a command carries, such as `sync` or the
        emergency starter: that one is lost only if the command was in a pod that is gone.
        """
        if not has_job(run):
            return self._health_of_command(run)
        found: CheckRunHealthResult = super().check_run_worker_health(run)
        if found.status != WorkerStatus.UNKNOWN or JOB_IS_GONE in (found.msg or ""):
            return found
        logger.warning("the API server of Kubernetes says nothing about the pod of run %s: %s", run.run_id, found.msg)
        return CheckRunHealthResult(WorkerStatus.RUNNING, "its pod cannot be asked about now")

    def is_lost(self, run: DagsterRun) -> bool:
        """True if the pod of a run that is STARTING has failed: it got too little memory, or its node was lost.

        Dagster would wait until the start of the run times out. False while the API server cannot be asked.
        """
        return has_job(run) and super().check_run_worker_health(run).status == WorkerStatus.FAILED

    def _health_of_command(self, run: DagsterRun) -> CheckRunHealthResult:
        pod = pod_of(run)
        if pod and self._is_gone(pod):
            return CheckRunHealthResult(WorkerStatus.FAILED, f"the pod of the command that ran it is gone: {pod}")
        return CheckRunHealthResult(WorkerStatus.RUNNING, "a command runs it, and no job")

    def _is_gone(self, pod: str) -> bool:
        """True if the API server has no such pod, or says that it has ended; False while it cannot be asked."""
        try:
            found = self._api_client.get_pod_by_name(pod, self.job_namespace)
        except ApiException as error:
            return bool(error.status == NOT_FOUND)
        except HTTPError:
            return False
        return found.status.phase in ENDED


class _TimedApiClient(PatchedApiClient):  # type: ignore[misc, unused-ignore]
    """The client of the API server, in which no request waits for ever.

    Dagster limits only the request that makes a job. An API server that accepts a connection and never answers would
    hold the thread of the daemon that looks after all runs.
    """

    def __init__(self) -> None:
        configuration = Configuration.get_default_copy()
        configuration.retries = REPEATED
        super().__init__(configuration)

    def request(self, *arguments: Any, _request_timeout: float | None = None, **options: Any) -> Any:
        return super().request(*arguments, _request_timeout=_request_timeout or ANSWER_WITHIN_S, **options)


def has_job(run: DagsterRun) -> bool:
    """True if this launcher made a job for the run, or tried to. A run of the command line has none."""
    return run.tags.get(JOB_TAG) == _job_of(run.run_id)


def _job_of(run_id: str) -> str:
    return f"dagster-run-{run_id}"


def _exists_already(error: Exception) -> bool:
    refusal = error.__cause__
    if not isinstance(refusal, ApiException) or refusal.status != CONFLICT:
        return False
    try:
        return bool(json.loads(refusal.body or "{}").get("reason") == "AlreadyExists")
    except ValueError:
        return False


def _is_passing(error: Exception) -> bool:
    """True if the same request may succeed later: there was no answer, or the API server starts, or is busy."""
    refusal = error.__cause__
    status = refusal.status if isinstance(refusal, ApiException) else None
    return isinstance(error, DagsterK8sAPIRetryLimitExceeded) or status in (CONFLICT, TOO_MANY_REQUESTS)
