"""The processes of jobs: each job runs in a process of its own, which goes on when the server ends.

A process that ends without the end of its job, because it was killed, is started again.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence

from sync_platform.api.job_store import MOST_ATTEMPTS, ApiJob, JobStore
from sync_platform.errors import SyncError
from sync_platform.settings import Settings
from sync_platform.storage.platform_lock import holder_of

logger = logging.getLogger(__name__)
MODULE = "sync_platform.cli.job_process"
JOBS_LOCK = "api-jobs"
"""The name of the lock that lets one job run at a time: two would need the same lease."""
LOST = 75
"""The exit code of a process that has lost this lock: its job is run again."""


class JobProcesses:
    """Starts the processes of jobs, and starts those again that were killed."""

    def __init__(
        self, settings: Settings, store: JobStore, command: Sequence[str] = (sys.executable, "-m", MODULE)
    ) -> None:
        """`command`: the program of a job's process, which gets the id of the job."""
        self._settings, self._store, self._command = settings, store, command

    def start(self, job: ApiJob, number: int = 1) -> None:
        """Start a process for a job that has not ended. Of several processes of one job, one runs it.

        `number`: which process of the job this is since the server has started.
        """
        process = subprocess.Popen(  # noqa: S603 - the words are the program's own
            [*self._command, job.job_id],
            env={**os.environ, **self._variables(job)},
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        arguments, name = (process, job.job_id, number), f"follows {job.job_id}"
        threading.Thread(target=self._follow, args=arguments, daemon=True, name=name).start()

    def _variables(self, job: ApiJob) -> Mapping[str, str]:
        home = str(self._settings.home)
        return {"SYNC_HOME": home, "SYNC_ACTOR": job.actor, "SYNC_VIA": "api", "SYNC_JOB": job.job_id}

    def _follow(self, process: subprocess.Popen[bytes], job_id: str, number: int) -> None:
        """Wait for the end of the process. If its job has not ended, start it again, or end it as failed."""
        code = process.wait()
        try:
            job = self._store.find(job_id)
            if job.has_ended:
                return
            logger.warning("the process of job %s ended with %d before the job did", job_id, code)
            is_run_by_another = self._runs_now(job_id)  # by a process that an earlier server has started
            if number < MOST_ATTEMPTS and (code < 0 or code == LOST or is_run_by_another):
                self.start(job, number + 1)
            elif not is_run_by_another:
                self._store.end(job_id, "failed", None, f"its process ended with exit code {code}")
        except SyncError:
            logger.exception("job %s cannot be followed", job_id)

    def _runs_now(self, job_id: str) -> bool:
        holder = holder_of(self._settings.ledger_url, JOBS_LOCK)
        return holder is not None and holder.run_id == job_id
