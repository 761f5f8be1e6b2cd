"""OpenRice: points of interest (POIs) behind a search that lists at most 250 per query, and their reviews.

Special: the search is split by district or region, price range and cuisine until each query is below the cap. What a
query still misses is found by the other orders, and by the other kinds of category, such as dishes.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

import msgspec

from sync_platform.platforms import _poi_fields as poi_fields
from sync_platform.sources.authentication import BearerToken
from sync_platform.sources.capped_search import CappedSearch
from sync_platform.sources.columns import Meaning, Row, column, sent_as
from sync_platform.sources.declaration import Agreement, Attachment, Dataset, Pace, Platform, Terms
from sync_platform.sources.endpoints import ChildCount, ChildEndpoint, Endpoint, NumberedPaging, OffsetPaging
from sync_platform.sources.extraction import Extraction
from sync_platform.sources.fetching import Parents, page_of, pages_of_children
from sync_platform.sources.list_reading import Slice
from sync_platform.sources.personal_processing import PUBLISHED_REVIEWS
from sync_platform.sources.place import Place
from sync_platform.sources.received import Page, integer_at
from sync_platform.sources.rules import COUNT, HOURS, PHONE, TRADING, WEB_ADDRESS, OneOf, Together, Within
from sync_platform.sources.search_query import Filters, SearchFilter
from sync_platform.sources.values import filled_texts, name_of_code, nonzero, nonzero_count
from sync_platform.vault.personal_fields import Personal, PersonalKind

CAP = 250
PRICE_ENDS = (50, 100, 200, 400, 800)  # HKD per head, the upper end of each range but the last
OTHER_ORDERS = [{"sortBy": order} for order in ("ConsumeAsc", "ConsumeDesc", "BookmarkedDesc")]
EDITION = {"uiLang": "en", "uiCity": "hongkong"}
REGION_PATH = "/api/v2/metadata/region/all"
POIS = Endpoint(
    "restaurants",
    "/api/pois",
    records="searchResult.paginationResult.results",
    paging=NumberedPaging(size=15, limit="", total="searchResult.paginationResult.count"),
    params={**EDITION, "sortBy": "Default"},
)
REVIEWS = ChildEndpoint(
    "reviews",
    "/api/v2/poi/{parent}/reviews",
    records="results",
    paging=OffsetPaging(size=50, limit="rows", offset="startAt", total="count"),
    count=ChildCount("reviewCount", promises_list=True),
)


def score(subject: str) -> Meaning:
    return column(f"Score for {subject}", unit="1 to 5", rules=(Within(1, 5),))


class Restaurant(Row):
    """One restaurant on OpenRice, as sent for `uiLang=en`: `name` is English, `nameOtherLang` Traditional Chinese."""

    name_en: Annotated[Place.NameEn, sent_as("name")] = None
    name_zh: Annotated[str | None, column("Traditional Chinese name", matters=True), sent_as("nameOtherLang")] = None
    address_en: Annotated[Place.AddressEn, sent_as("address")] = None
    address_zh: Annotated[Place.AddressZh, sent_as("addressOtherLang")] = None
    district_id: Annotated[
        str | None,
        column("The platform's id of the district"),
        sent_as("district.districtId", convert=poi_fields.id_text),
    ] = None
    district: Annotated[
        str | None, column("District as the platform names it in English", matters=True), sent_as("district.name")
    ] = None
    latitude: Annotated[Place.Latitude, sent_as("mapLatitude")] = None
    longitude: Annotated[Place.Longitude, sent_as("mapLongitude")] = None
    phone: Annotated[
        str | None,
        column("One of the telephone numbers, as given", matters=True, rules=PHONE, one_of="phones"),
        sent_as("phones", convert=poi_fields.first_phone),
    ] = None
    phones: Annotated[
        list[str], column("All telephone numbers, as given", rules=PHONE, is_set=True), sent_as(convert=filled_texts)
    ] = []
    status: Annotated[
        str | None,
        column("Whether it trades: open, closed or unknown:<code>", matters=True, rules=TRADING),
        sent_as(convert=name_of_code(poi_fields.STATUSES)),
    ] = None
    price_level: Annotated[
        int | None,
        column("Price range", unit="1 cheap to 6 dear", matters=True, rules=(Within(1, 6, hard=False),)),
        sent_as("priceRangeId", convert=nonzero_count),
    ] = None
    price_range: Annotated[
        str | None,
        column("Price range in words", unit="HKD per head"),
        sent_as("priceRangeId", convert=poi_fields.price_range),
    ] = None
    cuisines: Annotated[Place.Cuisines, sent_as("categories", convert=poi_fields.names_of(poi_fields.CUISINE))] = []
    dishes: Annotated[
        list[str],
        column("Kinds of dish, in the platform's words", is_set=True),
        sent_as("categories", convert=poi_fields.names_of(poi_fields.DISH)),
    ] = []
    amenities: Annotated[
        list[str],
        column("What the place offers beside food, in the platform's words", is_set=True),
        sent_as("categories", convert=poi_fields.names_of(poi_fields.AMENITY)),
    ] = []
    rating: Annotated[
        float | None,
        column("Overall score; empty where nobody has reviewed", unit="0 to 5", rules=(Within(0, 5),)),
        sent_as("scoreOverall", convert=nonzero),
    ] = None
    smile_count: Annotated[int | None, column("Reviews that were content", rules=COUNT), sent_as("scoreSmile")] = None
    ok_count: Annotated[int | None, column("Reviews that were neither", rules=COUNT), sent_as("scoreOk")] = None
    cry_count: Annotated[int | None, column("Reviews that were discontent", rules=COUNT), sent_as("scoreCry")] = None
    review_count: Annotated[int | None, column("Reviews ever published", rules=COUNT), sent_as("reviewCount")] = None
    photo_count: Annotated[int | None, column("Photographs", rules=COUNT), sent_as("photoCount")] = None
    bookmark_count: Annotated[
        int | None, column("Users who keep a bookmark", rules=COUNT), sent_as("bookmarkedUserCount")
    ] = None
    opening_hours: Annotated[
        list[str],
        column("Per day 1 (Monday) to 7, or 8 (public holidays): `1 11:00-22:30` or `1 closed`", rules=HOURS),
        sent_as("poiHours", convert=poi_fields.opening_hours),
    ] = []
    moved_to_id: Annotated[
        str | None,
        column("The new entry of a place that moved: a `source_id` here"),
        sent_as("moveToId", convert=poi_fields.moved_to),
    ] = None
    is_renamed: Annotated[bool | None, column("Whether the place once had another name"), sent_as("isRenamed")] = None
    url: Annotated[str | None, column("Page on OpenRice", rules=WEB_ADDRESS), sent_as("urlUI")] = None


class Review(Row):
    """One review of a restaurant, its words and author sealed."""

    restaurant_id: Annotated[
        str | None,
        column("The restaurant: `source_id` in openrice.restaurants", matters=True, refers_to="restaurants"),
        sent_as("poiId"),
    ] = None
    author_id: Annotated[str | None, column("Reviewer's id", sealed=True, matters=True), sent_as("author.userId")] = (
        None
    )
    author_name: Annotated[str | None, column("Reviewer's user name", sealed=True), sent_as("author.name")] = None
    author_level: Annotated[int | None, column("Reviewer's level on the platform"), sent_as("author.level")] = None
    title: Annotated[str | None, column("Title", sealed=True)] = None
    body: Annotated[str | None, column("Text", sealed=True, matters=True)] = None
    visited_on: Annotated[date | None, column("Day of the visit, in Hong Kong"), sent_as("visitDate")] = None
    submitted_at: Annotated[
        datetime | None, column("When the review was sent in", unit="UTC", matters=True), sent_as("submitTime")
    ] = None
    overall: Annotated[
        str | None, column("Verdict: smile, ok or cry", matters=True, rules=(OneOf(("smile", "ok", "cry")),))
    ] = None
    taste: Annotated[int | None, score("taste"), sent_as("scores.taste")] = None
    decor: Annotated[int | None, score("decor"), sent_as("scores.decor")] = None
    service: Annotated[int | None, score("service"), sent_as("scores.service")] = None
    hygiene: Annotated[int | None, score("hygiene"), sent_as("scores.hygiene")] = None
    value: Annotated[int | None, score("value"), sent_as("scores.value")] = None
    spending_per_head_hkd: Annotated[
        Decimal | None, column("Spent per head", unit="HKD", rules=COUNT), sent_as("spendingPerHead")
    ] = None


SPENT_LEVEL = " + ".join(("1", *(f"(m.spending_per_head_hkd > {end})::INT" for end in PRICE_ENDS)))
AS_DEAR = Agreement(
    "price",
    "what was spent lies within one price range of the restaurant's",
    f"abs({SPENT_LEVEL} - r.price_level) <= 1",
)


class Region(msgspec.Struct):
    """The values of the search's filters. `categories`: by kind, such as cuisine, dish or amenity.

    A value without a number that can be read is left out: the count of all of Hong Kong shows whether it is needed.
    """

    districts: list[Any]
    categories: dict[str, Any]

    @property
    def partitions(self) -> list[list[SearchFilter]]:
        """By district; then by region. A region has a negative number, and overlaps districts."""
        numbers = _numbers(self.districts, "districtId")
        places = [number for number in numbers if number >= 0], [number for number in numbers if number < 0]
        prices = SearchFilter("priceRangeId", list(poi_fields.PRICE_RANGES))
        return [[SearchFilter("districtId", values), prices, self._filter("cuisine")] for values in places]

    @property
    def other_filters(self) -> list[SearchFilter]:
        """By dish, amenity and so on: they find places that name no cuisine."""
        return [self._filter(kind) for kind in self.categories if kind != "cuisine"]

    def _filter(self, kind: str) -> SearchFilter:
        return SearchFilter(f"{kind}Id", _numbers(self.categories.get(kind), "categoryId"))


def _numbers(values: Any, field: str) -> list[int]:
    """The numbers in this field of a list's objects, each once, in their order."""
    read = integer_at(field)
    numbers = [read(value) for value in values if isinstance(value, dict)] if isinstance(values, list) else []
    return [number for number in dict.fromkeys(numbers) if number is not None]


