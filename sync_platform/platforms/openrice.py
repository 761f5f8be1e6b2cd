"""OpenRice: points of interest behind a cap of 250 per query, swept slice by slice, and their reviews."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

import msgspec

from sync_platform.errors import SyncError
from sync_platform.sources.client import Reply
from sync_platform.sources.columns import Row, column
from sync_platform.sources.declaration import Agreement, Attached, Dataset, Pace, Platform, Terms
from sync_platform.sources.decoding import Decoding, Identity
from sync_platform.sources.extraction import Extraction
from sync_platform.sources.paging import Slice, by_offset
from sync_platform.sources.received import Page, records_of
from sync_platform.sources.rules import COUNT, LATITUDE, LONGITUDE, PHONE, TRADING, WEB_ADDRESS, OneOf, Together, Within
from sync_platform.sources.values import coordinate, filled, moment, money
from sync_platform.vault.personal_fields import Personal

CAP = 250
PAGE_ROWS = 15
MOST_PAGES = 17
MOST_FILTERS = 3  # district, price, cuisine: no finer cut exists
REVIEW_ROWS = 50
PRICE_ENDS = (50, 100, 200, 400, 800)  # HKD per head, the dearest of each range but the last
PRICE_RANGES = {1: "below 50", 2: "51-100", 3: "101-200", 4: "201-400", 5: "401-800", 6: "above 800"}
STATUSES = {10: "open", 3: "closed", 4: "closed"}
CUISINE, DISH, AMENITY = 1, 2, 3


class District(msgspec.Struct, rename="camel"):
    district_id: int | None = None
    name: str | None = None


class Category(msgspec.Struct, rename="camel"):
    category_type_id: int | None = None
    category_id: int | None = None
    name: str | None = None


class Hours(msgspec.Struct, rename="camel"):
    day_of_week: int | None = None
    period1_start: str | None = None
    period1_end: str | None = None
    is_close: bool | None = None


class Poi(msgspec.Struct, rename="camel"):
    """One point of interest as sent for `uiLang=en`: `name` is English, `nameOtherLang` Traditional Chinese."""

    poi_id: Identity
    status: int | None = None
    name: str | None = None
    name_other_lang: str | None = None
    address: str | None = None
    address_other_lang: str | None = None
    district: District | None = None
    map_latitude: float | None = None
    map_longitude: float | None = None
    phones: list[str] | None = None
    price_range_id: int | None = None
    categories: list[Category] | None = None
    score_overall: float | None = None
    score_smile: int | None = None
    score_ok: int | None = None
    score_cry: int | None = None
    review_count: int | None = None
    photo_count: int | None = None
    bookmarked_user_count: int | None = None
    poi_hours: list[Hours] | None = None
    move_to_id: Identity | None = None
    is_renamed: bool | None = None
    url: str | None = msgspec.field(name="urlUI", default=None)


class Author(msgspec.Struct, rename="camel"):
    user_id: str | None = None
    name: str | None = None
    level: int | None = None


class Scores(msgspec.Struct):
    taste: int | None = None
    decor: int | None = None
    service: int | None = None
    hygiene: int | None = None
    value: int | None = None


class Post(msgspec.Struct, rename="camel"):
    """One review as sent, its words and author sealed."""

    review_id: Identity
    poi_id: Identity | None = None
    author: Author | None = None
    title: str | None = None
    body: str | None = None
    visit_date: date | None = None
    submit_time: str | None = None
    overall: str | None = None
    scores: Scores | None = None
    spending_per_head: float | None = None


class Restaurant(Row):
    """One restaurant on OpenRice."""

    name_en: Annotated[str | None, column("English name", matters=True)] = None
    name_zh: Annotated[str | None, column("Traditional Chinese name", matters=True)] = None
    address_en: Annotated[str | None, column("English address", matters=True)] = None
    address_zh: Annotated[str | None, column("Traditional Chinese address", matters=True)] = None
    district_id: Annotated[str | None, column("The platform's id of the district")] = None
    district: Annotated[str | None, column("District as the platform names it in English", matters=True)] = None
    latitude: Annotated[float | None, column("Latitude", unit="degrees, WGS84", matters=True, rules=LATITUDE)] = None
    longitude: Annotated[float | None, column("Longitude", unit="degrees, WGS84", matters=True, rules=LONGITUDE)] = None
    phone: Annotated[str | None, column("First telephone number, as given", matters=True, rules=PHONE)] = None
    phones: Annotated[list[str], column("All telephone numbers, as given", rules=PHONE)] = []
    status: Annotated[
        str | None, column("Whether it trades: open, closed or unknown:<code>", matters=True, rules=TRADING)
    ] = None
    price_level: Annotated[
        int | None, column("Price range", unit="1 cheap to 6 dear", matters=True, rules=(Within(1, 6, hard=False),))
    ] = None
    price_range: Annotated[str | None, column("Price range in words", unit="HKD per head")] = None
    cuisines: Annotated[list[str], column("Cuisines, in the platform's words", matters=True)] = []
    dishes: Annotated[list[str], column("Kinds of dish, in the platform's words")] = []
    amenities: Annotated[list[str], column("What the place offers beside food, in the platform's words")] = []
    rating: Annotated[
        float | None, column("Overall score; empty where nobody has reviewed", unit="0 to 5", rules=(Within(0, 5),))
    ] = None
    smile_count: Annotated[int | None, column("Reviews that were content", rules=COUNT)] = None
    ok_count: Annotated[int | None, column("Reviews that were neither", rules=COUNT)] = None
    cry_count: Annotated[int | None, column("Reviews that were discontent", rules=COUNT)] = None
    review_count: Annotated[int | None, column("Reviews ever published", rules=COUNT)] = None
    photo_count: Annotated[int | None, column("Photographs", rules=COUNT)] = None
    bookmark_count: Annotated[int | None, column("Users who keep a bookmark", rules=COUNT)] = None
    opening_hours: Annotated[
        list[str], column("Per day 1 to 7, as the platform counts them: `1 11:00-22:30` or `1 closed`")
    ] = []
    moved_to_id: Annotated[str | None, column("The new entry of a place that moved: a `source_id` here")] = None
    is_renamed: Annotated[bool | None, column("Whether the place once had another name")] = None
    url: Annotated[str | None, column("Page on OpenRice", rules=WEB_ADDRESS)] = None


class Review(Row):
    """One review of a restaurant."""

    restaurant_id: Annotated[
        str | None, column("The restaurant: `source_id` in openrice.restaurants", matters=True, refers_to="restaurants")
    ] = None
    author_id: Annotated[str | None, column("Reviewer's id", sealed=True, matters=True)] = None
    author_name: Annotated[str | None, column("Reviewer's user name", sealed=True)] = None
    author_level: Annotated[int | None, column("Reviewer's level on the platform")] = None
    title: Annotated[str | None, column("Title", sealed=True)] = None
    body: Annotated[str | None, column("Text", sealed=True, matters=True)] = None
    visited_on: Annotated[date | None, column("Day of the visit, in Hong Kong")] = None
    submitted_at: Annotated[datetime | None, column("When the review was sent in", unit="UTC", matters=True)] = None
    overall: Annotated[
        str | None, column("Verdict: smile, ok or cry", matters=True, rules=(OneOf(("smile", "ok", "cry")),))
    ] = None
    taste: Annotated[int | None, column("Score for taste", unit="1 to 5", rules=(Within(1, 5),))] = None
    decor: Annotated[int | None, column("Score for decor", unit="1 to 5", rules=(Within(1, 5),))] = None
    service: Annotated[int | None, column("Score for service", unit="1 to 5", rules=(Within(1, 5),))] = None
    hygiene: Annotated[int | None, column("Score for hygiene", unit="1 to 5", rules=(Within(1, 5),))] = None
    value: Annotated[int | None, column("Score for value", unit="1 to 5", rules=(Within(1, 5),))] = None
    spending_per_head_hkd: Annotated[Decimal | None, column("Spent per head", unit="HKD", rules=COUNT)] = None


def _restaurant(poi: Poi) -> Restaurant:
    district = poi.district or District()
    phones = _filled(poi.phones or [])
    return Restaurant(
        source_id=str(poi.poi_id),
        name_en=filled(poi.name),
        name_zh=filled(poi.name_other_lang),
        address_en=filled(poi.address),
        address_zh=filled(poi.address_other_lang),
        district_id=None if district.district_id is None else str(district.district_id),
        district=filled(district.name),
        latitude=coordinate(poi.map_latitude),
        longitude=coordinate(poi.map_longitude),
        phone=phones[0] if phones else None,
        phones=phones,
        status=None if poi.status is None else STATUSES.get(poi.status, f"unknown:{poi.status}"),
        price_level=poi.price_range_id or None,
        price_range=PRICE_RANGES.get(poi.price_range_id or 0),
        cuisines=_named(poi, CUISINE),
        dishes=_named(poi, DISH),
        amenities=_named(poi, AMENITY),
        rating=poi.score_overall or None,
        smile_count=poi.score_smile,
        ok_count=poi.score_ok,
        cry_count=poi.score_cry,
        review_count=poi.review_count,
        photo_count=poi.photo_count,
        bookmark_count=poi.bookmarked_user_count,
        opening_hours=[_hours(day) for day in poi.poi_hours or []],
        moved_to_id=str(poi.move_to_id) if poi.move_to_id not in (None, 0, "0", "") else None,
        is_renamed=poi.is_renamed,
        url=filled(poi.url),
    )


def _review(post: Post) -> Review:
    author, scores = post.author or Author(), post.scores or Scores()
    return Review(
        source_id=str(post.review_id),
        restaurant_id=None if post.poi_id is None else str(post.poi_id),
        author_id=filled(author.user_id),
        author_name=filled(author.name),
        author_level=author.level,
        title=filled(post.title),
        body=filled(post.body),
        visited_on=post.visit_date,
        submitted_at=moment(post.submit_time),
        overall=filled(post.overall),
        taste=scores.taste,
        decor=scores.decor,
        service=scores.service,
        hygiene=scores.hygiene,
        value=scores.value,
        spending_per_head_hkd=money(post.spending_per_head),
    )


def _filled(texts: Iterable[str | None]) -> list[str]:
    return [text for text in map(filled, texts) if text]


def _named(poi: Poi, kind: int) -> list[str]:
    return _filled(category.name for category in poi.categories or [] if category.category_type_id == kind)


def _hours(day: Hours) -> str:
    if day.is_close or not day.period1_start or not day.period1_end:
        return f"{day.day_of_week} {'closed' if day.is_close else 'unknown'}"
    return f"{day.day_of_week} {day.period1_start[:5]}-{day.period1_end[:5]}"


_SPENT_LEVEL = " + ".join(("1", *(f"(m.spending_per_head_hkd > {end})::INT" for end in PRICE_ENDS)))
_AS_DEAR = Agreement(
    "price",
    "what was spent lies within one price range of the restaurant's",
    f"abs({_SPENT_LEVEL} - r.price_level) <= 1",
)


class _Pois(msgspec.Struct):
    results: list[Any]
    count: int


class _SearchResult(msgspec.Struct, rename="camel"):
    pagination_result: _Pois


class _Search(msgspec.Struct, rename="camel"):
    search_result: _SearchResult


class _Cuisine(msgspec.Struct, rename="camel"):
    category_id: int


class _Categories(msgspec.Struct):
    cuisine: list[_Cuisine]


class _District(msgspec.Struct, rename="camel"):
    district_id: int


class _Region(msgspec.Struct):
    districts: list[_District]
    categories: _Categories


class _Reviews(msgspec.Struct):
    count: int
    results: list[Any]


def _read_pois(reply: Reply) -> Slice:
    found = reply.json_as(_Search).search_result.pagination_result
    return Slice(records_of(found.results), reply, total=found.count)


def _read_reviews(reply: Reply) -> Slice:
    found = reply.json_as(_Reviews)
    return Slice(records_of(found.results), reply, total=found.count)


@dataclass(eq=False)
class _Query:
    """One query of the sweep: what it asks for, the source's count, and the ids that it and its parts brought."""

    filters: dict[str, int]
    within: _Query | None = None
    count: int = 0
    asked: bool = False
    read_to: int = 0  # pages read
    own: set[str] = field(default_factory=set)  # the ids that its own pages brought
    repeats: bool = False
    ids: set[str] = field(default_factory=set)
    told: bool = False

    @property
    def name(self) -> str:
        return " ".join(f"{name}={value}" for name, value in self.filters.items()) or "all of Hong Kong"

    @property
    def reachable(self) -> int:
        """How many of its pages can hold anything; the first tells."""
        return min(MOST_PAGES, -(-self.count // PAGE_ROWS)) if self.asked else 1

    @property
    def is_short(self) -> bool:
        """Whether it holds more than was read; of one that repeats itself nobody can tell, and its parts would too."""
        return not self.asked or (len(self.ids) < self.count and not self.repeats)

    @property
    def and_around(self) -> list[_Query]:
        """This query and those it is a part of, outwards."""
        return [self, *(self.within.and_around if self.within else [])]

    def parts(self, name: str, values: Iterable[int]) -> list[_Query]:
        return [_Query({**self.filters, name: value}, self) for value in values]


class _Sweep:
    """All restaurants of the region, through queries that let out 250 each.

    A query that brings fewer restaurants than it counts is split by district, then price, then cuisine. Parts need
    not add up, because a restaurant may have no price: then the pages of the whole are read too, as far as they reach.
    """

    def __init__(self, extraction: Extraction, region: _Region) -> None:
        self.extraction = extraction
        districts = list(dict.fromkeys(district.district_id for district in region.districts))
        self.districts = [number for number in districts if number >= 0]
        self.regions = [number for number in districts if number < 0]  # they overlap the districts
        self.cuisines = list(dict.fromkeys(cuisine.category_id for cuisine in region.categories.cuisine))
        self.seen: set[str] = set()
        self.reviewed: list[str] = []
        self.counts_reviews: dict[str, bool] = {}  # of those: whether a count was given
        self.split: list[_Query] = []
        self.capped: list[_Query] = []

    async def pages(self) -> AsyncIterator[Page]:
        root = _Query({})
        async for page in self._read(root):
            yield page
        if not root.asked:
            return
        self.extraction.report_total("restaurants", root.count)
        for numbers in (self.districts, self.regions):
            if root.is_short:
                async for page in self._descend(root, numbers):
                    yield page
        for query in reversed([root, *self.split]):  # the innermost first: what it brings counts further out too
            if root.is_short and query.is_short:
                async for page in self._read(query, anyway=True):
                    yield page
        if root.is_short:
            self._tell([*self.capped, *reversed(self.split), root])

    async def _descend(self, root: _Query, districts: list[int]) -> AsyncIterator[Page]:
        level = root.parts("districtId", districts)
        for name, values in (("priceRangeId", list(PRICE_RANGES)), ("cuisineId", self.cuisines), ("", [])):
            known = len(self.seen)
            async for page in self.extraction.each_stream("restaurants", level, self._read):
                yield page
            short = [query for query in level if query.is_short and query.asked]
            (self.split if name else self.capped).extend(short)
            if len(self.seen) == known:
                # what is within the cap was read whole: a finer cut of it brings nothing new either
                short = [query for query in short if query.count > CAP]
            level = [part for query in short for part in query.parts(name, values)]

    async def _read(self, query: _Query, anyway: bool = False) -> AsyncIterator[Page]:
        """The pages of a query not read yet; only the first where it is over the cap, unless `anyway`."""
        while query.read_to < query.reachable:
            self.extraction.expect_pages("restaurants", 1)
            query.read_to += 1
            params = {"uiLang": "en", "uiCity": "hongkong", "page": query.read_to, "sortBy": "Default", **query.filters}
            try:
                part = await self.extraction.client.get("/api/pois", params, read=_read_pois)
            except SyncError as error:
                self.extraction.report_failure("restaurants", error)
                if not query.asked:
                    return
                continue
            query.asked, query.count = True, part.total or 0
            listed = {str(record["poiId"]) for record in part.records if record.get("poiId") is not None}
            if query.read_to > 1 and part.records and listed <= query.own:
                query.repeats = True
                name = f"page {query.read_to} of {query.name}"
                self.extraction.report_finding("restaurants", f"{name} repeats what came before it")
                return
            query.own |= listed
            yield self._fresh(query, part)
            if not part.records or not (anyway or query.count <= CAP or len(query.filters) == MOST_FILTERS):
                return

    def _fresh(self, query: _Query, part: Slice) -> Page:
        """The page without the restaurants that an earlier one had, for slices overlap."""
        fresh, new = [], set()
        for record in part.records:
            poi = str(record.get("poiId", ""))
            if poi and poi in self.seen:
                continue
            fresh.append(record)
            if record.get("reviewCount") != 0:
                new.add(poi)
                self.counts_reviews[poi] = bool(record.get("reviewCount"))
        ids = {str(record["poiId"]) for record in part.records if record.get("poiId") is not None}
        for around in query.and_around:
            around.ids |= ids
        self.seen |= ids
        self.reviewed += sorted(new & ids)
        return Page("restaurants", fresh, (part.reply,))

    def _tell(self, short: list[_Query]) -> None:
        """Name the innermost queries that hold more than could be read."""
        for query in short:
            if query.is_short and not query.told:
                count = f"{query.count:,}" if query.asked else "an unknown number"
                self.extraction.report_capped("restaurants", f"{query.name}: {len(query.ids):,} of {count}")
                for around in query.and_around:
                    around.told = True


class OpenRice(Platform):
    """A sweep of the restaurants in slices under the cap, then the reviews of each; no delta."""

    name = "openrice"
    title = "OpenRice"
    description = "Hong Kong's restaurant guide: points of interest and their reviews."
    live_base_url = "https://www.openrice.com"
    cadence = "monthly"
    priority = "high"
    terms = Terms("OpenRice partner agreement", "https://www.openrice.com/info/tnc.html", agreement_needed=True)
    pace = Pace(requests_per_second=2, concurrency=4, wall_wait_s=120)
    html_is_a_wall = True
    datasets = (
        Dataset(
            "restaurants",
            "Restaurants on OpenRice, those lately closed or moved included.",
            Restaurant,
            key=("poiId",),
            decoding=Decoding(Poi, _restaurant),
            volatile=frozenset({"photo_count", "bookmark_count"}),
            bilingual=(("name_en", "name_zh"), ("address_en", "address_zh")),
            rules=(Together(("latitude", "longitude")),),
            listing={
                "phone": "array_to_string(phones, '; ')",
                "price_level": "[1, 2, 2, 3, 4, 4][price_level]",
                "moved_to": "moved_to_id",
            },
        ),
        Dataset(
            "reviews",
            "Reviews of those restaurants, words and reviewers sealed.",
            Review,
            key=("reviewId",),
            decoding=Decoding(Post, _review),
            personal=Personal(fields=("author.userId", "author.name", "title", "body"), subject=("author.userId",)),
            agreements=(_AS_DEAR,),
            attached=Attached(
                "reviews",
                {
                    "rating": "CASE overall WHEN 'smile' THEN 5 WHEN 'ok' THEN 3 WHEN 'cry' THEN 1 END",
                    "title": "title",
                    "text": "body",
                    "author": "author_name",
                    "published_at": "submitted_at",
                },
            ),
        ),
    )

    def headers(self, credentials: Mapping[str, str]) -> dict[str, str]:
        return {"Authorization": f"Bearer {credentials['api_key']}", "Accept": "application/json"}

    async def pages(self, extraction: Extraction) -> AsyncIterator[Page]:
        params = {"uiLang": "en", "uiCity": "hongkong"}
        path = "/api/v2/metadata/region/all"
        region = await extraction.client.get(path, params, read=lambda reply: reply.json_as(_Region, "metadata"))
        sweep = _Sweep(extraction, region)
        async for page in sweep.pages():
            yield page
        if extraction.wants("reviews"):
            extraction.inherit_gaps("reviews", "restaurants")

            async def reviews(part: Extraction, poi: str) -> AsyncIterator[Page]:
                async for page in _reviews(part, poi, sweep.counts_reviews[poi]):
                    yield page

            async for page in extraction.each_part("reviews", sweep.reviewed, reviews):
                yield page


async def _reviews(extraction: Extraction, poi: str, counts_some: bool) -> AsyncIterator[Page]:
    """One restaurant's reviews; `counts_some`: whether the restaurant's record counts any."""

    async def fetch(offset: int) -> Slice:
        params: dict[str, Any] = {"rows": REVIEW_ROWS, "startAt": offset}
        part = await extraction.client.get(f"/api/v2/poi/{poi}/reviews", params, read=_read_reviews)
        if offset == 0 and part.total == 0 and counts_some:
            extraction.report_finding("reviews", f"restaurant {poi} counts reviews and lists none")
        return part

    async for page in by_offset(extraction, "reviews", fetch, REVIEW_ROWS):
        yield page
