"""TripAdvisor's Terra API: restaurants found by a search, read in batches by id, and their reviews."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Annotated, Any

import msgspec

from sync_platform.errors import SyncError
from sync_platform.sources.client import Reply
from sync_platform.sources.columns import Row, column
from sync_platform.sources.declaration import Attached, Dataset, Pace, Platform, Terms
from sync_platform.sources.decoding import Decoding, Identity
from sync_platform.sources.extraction import Extraction
from sync_platform.sources.paging import Slice, by_offset
from sync_platform.sources.received import Page, Record, records_of
from sync_platform.sources.rules import (
    COUNT,
    LATITUDE,
    LONGITUDE,
    PHONE,
    TRADING,
    WEB_ADDRESS,
    OneOf,
    Shaped,
    Together,
    Within,
)
from sync_platform.sources.values import coordinate, filled, moment
from sync_platform.vault.personal_fields import Personal

PAGE_SIZE = 20
BATCH_SIZE = 50
LOCALES = ["en", "zh_HK"]
TRADITIONAL = ("zh_HK", "zh_TW", "zh_Hant", "zh_MO")
STATUSES = {"OPEN": "open", "CLOSED": "closed", "TEMPORARILY_CLOSED": "temporarily_closed"}


class Name(msgspec.Struct):
    language: str | None = None
    value: str | None = None
    primary: bool | None = None


class Address(msgspec.Struct):
    street_address: str | None = None
    street_address2: str | None = None
    city: str | None = None
    state: str | None = None
    postal_code: str | None = None
    country_code: str | None = None
    formatted: str | None = None
    language: str | None = None


class Coordinates(msgspec.Struct):
    latitude: float | None = None
    longitude: float | None = None


class PhoneNumber(msgspec.Struct):
    type: str | None = None
    value: str | None = None


class OpeningPeriod(msgspec.Struct):
    day_of_week: str | None = None
    opens: str | None = None
    closes: str | None = None


class OpeningHours(msgspec.Struct):
    periods: list[OpeningPeriod] = []


class Status(msgspec.Struct):
    value: str | None = None


class Overall(msgspec.Struct):
    rating: float | None = None
    count: int | None = None


class Ratings(msgspec.Struct):
    overall: Overall | None = None


class Site(msgspec.Struct):
    main: str | None = None


class Urls(msgspec.Struct):
    tripadvisor: Site | None = None
    official: str | None = None


class Location(msgspec.Struct):
    """One location as sent; what is absent is left out."""

    id: Identity
    names: list[Name] = []
    addresses: list[Address] = []
    coordinates: Coordinates | None = None
    phone_numbers: list[PhoneNumber] = []
    opening_hours: OpeningHours | None = None
    price_level: str | None = None
    status: Status | None = None
    traveler_ratings: Ratings | None = None
    categories: list[str] | None = None
    urls: Urls | None = None
    geo_id: int | None = None


class User(msgspec.Struct):
    username: str | None = None
    geo: str | None = None
    avatar_url: str | None = None


class Post(msgspec.Struct):
    """One review as sent; `title`, `text` and the user's fields are sealed, whatever they hold."""

    id: Identity
    location_id: Identity | None = None
    publish_ts: str | None = None
    rating: int | None = None
    title: str | None = None
    text: str | None = None
    travel_date: str | None = None
    trip_type: str | None = None
    user: User | None = None


class Restaurant(Row):
    """One restaurant on TripAdvisor."""

    name_en: Annotated[str | None, column("English name", matters=True)] = None
    name_zh: Annotated[str | None, column("Traditional Chinese name", matters=True)] = None
    address_en: Annotated[str | None, column("English address", matters=True)] = None
    address_zh: Annotated[str | None, column("Traditional Chinese address", matters=True)] = None
    latitude: Annotated[float | None, column("Latitude", unit="degrees, WGS84", matters=True, rules=LATITUDE)] = None
    longitude: Annotated[float | None, column("Longitude", unit="degrees, WGS84", matters=True, rules=LONGITUDE)] = None
    phone: Annotated[str | None, column("First telephone number, as given", matters=True, rules=PHONE)] = None
    cuisines: Annotated[
        list[str], column("Categories other than `RESTAURANT`, in the platform's words", matters=True)
    ] = []
    district: Annotated[str | None, column("Second line of the English address, mostly the neighbourhood")] = None
    status: Annotated[
        str | None,
        column("Whether it trades: open, closed, temporarily_closed or unknown:<code>", matters=True, rules=TRADING),
    ] = None
    price_range: Annotated[
        str | None,
        column("Cheap Eats, Mid Range or Fine Dining", rules=(OneOf(("Cheap Eats", "Mid Range", "Fine Dining")),)),
    ] = None
    rating: Annotated[float | None, column("Mean rating", unit="1 to 5", rules=(Within(0, 5),))] = None
    review_count: Annotated[int | None, column("Ratings ever given", rules=COUNT)] = None
    opening_hours: Annotated[list[str], column("Opening hours, as `MONDAY 11:00-22:00`", unit="Hong Kong time")] = []
    url: Annotated[str | None, column("Page on TripAdvisor", rules=WEB_ADDRESS)] = None
    website: Annotated[str | None, column("The restaurant's own site", rules=WEB_ADDRESS)] = None


