"""TripAdvisor as the sandbox simulates it: locations in pages of at most 20, absent fields left out, and reviews.

The search also returns a few hotels and sights, as the real one does despite its category filter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import cached_property, partial
from typing import Any

import orjson

from sync_platform.sandbox.chance import scramble
from sync_platform.sandbox.platform_view import PlatformEntry, PlatformView, TrueListing
from sync_platform.sandbox.premises import Premises
from sync_platform.sandbox.record_formats import JsonRecord
from sync_platform.sandbox.reviews import GuestReview, review_days, reviews_of
from sync_platform.sandbox.spelling import (
    format_phone,
    moment_before,
    vary_address,
    vary_chinese,
    vary_coordinates,
    vary_english,
)
from sync_platform.sandbox.wire import (
    ListAnswer,
    ListPage,
    RenderedRows,
    WireReply,
    WireRequest,
    json_reply,
    list_answer,
)

SHOWN_CLOSED = timedelta(days=120)
REVIEWS_PER_MONTH = 0.045
GEO_ID = 294217
MAX_IDS = 50
MAX_PAGE = 20
_PROBLEM = "application/problem+json"
_LEVELS = ("Cheap Eats", "Cheap Eats", "Mid Range", "Mid Range", "Fine Dining", "Fine Dining")
_DAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
_TRIPS = ("FAMILY", "COUPLES", "SOLO", "BUSINESS", "FRIENDS")
_HOMES = ("Hong Kong, China", "London, United Kingdom", "Singapore", "Sydney, Australia", "Toronto, Canada")
_REVIEWS_PATH = re.compile(r"/locations/(\d{1,18})/reviews")
_LOCATION_PATH = re.compile(r"/locations/(\d{1,18})")


class TripAdvisor(PlatformView):
    """Locations and reviews of geo 294217."""

    platform = "tripadvisor"
    share = 0.36
    special_faults = {"omitted-ids": "every other id asked for is left out"}

    def answer(self, request: WireRequest) -> WireReply | ListAnswer:
        if not request.header(b"x-api-key"):
            return self.refuse(401, "missing X-API-Key")
        if not 1 <= request.number("size", MAX_PAGE, -1, 10**6) <= MAX_PAGE:
            return self.refuse(400, f"size must lie between 1 and {MAX_PAGE}")
        if request.path == "/locations/search":
            return _paged(self._rows(request), request, JsonRecord("coordinates.latitude", "status.value"))
        if request.path == "/locations":
            return self._by_ids(request)
        if match := _REVIEWS_PATH.fullmatch(request.path):
            return self._reviews(int(match[1]), request)
        if (match := _LOCATION_PATH.fullmatch(request.path)) and int(match[1]) in self._positions:
            return WireReply(self._rows(request)[self._positions[int(match[1])]])
        return self.missing(request)

    def refuse(self, status: int, message: str) -> WireReply:
        titles = {400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 429: "Too Many Requests"}
        title = titles.get(status, "Internal Server Error")
        problem = {"type": "about:blank", "title": title, "status": status, "detail": message}
        return json_reply(problem, status, _PROBLEM)

    def truth(self) -> Iterator[TrueListing]:
        for entry in self.entries:
            yield TrueListing(entry.place, str(location_id(entry)), entry.since, entry.until)

    @cached_property
    def _shown(self) -> list[PlatformEntry]:
        return [entry for entry in self.entries if self.today < entry.until + SHOWN_CLOSED]

    @cached_property
    def _positions(self) -> dict[int, int]:
        return {location_id(entry): position for position, entry in enumerate(self._shown)}

    @cached_property
    def _rendered(self) -> dict[tuple[bool, bool], RenderedRows]:
        return {}

    def _rows(self, request: WireRequest) -> RenderedRows:
        """Locations in the languages of `locale`; in English where none is given."""
        locales = request.query.get("locale", ["en"])
        languages = ("en" in locales or not any(locale.startswith("zh") for locale in locales), "zh_HK" in locales)
        if languages not in self._rendered:
            self._rendered[languages] = RenderedRows(self._shown, partial(self._location, *languages))
        return self._rendered[languages]

    def _by_ids(self, request: WireRequest) -> WireReply | ListAnswer:
        wanted = request.query.get("id", [])
        if not 1 <= len(wanted) <= MAX_IDS or not all(text.isdecimal() for text in wanted):
            return self.refuse(400, f"id: between 1 and {MAX_IDS} whole numbers are needed")
        known = [self._positions[int(text)] for text in wanted if int(text) in self._positions]
        answer = list_answer(
            self._rows(request).choose(known),
            0,
            MAX_IDS,
            lambda page: b'{"data":[%b]}' % page.joined(),
            JsonRecord("coordinates.latitude", "status.value"),
        )
        return replace(answer, special={"omitted-ids": lambda faulty: replace(faulty, rows=faulty.rows[::2])})

    def _location(self, english: bool, chinese: bool, entry: PlatformEntry) -> bytes:
        place, stream = entry.place, entry.stream()
        day = min(self.today, entry.until - timedelta(days=1))
        name, premises = place.name(day), place.premises(day)
        shown_name, shown_zh = vary_english(stream, name.english, 0.45), vary_chinese(stream, name, premises)
        latitude, longitude = vary_coordinates(stream, premises)
        sight = stream.random() < 0.03
        kind = stream.choice(("HOTEL", "ATTRACTION")) if sight else "RESTAURANT"
        names = [{"language": "en", "value": shown_name, "primary": True}] if english else []
        if chinese and shown_zh and stream.random() < 0.75:
            names.append({"language": "zh_HK", "value": shown_zh, "primary": not names})
        count = len(review_days(entry, self.today, REVIEWS_PER_MONTH))
        closed = self.today >= entry.until
        number = location_id(entry)
        record: dict[str, Any] = {
            "id": number,
            "geo_id": GEO_ID,
            "names": names or [{"language": "en", "value": shown_name, "primary": True}],
            "addresses": _addresses(vary_address(stream, premises), premises, chinese),
            "coordinates": {"latitude": latitude, "longitude": longitude},
            "status": {"value": "CLOSED" if closed else "OPEN" if stream.random() < 0.97 else "TEMPORARILY_CLOSED"},
            "categories": [kind, *(cuisine.english for cuisine in place.cuisines if not sight)],
            "urls": {"tripadvisor": {"main": f"https://www.tripadvisor.example/Restaurant_Review-g{GEO_ID}-d{number}"}},
        }
        if place.phone and stream.random() < 0.85:
            record["phone_numbers"] = [{"type": "phone", "value": format_phone(stream, place.phone)}]
        if stream.random() < 0.6:
            record["opening_hours"] = {"periods": _periods(entry)}
        if stream.random() < 0.8:
            record["price_level"] = _LEVELS[place.price - 1]
        if count:
            record["traveler_ratings"] = {"overall": {"rating": round(place.quality * 2) / 2, "count": count}}
        if stream.random() < 0.3:
            record["urls"]["official"] = f"https://{''.join(name.english.lower().split())}.example".replace("&", "")
        return orjson.dumps(record)

    def _reviews(self, number: int, request: WireRequest) -> WireReply | ListAnswer:
        position = self._positions.get(number)
        if position is None:
            return self.refuse(404, f"no location {number}")
        after = request.text("published_after_ts")
        reviews = reviews_of(self._shown[position], self.today, REVIEWS_PER_MONTH)
        if after:
            reviews = [review for review in reviews if _published(review) >= after]
        return _paged(RenderedRows(reviews, partial(_review, number)), request, JsonRecord("rating", "rating"))


def location_id(entry: PlatformEntry) -> int:
    """The platform's id of an entry."""
    return 3_000_000 + scramble(entry.number, 2**24)


