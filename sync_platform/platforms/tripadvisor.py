"""TripAdvisor's Terra API: restaurants found by a search, read in batches by id, and their reviews.

Special: the search is read only for the ids of the locations, and a batch omits ids without an error.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any

import msgspec

from sync_platform.platforms._location_texts import (
    chinese_address,
    chinese_name,
    english_address,
    english_name,
    neighbourhood,
    telephone,
)
from sync_platform.sources.authentication import KeyHeader
from sync_platform.sources.columns import Row, column, sent_as
from sync_platform.sources.declaration import Attached, Dataset, Pace, Platform, Terms
from sync_platform.sources.endpoints import ByIds, ByOffset, ChildEndpoint, Endpoint, Numbered
from sync_platform.sources.extraction import Extraction
from sync_platform.sources.fetching import Parents, pages_of_children
from sync_platform.sources.id_lists import pages_by_id, read_id_list
from sync_platform.sources.place import Place
from sync_platform.sources.received import Page, integer_at
from sync_platform.sources.rules import COUNT, PHONE, TRADING, WEB_ADDRESS, OneOf, Shaped, Together, Within
from sync_platform.sources.values import filled
from sync_platform.vault.personal_fields import Personal

PAGE_ROWS = 20
LOCALES = ["en", "zh_HK"]
STATUSES = {"OPEN": "open", "CLOSED": "closed", "TEMPORARILY_CLOSED": "temporarily_closed"}
TOTAL = "pagination.total_elements?"
SEARCH = Endpoint(
    "restaurants",
    "/locations/search",
    records="data",
    paging=Numbered(size=PAGE_ROWS, limit="size", total=TOTAL, pages="pagination.total_pages?"),
    params={"version": 1, "geo_name": "Hong Kong", "category": "RESTAURANT", "locale": LOCALES},
    wrapped_in="location",
)
LOCATIONS = Endpoint(
    "restaurants",
    "/locations",
    records="data",
    paging=ByIds(size=50),
    params={"version": 1, "locale": LOCALES},
    wrapped_in="location",
)
REVIEWS = ChildEndpoint(
    "reviews",
    "/locations/{parent}/reviews",
    records="data",
    paging=ByOffset(size=PAGE_ROWS, limit="size", offset="page", counts_pages=True, total=TOTAL),
    params={"version": 1, "sort_by": "MOST_RECENT"},
    since="published_after_ts",
    since_day_only=True,
    count=integer_at("traveler_ratings.overall.count"),
)


class OpeningPeriod(msgspec.Struct):
    day_of_week: str | None = None
    opens: str | None = None
    closes: str | None = None


def _cuisines(categories: list[str] | None) -> list[str]:
    return [name for name in categories or [] if name.upper() != "RESTAURANT"]


def _status(code: str | None) -> str | None:
    known = filled(code)
    return None if known is None else STATUSES.get(known, f"unknown:{known}")


def _opening_hours(periods: list[OpeningPeriod] | None) -> list[str]:
    return [f"{period.day_of_week} {period.opens}-{period.closes}" for period in periods or []]


def _in_scope(categories: Any) -> bool:
    """False only where categories are given and RESTAURANT is not one: the search also lists some hotels and sights."""
    if not isinstance(categories, list) or not categories:
        return True
    return "RESTAURANT" in (str(category).upper() for category in categories)


class Restaurant(Row):
    """One restaurant on TripAdvisor."""

    name_en: Annotated[Place.NameEn, sent_as("names", convert=english_name)] = None
    name_zh: Annotated[
        str | None, column("Traditional Chinese name", matters=True), sent_as("names", convert=chinese_name)
    ] = None
    address_en: Annotated[Place.AddressEn, sent_as("addresses", convert=english_address)] = None
    address_zh: Annotated[Place.AddressZh, sent_as("addresses", convert=chinese_address)] = None
    latitude: Annotated[Place.Latitude, sent_as("coordinates.latitude")] = None
    longitude: Annotated[Place.Longitude, sent_as("coordinates.longitude")] = None
    phone: Annotated[
        str | None,
        column(
            "The first telephone number in order of text, as given; a fax number if it is the only one",
            matters=True,
            rules=PHONE,
        ),
        sent_as("phone_numbers", convert=telephone),
    ] = None
    cuisines: Annotated[
        list[str],
        column("Categories other than `RESTAURANT`, in the platform's words", matters=True, is_set=True),
        sent_as("categories", convert=_cuisines),
    ] = []
    district: Annotated[
        str | None,
        column("Second line of the English address, mostly the neighbourhood"),
        sent_as("addresses", convert=neighbourhood),
    ] = None
    status: Annotated[
        str | None,
        column("Whether it trades: open, closed, temporarily_closed or unknown:<code>", matters=True, rules=TRADING),
        sent_as("status.value", convert=_status),
    ] = None
    price_range: Annotated[
        str | None,
        column("Cheap Eats, Mid Range or Fine Dining", rules=(OneOf(("Cheap Eats", "Mid Range", "Fine Dining")),)),
        sent_as("price_level"),
    ] = None
    rating: Annotated[
        float | None,
        column("Mean rating", unit="1 to 5", rules=(Within(0, 5),)),
        sent_as("traveler_ratings.overall.rating"),
    ] = None
    review_count: Annotated[
        int | None, column("Ratings ever given", rules=COUNT), sent_as("traveler_ratings.overall.count")
    ] = None
    opening_hours: Annotated[
        list[str],
        column("Opening hours, as `MONDAY 11:00-22:00`", unit="Hong Kong time"),
        sent_as("opening_hours.periods", convert=_opening_hours),
    ] = []
    url: Annotated[str | None, column("Page on TripAdvisor", rules=WEB_ADDRESS), sent_as("urls.tripadvisor.main")] = (
        None
    )
    website: Annotated[str | None, column("The restaurant's own site", rules=WEB_ADDRESS), sent_as("urls.official")] = (
        None
    )


class Review(Row):
    """One review of a restaurant; `title`, `text` and the user's fields are sealed, whatever their content."""

    restaurant_id: Annotated[
        str | None,
        column("The restaurant: `source_id` in tripadvisor.restaurants", matters=True, refers_to="restaurants"),
        sent_as("location_id"),
    ] = None
    rating: Annotated[int | None, column("Rating given", unit="1 to 5", matters=True, rules=(Within(1, 5),))] = None
    title: Annotated[str | None, column("Titles by language, as JSON", sealed=True)] = None
    text: Annotated[str | None, column("Texts by language, as JSON", sealed=True, matters=True)] = None
    travel_month: Annotated[
        str | None,
        column(
            "When the reviewer was there",
            unit="YYYY-MM",
            rules=(Shaped(r"\d{4}-(0[1-9]|1[0-2])(-\d\d)?", "a month as YYYY-MM"),),
        ),
        sent_as("travel_date"),
    ] = None
    trip_type: Annotated[str | None, column("With whom: FAMILY, COUPLES, SOLO, BUSINESS or FRIENDS")] = None
    author_name: Annotated[
        str | None, column("Reviewer's user name", sealed=True, matters=True), sent_as("user.username")
    ] = None
    author_home: Annotated[str | None, column("Where the reviewer lives", sealed=True), sent_as("user.geo")] = None
    author_avatar_url: Annotated[str | None, column("Reviewer's picture", sealed=True), sent_as("user.avatar_url")] = (
        None
    )
    published_at: Annotated[
        datetime | None, column("When the review was published", unit="UTC", matters=True), sent_as("publish_ts")
    ] = None


