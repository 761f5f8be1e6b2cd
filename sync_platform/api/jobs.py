"""`GET /jobs` and `GET /jobs/{id}`."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Response

from sync_platform.api.context import ApiContext
from sync_platform.api.cursor import cursor_after, place_of
from sync_platform.api.envelope import AnswerPage, Envelope, documented_errors, enveloped
from sync_platform.api.job_answer import JobAnswer, job_answer
from sync_platform.api.paging import Cursor, Limit
from sync_platform.api.permission import permitted
from sync_platform.permissions.action import Action


def add_jobs(router: APIRouter, context: ApiContext) -> None:
    """Add the routes of jobs."""
    may_read = Depends(permitted(context, Action.read_state))

    @router.get(
        "/jobs",
        operation_id="listJobs",
        response_model=Envelope[AnswerPage[JobAnswer]],
        responses=documented_errors(),
        dependencies=[may_read],
        tags=["jobs"],
    )
    def list_jobs(limit: Limit = 20, cursor: Cursor = None) -> Response:
        """List the jobs of the last 90 days, newest first."""
        before = place_of(cursor, {}, (str,))[0] if cursor else None
        jobs = context.jobs.latest(limit + 1, before)
        shown_answers = [job_answer(job, router.prefix) for job in jobs[:limit]]
        following = cursor_after([shown_answers[-1].job_id], {}) if len(jobs) > limit else None
        return enveloped(AnswerPage[JobAnswer], AnswerPage[JobAnswer](items=shown_answers, next_cursor=following))

    @router.get(
        "/jobs/{job_id}",
        operation_id="readJob",
        response_model=Envelope[JobAnswer],
        responses=documented_errors(404),
        dependencies=[may_read],
        tags=["jobs"],
    )
    def read_job(job_id: Annotated[str, Path(max_length=100)]) -> Response:
        """Show a job: its state, and what it did."""
        return enveloped(JobAnswer, job_answer(context.jobs.find(job_id), router.prefix))
