"""The process of one job of the API: it runs the commands of the job, and stores the document of the last one.

python -m sync_platform.cli.job_process JOB
"""

from __future__ import annotations

import sys
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from typing import Any

import orjson

from sync_platform.api.job_processes import JOBS_LOCK, LOST
from sync_platform.api.job_store import MOST_ATTEMPTS, ApiJob, JobStore
from sync_platform.cli.app import run
from sync_platform.cli.exit_codes import OK
from sync_platform.errors import LockLost
from sync_platform.settings import load_settings
from sync_platform.storage.held_lock import HeldLock
from sync_platform.storage.platform_lock import platform_lock

MAX_ERROR = 2_000


def run_job(job_id: str) -> None:
    """Run the job to its end, unless it has ended. Waits as long as another process runs a job.

    A job that has killed its process MOST_ATTEMPTS times, such as one that needs too much memory, ends as failed.
    LockLost where another process runs a job by now: no further command is run, and the job has not ended.
    """
    ledger = load_settings().ledger_url
    store = JobStore(ledger)
    with platform_lock(ledger, JOBS_LOCK, job_id, lambda holder: None) as lock:
        job = store.find(job_id)
        if job.has_ended:
            return
        if job.attempts >= MOST_ATTEMPTS:
            store.end(job_id, "failed", None, f"its process was killed {job.attempts} times")
            return
        attempt = store.begin(job_id)
        document, error = _run_commands(job, lock)
        store.end(job_id, "failed" if error else "complete", document, error, attempt)


def _run_commands(job: ApiJob, lock: HeldLock) -> tuple[dict[str, Any] | None, str | None]:
    """The document of the last command that ran, and why it failed. A command that fails is the last one."""
    document: dict[str, Any] | None = None
    for command in job.commands:
        lock.require()
        output, errors = StringIO(), StringIO()
        with redirect_stdout(output), redirect_stderr(errors):
            code = run(command)
        document = orjson.loads(output.getvalue()) if output.getvalue() else None
        if code != OK:
            return document, _error(command, code, errors.getvalue())
    return document, None


def _error(command: list[str], code: int, text: str) -> str:
    """What the command wrote for people; where it wrote nothing, the command and its exit code."""
    line = " ".join(text.split()).removeprefix("sync-platform: ")
    return line[-MAX_ERROR:] or f"`{' '.join(command[:2])}` ended with exit code {code}"


if __name__ == "__main__":
    try:
        run_job(sys.argv[1])
    except LockLost as lost:
        sys.stderr.write(f"sync-platform: {lost}\n")
        sys.exit(LOST)
