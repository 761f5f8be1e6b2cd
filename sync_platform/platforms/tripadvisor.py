"""TripAdvisor's Terra API: restaurants found by a search, read in batches by id, and their reviews.

Special: the search is read only for the ids of the locations, and a batch omits ids without an error.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated, Any

from sync_platform.platforms import _location_fields as location_fields
from sync_platform.sources.authentication import KeyHeader
from sync_platform.sources.codes import code_names, codes_in
from sync_platform.sources.columns import Row, column, sent_as
from sync_platform.sources.declaration import Attachment, Dataset, Pace, Platform, Terms
from sync_platform.sources.endpoints import ChildCount, ChildEndpoint, Endpoint, IdPaging, NumberedPaging, OffsetPaging
from sync_platform.sources.extraction import Extraction
from sync_platform.sources.fetching import Parents, pages_of_children
from sync_platform.sources.id_lists import pages_by_id, read_id_list
from sync_platform.sources.personal_processing import PUBLISHED_REVIEWS
from sync_platform.sources.place import Place
from sync_platform.sources.received import Page
from sync_platform.sources.rules import COUNT, HOURS, PHONE, TRADING, WEB_ADDRESS, OneOf, Shaped, Together, Within
from sync_platform.vault.personal_fields import Personal, PersonalKind

PAGE_ROWS = 20
MAX_NAMED = 3
LOCALES = ["en", "zh_HK"]
OUT_OF_SCOPE = "none of their categories is RESTAURANT"
TOTAL = "pagination.total_elements?"
SEARCH = Endpoint(
    "restaurants",
    "/locations/search",
    records="data",
    paging=NumberedPaging(size=PAGE_ROWS, limit="size", total=TOTAL, pages="pagination.total_pages?"),
    params={"version": 1, "geo_name": "Hong Kong", "category": "RESTAURANT", "locale": LOCALES},
    wrapped_in="location",
)
LOCATIONS = Endpoint(
    "restaurants",
    "/locations",
    records="data",
    paging=IdPaging(size=50),
    params={"version": 1, "locale": LOCALES},
    wrapped_in="location",
)
REVIEWS = ChildEndpoint(
    "reviews",
    "/locations/{parent}/reviews",
    records="data",
    paging=OffsetPaging(size=PAGE_ROWS, limit="size", offset="page", counts_pages=True, total=TOTAL),
    params={"version": 1, "sort_by": "MOST_RECENT"},
    since="published_after_ts",
    since_day_only=True,
    count=ChildCount("traveler_ratings.overall.count", promises_list=True),
)


def _is_restaurant(texts: list[str]) -> bool:
    return "RESTAURANT" in (text.upper() for text in texts)


def _in_scope(categories: Any) -> bool:
    """False only where categories are given, all can be read and none is RESTAURANT: the search also lists some hotels
    and sights."""
    codes = codes_in(categories)
    given = len(categories) if isinstance(categories, list) else 1
    return not codes or len(codes) < given or any(map(_is_restaurant, codes))


def _cuisines(categories: Any) -> list[str]:
    return [texts[0] for texts in codes_in(categories) if not _is_restaurant(texts)]


class Restaurant(Row):
    """One restaurant on TripAdvisor."""

    name_en: Annotated[Place.NameEn, sent_as("names", convert=location_fields.name_en)] = None
    name_zh: Annotated[
        str | None, column("Traditional Chinese name", matters=True), sent_as("names", convert=location_fields.name_zh)
    ] = None
    address_en: Annotated[Place.AddressEn, sent_as("addresses", convert=location_fields.address_en)] = None
    address_zh: Annotated[Place.AddressZh, sent_as("addresses", convert=location_fields.address_zh)] = None
    latitude: Annotated[Place.Latitude, sent_as("coordinates.latitude")] = None
    longitude: Annotated[Place.Longitude, sent_as("coordinates.longitude")] = None
    phone: Annotated[
        str | None,
        column("The first telephone number in order of text; a fax only if alone", matters=True, rules=PHONE),
        sent_as("phone_numbers", convert=location_fields.first_phone),
    ] = None
    cuisines: Annotated[
        list[str],
        column("Categories other than `RESTAURANT`, in the platform's words", matters=True, is_set=True),
        sent_as("categories", convert=_cuisines),
    ] = []
    district: Annotated[
        str | None,
        column("Second line of the English address, mostly the neighbourhood"),
        sent_as("addresses", convert=location_fields.district),
    ] = None
    status: Annotated[
        str | None,
        column("Whether it trades: open, closed, temporarily_closed or unknown:<code>", matters=True, rules=TRADING),
        sent_as("status.value", convert=location_fields.status),
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
        column("Opening hours, as `MONDAY 11:00-22:00`", unit="Hong Kong time", rules=HOURS),
        sent_as("opening_hours.periods", convert=location_fields.opening_hours),
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
    delta_overlap = timedelta(days=7)  # a review is moderated, and then appears under the time when it was written
    datasets = (
        Dataset(
            "restaurants",
            "Restaurants of Hong Kong on TripAdvisor.",
            Restaurant,
            key=("id",),
            part="source_id",
            also_sent={"geo_id": int},
            in_scope=lambda location: _in_scope(location.categories),
            out_of_scope_because=OUT_OF_SCOPE,
            bilingual=(("name_en", "name_zh"), ("address_en", "address_zh")),
            rules=(Together(("latitude", "longitude")),),
            listing={
                "price_level": "CASE price_range WHEN 'Cheap Eats' THEN 1 WHEN 'Mid Range' THEN 2 "
                "WHEN 'Fine Dining' THEN 4 END",
                "price_min_hkd": "CASE price_range WHEN 'Mid Range' THEN 51 END",
                "price_max_hkd": "CASE price_range WHEN 'Mid Range' THEN 400 END",  # it is two levels wide
            },
        ),
        Dataset(
            "reviews",
            "Reviews of those restaurants, texts and reviewers sealed.",
            Review,
            key=("id",),
            personal=Personal(
                {
                    "user.username": PersonalKind.handle,
                    "user.geo": PersonalKind.home,
                    "user.avatar_url": PersonalKind.picture,
                    "title": PersonalKind.text,
                    "text": PersonalKind.text,
                },
                subject=("user.username",),
                processing=PUBLISHED_REVIEWS,
            ),
            cursor="published_at",
            attached=Attachment("reviews", {"author": "author_name"}),
        ),
    )

    async def pages(self, extraction: Extraction) -> AsyncIterator[Page]:
        id_list = await read_id_list(
            extraction, SEARCH, lambda each: each.get("categories"), records="locations", name="the search"
        )
        ids = [source_id for source_id, categories in id_list.by_id.items() if _in_scope(categories)]
        extraction.report_total("restaurants", len(ids))
        parents = Parents(extraction, REVIEWS)
        for page in id_list.without_id:
            restaurants = [record for record in page.records if _in_scope(record.get("categories"))]
            if restaurants:
                parents.add(restaurants)
                extraction.expect_pages("restaurants", 1)
                extraction.report_total("restaurants", len(restaurants))
                yield replace(page, records=restaurants)
        others = Counter(name for each in id_list.by_id.values() if not _in_scope(each) for name in code_names(each))
        most = ", ".join(f"{count:,} {name}" for name, count in others.most_common(MAX_NAMED))
        left_out = len(id_list.by_id) - len(ids)
        extraction.report_left_out(
            "restaurants", left_out, len(id_list.by_id), "locations", f"{OUT_OF_SCOPE} (they are {most})"
        )
        async for page in pages_by_id(extraction, LOCATIONS, ids):
            parents.add(page.records)
            yield page
        if extraction.wants("reviews"):
            async for page in pages_of_children(extraction, parents):
                yield page
