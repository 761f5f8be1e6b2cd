"""A typed client of the REST API.

client = ApiClient("https://sync.example.com", token="sp_…")
print(client.health().overall)
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, Self, TypeVar
from urllib.parse import quote

import httpx

from sync_platform.api.alert_answer import AlertAnswer, AlertList
from sync_platform.api.backup_answer import BackupAnswer, BackupBody, RestoreBody
from sync_platform.api.change_answer import ChangeFeed
from sync_platform.api.emergency_answer import EmergencyAnswer, EmergencyBody, PriorityLevel, SubmittedEmergency
from sync_platform.api.envelope import AnswerPage, ApiModel, Envelope, ErrorEnvelope
from sync_platform.api.health_answer import HealthAnswer
from sync_platform.api.job_answer import JobAnswer
from sync_platform.api.privacy_answer import PrivacyRequestAnswer, PrivacyRequestBody, PrivacyRequestList
from sync_platform.api.quality_answer import QualityAnswer, QualityList
from sync_platform.api.restaurant_answer import RestaurantAnswer, RestaurantSummary
from sync_platform.api.story_answer import StoryAnswer
from sync_platform.api.sync_answer import SyncAnswer
from sync_platform.api.table_answer import TableAnswer, TableList

PREFIX = "/api/production-sync"
ATTEMPTS = 3
Answer = TypeVar("Answer", bound=ApiModel)


class RequestFailed(Exception):
    """The API answered an error. `code` is for programs, the text for people; `details` name each wrong field."""

    def __init__(self, status: int, code: str, message: str, details: Sequence[Mapping[str, str]]) -> None:
        super().__init__(message)
        self.status, self.code, self.details = status, code, details


class ApiClient:
    """The REST API of an installation at a URL, for the owner of a token.

    Reads, and writes that carry an idempotency key, are tried ATTEMPTS times where the connection fails: a write is
    still done once. Every method raises RequestFailed for an error of the API, and httpx.TransportError where
    there is no answer. `http`: the HTTP client to use instead of one of its own.
    """

    def __init__(self, url: str, token: str = "", *, timeout_s: float = 60.0, http: httpx.Client | None = None) -> None:
        self._http = http or httpx.Client(base_url=url, timeout=timeout_s)
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    def health(self) -> HealthAnswer:
        """The health now."""
        return self._read(HealthAnswer, "/health")

    def request_emergency(
        self, reason: str, *, priority: PriorityLevel = "high", sources: Sequence[str] = (), key: str | None = None
    ) -> SubmittedEmergency:
        """Request a sync of platforms (all if none is named) before their schedule."""
        body = EmergencyBody(reason=reason, priority=priority, sources=list(sources))
        return self._write(SubmittedEmergency, "/emergency", body, key)

    def emergency(self, request_id: str) -> EmergencyAnswer:
        """An emergency request with its progress or its result."""
        return self._read(EmergencyAnswer, _path("emergency", request_id))

    def emergencies(self) -> Iterator[EmergencyAnswer]:
        """All emergency requests, newest first."""
        return self._pages(EmergencyAnswer, "/emergency", {})

    def lineage(self, restaurant_id: str, *, field: str | None = None, as_of: str | None = None) -> StoryAnswer:
        """The history of a restaurant."""
        return self._read(StoryAnswer, _path("lineage", "restaurant", restaurant_id), {"field": field, "asOf": as_of})

    def lineage_csv(self, restaurant_id: str) -> str:
        """The history of a restaurant as CSV."""
        return self._sent("GET", _path("lineage", "export", restaurant_id), {"format": "csv"}).text

    def start_backup(
        self, *, kind: str = "incremental", sources: Sequence[str] = (), key: str | None = None
    ) -> JobAnswer:
        """Start a backup; `finished` waits for its job."""
        return self._write(JobAnswer, "/backup", BackupBody.model_validate({"type": kind, "sources": sources}), key)

    def backups(self, *, source: str | None = None, kind: str | None = None) -> Iterator[BackupAnswer]:
        """All backups, newest first."""
        return self._pages(BackupAnswer, "/backup", {"source": source, "type": kind})

    def start_restore(self, body: RestoreBody, *, key: str | None = None) -> JobAnswer:
        """Start a restore; `finished` waits for its job."""
        return self._write(JobAnswer, "/backup/restore", body, key)

    def job(self, job_id: str) -> JobAnswer:
        """A job with its state."""
        return self._read(JobAnswer, _path("jobs", job_id))

    def finished(self, job: JobAnswer, *, timeout_s: float = 3600.0, poll_s: float = 1.0) -> JobAnswer:
        """The job once it has ended; TimeoutError where it takes longer than `timeout_s`."""
        limit = time.monotonic() + timeout_s
        while job.finished_at is None:
            if time.monotonic() > limit:
                raise TimeoutError(f"{job.job_id} is {job.state} after {timeout_s:.0f} s")
            time.sleep(poll_s)
            job = self.job(job.job_id)
        return job

    def restaurants(self, **filters: str | float | bool | None) -> Iterator[RestaurantSummary]:
        """All restaurants that meet the filters: q, district, cuisine, lat, lng, radius, openNow."""
        return self._pages(RestaurantSummary, "/restaurants", filters)

    def restaurant(self, restaurant_id: str) -> RestaurantAnswer:
        """A restaurant, with the source of each field, its listings and its offers."""
        return self._read(RestaurantAnswer, _path("restaurants", restaurant_id))

    def changes(self, since: str | None = None, *, limit: int = 500, **filters: str | None) -> ChangeFeed:
        """The next changes. Keep `next`: it is the `since` of the next call. Filters: source, dataset, entityId."""
        return self._read(ChangeFeed, "/changes", {"since": since, "limit": limit, **filters})

    def quality(self, source: str | None = None) -> list[QualityAnswer]:
        """The scores of every dataset."""
        return self._read(QualityList, "/quality", {"source": source}).items

    def syncs(self, *, source: str | None = None, status: str | None = None) -> Iterator[SyncAnswer]:
        """All syncs, newest first."""
        return self._pages(SyncAnswer, "/syncs", {"source": source, "status": status})

    def sync(self, sync_id: str) -> SyncAnswer:
        """A sync."""
        return self._read(SyncAnswer, _path("syncs", sync_id))

    def alerts(self, *, every: bool = False) -> list[AlertAnswer]:
        """The open alerts, the most severe first; with `every` also those that are resolved."""
        return self._read(AlertList, "/alerts", {"all": every}).items

    def acknowledge(self, alert_id: str) -> AlertAnswer:
        """Acknowledge an alert."""
        return self._write(AlertAnswer, _path("alerts", alert_id, "ack"), None, None)

    def tables(self) -> list[TableAnswer]:
        """The tables that can be read as a whole."""
        return self._read(TableList, "/bulk").items

    def table(self, name: str, *, form: Literal["ndjson", "parquet"] = "parquet", removed: bool = False) -> bytes:
        """A whole table as a file."""
        return self._sent("GET", _path("bulk", name), {"format": form, "removed": removed}).content

    def privacy_requests(self, *, only_open: bool = False) -> list[PrivacyRequestAnswer]:
        """The requests of persons about their data."""
        return self._read(PrivacyRequestList, "/privacy/requests", {"open": only_open}).items

    def privacy_request(self, number: int) -> PrivacyRequestAnswer:
        """One of them, with everything that was recorded of it."""
        return self._read(PrivacyRequestAnswer, _path("privacy", "requests", str(number)))

    def record_privacy_request(self, body: PrivacyRequestBody, *, key: str | None = None) -> PrivacyRequestAnswer:
        """Record a request that was received; the answer has its number, and the day on which it is due."""
        return self._write(PrivacyRequestAnswer, "/privacy/requests", body, key)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _read(self, model: type[Answer], path: str, query: Mapping[str, Any] | None = None) -> Answer:
        return _data(model, self._sent("GET", path, query or {}))

    def _write(self, model: type[Answer], path: str, body: ApiModel | None, key: str | None) -> Answer:
        headers = {"Idempotency-Key": key or str(uuid.uuid4()), "Content-Type": "application/json"}
        content = b"" if body is None else body.model_dump_json(by_alias=True).encode()
        return _data(model, self._sent("POST", path, {}, content, headers))

    def _pages(self, model: type[Answer], path: str, query: Mapping[str, Any]) -> Iterator[Answer]:
        cursor: str | None = None
        while True:
            page = self._read(AnswerPage[model], path, {**query, "cursor": cursor})  # type: ignore[valid-type]
            yield from page.items
            cursor = page.next_cursor
            if cursor is None:
                return

    def _sent(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any],
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """The answer; RequestFailed for an error."""
        stated = {name: value for name, value in query.items() if value is not None}
        for attempt in range(1, ATTEMPTS + 1):
            try:
                response = self._http.request(
                    method, PREFIX + path, params=stated, content=content, headers={**self._headers, **(headers or {})}
                )
                break
            except httpx.TransportError:
                if attempt == ATTEMPTS:
                    raise
                time.sleep(attempt)
        if response.is_success:
            return response
        raise _failure(response)


def _path(*parts: str) -> str:
    """The path of these parts. A part that is empty, `.` or `..` would lead to another path: it is no id."""
    for part in parts:
        if part in ("", ".", ".."):
            raise RequestFailed(404, "not_found", f"{part!r} is no id", [])
    return "".join(f"/{quote(part, safe='')}" for part in parts)


def _data(model: type[Answer], response: httpx.Response) -> Answer:
    return Envelope[model].model_validate_json(response.content).data  # type: ignore[valid-type]


def _failure(response: httpx.Response) -> RequestFailed:
    try:
        error = ErrorEnvelope.model_validate_json(response.content).error
    except ValueError:  # something between the client and the API answered
        return RequestFailed(response.status_code, "unknown", response.text[:500], [])
    details = [detail.model_dump() for detail in error.details]
    return RequestFailed(response.status_code, error.code, error.message, details)