class OpenRice(Platform):
    """All restaurants by a search that is split under its cap, then the reviews of each; no delta."""

    name = "openrice"
    title = "OpenRice"
    description = "Hong Kong's restaurant guide: points of interest and their reviews."
    live_base_url = "https://www.openrice.com"
    cadence = "monthly"
    priority = "high"
    terms = Terms("OpenRice partner agreement", "https://www.openrice.com/info/tnc.html", agreement_needed=True)
    pace = Pace(requests_per_second=2, concurrency=4, wall_wait_s=120)
    authentication = BearerToken()
    fixed_headers = {"Accept": "application/json"}
    html_is_a_wall = True
    datasets = (
        Dataset(
            "restaurants",
            "Restaurants on OpenRice, those lately closed or moved included.",
            Restaurant,
            key=("poiId",),
            part="district_id",
            volatile=frozenset({"photo_count", "bookmark_count"}),
            bilingual=(("name_en", "name_zh"), ("address_en", "address_zh")),
            rules=(Together(("latitude", "longitude")),),
            listing={
                "phone": "array_to_string(phones, '; ')",
                "price_level": "[1, 2, 2, 3, 4, 4][price_level]",
                "price_min_hkd": "[0, 51, 101, 201, 401, 801][price_level]",
                "price_max_hkd": "[50, 100, 200, 400, 800][price_level]",
                "moved_to": "moved_to_id",
            },
        ),
        Dataset(
            "reviews",
            "Reviews of those restaurants, words and reviewers sealed.",
            Review,
            key=("reviewId",),
            personal=Personal(
                {
                    "author.userId": PersonalKind.handle,
                    "author.name": PersonalKind.name,
                    "title": PersonalKind.text,
                    "body": PersonalKind.text,
                },
                subject=("author.userId",),
                processing=PUBLISHED_REVIEWS,
            ),
            agreements=(AS_DEAR,),
            attached=Attachment(
                "reviews",
                {
                    "rating": "CASE overall WHEN 'smile' THEN 5 WHEN 'ok' THEN 3 WHEN 'cry' THEN 1 END",
                    "text": "body",
                    "author": "author_name",
                    "published_at": "submitted_at",
                },
            ),
        ),
    )

    async def pages(self, extraction: Extraction) -> AsyncIterator[Page]:
        # where the filters cannot be read the sync fails, and is repeated: without the numbers of the districts the
        # search shows a few thousand of all restaurants, and a degraded sync of these would not be repeated
        region = await extraction.client.get(REGION_PATH, EDITION, read=lambda reply: reply.json_as(Region, "metadata"))

        async def pois(filters: Filters, page: int) -> Slice:
            return await page_of(extraction, POIS, {"page": page, **filters})

        search = CappedSearch(
            extraction,
            "restaurants",
            pois,
            cap=CAP,
            page_rows=POIS.page_rows,
            orders=OTHER_ORDERS,
            other_filters=region.other_filters,
            whole_name="all of Hong Kong",
        )
        parents = Parents(extraction, REVIEWS)
        async for page in search.pages(region.partitions):
            parents.add(page.records)
            yield page
        if extraction.wants("reviews"):
            async for page in pages_of_children(extraction, parents):
                yield page