def _paged(rows: RenderedRows, request: WireRequest, record: JsonRecord) -> ListAnswer:
    page, size = request.number("page", 1, 1, 10**6), request.number("size", MAX_PAGE, 1, MAX_PAGE)

    def wrap(list_page: ListPage) -> bytes:
        paging = {
            "page": page,
            "size": size,
            "total_pages": -(-list_page.total // size),
            "total_elements": list_page.total,
        }
        return b'{"data":[%b],"pagination":%b}' % (list_page.joined(), orjson.dumps(paging))

    return list_answer(rows, (page - 1) * size, size, wrap, record)


def _addresses(street: str, premises: Premises, chinese: bool) -> list[dict[str, str]]:
    shared = {"city": "Hong Kong", "country_code": "HK"}
    formatted = f"{street}, {premises.region('en')}, Hong Kong"
    addresses = [{"street_address": street, "street_address2": premises.area.english, **shared, "formatted": formatted}]
    addresses[0]["language"] = "en"
    if chinese:
        addresses.append({**shared, "formatted": premises.region("zh") + premises.chinese(), "language": "zh_HK"})
    return addresses


def _periods(entry: PlatformEntry) -> list[dict[str, str]]:
    place = entry.place
    closes = "23:59" if place.closes > 23 else f"{place.closes:02d}:00"
    return [
        {"day_of_week": day, "opens": f"{place.opens:02d}:00", "closes": closes}
        for number, day in enumerate(_DAYS, 1)
        if number != place.rests_on
    ]


def _published(review: GuestReview) -> str:
    return moment_before(review.day, review.number)


def _review(location: int, review: GuestReview) -> bytes:
    stream = review.stream
    language = "zh_HK" if review.language == "zh" else "en"
    record: dict[str, Any] = {
        "id": 900_000_000 + review.number,
        "location_id": location,
        "publish_ts": _published(review),
        "rating": review.rating,
        "title": [{"language": language, "value": review.title}],
        "text": [{"language": language, "value": review.text}],
        "travel_date": f"{review.day - timedelta(days=stream.randint(0, 60)):%Y-%m}",
        "user": {"username": review.author.handle, "geo": _HOMES[review.author.number % len(_HOMES)]},
    }
    if stream.random() < 0.7:
        record["trip_type"] = stream.choice(_TRIPS)
    if stream.random() < 0.5:
        record["user"]["avatar_url"] = f"https://media.tripadvisor.example/{review.author.number}.jpg"
    return orjson.dumps(record)
