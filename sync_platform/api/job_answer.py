"""Jobs as the API answers them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from sync_platform.api.envelope import ApiModel
from sync_platform.api.job_store import ApiJob


class JobAnswer(ApiModel):
    """A job. `state`: queued, running; then complete or failed. `statusUrl`: where to poll it."""

    job_id: str
    kind: str
    state: str
    actor: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    result: dict[str, Any] | None = Field(
        description="What the operation did: the JSON of the same command of the command line (docs/json.md)."
    )
    error: str | None = Field(description="Why it failed.")
    status_url: str


def job_answer(job: ApiJob, prefix: str) -> JobAnswer:
    """The job; `prefix`: the path below which the API is."""
    known = {name: getattr(job, name) for name in JobAnswer.model_fields if name != "status_url"}
    return JobAnswer(**known, status_url=f"{prefix}/jobs/{job.job_id}")
