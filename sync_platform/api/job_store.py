"""Jobs: long operations that a request starts and that a process of its own runs. They are kept in the ledger.

A job is one or more commands of the command line. One job runs at a time, and a job that has ended is never run again.
A job whose process was killed is run again, because every command can be repeated.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, Literal

import orjson
import sqlalchemy as sa

from sync_platform.errors import NotFound
from sync_platform.storage.ledger import MIGRATIONS
from sync_platform.storage.relational import open_database, transaction, upsert
from sync_platform.storage.stored_types import StoredTime
from sync_platform.storage.utc_time import in_utc

JobKind = Literal["backup", "restore"]
JobState = Literal["queued", "running", "complete", "failed"]
ENDED: tuple[JobState, ...] = ("complete", "failed")
MOST_ATTEMPTS = 3
"""How many processes may begin one job, each after the one before was killed."""
KEPT = timedelta(days=90)
"""How long a job is kept that has ended: as long as its idempotency key."""

metadata = sa.MetaData()
jobs = sa.Table(
    "api_jobs",
    metadata,
    sa.Column("job_id", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("commands", sa.Text, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("request_key", sa.Text, nullable=False, unique=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("created_at", StoredTime(), nullable=False),
    sa.Column("started_at", StoredTime()),
    sa.Column("finished_at", StoredTime()),
    sa.Column("result", sa.Text),
    sa.Column("error", sa.Text),
)


@dataclass(frozen=True)
class ApiJob:
    """A job. `commands`: the words of each, without the name of the program. `result`: the document of the last one.

    `attempts`: how many processes have begun it. Times are UTC.
    """

    job_id: str
    kind: JobKind
    commands: list[list[str]]
    actor: str
    state: JobState
    attempts: int
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    result: dict[str, Any] | None
    error: str | None

    @property
    def has_ended(self) -> bool:
        return self.state in ENDED


class JobStore:
    """The jobs in the ledger at a SQLAlchemy URL; StorageError where it cannot be used."""

    def __init__(self, ledger_url: str) -> None:
        self._ledger_url = ledger_url

    @cached_property
    def _engine(self) -> sa.Engine:
        """Opened on first use: what is refused creates no ledger."""
        return open_database(self._ledger_url, MIGRATIONS)

    def add(self, kind: JobKind, commands: Sequence[Sequence[str]], actor: str, request_key: str) -> ApiJob:
        """Store a job, and return it; for a known key, the job that was stored with it."""
        now = datetime.now(UTC)
        values = {
            "job_id": f"job-{now:%Y%m%dT%H%M%S%f}-{secrets.token_hex(3)}",
            "kind": kind,
            "commands": orjson.dumps(commands).decode(),
            "actor": actor,
            "state": "queued",
            "attempts": 0,
            "created_at": now,
        }
        insert = upsert(self._engine, jobs).values(request_key=request_key, **values)
        with transaction(self._engine) as connection:
            is_past = sa.and_(jobs.c.created_at < now - KEPT, jobs.c.state.in_(ENDED))
            connection.execute(sa.delete(jobs).where(is_past))
            connection.execute(insert.on_conflict_do_nothing(index_elements=["request_key"]))
        return self._read(jobs.c.request_key == request_key)[0]

    def find(self, job_id: str) -> ApiJob:
        """The job of that id; NotFound where there is none."""
        found_jobs = self._read(jobs.c.job_id == job_id)
        if not found_jobs:
            raise NotFound(f"there is no job {job_id!r}")
        return found_jobs[0]

    def of_key(self, request_key: str) -> ApiJob | None:
        """The job that was stored with that key."""
        return next(iter(self._read(jobs.c.request_key == request_key)), None)

    def latest(self, count: int, before: str | None = None) -> list[ApiJob]:
        """The newest jobs, newest first; `before`: only those that are older than this one, by its id."""
        return self._read(sa.true() if before is None else jobs.c.job_id < before, count)

    def unfinished(self) -> list[ApiJob]:
        """The jobs that have not ended, newest first."""
        return self._read(jobs.c.state.not_in(ENDED))

    def begin(self, job_id: str) -> int:
        """Store that a process begins the job. Returns the how many-th of its processes that is."""
        started_at = sa.func.coalesce(jobs.c.started_at, datetime.now(UTC))
        self._change(job_id, state="running", attempts=jobs.c.attempts + 1, started_at=started_at)
        return self.find(job_id).attempts

    def end(
        self,
        job_id: str,
        state: JobState,
        result: dict[str, Any] | None,
        error: str | None,
        attempt: int | None = None,
    ) -> None:
        """Store how the job ended. A second end is ignored, and so is the end of an `attempt` that is not the last."""
        text = None if result is None else orjson.dumps(result).decode()
        self._change(job_id, attempt, state=state, result=text, error=error, finished_at=datetime.now(UTC))

    def close(self) -> None:
        """Close the connections; a later call opens them again."""
        if "_engine" in vars(self):
            self._engine.dispose()

    def _change(self, job_id: str, attempt: int | None = None, **values: Any) -> None:
        is_unfinished = sa.and_(jobs.c.job_id == job_id, jobs.c.state.not_in(ENDED))
        if attempt is not None:
            is_unfinished &= jobs.c.attempts == attempt
        with transaction(self._engine) as connection:
            connection.execute(sa.update(jobs).where(is_unfinished).values(**values))

    def _read(self, condition: sa.ColumnElement[bool], count: int | None = None) -> list[ApiJob]:
        wanted = sa.select(jobs).where(condition).order_by(jobs.c.job_id.desc()).limit(count)
        with transaction(self._engine) as connection:
            return [_job(row) for row in connection.execute(wanted)]


def _job(row: sa.Row[Any]) -> ApiJob:
    values = {name: value for name, value in row._mapping.items() if name != "request_key"}
    times = {name: values[name] and in_utc(values[name]) for name in ("created_at", "started_at", "finished_at")}
    stored = {"commands": orjson.loads(row.commands), "result": orjson.loads(row.result) if row.result else None}
    return ApiJob(**{**values, **times, **stored})
