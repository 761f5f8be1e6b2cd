"""Chope as the sandbox simulates it: lists with cursors of restaurants and reservations, and its own error codes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from functools import cached_property
from random import Random
from typing import NamedTuple

import orjson

from sync_platform.sandbox.chance import arrivals, scramble
from sync_platform.sandbox.cursors import read_cursor, since_day, write_cursor
from sync_platform.sandbox.faults import PAGED
from sync_platform.sandbox.people import draw_person
from sync_platform.sandbox.platform_view import PlatformEntry, PlatformView, TrueListing
from sync_platform.sandbox.record_formats import JsonRecord
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

SHOWN_DELETED = timedelta(days=200)
BOOKINGS_PER_MONTH = 2.6
BOOKINGS_KEPT = timedelta(days=45)
_BAND = (1, 1, 2, 2, 3, 4)
_WISHES = ("", "", "", "Window seat please", "Birthday cake, two candles", "Peanut allergy", "嬰兒座椅一張", "不要靠門")


class Booking(NamedTuple):
    """The `ordinal`-th booking of an entry, made before `made` began."""

    entry: PlatformEntry
    ordinal: int
    made: date


class Chope(PlatformView):
    """Restaurants, deleted ones only in a delta, and the reservations of some weeks around today."""

    platform = "chope"
    share = 0.205
    faults = PAGED | {"error-in-200"}

    def answer(self, request: WireRequest) -> WireReply | ListAnswer:
        if not request.header(b"authorization"):
            return self.refuse(401, "missing bearer token")
        if request.path == "/v1/restaurants":
            return self._restaurants(request)
        return self._reservations(request) if request.path == "/v1/reservations" else self.missing(request)

    def refuse(self, status: int, message: str) -> WireReply:
        return json_reply({"code": f"E{status}", "message": message}, status)

    def fail_inside_200(self) -> WireReply:
        return json_reply({"code": "B500", "message": "service busy, try again", "result": None})

    def truth(self) -> Iterator[TrueListing]:
        for entry in self.entries:
            yield TrueListing(entry.place, restaurant_id(entry), entry.since, entry.until)

    @cached_property
    def _known(self) -> list[PlatformEntry]:
        return [entry for entry in self.entries if self.today < entry.until + SHOWN_DELETED]

    @cached_property
    def _rows(self) -> RenderedRows:
        return RenderedRows(self._known, self._restaurant)

    @cached_property
    def _updated(self) -> list[str]:
        return [moment_before(entry.updated_on(self.today), entry.noise) for entry in self._known]

    @cached_property
    def _present(self) -> list[int]:
        return [position for position, entry in enumerate(self._known) if self.today < entry.until]

    def _restaurants(self, request: WireRequest) -> WireReply | ListAnswer:
        positions: Sequence[int] = self._present
        if since := request.text("updated_since"):
            moment = since_day(since)
            if not moment:
                return self.refuse(400, "updated_since is not ISO 8601")
            positions = [position for position, updated in enumerate(self._updated) if updated >= moment]
        return self._paged(self._rows.choose(positions), request, JsonRecord("lat", "name"))

    def _restaurant(self, entry: PlatformEntry) -> bytes:
        place, stream = entry.place, entry.stream()
        updated = entry.updated_on(self.today)
        name, premises = place.name(updated), place.premises(updated)
        latitude, longitude = vary_coordinates(stream, premises, 5, 90)
        rid = restaurant_id(entry)
        record = {
            "rid": rid,
            "slug": name.english.lower().replace("&", "and").replace(" ", "-"),
            "name": vary_english(stream, name.english, 0.4),
            "name_zh": vary_chinese(stream, name, premises) if stream.random() < 0.6 else "",
            "address": vary_address(stream, premises) + stream.choice(("", ", Hong Kong", ", HK")),
            "district": premises.area.district if stream.random() < 0.5 else premises.area.english,
            "lat": latitude,
            "lng": longitude,
            "cuisines": [kind.english for kind in place.cuisines],
            "price_band": _BAND[place.price - 1],
            "phone": format_phone(stream, place.phone),
            "min_party": 1 + stream.randint(0, 1),
            "max_party": stream.choice((6, 8, 10, 12, 20)),
            "url": f"https://book.chope.example/{rid}",
            "updated_at": moment_before(updated, entry.noise),
            "deleted": self.today >= entry.until,
        }
        return orjson.dumps({field: value for field, value in record.items() if field != "name_zh" or value})

    @cached_property
    def _bookings(self) -> list[tuple[str, str, Booking]]:
        """Every booking still kept: (rid, updated_at, booking)."""
        rows = []
        for entry in self.listed:
            rid = restaurant_id(entry)
            bookings = _bookings_of(entry, self.today)
            listed = (booking for booking in bookings if booking.made + _lead(booking) + BOOKINGS_KEPT > self.today)
            rows += [(rid, self._changed(booking), booking) for booking in listed]
        return rows

    def _changed(self, booking: Booking) -> str:
        """When the booking last changed: as it was made, or after the meal."""
        meal = booking.made + _lead(booking)
        return moment_before(meal + timedelta(days=1) if meal < self.today else booking.made, booking.entry.noise)

    @cached_property
    def _booking_rows(self) -> RenderedRows:
        return RenderedRows(self._bookings, lambda row: self._reservation(*row))

    def _reservations(self, request: WireRequest) -> WireReply | ListAnswer:
        rid, since = request.text("rid"), request.text("updated_since")
        rows: Sequence[bytes] = self._booking_rows
        if rid or since:
            moment = since_day(since) if since else ""
            if since and not moment:
                return self.refuse(400, "updated_since is not ISO 8601")
            rows = self._booking_rows.choose(
                [
                    position
                    for position, (own_rid, changed, _) in enumerate(self._bookings)
                    if (not rid or own_rid == rid) and changed >= moment
                ]
            )
        return self._paged(rows, request, JsonRecord("party_size", "special_request"))

    def _reservation(self, rid: str, changed: str, booking: Booking) -> bytes:
        entry, index, made = booking
        stream = Random(entry.noise * 31 + index)
        guest = draw_person(stream)
        meal = made + _lead(booking)
        status = stream.choices(("seated", "cancelled", "no_show"), (80, 14, 6))[0] if meal < self.today else "booked"
        return orjson.dumps(
            {
                "reservation_id": f"RSV{entry.number:07d}{index:04d}",
                "rid": rid,
                "starts_at": f"{meal}T{stream.randint(12, 20)}:{stream.choice(('00', '30'))}:00+08:00",
                "party_size": stream.choice((2, 2, 2, 3, 4, 4, 6, 8)),
                "status": status,
                "forename": guest.forename,
                "surname": guest.surname,
                "email": guest.email,
                "mobile": guest.mobile,
                "special_request": stream.choice(_WISHES),
                "updated_at": changed,
            }
        )

    def _paged(self, rows: Sequence[bytes], request: WireRequest, record: JsonRecord) -> WireReply | ListAnswer:
        offset = read_cursor(request.text("cursor"))
        if offset is None:
            return json_reply({"code": "B400", "message": "cursor is not valid", "result": None})

        def wrap(page: ListPage) -> bytes:
            cursor = orjson.dumps(write_cursor(page.next_offset))
            body = b'{"result":{"items":[%b],"next_cursor":%b,"total":%d},"code":"A100"}'
            return body % (page.joined(), cursor, page.total)

        return list_answer(rows, offset, request.number("limit", 100, 1, 100), wrap, record)


def restaurant_id(entry: PlatformEntry) -> str:
    """The platform's id of an entry: letters of its first name, and a number."""
    letters = "".join(letter for letter in entry.place.first_name.english.lower() if "a" <= letter <= "z")
    return f"{letters[:11]}{scramble(entry.number, 36**4)}hk"


def _bookings_of(entry: PlatformEntry, today: date) -> Iterator[Booking]:
    """Bookings of the last months; each quarter has its own random stream, so that no earlier one has to be drawn."""
    for ago in (1, 0):
        quarter = today.toordinal() // 90 - ago
        first = max(entry.since, date.fromordinal(quarter * 90))
        last = min(entry.until, today, date.fromordinal((quarter + 1) * 90))
        stream = Random(entry.noise * 13 + quarter)
        for index, made in enumerate(arrivals(stream, first, last, BOOKINGS_PER_MONTH)):
            yield Booking(entry, quarter % 100 * 100 + index, made)


def _lead(booking: Booking) -> timedelta:
    return timedelta(days=1 + (booking.entry.noise + booking.ordinal * 7) % 21)