class Review(Row):
    """One review of a restaurant."""

    restaurant_id: Annotated[
        str | None,
        column("The restaurant: `source_id` in tripadvisor.restaurants", matters=True, refers_to="restaurants"),
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
    ] = None
    trip_type: Annotated[str | None, column("With whom: FAMILY, COUPLES, SOLO, BUSINESS or FRIENDS")] = None
    author_name: Annotated[str | None, column("Reviewer's user name", sealed=True, matters=True)] = None
    author_home: Annotated[str | None, column("Where the reviewer lives", sealed=True)] = None
    author_avatar_url: Annotated[str | None, column("Reviewer's picture", sealed=True)] = None
    published_at: Annotated[datetime | None, column("When the review was published", unit="UTC", matters=True)] = None


def _restaurant(location: Location) -> Restaurant | None:
    if not _may_be_restaurant(location.categories):
        return None
    english = _in_english(location.addresses)
    chinese = _in_chinese(location.addresses)
    name_en, name_zh = _in_english(location.names), _in_chinese(location.names)
    coordinates = location.coordinates or Coordinates()
    overall = (location.traveler_ratings or Ratings()).overall or Overall()
    urls = location.urls or Urls()
    phones = [number for phone in location.phone_numbers if (number := filled(phone.value))]
    periods = location.opening_hours.periods if location.opening_hours else []
    return Restaurant(
        source_id=str(location.id),
        name_en=filled(name_en.value) if name_en else None,
        name_zh=filled(name_zh.value) if name_zh else None,
        address_en=_address(english) if english else None,
        address_zh=_address(chinese) if chinese else None,
        latitude=coordinate(coordinates.latitude),
        longitude=coordinate(coordinates.longitude),
        phone=phones[0] if phones else None,
        cuisines=[name for name in location.categories or [] if name.upper() != "RESTAURANT"],
        district=filled(english.street_address2) if english else None,
        status=_status(filled(location.status.value) if location.status else None),
        price_range=filled(location.price_level),
        rating=overall.rating,
        review_count=overall.count,
        opening_hours=[f"{period.day_of_week} {period.opens}-{period.closes}" for period in periods],
        url=filled(urls.tripadvisor.main) if urls.tripadvisor else None,
        website=filled(urls.official),
    )


def _review(post: Post) -> Review:
    user = post.user or User()
    return Review(
        source_id=str(post.id),
        restaurant_id=None if post.location_id is None else str(post.location_id),
        rating=post.rating,
        title=filled(post.title),
        text=filled(post.text),
        travel_month=filled(post.travel_date),
        trip_type=filled(post.trip_type),
        author_name=filled(user.username),
        author_home=filled(user.geo),
        author_avatar_url=filled(user.avatar_url),
        published_at=moment(post.publish_ts),
    )


def _in_english(entries: list[Any]) -> Any:
    """The first entry in English, or None."""
    return next((entry for entry in entries if (entry.language or "").startswith("en")), None)


def _in_chinese(entries: list[Any]) -> Any:
    """The first entry in Traditional Chinese, or None; simplified is another script."""
    return next((entry for entry in entries if (entry.language or "").replace("-", "_") in TRADITIONAL), None)


def _address(address: Address) -> str | None:
    lines = (address.street_address, address.street_address2, address.city)
    return filled(address.formatted) or filled(", ".join(line for line in map(filled, lines) if line))


def _status(code: str | None) -> str | None:
    return None if code is None else STATUSES.get(code, f"unknown:{code}")


def _may_be_restaurant(categories: Any) -> bool:
    """False only where categories are given and RESTAURANT is not one: the search lets hotels and sights slip in."""
    if not isinstance(categories, list) or not categories:
        return True
    return "RESTAURANT" in (str(category).upper() for category in categories)


class _Pagination(msgspec.Struct):
    total_pages: int | None = None
    total_elements: int | None = None


class _Envelope(msgspec.Struct):
    data: list[Any]
    pagination: _Pagination | None = None


