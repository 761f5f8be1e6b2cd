"""One run on a worker: a process of its own, heartbeats while it lasts, and its end.

What belongs here: from the message of the queue to the end of the run. What the run does is in its process, which is
the same as that of a run pod: `dagster api execute_run`.
"""

from __future__ import annotations

import json
import logging
import socket
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import dagster as dg
from dagster._grpc.types import ExecuteRunArgs
from dagster._serdes import unpack_value

from sync_platform.defs.run_heartbeats import RunHeartbeats
from sync_platform.defs.worker_launcher import WORKER_TAG, worker_tag
from sync_platform.server.processes.child_process import ChildProcess

logger = logging.getLogger(__name__)
Answer = TypeVar("Answer")
LOOK_EVERY_S = 2.0
STOPS_WITHIN_S = 20.0
"""How long a run that is asked to stop may take; and a process whose run has ended."""
WAITING = (dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.NOT_STARTED)
CANCELING = dg.DagsterRunStatus.CANCELING


class WorkerRun:
    """A run that this worker took from the queue. `message`: what the launcher has sent."""

    def __init__(self, instance: dg.DagsterInstance, heartbeats: RunHeartbeats, message: Mapping[str, Any]) -> None:
        self._instance, self._heartbeats = instance, heartbeats
        self._run_id: str = unpack_value(message, as_type=ExecuteRunArgs).run_id
        # the instance of the sender has the sender's folders
        arguments = json.dumps({**message, "instance_ref": None})
        self._process = ChildProcess("the run", ["dagster", "api", "execute_run", arguments], {})
        self._finished_at: float | None = None

    def execute(self) -> None:
        """Run it to its end, or until it is cancelled. A run that does not wait for a worker any more is left alone."""
        with self._heartbeats.sent(self._run_id, socket.gethostname()):  # before all else: the queue has it no more
            run = self._answer_of(lambda: self._instance.get_run_by_id(self._run_id))
            if run is None or run.status not in WAITING:
                logger.info("run %s does not wait for a worker any more", self._run_id)
                return
            self._answer_of(lambda: self._instance.add_run_tags(self._run_id, {WORKER_TAG: worker_tag(self._run_id)}))
            logger.info("run %s begins", self._run_id, extra={"run_id": self._run_id})
            self._process.start()
            try:
                while not self._process.wait(LOOK_EVERY_S):
                    if self._is_to_stop() and not self._process.stop(STOPS_WITHIN_S):
                        self._process.kill()
            finally:
                self._process.kill()
                self._answer_of(self._report_end)

    def _is_to_stop(self) -> bool:
        """True if the run is cancelled; or if it ended, and its process goes on: others have given it up."""
        try:
            run = self._instance.get_run_by_id(self._run_id)
        except Exception:  # whatever the database's driver raises: it does not answer now
            return False
        if run is not None and not run.is_finished:
            return run.status is CANCELING
        self._finished_at = self._finished_at or time.monotonic()
        return time.monotonic() - self._finished_at > STOPS_WITHIN_S

    def _report_end(self) -> None:
        """Report the end of a run whose process could not: it was cancelled, or killed."""
        run = self._instance.get_run_by_id(self._run_id)
        if run is None or run.is_finished:
            return
        if run.status is CANCELING:
            self._instance.report_run_canceled(run, message="its process was stopped")
        else:
            code = self._process.exit_code
            self._instance.report_run_failed(run, message=f"its process on {socket.gethostname()} ended with {code}")

    def _answer_of(self, question: Callable[[], Answer]) -> Answer:
        """Ask Dagster's database until it answers: the queue has the run no more, so nobody else would."""
        while True:
            try:
                return question()
            except Exception as error:  # whatever its driver raises
                logger.warning("Dagster's database does not answer for run %s: %s", self._run_id, type(error).__name__)
                time.sleep(LOOK_EVERY_S)
