"""Seatly: restaurants that take bookings, in numbered pages, and the reviews of each. An invented platform.

Special: a delta also lists the restaurants that have left.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from sync_platform.sources.authentication import KeyHeader
from sync_platform.sources.columns import Row, column, reference, sent_as
from sync_platform.sources.declaration import Attachment, Dataset, Pace, Platform, Terms
from sync_platform.sources.endpoints import ChildCount, ChildEndpoint, Endpoint, NumberedPaging
from sync_platform.sources.personal_processing import PUBLISHED_REVIEWS
from sync_platform.sources.place import Place, UpdatedAt
from sync_platform.sources.rules import COUNT, Together, Within
from sync_platform.vault.personal_fields import Personal, PersonalKind

PAGES = NumberedPaging(size=10, limit="limit", total="total", pages="pages")


class Restaurant(Row):
    """One restaurant on Seatly."""

    name_en: Annotated[Place.NameEn, sent_as("name")] = None
    name_zh: Place.NameZh = None
    address_en: Annotated[Place.AddressEn, sent_as("address")] = None
    district: Place.District = None
    latitude: Place.Latitude = None
    longitude: Place.Longitude = None
    phone: Place.Phone = None
    cuisines: Place.Cuisines = []
    review_count: Annotated[int | None, column("Reviews written", rules=COUNT)] = None
    updated_at: UpdatedAt = None


class Review(Row):
    """One review of a restaurant."""

    restaurant_id: Annotated[str, reference("The restaurant", "seatly.restaurants")]
    author: Annotated[str | None, column("Author's name as shown", sealed=True)] = None
    rating: Annotated[int | None, column("Rating", unit="1 to 5", matters=True, rules=(Within(1, 5),))] = None
    text: Annotated[str | None, column("Text", sealed=True, matters=True)] = None
    written_at: Annotated[datetime | None, column("When it was written", unit="UTC", matters=True)] = None


class Seatly(Platform):
    """Restaurants in numbered pages, with a delta by `updated_since`, and a list of reviews for each."""

    name = "seatly"
    title = "Seatly"
    description = "Restaurants that take bookings through Seatly, and what their guests write."
    live_base_url = "https://api.seatly.example"
    cadence = "monthly"
    priority = "low"
    terms = Terms("Seatly partner agreement", "https://seatly.example/terms", agreement_needed=True)
    pace = Pace(requests_per_second=5, concurrency=4)
    authentication = KeyHeader("X-Api-Key")
    has_delta = True
    datasets = (
        Dataset(
            "restaurants",
            "Restaurants that take bookings through Seatly.",
            Restaurant,
            key=("id",),
            cursor="updated_at",
            deleted="has_left",
            bilingual=(("name_en", "name_zh"),),
            rules=(Together(("latitude", "longitude")),),
        ),
        Dataset(
            "reviews",
            "Reviews of those restaurants, authors and texts sealed.",
            Review,
            key=("review_id",),
            personal=Personal(
                {"author": PersonalKind.handle, "text": PersonalKind.text},
                subject=("author",),
                processing=PUBLISHED_REVIEWS,
            ),
            attached=Attachment("reviews", {"published_at": "written_at"}),
        ),
    )
    endpoints = (
        Endpoint("restaurants", "/v1/restaurants", records="restaurants", paging=PAGES, since="updated_since"),
        ChildEndpoint(
            "reviews",
            "/v1/restaurants/{parent}/reviews",
            records="reviews",
            paging=PAGES,
            count=ChildCount("review_count", promises_list=True),
        ),
    )
