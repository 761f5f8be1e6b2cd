"""OpenRice as the sandbox simulates it: points of interest, of which one query returns at most 250 in one of four
orders, and reviews.

Broad coverage, both languages, some coordinates missing, closed places still shown for a while.
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
from sync_platform.sandbox.districts import areas
from sync_platform.sandbox.place_names import CUISINES, BilingualName, CuisineProfile
from sync_platform.sandbox.platform_view import PlatformEntry, PlatformView, TrueListing
from sync_platform.sandbox.record_formats import JsonRecord
from sync_platform.sandbox.reviews import GuestReview, review_days, reviews_of
from sync_platform.sandbox.spelling import moment_before, vary_address, vary_chinese, vary_coordinates, vary_english
from sync_platform.sandbox.wire import (
    ListAnswer,
    ListPage,
    RenderedRows,
    WireReply,
    WireRequest,
    json_reply,
    list_answer,
)

CAP = 250
LOWER_CAP = 100
PAGE_ROWS = 15
FILTERS = ("districtId", "priceRangeId", "cuisineId", "dishId", "amenityId")
CUISINE_IDS = 1000
TAKEAWAY_ID = 5001
TAKEAWAY = BilingualName("Takeaway", "外賣自取")
Category = CuisineProfile | BilingualName
OTHER_ORDERS = ("BookmarkedDesc", "ConsumeAsc", "ConsumeDesc")
SHOWN_CLOSED = timedelta(days=75)
REVIEWS_PER_MONTH = 0.085
_REGION_IDS = {"HK": -9001, "KLN": -9002, "NT": -9003}
_REGION_NAMES = {"HK": ("Hong Kong Island", "香港島"), "KLN": ("Kowloon", "九龍"), "NT": ("New Territories", "新界")}
_SPENT = (40, 75, 150, 300, 600, 1000)
_REVIEWS_PATH = re.compile(r"/api/v2/poi/(\d{1,18})/reviews")


class OpenRice(PlatformView):
    """POIs and their reviews; a place that moved has a second POI, and the first one names it in `moveToId`."""

    platform = "openrice"
    share = 0.72
    special_faults = {"cap": f"at most {LOWER_CAP} records of any one query are sent, instead of {CAP}"}

    def answer(self, request: WireRequest) -> WireReply | ListAnswer:
        if request.path == "/api/pois":
            return self._pois(request)
        if request.path == "/api/v2/metadata/region/all":
            return self._metadata(_language(request))
        match = _REVIEWS_PATH.fullmatch(request.path)
        return self._reviews(int(match[1]), request) if match else self.missing(request)

    @cached_property
    def shown(self) -> list[PlatformEntry]:
        """Today's entries, those lately closed, and those lately moved away from (odd `number`s are new addresses)."""
        return [entry for entry in self._by_address() if entry.since <= self.today < entry.until + SHOWN_CLOSED]

    def _by_address(self) -> Iterator[PlatformEntry]:
        """Entries, one per address: an entry is cut at the day on which the platform noticed the move."""
        for entry in self.entries:
            moved = entry.place.moved
            if not moved or moved + timedelta(days=20) <= entry.since or moved + timedelta(days=20) >= entry.until:
                yield entry
                continue
            noticed = moved + timedelta(days=20)
            yield replace(entry, until=noticed)
            if noticed <= self.today:
                yield replace(entry, since=noticed, number=entry.number + 1, noise=entry.noise ^ 0xBEEF)

    def truth(self) -> Iterator[TrueListing]:
        for entry in self._by_address():
            yield TrueListing(entry.place, str(poi_id(entry)), entry.since, entry.until)

    @cached_property
    def _rows(self) -> dict[str, RenderedRows]:
        return {language: RenderedRows(self.shown, partial(self._poi, language)) for language in ("en", "zh")}

    @cached_property
    def _selections(self) -> dict[tuple[str, ...], list[int]]:
        return {}

    def _select(self, district: str, price: str, *categories: str) -> list[int]:
        """Positions in `shown` that match all filters, in the order of `FILTERS`; empty means any."""
        key = (district, price, *categories)
        wanted = {(kind, chosen) for kind, chosen in enumerate(categories, start=1) if chosen}
        if key not in self._selections:
            self._selections[key] = [
                position
                for position, entry in enumerate(self.shown)
                if (not price or price == str(entry.place.price))
                and (not wanted or wanted <= {(kind, str(number)) for kind, number, _ in _categories_of(entry)})
                and (not district or district in self._district_ids(entry))
            ]
        return self._selections[key]

    def _district_ids(self, entry: PlatformEntry) -> tuple[str, str]:
        area = entry.place.premises(entry.since if self.today >= entry.until else self.today).area
        return str(2000 + area.number), str(_REGION_IDS[area.region])

    @cached_property
    def _ranks(self) -> dict[str, dict[int, int]]:
        """By order, the rank of each position in `shown`; `Default` is the order of `shown`."""
        bookmarks = [orjson.loads(row)["bookmarkedUserCount"] for row in self._rows["en"]]
        positions = range(len(self.shown))
        by_bookmarks = sorted(positions, key=lambda position: -bookmarks[position])
        by_price = sorted(
            positions, key=lambda position: (self.shown[position].place.price, self.shown[position].noise)
        )
        orders = {"BookmarkedDesc": by_bookmarks, "ConsumeAsc": by_price, "ConsumeDesc": by_price[::-1]}
        return {order: {position: rank for rank, position in enumerate(ranked)} for order, ranked in orders.items()}

    def _pois(self, request: WireRequest) -> ListAnswer:
        chosen = self._select(*(request.text(name) for name in FILTERS))
        if (order := request.text("sortBy")) in OTHER_ORDERS:
            chosen = sorted(chosen, key=self._ranks[order].__getitem__)
        rows = self._rows[_language(request)].choose(chosen)
        closed = sum(self.shown[position].until <= self.today for position in chosen[:CAP])
        page = request.number("page", 1, 1, 10**6)

        def wrap(capped: ListPage) -> bytes:
            tail = {
                "count": capped.total,
                "totalReturnCount": min(capped.total, CAP),
                "closedCount": closed,
            }
            return b'{"searchResult":{"paginationResult":{"results":[%b],%b}}' % (
                capped.joined(),
                orjson.dumps(tail)[1:],
            )

        answer = list_answer(rows, (page - 1) * PAGE_ROWS, PAGE_ROWS, wrap, JsonRecord("mapLatitude", "name"))
        return replace(answer, cap=CAP, special={"cap": lambda capped: replace(capped, cap=LOWER_CAP)})

    def _metadata(self, language: str) -> WireReply:
        zh = language == "zh"
        districts = [
            {
                "districtId": 2000 + area.number,
                "name": area.chinese if zh else area.english,
                "searchKey": f"districtId={2000 + area.number}",
            }
            for area in areas()
        ]
        districts += [
            {"districtId": number, "name": _REGION_NAMES[region][zh], "searchKey": f"districtId={number}"}
            for region, number in _REGION_IDS.items()
        ]
        categories: dict[str, list[tuple[int, Category]]] = {
            "cuisine": [(CUISINE_IDS + kind.number, kind) for kind in CUISINES],
            "dish": [(_dish_id(kind, place), dish) for kind in CUISINES for place, dish in enumerate(kind.dishes)],
            "amenity": [(TAKEAWAY_ID, TAKEAWAY)],
        }
        return json_reply(
            {
                "districts": districts,
                "categories": {
                    kind: [
                        {"categoryId": number, "name": name.chinese if zh else name.english} for number, name in values
                    ]
                    for kind, values in categories.items()
                },
            }
        )

    def _poi(self, language: str, entry: PlatformEntry) -> bytes:
        place, stream, zh = entry.place, entry.stream(), language == "zh"
        day = entry.until - timedelta(days=1) if self.today >= entry.until else self.today
        name, premises = place.name(day), place.premises(day)
        english, chinese = vary_english(stream, name.english, 0.35), vary_chinese(stream, name, premises, 0.15)
        english = "" if chinese and stream.random() < 0.12 else english
        address_en, address_zh = vary_address(stream, premises), premises.chinese()
        latitude, longitude = vary_coordinates(stream, premises) if stream.random() > 0.03 else (0, 0)
        listed_phone = place.phone if stream.random() > 0.08 else ""
        count = len(review_days(entry, self.today, REVIEWS_PER_MONTH))
        smiles = round(count * min(1.0, max(0.1, place.quality / 5)))
        return orjson.dumps(
            {
                "poiId": poi_id(entry),
                "status": (3 if self._moved(entry) else 4) if self.today >= entry.until else 10,
                "name": chinese if zh else english,
                "nameOtherLang": english if zh else chinese,
                "address": address_zh if zh else address_en,
                "addressOtherLang": address_en if zh else address_zh,
                "district": {
                    "districtId": 2000 + premises.area.number,
                    "name": premises.area.chinese if zh else premises.area.english,
                },
                "mapLatitude": latitude,
                "mapLongitude": longitude,
                "phones": [listed_phone] if listed_phone else [],
                "priceRangeId": place.price,
                "categories": _categories(entry, zh),
                "scoreOverall": round(place.quality, 1) if count else 0,
                "scoreSmile": smiles,
                "scoreOk": (count - smiles) // 2,
                "scoreCry": count - smiles - (count - smiles) // 2,
                "reviewCount": count,
                "photoCount": count * 3,
                "bookmarkedUserCount": count * 7 + stream.randint(0, 20),
                "poiHours": _hours(entry),
                "moveToId": poi_id(replace(entry, number=entry.number + 1)) if self._moved(entry) else 0,
                "isRenamed": bool(place.renamed and place.renamed <= self.today),
                "urlUI": f"https://www.openrice.example/{language}/hongkong/r-{poi_id(entry)}",
            }
        )

    def _moved(self, entry: PlatformEntry) -> bool:
        moved = entry.place.moved
        return bool(moved and entry.number % 2 == 0 and entry.until == moved + timedelta(days=20) <= self.today)

    @cached_property
    def _by_id(self) -> dict[int, PlatformEntry]:
        return {poi_id(entry): entry for entry in self.shown}

    def _reviews(self, poi: int, request: WireRequest) -> WireReply | ListAnswer:
        entry = self._by_id.get(poi)
        if not entry:
            return self.missing(request)
        rows = RenderedRows(reviews_of(entry, self.today, REVIEWS_PER_MONTH), partial(_review, entry))
        offset, size = request.number("startAt", 0, 0, 10**6), request.number("rows", 50, 1, 50)
        return list_answer(
            rows,
            offset,
            size,
            lambda page: b'{"count":%d,"results":[%b]}' % (page.total, page.joined()),
            JsonRecord("spendingPerHead", "title"),
        )


