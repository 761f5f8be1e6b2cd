"""`GET /syncs` and `GET /syncs/{id}`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Response

from sync_platform.api.context import ApiContext
from sync_platform.api.cursor import cursor_after, place_of, wrong_cursor
from sync_platform.api.emergency_answer import SourceName
from sync_platform.api.envelope import AnswerPage, Envelope, documented_errors, enveloped
from sync_platform.api.paging import Cursor, Limit
from sync_platform.api.permission import permitted
from sync_platform.api.sync_answer import SyncAnswer, newest_first
from sync_platform.errors import NotFound
from sync_platform.monitoring.stored_syncs import read_records
from sync_platform.permissions.action import Action


def add_syncs(router: APIRouter, context: ApiContext) -> None:
    """Add the routes of syncs."""
    may_read = Depends(permitted(context, Action.read_state))

    @router.get(
        "/syncs",
        operation_id="listSyncs",
        response_model=Envelope[AnswerPage[SyncAnswer]],
        responses=documented_errors(),
        dependencies=[may_read],
        tags=["state"],
    )
    def list_syncs(
        source: Annotated[SourceName | None, Query(description="Only syncs of this platform.")] = None,
        status: Annotated[
            Literal["complete", "degraded", "failed"] | None, Query(description="Only syncs that ended so.")
        ] = None,
        limit: Limit = 20,
        cursor: Cursor = None,
    ) -> Response:
        """List the syncs, newest first."""
        filters = {"source": source, "status": status}
        answers = [
            answer
            for answer in newest_first(read_records(context.lake))
            if source in (None, answer.platform) and status in (None, answer.status)
        ]
        if cursor:
            place = _place(place_of(cursor, filters, (str, str)))
            answers = [answer for answer in answers if (answer.started_at, answer.sync_id) < place]
        shown_answers = answers[:limit]
        more = len(answers) > limit
        following = (
            cursor_after([shown_answers[-1].started_at.isoformat(), shown_answers[-1].sync_id], filters)
            if more
            else None
        )
        page = AnswerPage[SyncAnswer](items=shown_answers, next_cursor=following)
        return enveloped(AnswerPage[SyncAnswer], page)

    @router.get(
        "/syncs/{sync_id}",
        operation_id="readSync",
        response_model=Envelope[SyncAnswer],
        responses=documented_errors(404),
        dependencies=[may_read],
        tags=["state"],
    )
    def read_sync(sync_id: Annotated[str, Path(max_length=100)]) -> Response:
        """Show a sync, with its datasets."""
        answer = next((each for each in newest_first(read_records(context.lake)) if each.sync_id == sync_id), None)
        if answer is None:
            raise NotFound(f"there is no sync {sync_id!r}")
        return enveloped(SyncAnswer, answer)


def _place(values: list[str]) -> tuple[datetime, str]:
    try:
        moment = datetime.fromisoformat(values[0])
    except ValueError:
        raise wrong_cursor() from None
    if moment.tzinfo is None:
        raise wrong_cursor()
    return moment, values[1]
