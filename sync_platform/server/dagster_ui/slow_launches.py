"""Slow launches: runs that the code server begins only after Dagster's daemon has stopped waiting for its answer.

Dagster puts such a run back into the queue. Its process finds it there, takes itself for a second one, and ends; the
next launch is as slow. So on a machine that needs more than a minute to start a process, no run would ever begin. Here
such a run stays STARTING: its process begins, or Dagster's run monitoring ends it (`start_timeout_seconds`), and it is
repeated.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import dagster as dg
import grpc
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._core.launcher import DefaultRunLauncher

if TYPE_CHECKING:
    from dagster._grpc.client import DagsterGrpcClient

logger = logging.getLogger(__name__)


def wait_for_slow_launches() -> None:
    """Have the daemon of this process leave runs STARTING whose launch is slow."""
    DefaultRunLauncher.launch_run_from_grpc_client = staticmethod(_launch_or_wait)  # type: ignore[method-assign]


_launch = DefaultRunLauncher.launch_run_from_grpc_client


def _launch_or_wait(instance: dg.DagsterInstance, run: dg.DagsterRun, grpc_client: DagsterGrpcClient) -> None:
    try:
        _launch(instance, run, grpc_client)
    except DagsterUserCodeUnreachableError as error:
        if not _is_late(error):
            raise
        logger.warning("the code server has not said in time that run %s has begun; it may still begin", run.run_id)


def _is_late(error: DagsterUserCodeUnreachableError) -> bool:
    """True if the request was sent, and no answer came in time."""
    cause = error.__cause__
    return isinstance(cause, grpc.Call) and cause.code() is grpc.StatusCode.DEADLINE_EXCEEDED
