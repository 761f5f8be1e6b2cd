"""Emergency requests as the API takes and answers them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from sync_platform.api.envelope import ApiBody, ApiModel
from sync_platform.emergency.submission import MAX_CHARACTERS

PriorityLevel = Literal["low", "medium", "high", "critical"]
SourceName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,49}$")]
"""The name of a platform."""


class EmergencyBody(ApiBody):
    """A request to sync platforms now, before their schedule. Without `sources`: all platforms."""

    reason: Annotated[str, StringConstraints(min_length=1, max_length=MAX_CHARACTERS)] = Field(
        description="Why it cannot wait. Every record of the request has the reason."
    )
    priority: PriorityLevel = Field("high", description="The higher one is launched first.")
    sources: list[SourceName] = Field([], max_length=100, description="Names of platforms; empty for all.")


class AskingAnswer(ApiModel):
    """One person's part of a request."""

    requester: str
    reason: str
    priority: str
    asked_at: datetime


class RequestedDataset(ApiModel):
    """What the request's sync did in one dataset."""

    dataset: str
    sync_id: str
    status: str
    records: int
    rows: int
    inserted: int
    updated: int
    removed: int
    past: int
    restored: int
    unchanged: int
    quarantined: int
    not_retired: int


class RequestedPlatform(ApiModel):
    """One platform's part. `status`: requested, launched, running; then complete, degraded or failed.

    `progress`: the last message of its run.
    """

    platform: str
    status: str
    run_id: str | None
    launched_by: str | None
    launched_at: datetime | None
    finished_at: datetime | None
    progress: str | None
    reasons: list[str]
    gaps: list[str]
    datasets: list[RequestedDataset]


class EmergencyAnswer(ApiModel):
    """An emergency request. `status`: requested, launched, running; then complete, degraded or failed."""

    request_id: str
    status: str
    priority: str
    requester: str
    reason: str
    requested_at: datetime
    launched_at: datetime | None
    finished_at: datetime | None
    askings: list[AskingAnswer]
    platforms: list[RequestedPlatform]


class SubmittedEmergency(EmergencyAnswer):
    """A request that was taken. `joined`: true if it joined an open one. `statusUrl`: where its progress is."""

    joined: bool
    status_url: str