def poi_id(entry: PlatformEntry) -> int:
    """The platform's id of an entry."""
    return 10_000 + scramble(entry.number, 2**25)


def _language(request: WireRequest) -> str:
    return "zh" if request.text("uiLang", "en").startswith(("zh", "tc")) else "en"


def _categories(entry: PlatformEntry, zh: bool) -> list[dict[str, Any]]:
    return [
        {"categoryTypeId": kind, "categoryId": number, "name": name.chinese if zh else name.english}
        for kind, number, name in _categories_of(entry)
    ]


def _categories_of(entry: PlatformEntry) -> list[tuple[int, int, Category]]:
    """Kind (1 cuisine, 2 dish, 3 amenity), number and names of each category."""
    cuisines, dish = entry.place.cuisines, entry.noise % 5
    categories: list[tuple[int, int, Category]] = [(1, CUISINE_IDS + kind.number, kind) for kind in cuisines]
    categories.append((2, _dish_id(cuisines[0], dish), cuisines[0].dishes[dish]))
    if entry.noise % 3 == 0:
        categories.append((3, TAKEAWAY_ID, TAKEAWAY))
    return categories


def _dish_id(cuisine: CuisineProfile, dish: int) -> int:
    return 3000 + cuisine.number * 5 + dish


def _hours(entry: PlatformEntry) -> list[dict[str, Any]]:
    place = entry.place
    opens, closes = f"{place.opens:02d}:00:00", "23:59:00" if place.closes > 23 else f"{place.closes:02d}:30:00"
    return [
        {"dayOfWeek": day, "period1Start": opens, "period1End": closes, "isClose": day == place.rests_on}
        for day in range(1, 8)
    ]


def _review(entry: PlatformEntry, review: GuestReview) -> bytes:
    author, stream = review.author, review.stream
    scores = {part: min(5, max(1, review.rating + stream.randint(-1, 1))) for part in _SCORED}
    return orjson.dumps(
        {
            "reviewId": review.number,
            "poiId": poi_id(entry),
            "author": {"userId": 70_000 + author.number, "name": author.handle, "level": 1 + author.number % 6},
            "title": review.title,
            "body": review.text,
            "visitDate": (review.day - timedelta(days=stream.randint(0, 20))).isoformat(),
            "submitTime": moment_before(review.day, review.number),
            "overall": "smile" if review.rating > 3 else "ok" if review.rating == 3 else "cry",
            "scores": scores,
            "spendingPerHead": _SPENT[entry.place.price - 1] + stream.randint(-15, 15),
        }
    )


_SCORED = ("taste", "decor", "service", "hygiene", "value")
