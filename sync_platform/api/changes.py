"""`GET /changes`."""

from __future__ import annotations

from typing import Annotated

import duckdb
from fastapi import APIRouter, Depends, Query, Response

from sync_platform.api.change_answer import ChangeFeed, change_answer
from sync_platform.api.context import ApiContext
from sync_platform.api.cursor import MAX_CHARACTERS, cursor_after, place_of
from sync_platform.api.emergency_answer import SourceName
from sync_platform.api.envelope import Envelope, documented_errors, enveloped
from sync_platform.api.paging import Limit
from sync_platform.api.permission import permitted
from sync_platform.errors import NoLakeYet, NotFound
from sync_platform.landing.sync_id import time_of_sync
from sync_platform.lineage.change_feed import (
    BEGINNING,
    FeedFilter,
    FeedPage,
    FeedPlace,
    place_after_sync,
    place_at,
    read_feed,
)
from sync_platform.lineage.change_span import end_of_sync
from sync_platform.lineage.moment import parse_beginning
from sync_platform.permissions.action import Action

CURSOR = "feed-"
"""What a place in the feed begins with, which tells it from a moment and from a sync."""


def add_changes(router: APIRouter, context: ApiContext) -> None:
    """Add the feed of changes."""

    @router.get(
        "/changes",
        operation_id="readChanges",
        response_model=Envelope[ChangeFeed],
        responses=documented_errors(404),
        dependencies=[Depends(permitted(context, Action.read_data))],
        tags=["data"],
    )
    def read_changes(
        since: Annotated[
            str | None,
            Query(
                min_length=1,
                max_length=MAX_CHARACTERS,
                description="`next` of the last answer; or the id of a sync, a moment (2026-11-24T18:00:00+08:00) or a "
                "day in Hong Kong (2026-11-24). Without it, the feed begins with the first change.",
            ),
        ] = None,
        source: Annotated[SourceName | None, Query(description="Only this platform, or `unified`.")] = None,
        dataset: Annotated[SourceName | None, Query(description="Only this dataset, such as restaurants.")] = None,
        entity_id: Annotated[
            str | None, Query(alias="entityId", min_length=1, max_length=200, description="Only this record.")
        ] = None,
        limit: Limit = 100,
    ) -> Response:
        """Read the changes after a place, in order of commits. Send `next` as `since` to go on, now or in a year.

        A page may be empty although `hasMore` is true, where a filter leaves nothing of it.
        """
        wanted_filter = FeedFilter(source, dataset, entity_id)
        filters = vars(wanted_filter)
        try:
            with context.lake.session() as session:
                after = _place(session, since, filters)
                page = read_feed(session, context.settings.lineage_table_name, after, wanted_filter, limit)
        except NoLakeYet:
            page = FeedPage([], _place(None, since, filters), has_more=False)
        following = CURSOR + cursor_after(list(vars(page.place).values()), filters)
        items = [change_answer(change) for change in page.changes]
        return enveloped(ChangeFeed, ChangeFeed(items=items, next=following, has_more=page.has_more))


def _place(session: duckdb.DuckDBPyConnection | None, since: str | None, filters: dict[str, str | None]) -> FeedPlace:
    """The place that `since` names; without a session, there is only the beginning."""
    if since is None:
        return BEGINNING
    if since.startswith(CURSOR):
        return FeedPlace(*place_of(since.removeprefix(CURSOR), filters, (int, str, str, str)))
    is_sync = time_of_sync(since) is not None
    moment = None if is_sync else parse_beginning(since, "since")
    if session is None:
        return BEGINNING
    if moment is not None:
        return place_at(session, moment)
    ended_at = end_of_sync(session, since)
    return place_after_sync(session, since) or (place_at(session, ended_at) if ended_at else _unknown_sync(since))


def _unknown_sync(since: str) -> FeedPlace:
    raise NotFound(f"there is no sync {since}")
