"""`GET /lineage/restaurant/{id}` and `GET /lineage/export/{id}`."""

from __future__ import annotations

from io import StringIO
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Response

from sync_platform.api.context import ApiContext
from sync_platform.api.envelope import Envelope, documented_errors, enveloped
from sync_platform.api.permission import permitted
from sync_platform.api.story_answer import StoryAnswer
from sync_platform.lineage.moment import parse_moment
from sync_platform.lineage.opened_history import opened_history
from sync_platform.lineage.restaurant_story import RestaurantStory, read_restaurant_story
from sync_platform.lineage.story_csv import write_story_csv
from sync_platform.lineage.story_json import story_json
from sync_platform.permissions.action import Action

CSV = "text/csv; charset=utf-8"
RestaurantId = Annotated[str, Path(max_length=100, description="The permanent id of a restaurant: rest-…")]
AsOf = Annotated[
    str | None,
    Query(
        max_length=40,
        description="The story as it was known at a moment (2026-11-24T18:00:00+08:00), or at the end of a day in Hong "
        "Kong (2026-11-24).",
    ),
]


def add_lineage(router: APIRouter, context: ApiContext) -> None:
    """Add the routes of the lineage of restaurants."""
    may_read = Depends(permitted(context, Action.read_data))

    @router.get(
        "/lineage/restaurant/{restaurant_id}",
        operation_id="readLineage",
        response_model=Envelope[StoryAnswer],
        responses=documented_errors(404),
        dependencies=[may_read],
        tags=["lineage"],
    )
    def read_lineage(
        restaurant_id: RestaurantId,
        field: Annotated[str | None, Query(max_length=50, description="Only this field, such as name_en.")] = None,
        as_of: Annotated[AsOf, Query(alias="asOf")] = None,
    ) -> Response:
        """Show the history of a restaurant: the source of every value, down to its landed line and HTTP answer."""
        return enveloped(StoryAnswer, answer_of(read_story(context, restaurant_id, field, as_of)))

    @router.get(
        "/lineage/export/{restaurant_id}",
        operation_id="exportLineage",
        response_model=Envelope[StoryAnswer],
        responses={
            **documented_errors(404),
            200: {"description": "The story", "content": {"text/csv": {"schema": {"type": "string"}}}},
        },
        dependencies=[may_read],
        tags=["lineage"],
    )
    def export_lineage(
        restaurant_id: RestaurantId,
        form: Annotated[
            Literal["csv", "json"], Query(alias="format", description="csv: a row for each claim; json: the story.")
        ] = "json",
    ) -> Response:
        """The history of a restaurant as a file."""
        story = read_story(context, restaurant_id, None, None)
        named = {"Content-Disposition": f'attachment; filename="{story.restaurant_id}.{form}"'}
        if form == "json":
            return enveloped(StoryAnswer, answer_of(story), headers=named)
        file = StringIO(newline="")
        write_story_csv(file, story)
        return Response(file.getvalue(), headers=named, media_type=CSV)


def read_story(context: ApiContext, restaurant_id: str, field: str | None, as_of: str | None) -> RestaurantStory:
    """The story; NotFound, NoLakeYet or UsageError as `read_restaurant_story` raises them."""
    from sync_platform.defs.resources import landing_store_of  # the import of Dagster takes a second

    settings = context.settings
    moment = parse_moment(as_of, "asOf") if as_of is not None else None
    landing = landing_store_of(settings).open()
    with opened_history(context.lake, settings.lineage_table_name, context.platforms, landing, moment) as history:
        return read_restaurant_story(history, context.platforms, restaurant_id, field)


def answer_of(story: RestaurantStory) -> StoryAnswer:
    return StoryAnswer.model_validate(story_json(story))