class TripAdvisor(Platform):
    """Ids from a search in pages of 20, then locations in batches of 50, then the reviews of each."""

    name = "tripadvisor"
    title = "TripAdvisor"
    description = "Restaurants of Hong Kong on TripAdvisor, and their reviews."
    live_base_url = "https://terra.tripadvisor.com/api"
    cadence = "monthly"
    priority = "medium"
    terms = Terms(
        "TripAdvisor Content API licence",
        "https://tripadvisor-content-api.readme.io/reference/caching-policy",
        agreement_needed=True,
        without_agreement="ids",
    )
    pace = Pace(requests_per_second=10, concurrency=8)
    authentication = KeyHeader("X-API-Key")
    fixed_headers = {"Accept": "application/json"}
    has_delta = True
    datasets = (
        Dataset(
            "restaurants",
            "Restaurants of Hong Kong on TripAdvisor.",
            Restaurant,
            key=("id",),
            also_sent={"geo_id": int},
            in_scope=lambda location: _in_scope(location.categories),
            bilingual=(("name_en", "name_zh"), ("address_en", "address_zh")),
            rules=(Together(("latitude", "longitude")),),
            listing={
                "price_level": "CASE price_range WHEN 'Cheap Eats' THEN 1 WHEN 'Mid Range' THEN 2 "
                "WHEN 'Fine Dining' THEN 4 END"
            },
        ),
        Dataset(
            "reviews",
            "Reviews of those restaurants, texts and reviewers sealed.",
            Review,
            key=("id",),
            personal=Personal(
                fields=("user.username", "user.geo", "user.avatar_url", "title", "text"), subject=("user.username",)
            ),
            cursor="published_at",
            attached=Attached(
                "reviews",
                {
                    "rating": "rating",
                    "title": "title",
                    "text": "text",
                    "author": "author_name",
                    "published_at": "published_at",
                },
            ),
        ),
    )

    async def pages(self, extraction: Extraction) -> AsyncIterator[Page]:
        found = await read_id_list(
            extraction, SEARCH, lambda each: _in_scope(each.get("categories")), records="locations", name="the search"
        )
        ids = [source_id for source_id, is_in_scope in found.by_id.items() if is_in_scope]
        extraction.report_total("restaurants", len(ids))
        parents = Parents(extraction, REVIEWS)
        async for page in pages_by_id(extraction, LOCATIONS, ids):
            parents.add(page.records)
            yield page
        if extraction.wants("reviews"):
            async for page in pages_of_children(extraction, REVIEWS, parents.counts):
                yield page
