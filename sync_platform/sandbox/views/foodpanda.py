"""Foodpanda as the sandbox simulates it: vendors near a point, some of them listed twice, and their reviews.

`distance` depends on the point of the request and `available_in` on the hour; everything else is fixed for a day.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from functools import cached_property, lru_cache
from math import cos, hypot, radians
from random import Random
from typing import NamedTuple
from uuid import UUID

import orjson

from sync_platform.sandbox.chance import scramble
from sync_platform.sandbox.platform_view import PlatformEntry, PlatformView, TrueListing
from sync_platform.sandbox.record_formats import JsonRecord
from sync_platform.sandbox.reviews import GuestReview, review_days, reviews_of
from sync_platform.sandbox.spelling import in_utc, moment_before, vary_address, vary_coordinates, vary_english
from sync_platform.sandbox.wire import ListAnswer, ListPage, RenderedRows, WireReply, WireRequest, list_answer

RADIUS_KM = 4.0
REVIEWS_PER_MONTH = 0.06
MAX_PAGE = 100
_KM_PER_DEGREE = 111.32
_CELL = 0.04  # degrees: a little more than the radius, so that a point's neighbours are in 3 by 3 cells
_SHORT_CODES = 36**4
_LETTERS = "0123456789abcdefghijklmnopqrstuvwxyz"
_TAGS = ("10% off $120", "20% off $150", "Only on foodpanda", "NEW", "$100 off $200: deal", "Free delivery")


class Vendor(NamedTuple):
    """A rendered vendor, in three parts: the distance and the moment stand between them."""

    latitude: float
    longitude: float
    before: bytes
    between: bytes
    after: bytes


class Foodpanda(PlatformView):
    """Vendors and reviews; an `[Extended Delivery]` vendor is the second listing of a place."""

    platform = "foodpanda"
    share = 0.45

    def answer(self, request: WireRequest) -> WireReply | ListAnswer:
        if not request.header(b"x-disco-client-id"):
            return self.refuse(401, "missing x-disco-client-id")
        if request.path == "/listing/api/v1/pandora/vendors":
            return self._vendors(request)
        head, _, code = request.path.rpartition("/")
        return self._reviews(code, request) if head == "/reviews/vendor" else self.missing(request)

    @cached_property
    def _listings(self) -> list[PlatformEntry]:
        """All entries, second listings included."""
        listings = []
        for entry in self.entries:
            listings.append(entry)
            second_since = entry.since + timedelta(days=90)
            if entry.noise % 9 == 0 and second_since <= self.today and second_since < entry.until:
                listings.append(replace(entry, number=entry.number + 1, since=second_since, noise=entry.noise ^ 0xCAFE))
        return listings

    def truth(self) -> Iterator[TrueListing]:
        for entry in self._listings:
            first = vendor_code(entry.place.key) if entry.number % 2 else ""
            yield TrueListing(entry.place, vendor_code(entry.number), entry.since, entry.until, first)

    @cached_property
    def _shown(self) -> list[PlatformEntry]:
        return [entry for entry in self._listings if entry.is_listed(self.today)]

    @cached_property
    def _spots(self) -> list[tuple[float, float]]:
        return [
            vary_coordinates(Random(entry.noise + 5), entry.place.premises(self.today), 5, 60) for entry in self._shown
        ]

    @cached_property
    def _cells(self) -> dict[tuple[int, int], list[int]]:
        cells: dict[tuple[int, int], list[int]] = {}
        for position, (latitude, longitude) in enumerate(self._spots):
            cells.setdefault((int(latitude / _CELL), int(longitude / _CELL)), []).append(position)
        return cells

    @cached_property
    def _kept(self) -> dict[int, Vendor]:
        return {}

    @cached_property
    def near(self) -> Callable[[float, float], list[tuple[float, int]]]:
        """Finds the vendors near (latitude, longitude), nearest first: (distance in km, position in `_shown`)."""
        return lru_cache(256)(self._find_near)

    def _find_near(self, latitude: float, longitude: float) -> list[tuple[float, int]]:
        row, column = int(latitude / _CELL), int(longitude / _CELL)
        across = _KM_PER_DEGREE * cos(radians(latitude))
        spots, vendors = self._spots, []
        for cell in [(row + down, column + right) for down in (-1, 0, 1) for right in (-1, 0, 1)]:
            for position in self._cells.get(cell, ()):
                north, east = spots[position]
                away = hypot((north - latitude) * _KM_PER_DEGREE, (east - longitude) * across)
                if away <= RADIUS_KM:
                    vendors.append((away, position))
        vendors.sort()
        return vendors

    def _vendors(self, request: WireRequest) -> WireReply | ListAnswer:
        try:
            latitude, longitude = float(request.text("latitude")), float(request.text("longitude"))
        except ValueError:
            return self.refuse(400, "latitude and longitude are needed")
        if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
            return self.refuse(400, "latitude or longitude out of range")
        near = self.near(latitude, longitude)
        available = self._available_in()

        def render(near_vendor: tuple[float, int]) -> bytes:
            away, position = near_vendor
            vendor = self._vendor(position)
            return b"%b%.3f%b%b%b" % (vendor.before, away, vendor.between, available, vendor.after)

        offset, size = request.number("offset", 0, 0, 10**6), request.number("limit", 48, 1, MAX_PAGE)
        return list_answer(RenderedRows(near, render), offset, size, _wrap_vendors, JsonRecord("latitude", "name"))

    def _available_in(self) -> bytes:
        """The next quarter of an hour by the clock, on the city's day."""
        minutes = (int(time.time()) // 60 + 8 * 60) % 1440 // 15 * 15
        return f"{self.today}T{minutes // 60:02d}:{minutes % 60:02d}:00+0800".encode()

    def _vendor(self, position: int) -> Vendor:
        if position not in self._kept:
            body = self._render(position)
            before, rest = body.split(b'"@distance@"')
            between, after = rest.split(b"@available@")
            self._kept[position] = Vendor(*self._spots[position], before, between, after)
        return self._kept[position]

    def _render(self, position: int) -> bytes:
        entry = self._shown[position]
        place, stream, second = entry.place, entry.stream(), entry.number % 2 == 1
        name, premises = place.name(self.today), place.premises(self.today)
        shown_name = vary_english(stream, name.english, 0.25)
        if place.chain or stream.random() < 0.25:
            branch = premises.building.english if premises.in_mall and stream.random() < 0.5 else premises.area.english
            shown_name = f"{shown_name} ({branch})"
        count = len(review_days(entry, self.today, REVIEWS_PER_MONTH))
        latitude, longitude = self._spots[position]
        code = vendor_code(entry.number)
        record = {
            "id": 20_000 + entry.number,
            "code": code,
            "name": f"{shown_name} [Extended Delivery]" if second else shown_name,
            "address": vary_address(stream, premises),
            "address_line2": premises.area.english if stream.random() < 0.4 else "",
            "latitude": latitude,
            "longitude": longitude,
            "distance": "@distance@",
            "rating": round(min(5, place.quality + 0.5), 1) if count else 0,
            "review_number": count,
            "minimum_order_amount": stream.choice((0, 40, 40, 60, 80)),
            "minimum_delivery_fee": stream.choice((0, 8, 12, 18)),
            "minimum_delivery_time": stream.choice((15, 20, 25, 30, 40)) + 20 * second,
            "budget": min(3, (place.price + 1) // 2),
            "customer_phone": f"+852{place.phone}" if place.phone else "",
            "chain": {"name": place.chain.name.english if place.chain else ""},
            "cuisines": [{"id": 160 + kind.number, "name": kind.english} for kind in place.cuisines],
            "tags": [{"text": text} for text in stream.sample(_TAGS, stream.randint(0, 2))],
            "metadata": {
                "available_in": "@available@",
                "is_delivery_available": True,
                "is_pickup_available": stream.random() < 0.7 and not second,
                "is_temporary_closed": stream.random() < 0.02,
            },
            "is_active": True,
            "vendor_legal_information": {
                "legal_name": place.chain.company if place.chain else f"{name.english} Limited"
            },
        }
        licence = next((licence for licence in place.licences if licence.expires(self.today)), None)
        if licence and stream.random() < 0.3:
            record["food_license_number"] = licence.number
        return orjson.dumps(record)

    @cached_property
    def _by_code(self) -> dict[str, PlatformEntry]:
        return {vendor_code(entry.number): entry for entry in self._shown}

    def _reviews(self, code: str, request: WireRequest) -> ListAnswer:
        entry = self._by_code.get(code)
        rows = RenderedRows(reviews_of(entry, self.today, REVIEWS_PER_MONTH) if entry else [], _review)
        offset, size = request.number("offset", 0, 0, 10**6), request.number("limit", 30, 1, MAX_PAGE)
        return list_answer(
            rows, offset, size, lambda page: b'{"data":[%b]}' % page.joined(), JsonRecord("overall", "text")
        )


def vendor_code(number: int) -> str:
    """Four characters; five where a city is too large for four."""
    size, width = (_SHORT_CODES, 4) if number < _SHORT_CODES else (36**5 - _SHORT_CODES, 5)
    rest = scramble(number, size)
    code = ""
    for _ in range(width):
        rest, digit = divmod(rest, 36)
        code += _LETTERS[digit]
    return code


def _wrap_vendors(page: ListPage) -> bytes:
    body = b'{"data":{"items":[%b],"returned_count":%d,"available_count":%d}}'
    return body % (page.joined(), len(page.rows), page.total)


def _review(review: GuestReview) -> bytes:
    stream, anonymous = review.stream, review.number % 4 == 0
    identity = UUID(int=Random(review.number).getrandbits(128), version=4)
    created = in_utc(moment_before(review.day, review.number))
    return orjson.dumps(
        {
            "uuid": str(identity),
            "createdAt": created,
            "updatedAt": created,
            "text": review.text if stream.random() < 0.8 else "",
            "isAnonymous": anonymous,
            "reviewerId": f"hk{review.author.number:06d}",
            "overall": review.rating,
            "restaurant_food": review.rating,
            "rider": stream.randint(3, 5),
            "likeCount": stream.randint(0, 3),
        }
    )
