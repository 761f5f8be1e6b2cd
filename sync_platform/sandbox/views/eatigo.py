"""Eatigo as the sandbox simulates it: branches with discounted slots in the coming days."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from functools import cached_property
from random import Random

import orjson

from sync_platform.sandbox.chance import scramble
from sync_platform.sandbox.cursors import since_day
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
from sync_platform.sandbox.wire import ListAnswer, ListPage, RenderedRows, WireReply, WireRequest, list_answer

SHOWN_INACTIVE = timedelta(days=60)
SLOT_DAYS = 7
_TIMES = ("11:30", "12:00", "14:30", "15:00", "17:30", "18:00", "20:30", "21:00")
_LEVEL = (1, 1, 2, 2, 3, 4)


class Eatigo(PlatformView):
    """Branches (a closed one stays, inactive, for two months) and promotions."""

    platform = "eatigo"
    share = 0.205

    def answer(self, request: WireRequest) -> WireReply | ListAnswer:
        if not request.header(b"authorization"):
            return self.refuse(401, "missing bearer token")
        if request.path == "/v1/branches":
            return self._branches(request)
        return self._promotions(request) if request.path == "/v1/promotions" else self.missing(request)

    def truth(self) -> Iterator[TrueListing]:
        for entry in self.entries:
            yield TrueListing(entry.place, str(branch_id(entry)), entry.since, entry.until)

    @cached_property
    def _shown(self) -> list[PlatformEntry]:
        return [entry for entry in self.entries if self.today < entry.until + SHOWN_INACTIVE]

    @cached_property
    def _rows(self) -> RenderedRows:
        return RenderedRows(self._shown, self._branch)

    @cached_property
    def _updated(self) -> list[str]:
        return [self._updated_at(entry) for entry in self._shown]

    def _updated_at(self, entry: PlatformEntry) -> str:
        return moment_before(entry.updated_on(self.today), entry.noise)

    def _branches(self, request: WireRequest) -> WireReply | ListAnswer:
        rows = self._rows
        if since := request.text("updated_since"):
            moment = since_day(since)
            if not moment:
                return self.refuse(400, "updated_since is not ISO 8601")
            chosen = [position for position, updated in enumerate(self._updated) if updated >= moment]
            return _paged(rows.choose(chosen), request, JsonRecord("latitude", "name_en"))
        return _paged(rows, request, JsonRecord("latitude", "name_en"))

    def _branch(self, entry: PlatformEntry) -> bytes:
        place, stream = entry.place, entry.stream()
        updated = entry.updated_on(self.today)
        name, premises = place.name(updated), place.premises(updated)
        brand = vary_english(stream, name.english, 0.3)
        branch = premises.building.english if premises.in_mall else premises.area.english
        latitude, longitude = vary_coordinates(stream, premises)
        record = {
            "branch_id": branch_id(entry),
            "brand_name": brand,
            "branch_name": branch,
            "name_en": f"{brand} @ {branch}",
            "name_tc": vary_chinese(stream, name, premises) if stream.random() < 0.7 else "",
            "address_en": vary_address(stream, premises),
            "district": premises.area.english,
            "latitude": latitude,
            "longitude": longitude,
            "cuisines": [kind.english for kind in place.cuisines],
            "rating": round(min(5, place.quality + 0.3), 1),
            "reservation_count": int(place.popularity * max(0, (updated - entry.since).days) * 0.4),
            "price_level": _LEVEL[place.price - 1],
            "phone": format_phone(stream, place.phone) if stream.random() < 0.8 else "",
            "is_active": self.today < entry.until,
            "updated_at": self._updated_at(entry),
        }
        return orjson.dumps({field: value for field, value in record.items() if value != ""})

    @cached_property
    def _slots(self) -> RenderedRows:
        """Every slot of the coming days, branch by branch."""
        slots = [
            (entry, self.today + timedelta(days=ahead), time)
            for entry in self.listed
            for ahead in range(SLOT_DAYS)
            for time in _times(entry, self.today + timedelta(days=ahead))
        ]
        return RenderedRows(slots, self._slot)

    @cached_property
    def _slot_days(self) -> list[tuple[int, str]]:
        return [
            (branch_id(entry), (self.today + timedelta(days=ahead)).isoformat())
            for entry in self.listed
            for ahead in range(SLOT_DAYS)
            for _ in _times(entry, self.today + timedelta(days=ahead))
        ]

    def _promotions(self, request: WireRequest) -> ListAnswer:
        first, last, branch = request.text("from"), request.text("to", "9999"), request.text("branch_id")
        rows = self._slots
        if branch or first > self.today.isoformat() or last < (self.today + timedelta(days=SLOT_DAYS - 1)).isoformat():
            chosen = [
                position
                for position, (number, day) in enumerate(self._slot_days)
                if first <= day <= last and (not branch or branch == str(number))
            ]
            return _paged(rows.choose(chosen), request, JsonRecord("discount_pct", "terms_en"))
        return _paged(rows, request, JsonRecord("discount_pct", "terms_en"))

    def _slot(self, slot: tuple[PlatformEntry, date, str]) -> bytes:
        entry, day, time = slot
        stream = Random(f"{entry.noise}/{day}/{time}")
        discount = stream.choice((10, 15, 20, 25, 30, 30, 40, 50))
        seats = max(0, stream.randint(2, 20) - 2 * (7 - (day - self.today).days))
        return orjson.dumps(
            {
                "branch_id": branch_id(entry),
                "slot_date": day.isoformat(),
                "slot_time": time,
                "discount_pct": discount,
                "seats_left": seats,
                "terms_en": f"{discount}% off food. Not valid with other offers.",
                "terms_tc": f"食物{discount}%折扣，不可與其他優惠同時使用。",
                "updated_at": moment_before(self.today, entry.noise),
            }
        )


def branch_id(entry: PlatformEntry) -> int:
    """The platform's id of an entry."""
    return 1_000_000 + scramble(entry.number, 2**23)


def _times(entry: PlatformEntry, day: date) -> list[str]:
    start = (entry.noise + day.toordinal()) % 3
    return [_TIMES[(start + step * 3) % len(_TIMES)] for step in range(3)]


def _paged(rows: Sequence[bytes], request: WireRequest, record: JsonRecord) -> ListAnswer:
    page, size = request.number("page", 1, 1, 10**6), request.number("per_page", 100, 1, 100)

    def wrap(list_page: ListPage) -> bytes:
        meta = {"page": page, "per_page": size, "total": list_page.total, "total_pages": -(-list_page.total // size)}
        return b'{"data":[%b],"meta":%b}' % (list_page.joined(), orjson.dumps(meta))

    return list_answer(rows, (page - 1) * size, size, wrap, record)