def _read(reply: Reply) -> Slice:
    """A list; its rows come bare or wrapped as `{"location": {...}}`, and its pagination may be missing."""
    envelope = reply.json_as(_Envelope)
    records = records_of(envelope.data)
    rows = [row["location"] if isinstance(row.get("location"), dict) else row for row in records]
    paging = envelope.pagination or _Pagination()
    return Slice(rows, reply, total=paging.total_elements, pages=paging.total_pages)


class TripAdvisor(Platform):
    """Ids out of a search in pages of 20, then locations in batches of 50, then the reviews of each."""

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
    has_delta = True
    datasets = (
        Dataset(
            "restaurants",
            "Restaurants of Hong Kong on TripAdvisor.",
            Restaurant,
            key=("id",),
            decoding=Decoding(Location, _restaurant),
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
            decoding=Decoding(Post, _review),
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

    def headers(self, credentials: Mapping[str, str]) -> dict[str, str]:
        return {"X-API-Key": credentials["api_key"], "Accept": "application/json"}

    async def pages(self, extraction: Extraction) -> AsyncIterator[Page]:
        ids = await _search(extraction)
        extraction.report_total("restaurants", len(ids))
        batches = [ids[start : start + BATCH_SIZE] for start in range(0, len(ids), BATCH_SIZE)]
        extraction.expect_pages("restaurants", len(batches))

        async def locations(batch: list[str]) -> Slice:
            params = {"version": 1, "id": batch, "locale": LOCALES}
            part = await extraction.client.get("/locations", params, read=_read)
            given = {str(record.get("id")) for record in part.records}
            extraction.report_omitted("restaurants", [one for one in batch if one not in given])
            return part

        counted: dict[str, int | None] = {}
        async for part in extraction.each("restaurants", batches, locations):
            counted |= {str(record["id"]): _ratings(record) for record in part.records if record.get("id") is not None}
            yield part.as_page("restaurants")
        if extraction.wants("reviews"):
            extraction.inherit_gaps("reviews", "restaurants")

            async def reviews(part: Extraction, location: str) -> AsyncIterator[Page]:
                async for page in _reviews(part, location, bool(counted[location])):
                    yield page

            reviewed = [location for location, count in counted.items() if count != 0]
            async for page in extraction.each_part("reviews", reviewed, reviews):
                yield page


async def _search(extraction: Extraction) -> list[str]:
    """The ids of all restaurants of Hong Kong. What the search lists is a finding where it is less than it claims."""
    found: dict[str, bool] = {}

    async def fetch(page: int) -> Slice:
        params = {"version": 1, "geo_name": "Hong Kong", "category": "RESTAURANT", "page": page, "size": PAGE_SIZE}
        part = await extraction.client.get("/locations/search", {**params, "locale": LOCALES}, read=_read)
        listed = [record for record in part.records if record.get("id") is not None]
        found.update({str(record["id"]): _may_be_restaurant(record.get("categories")) for record in listed})
        return part

    try:
        page, part = 1, await fetch(1)
        claimed = part.total
        while part.pages is None and len(part.records) == PAGE_SIZE:  # nobody says how many: until one is short
            known, page = len(found), page + 1
            part = await fetch(page)
            if len(found) == known and part.records:
                extraction.report_finding("restaurants", f"the search never ends: page {page} lists nothing new")
                break
        async for later in extraction.each("restaurants", range(page + 1, (part.pages or 1) + 1), fetch):
            claimed = max(claimed or 0, later.total or 0)
    except SyncError as error:
        extraction.expect_pages("restaurants", 1)
        extraction.report_failure("restaurants", error)
        return []
    if claimed is not None and len(found) < claimed:
        extraction.report_finding("restaurants", f"the search claims {claimed:,} locations and lists {len(found):,}")
    return [one for one, is_ours in found.items() if is_ours]


async def _reviews(extraction: Extraction, location: str, is_rated: bool) -> AsyncIterator[Page]:
    """One location's reviews, newest first; in a delta only those since the watermark."""

    async def fetch(offset: int) -> Slice:
        params: dict[str, Any] = {"version": 1, "sort_by": "MOST_RECENT", "size": PAGE_SIZE}
        params["page"] = offset // PAGE_SIZE + 1
        if since := extraction.scope.since.get("reviews"):
            params["published_after_ts"] = since[:10]
        part = await extraction.client.get(f"/locations/{location}/reviews", params, read=_read)
        if offset == 0 and part.total == 0 and is_rated and not since:
            extraction.report_finding("reviews", f"location {location} counts ratings and lists no review")
        return part

    async for page in by_offset(extraction, "reviews", fetch, PAGE_SIZE):
        yield page


def _ratings(record: Record) -> int | None:
    """How many ratings a location counts; None where it does not say, which does not mean none."""
    try:
        count = record["traveler_ratings"]["overall"]["count"]
    except (KeyError, TypeError):
        return None
    return count if isinstance(count, int) else None
