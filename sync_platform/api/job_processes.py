"""The processes of jobs: each job runs in a process of its own, which goes on when the server ends.

A process that ends without the end of its job, because it was killed, is started again.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Mapping

from sync_platform.api.job_store import ApiJob, JobStore
from sync_platform.errors import SyncError
from sync_platform.settings import Settings

logger = logging.getLogger(__name__)
MODULE = "sync_platform.cli.job_process"
MOST_ATTEMPTS = 3


class JobProcesses:
    """Starts the processes of jobs, and starts those again that were killed."""

    def __init__(self, settings: Settings, store: JobStore) -> None:
        self._settings, self._store = settings, store

    def start(self, job: ApiJob) -> None:
        """Start a process for a job that has not ended. Of several processes of one job, one runs it."""
        process = subprocess.Popen(  # noqa: S603 - the words are the program's own
            [sys.executable, "-m", MODULE, job.job_id],
            env={**os.environ, **self._variables(job)},
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        threading.Thread(target=self._follow, args=(process, job.job_id), daemon=True).start()

    def _variables(self, job: ApiJob) -> Mapping[str, str]:
        return {"SYNC_HOME": str(self._settings.home), "SYNC_ACTOR": job.actor, "SYNC_VIA": "api"}

    def _follow(self, process: subprocess.Popen[bytes], job_id: str) -> None:
        """Wait for the end of the process. If its job has not ended, start it again, or end it as failed."""
        code = process.wait()
        try:
            job = self._store.find(job_id)
            if job.has_ended:
                return
            logger.warning("the process of job %s ended with %d before the job did", job_id, code)
            if job.attempts < MOST_ATTEMPTS and code < 0:
                self.start(job)
            else:
                self._store.end(job_id, "failed", None, f"its process ended with exit code {code}")
        except SyncError:
            logger.exception("job %s cannot be followed", job_id)
