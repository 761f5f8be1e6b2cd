"""The progress of an emergency request: what the sync of each platform does now, to poll and to follow.

Whatever runs a request writes it: Dagster's runs, and the processes that start requests at once. It is in the ledger,
so that every interface reads it without Dagster.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Literal

import sqlalchemy as sa

from sync_platform.emergency.request import EmergencyRequest, PlatformRun
from sync_platform.emergency.request_store import RequestStore
from sync_platform.storage.ledger import MIGRATIONS
from sync_platform.storage.relational import open_database, transaction, upsert
from sync_platform.storage.stored_types import StoredTime
from sync_platform.storage.utc_time import in_utc

Phase = Literal["waiting", "fetching", "between-attempts", "storing"]
"""waiting: for another sync of the platform. between-attempts: an attempt failed, and the next one follows."""
POLL_S = 0.5

progress = sa.Table(
    "emergency_progress",
    sa.MetaData(),
    sa.Column("request_id", sa.Text, primary_key=True),
    sa.Column("platform", sa.Text, primary_key=True),
    sa.Column("phase", sa.Text, nullable=False),
    sa.Column("details", sa.Text, nullable=False),
    sa.Column("records", sa.Integer, nullable=False),
    sa.Column("pages", sa.Integer, nullable=False),
    sa.Column("updated_at", StoredTime(), nullable=False),
)


@dataclass(frozen=True)
class SyncProgress:
    """What one platform's sync does now. `details`: a sentence. `records`, `pages`: fetched in this attempt."""

    phase: Phase
    details: str
    records: int
    pages: int
    updated_at: datetime


@dataclass(frozen=True)
class RequestProgress:
    """A request, and the progress of its syncs by platform. A platform without a sync yet is missing."""

    request: EmergencyRequest
    syncs: Mapping[str, SyncProgress]

    def document(self) -> dict[str, Any]:
        """The progress for programs; times are UTC in ISO 8601."""
        request = self.request
        return {
            "request_id": request.request_id,
            "status": request.outcome or request.state,
            "priority": request.priority,
            "requested_at": request.requested_at.isoformat(),
            "platforms": [self._of_platform(run) for run in request.runs],
        }

    def _of_platform(self, run: PlatformRun) -> dict[str, Any]:
        sync = self.syncs.get(run.platform) if run.state != "requested" else None
        described = asdict(sync) | {"updated_at": sync.updated_at.isoformat()} if sync else None
        is_under_way = described is not None and run.state != "finished"
        return {
            "platform": run.platform,
            "status": run.outcome or run.state,
            "error": run.error,
            "run_id": run.run_id,
            "launched_at": run.launched_at.isoformat() if run.launched_at else None,
            "finished_at": run.finished_at.isoformat() if run.finished_at else None,
            "progress": described if is_under_way else None,
        }


class ProgressStore:
    """The progress in the ledger at a SQLAlchemy URL. Every method raises StorageError if it cannot be used."""

    def __init__(self, ledger_url: str) -> None:
        self._url = ledger_url

    @cached_property
    def _engine(self) -> sa.Engine:
        return open_database(self._url, MIGRATIONS)

    def close(self) -> None:
        """Close the connections; a later call opens them again."""
        if "_engine" in vars(self):
            self._engine.dispose()

    def note(
        self, request_id: str, platform: str, phase: Phase, details: str, records: int = 0, pages: int = 0
    ) -> None:
        """Replace the progress of a platform's sync."""
        values = {"phase": phase, "details": details, "records": records, "pages": pages}
        row = {**values, "updated_at": datetime.now(UTC)}
        insert = upsert(self._engine, progress).values(request_id=request_id, platform=platform, **row)
        with transaction(self._engine) as connection:
            connection.execute(insert.on_conflict_do_update(index_elements=["request_id", "platform"], set_=row))

    def of_request(self, request_id: str) -> dict[str, SyncProgress]:
        """The progress of the syncs of a request, by platform."""
        with transaction(self._engine) as connection:
            rows = connection.execute(sa.select(progress).where(progress.c.request_id == request_id)).all()
        return {row.platform: _sync_progress(row) for row in rows}


def progress_of_request(ledger_url: str, request_id: str) -> RequestProgress:
    """The progress of a request now; UsageError where there is no such request."""
    with _opened(ledger_url) as read:
        return read(request_id)


def follow_request(
    ledger_url: str, request_id: str, poll_s: float = POLL_S, sleep: Callable[[float], None] = time.sleep
) -> Iterator[RequestProgress]:
    """The progress of a request now and after each change, until it has ended. UsageError as `progress_of_request`."""
    last: RequestProgress | None = None
    with _opened(ledger_url) as read:
        while last is None or last.request.is_open:
            now = read(request_id)
            if now == last:
                sleep(poll_s)
                continue
            yield now
            last = now


@contextmanager
def _opened(ledger_url: str) -> Iterator[Callable[[str], RequestProgress]]:
    """A function that reads the progress of a request."""
    requests, store = RequestStore(ledger_url), ProgressStore(ledger_url)
    try:
        yield lambda request_id: RequestProgress(requests.find(request_id), store.of_request(request_id))
    finally:
        requests.close()
        store.close()


def _sync_progress(row: Any) -> SyncProgress:
    return SyncProgress(row.phase, row.details, row.records, row.pages, in_utc(row.updated_at))
