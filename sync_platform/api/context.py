"""What the routes need of the installation and of the server around them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from sync_platform.api.job_processes import JobProcesses
from sync_platform.api.job_store import ApiJob, JobStore
from sync_platform.emergency.request_store import RequestStore
from sync_platform.emergency.sync_progress import ProgressStore
from sync_platform.monitoring.installation_state import WaitingRun
from sync_platform.permissions.action import Action
from sync_platform.permissions.actor import Actor
from sync_platform.platforms import load_platforms
from sync_platform.settings import Settings
from sync_platform.sources.declaration import Platform
from sync_platform.storage.audit_log import AuditLog, Outcome
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import Lake

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ApiContext:
    """The installation, and what the server gives to the API.

    `waiting_runs` reads Dagster's runs that wait; StorageError where it cannot. `note_denial` writes a denial into the
    audit log. `start_job` starts a job; without it, the job gets a process (job_processes.py). `progress_of` gives the
    last message of each of these Dagster runs, for runs that write no progress of their own. `health_age_s`: how old a
    health may be.
    """

    settings: Settings
    waiting_runs: Callable[[], Sequence[WaitingRun]]
    note_denial: Callable[[Actor, Action, str], None]
    start_job: Callable[[ApiJob], None] | None = None
    progress_of: Callable[[list[str]], Mapping[str, str]] = lambda run_ids: {}
    health_age_s: float = 5.0
    first_reads: list[Callable[[], object]] = field(default_factory=list)
    """What the first requests would wait for: each reads something that later requests share."""
    is_preparing: threading.Event = field(default_factory=threading.Event)
    """Set while the first reads are made."""
    is_closed: threading.Event = field(default_factory=threading.Event)

    @cached_property
    def platforms(self) -> dict[str, Platform]:
        return load_platforms(self.settings.platform_path)

    @cached_property
    def lake(self) -> Lake:
        """One connection for all requests; each takes a session of its own."""
        return Lake(LakeAddress.of(self.settings), read_only=True)

    @cached_property
    def requests(self) -> RequestStore:
        return RequestStore(self.settings.ledger_url)

    @cached_property
    def progress(self) -> ProgressStore:
        return ProgressStore(self.settings.ledger_url)

    @cached_property
    def jobs(self) -> JobStore:
        return JobStore(self.settings.ledger_url)

    @cached_property
    def job_processes(self) -> JobProcesses:
        return JobProcesses(self.settings, self.jobs)

    def start(self, job: ApiJob) -> None:
        """Start a job."""
        (self.start_job or self.job_processes.start)(job)

    def resume_jobs(self) -> None:
        """Start every job that has not ended: those of a server that was killed."""
        for job in self.jobs.unfinished():
            self.start(job)

    def prepare(self) -> None:
        """Make the first reads in a thread, so that no request waits for them. The server answers meanwhile."""
        self.is_preparing.set()
        threading.Thread(target=self._prepare, daemon=True, name="first reads").start()

    def _prepare(self) -> None:
        for read in self.first_reads:
            try:
                read()
            except Exception:  # each request that needs it tries again, and says why it cannot be read
                if not self.is_closed.is_set():
                    logger.warning("what the first requests need cannot be read", exc_info=True)
        self.is_preparing.clear()

    @cached_property
    def audit_log(self) -> AuditLog:
        return AuditLog(self.settings.ledger_url)

    @contextmanager
    def noted(self, actor: Actor, operation: str, subject: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Note in the audit log that an operation begins, and when the block ends, how it ended.

        The block adds to what it is given the details that became known. StorageError where the log cannot be written:
        an operation that cannot be noted does not run.
        """
        about = {**subject, "roles": sorted(actor.roles), "address": actor.address}
        details: dict[str, Any] = {}
        outcome: Outcome = "failed"
        self.audit_log.record(operation, about, actor=actor.name, via="api", outcome="begun")
        try:
            yield details
            outcome = "complete"
        finally:
            self.audit_log.record(operation, {**about, **details}, actor=actor.name, via="api", outcome=outcome)

    def close(self) -> None:
        """Close the connections."""
        self.is_closed.set()
        self.lake.close()
        for name in ("requests", "progress", "jobs", "audit_log"):
            if name in vars(self):
                getattr(self, name).close()
