"""Seatly as the sandbox plays it: restaurants and the reviews of each, in numbered pages."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import timedelta
from functools import cached_property, partial

import orjson

from sync_platform.sandbox.chance import scramble
from sync_platform.sandbox.cursors import since_day
from sync_platform.sandbox.platform_view import PlatformEntry, PlatformView, TrueListing
from sync_platform.sandbox.record_formats import JsonRecord
from sync_platform.sandbox.reviews import GuestReview, review_days, reviews_of
from sync_platform.sandbox.spelling import format_phone, moment_before, vary_address, vary_coordinates, vary_english
from sync_platform.sandbox.wire import ListAnswer, ListPage, RenderedRows, WireReply, WireRequest, list_answer

SHOWN_AFTER_LEAVING = timedelta(days=100)
REVIEWS_PER_MONTH = 0.1
_REVIEWS_PATH = re.compile(r"/v1/restaurants/(\d{1,18})/reviews")


class Seatly(PlatformView):
    """Restaurants, those that have left only in a delta, and reviews."""

    platform = "seatly"
    share = 0.5

    def answer(self, request: WireRequest) -> WireReply | ListAnswer:
        if not request.header(b"x-api-key"):
            return self.refuse(401, "missing X-Api-Key")
        if request.path == "/v1/restaurants":
            return self._restaurants(request)
        found = _REVIEWS_PATH.fullmatch(request.path)
        return self._reviews(int(found[1]), request) if found else self.missing(request)

    def truth(self) -> Iterator[TrueListing]:
        for entry in self.entries:
            yield TrueListing(entry.place, str(restaurant_id(entry)), entry.since, entry.until)

    @cached_property
    def _known(self) -> list[PlatformEntry]:
        return [entry for entry in self.entries if self.today < entry.until + SHOWN_AFTER_LEAVING]

    @cached_property
    def _rows(self) -> RenderedRows:
        return RenderedRows(self._known, self._restaurant)

    def _updated_at(self, entry: PlatformEntry) -> str:
        return moment_before(entry.updated_on(self.today), entry.noise)

    def _restaurants(self, request: WireRequest) -> WireReply | ListAnswer:
        if since := request.text("updated_since"):
            moment = since_day(since)
            chosen = [at for at, entry in enumerate(self._known) if self._updated_at(entry) >= moment]
        else:
            chosen = [at for at, entry in enumerate(self._known) if entry.is_listed(self.today)]
        return _paged(self._rows.choose(chosen), b"restaurants", request, JsonRecord("latitude", "name"))

    def _restaurant(self, entry: PlatformEntry) -> bytes:
        place, stream = entry.place, entry.stream()
        day = entry.updated_on(self.today)
        name, premises = place.name(day), place.premises(day)
        latitude, longitude = vary_coordinates(stream, premises)
        return orjson.dumps(
            {
                "id": restaurant_id(entry),
                "name": vary_english(stream, name.english),
                "name_zh": name.chinese or None,
                "address": vary_address(stream, premises),
                "district": premises.area.english,
                "latitude": latitude,
                "longitude": longitude,
                "phone": format_phone(stream, place.phone) or None,
                "cuisines": [kind.english for kind in place.cuisines],
                "review_count": len(review_days(entry, day, REVIEWS_PER_MONTH)),
                "updated_at": self._updated_at(entry),
                "has_left": not entry.is_listed(self.today),
            }
        )

    def _reviews(self, number: int, request: WireRequest) -> WireReply | ListAnswer:
        entry = next((entry for entry in self._known if restaurant_id(entry) == number), None)
        if entry is None:
            return self.missing(request)
        reviews = reviews_of(entry, entry.updated_on(self.today), REVIEWS_PER_MONTH)
        rows = RenderedRows(reviews, partial(_review, number))
        return _paged(rows, b"reviews", request, JsonRecord("rating", "text"))


def restaurant_id(entry: PlatformEntry) -> int:
    """The platform's id of an entry."""
    return 5_000_000 + scramble(entry.number, 2**22)


def _review(restaurant: int, review: GuestReview) -> bytes:
    return orjson.dumps(
        {
            "review_id": review.number,
            "restaurant_id": restaurant,
            "author": f"{review.author.forename} {review.author.surname}",
            "rating": review.rating,
            "text": review.text,
            "written_at": moment_before(review.day, review.number),
        }
    )


def _paged(rows: Sequence[bytes], key: bytes, request: WireRequest, record: JsonRecord) -> ListAnswer:
    page, size = request.number("page", 1, 1, 10**6), request.number("limit", 10, 1, 50)

    def wrap(shown: ListPage) -> bytes:
        return b'{"%b":[%b],"total":%d,"pages":%d}' % (key, shown.joined(), shown.total, -(-shown.total // size))

    return list_answer(rows, (page - 1) * size, size, wrap, record)
