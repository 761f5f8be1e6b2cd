"""`GET /restaurants` and `GET /restaurants/{id}`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from sync_platform.api.api_error import ApiError
from sync_platform.api.context import ApiContext
from sync_platform.api.current_index import CurrentIndex
from sync_platform.api.cursor import cursor_after, place_of
from sync_platform.api.envelope import Envelope, documented_errors, enveloped
from sync_platform.api.lineage import RestaurantId
from sync_platform.api.paging import Cursor, Limit
from sync_platform.api.permission import permitted
from sync_platform.api.restaurant_answer import RestaurantAnswer, RestaurantPage, restaurant_answer, restaurant_page
from sync_platform.permissions.action import Action
from sync_platform.unified.open_moments import is_open
from sync_platform.unified.restaurant_record import read_restaurant
from sync_platform.unified.restaurant_search import RestaurantQuery, ResultPlace, SearchCircle, search

MOST_RADIUS_M = 50_000
Text = Annotated[str | None, Query(min_length=1, max_length=100)]
Latitude = Annotated[float | None, Query(ge=-90, le=90, description="Of the point to search near (degrees, WGS84).")]
Longitude = Annotated[float | None, Query(ge=-180, le=180, description="Of the point to search near.")]


def add_restaurants(router: APIRouter, context: ApiContext) -> None:
    """Add the routes of unified restaurants."""
    current = CurrentIndex(context.lake)
    context.first_reads.append(current.get)
    may_read = Depends(permitted(context, Action.read_data))

    @router.get(
        "/restaurants",
        operation_id="searchRestaurants",
        response_model=Envelope[RestaurantPage],
        responses=documented_errors(),
        dependencies=[may_read],
        tags=["data"],
    )
    def search_restaurants(
        q: Annotated[Text, Query(description="Words of the name, in English or Chinese (either script).")] = None,
        district: Annotated[Text, Query(description="A district or neighbourhood, such as 灣仔.")] = None,
        cuisine: Annotated[Text, Query(description="A cuisine, such as Cantonese.")] = None,
        lat: Latitude = None,
        lng: Longitude = None,
        radius: Annotated[
            float, Query(gt=0, le=MOST_RADIUS_M, description="Metres around the point; the nearest come first.")
        ] = 1_000.0,
        open_now: Annotated[
            bool, Query(alias="openNow", description="Only restaurants that are open now, by their hours.")
        ] = False,
        limit: Limit = 20,
        cursor: Cursor = None,
    ) -> Response:
        """Search restaurants. Without a point, an exact name comes first, then the most reviews."""
        if (lat is None) != (lng is None):
            raise ApiError(422, "invalid_request", "lat and lng go together: give both, or none")
        now = datetime.now(UTC)
        near = SearchCircle(lat, lng, radius) if lat is not None and lng is not None else None
        query = RestaurantQuery(now, q, district, cuisine, near, now if open_now else None)
        filters = {"q": q, "district": district, "cuisine": cuisine, "near": [lat, lng, radius], "open": open_now}
        after = ResultPlace(*place_of(cursor, filters, ((int, float), int, str))) if cursor else None
        results = search(current.get(), query, limit, after)
        last = results.after
        following = cursor_after([last.rank, last.reviews, last.restaurant_id], filters) if last else None
        return enveloped(RestaurantPage, restaurant_page(results, following))

    @router.get(
        "/restaurants/{restaurant_id}",
        operation_id="readRestaurant",
        response_model=Envelope[RestaurantAnswer],
        responses=documented_errors(404),
        dependencies=[may_read],
        tags=["data"],
    )
    def read_one(restaurant_id: RestaurantId) -> Response:
        """Show a restaurant: the source of each field, its listings, its offers, and how many reviews it has."""
        with context.lake.session() as session:
            record = read_restaurant(session, restaurant_id)
        hours, status = record.values["opening_hours_osm"], record.values["status"]
        open_now = is_open(hours, datetime.now(UTC)) if status == "open" else False
        return enveloped(RestaurantAnswer, restaurant_answer(record, is_open_now=open_now))
