"""Foodpanda: vendors (restaurants that deliver) listed around a point, and the reviews of each.

Special: there is no list of all vendors, so the vendors near each point of a grid are requested.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

import msgspec

from sync_platform.sources.columns import Row, column, sent_as
from sync_platform.sources.declaration import Attachment, Dataset, Pace, Platform, Terms
from sync_platform.sources.decoding import Identity
from sync_platform.sources.endpoints import ChildCount, ChildEndpoint, Endpoint, OffsetPaging
from sync_platform.sources.extraction import Extraction
from sync_platform.sources.fetching import Parents, page_of, pages_of_children
from sync_platform.sources.grid import Grid, GridCrawl
from sync_platform.sources.list_reading import Slice
from sync_platform.sources.personal_processing import PUBLISHED_REVIEWS
from sync_platform.sources.place import Place
from sync_platform.sources.received import Page
from sync_platform.sources.rules import COUNT, PHONE, TRADING, InOrder, Together, Within
from sync_platform.sources.values import filled, nonzero, nonzero_count
from sync_platform.vault.personal_fields import Personal, PersonalKind

# Hong Kong's box. A cell measures 2.2 km from south to north and 2.1 km from west to east, so nothing is farther than
# 1.52 km from the middle of a cell, and a vendor that delivers that far is listed there. Half the step takes four times
# the requests: at one a second, an hour and more.
GRID = Grid(south=22.0, north=22.6, west=113.8, east=114.5, step=0.02)
VENDORS = Endpoint(
    "restaurants",
    "/listing/api/v1/pandora/vendors",
    records="data.items",
    paging=OffsetPaging(size=48, total="data.available_count"),
    params={"language_id": 1, "country": "hk", "vertical": "restaurants"},
)
REVIEWS = ChildEndpoint(
    "reviews",
    "/reviews/vendor/{parent}",
    records="data",
    paging=OffsetPaging(size=30),
    count=ChildCount("review_number", promises_list=False),  # it counts ratings, and most have no text
    parent_field="vendorCode",
)
EXTENDED = re.compile(r"\s*[\[(【（]\s*extended\b[^\])】）]*[\])】）]\s*$", re.IGNORECASE)


class Cuisine(msgspec.Struct):
    id: int | None = None
    name: str | None = None


class Tag(msgspec.Struct):
    text: str | None = None


def _name_without_mark(name: str | None) -> str | None:
    return filled(EXTENDED.sub("", filled(name) or ""))


def _is_extended(name: str | None) -> bool | None:
    text = filled(name)
    return bool(EXTENDED.search(text)) if text else None


def _cuisines(cuisines: list[Cuisine] | None) -> list[str]:
    return [name for cuisine in cuisines or [] if (name := filled(cuisine.name))]


def _tags(tags: list[Tag] | None) -> list[str]:
    return [text for tag in tags or [] if (text := filled(tag.text))]


def _status(is_active: bool | None, is_temporary_closed: bool | None) -> str | None:
    if is_active is False:
        return "closed"
    if is_temporary_closed:
        return "temporarily_closed"
    return "open" if is_active else None


class Restaurant(Row):
    """One vendor on foodpanda. A place with a second listing, which delivers farther, is two vendors."""

    name_en: Annotated[
        str | None,
        column("Name as shown in English, without the mark of a second listing", matters=True),
        sent_as("name", convert=_name_without_mark),
    ] = None
    is_extended_listing: Annotated[
        bool | None,
        column("Whether this is a place's second listing, marked `[Extended Delivery]` in its name"),
        sent_as("name", convert=_is_extended),
    ] = None
    chain_name: Annotated[str | None, column("Chain the vendor belongs to"), sent_as("chain.name")] = None
    legal_name: Annotated[
        str | None, column("Company that runs it"), sent_as("vendor_legal_information.legal_name")
    ] = None
    food_license_number: Annotated[str | None, column("Food licence, where the vendor gives it")] = None
    address_en: Annotated[Place.AddressEn, sent_as("address")] = None
    address_line2_en: Annotated[
        str | None, column("Second line of the address, mostly a neighbourhood"), sent_as("address_line2")
    ] = None
    latitude: Place.Latitude = None
    longitude: Place.Longitude = None
    phone: Annotated[
        str | None,
        column("Telephone as given; call centres share one between vendors", matters=True, rules=PHONE),
        sent_as("customer_phone"),
    ] = None
    cuisines: Annotated[Place.Cuisines, sent_as(convert=_cuisines)] = []
    tags: Annotated[
        list[str], column("Tags shown with the vendor, mostly offers", is_set=True), sent_as(convert=_tags)
    ] = []
    price_level: Annotated[
        int | None,
        column("Price level", unit="1 cheap to 3 dear", matters=True, rules=(Within(1, 3, hard=False),)),
        sent_as("budget", convert=nonzero_count),
    ] = None
    rating: Annotated[
        float | None,
        column("Mean rating; empty where nobody has rated", unit="0 to 5", rules=(Within(0, 5),)),
        sent_as(convert=nonzero),
    ] = None
    review_count: Annotated[
        int | None, column("Ratings ever given, with text or without", rules=COUNT), sent_as("review_number")
    ] = None
    minimum_order_hkd: Annotated[
        Decimal | None,
        column("Smallest order that is delivered", unit="HKD", rules=COUNT),
        sent_as("minimum_order_amount"),
    ] = None
    minimum_delivery_fee_hkd: Annotated[
        Decimal | None, column("Lowest fee for delivery", unit="HKD", rules=COUNT), sent_as("minimum_delivery_fee")
    ] = None
    minimum_delivery_time_min: Annotated[
        int | None,
        column("Shortest time to delivery", unit="minutes", rules=COUNT),
        sent_as("minimum_delivery_time"),
    ] = None
    status: Annotated[
        str | None,
        column("open, temporarily_closed or closed", matters=True, rules=TRADING),
        sent_as("is_active", "metadata.is_temporary_closed", convert=_status),
    ] = None
    is_delivery_available: Annotated[
        bool | None, column("Whether it delivers, when asked"), sent_as("metadata.is_delivery_available")
    ] = None
    is_pickup_available: Annotated[
        bool | None,
        column("Whether orders can be picked up, when asked"),
        sent_as("metadata.is_pickup_available"),
    ] = None


class Review(Row):
    """One review of a vendor and of its delivery, its words and reviewer sealed."""

    restaurant_id: Annotated[
        str | None,
        column("The vendor: `source_id` in foodpanda.restaurants", matters=True, refers_to="restaurants"),
        sent_as("vendorCode"),
    ] = None
    reviewer_id: Annotated[str | None, column("Reviewer's id", sealed=True, matters=True), sent_as("reviewerId")] = None
    is_anonymous: Annotated[
        bool | None, column("Whether the reviewer wished to stay unnamed"), sent_as("isAnonymous")
    ] = None
    text: Annotated[str | None, column("Text", sealed=True)] = None
    rating: Annotated[
        int | None,
        column("Rating given", unit="1 to 5", matters=True, rules=(Within(1, 5),)),
        sent_as("overall", convert=nonzero_count),
    ] = None
    food_rating: Annotated[
        int | None,
        column("Rating of the food", unit="1 to 5", rules=(Within(1, 5),)),
        sent_as("restaurant_food", convert=nonzero_count),
    ] = None
    rider_rating: Annotated[
        int | None,
        column("Rating of the rider", unit="1 to 5", rules=(Within(1, 5),)),
        sent_as("rider", convert=nonzero_count),
    ] = None
    like_count: Annotated[int | None, column("Users who liked the review", rules=COUNT), sent_as("likeCount")] = None
    created_at: Annotated[
        datetime | None, column("When the review was made", unit="UTC", matters=True), sent_as("createdAt")
    ] = None
    updated_at: Annotated[
        datetime | None, column("When the review was last changed", unit="UTC"), sent_as("updatedAt")
    ] = None


class Foodpanda(Platform):
    """All vendors by a crawl over a grid of points, then the reviews of each; no delta."""

    name = "foodpanda"
    title = "foodpanda"
    description = "Restaurants that deliver through foodpanda, and their reviews."
    live_base_url = "https://disco.deliveryhero.io"
    cadence = "monthly"
    priority = "low"
    terms = Terms(
        "foodpanda partner agreement",
        "https://www.foodpanda.hk/contents/terms-and-conditions.htm",
        agreement_needed=True,
    )
    pace = Pace(requests_per_second=1, concurrency=2, wall_wait_s=180)
    fixed_headers = {"x-disco-client-id": "web", "Accept": "application/json"}
    html_is_a_wall = True
    datasets = (
        Dataset(
            "restaurants",
            "Vendors on foodpanda, second listings for extended delivery included.",
            Restaurant,
            key=("code",),
            part=GRID.cell_in_sql("latitude", "longitude"),
            # `distance` and `area` depend on the requested point, and `available_in` on the time of day: as columns,
            # they would change every row in every sync
            also_sent={"code": Identity, "id": int, "distance": float, "area": Any, "metadata.available_in": str},
            volatile=frozenset({"is_delivery_available", "is_pickup_available"}),
            rules=(Together(("latitude", "longitude")),),
            listing={
                "address_en": "CASE WHEN contains(address_en, address_line2_en) THEN address_en "
                "ELSE concat_ws(', ', address_en, address_line2_en) END",
                "price_min_hkd": "CASE price_level WHEN 3 THEN 201 END",  # the highest of three levels has no end
                "licence_number": "food_license_number",
                "chain": "chain_name",
                "is_second_listing": "is_extended_listing",
            },
        ),
        Dataset(
            "reviews",
            "Reviews of those vendors, words and reviewers sealed.",
            Review,
            key=("uuid",),
            also_sent={"uuid": Identity},
            personal=Personal(
                {"reviewerId": PersonalKind.handle, "text": PersonalKind.text},
                subject=("reviewerId",),
                processing=PUBLISHED_REVIEWS,
            ),
            volatile=frozenset({"like_count"}),
            cursor="updated_at",
            rules=(InOrder("created_at", "updated_at"),),
            attached=Attachment("reviews", {"author": "reviewer_id", "published_at": "created_at"}),
        ),
    )

    async def pages(self, extraction: Extraction) -> AsyncIterator[Page]:
        async def vendors(latitude: float, longitude: float, offset: int) -> Slice:
            return await page_of(extraction, VENDORS, {"latitude": latitude, "longitude": longitude, "offset": offset})

        crawl = GridCrawl(extraction, "restaurants", GRID, vendors, page_rows=VENDORS.page_rows, noun="vendors")
        parents = Parents(extraction, REVIEWS)
        async for page in crawl.pages():
            parents.add(page.records)
            yield page
        if extraction.wants("reviews"):
            async for page in pages_of_children(extraction, parents):
                yield page
