"""Foodpanda: vendors listed around a point, swept over a grid of points, and the reviews of each."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

import msgspec

from sync_platform.errors import SyncError
from sync_platform.sources.client import Reply
from sync_platform.sources.columns import Row, column
from sync_platform.sources.declaration import Attached, Dataset, Pace, Platform, Terms
from sync_platform.sources.decoding import Decoding
from sync_platform.sources.extraction import Extraction
from sync_platform.sources.paging import Slice, by_offset
from sync_platform.sources.received import Page, Record, records_of
from sync_platform.sources.rules import COUNT, LATITUDE, LONGITUDE, PHONE, TRADING, InOrder, Together, Within
from sync_platform.sources.values import coordinate, filled, moment, money
from sync_platform.vault.personal_fields import Personal

PAGE_SIZE = 48
REVIEW_ROWS = 30

# The grid: Hong Kong's box cut into cells of STEP degrees, asked about from the middle of each. A cell measures 2.2 km
# from south to north and 2.1 km from west to east, so nothing is farther than 1.52 km from a point, and a vendor that
# delivers that far is listed there. Halving STEP takes four times the requests: at one a second, an hour and more.
SOUTH, NORTH, WEST, EAST = 22.0, 22.6, 113.8, 114.5
STEP = 0.02
ROWS, COLUMNS = round((NORTH - SOUTH) / STEP), round((EAST - WEST) / STEP)

_EXTENDED = re.compile(r"\s*[\[(【（]\s*extended\b[^\])】）]*[\])】）]\s*$", re.IGNORECASE)


class Chain(msgspec.Struct):
    name: str | None = None


class Cuisine(msgspec.Struct):
    id: int | None = None
    name: str | None = None


class Tag(msgspec.Struct):
    text: str | None = None


class Metadata(msgspec.Struct):
    available_in: str | None = None
    is_delivery_available: bool | None = None
    is_pickup_available: bool | None = None
    is_temporary_closed: bool | None = None


class LegalInformation(msgspec.Struct):
    legal_name: str | None = None


class Vendor(msgspec.Struct):
    """One vendor as sent for `language_id=1`, English.

    `distance` and `area` tell of the point asked about, `metadata.available_in` of the quarter of an hour: none of them
    becomes a column, or every sync would rewrite every row.
    """

    code: str
    id: int | None = None
    name: str | None = None
    address: str | None = None
    address_line2: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    distance: float | None = None
    area: Any = None
    rating: float | None = None
    review_number: int | None = None
    minimum_order_amount: float | None = None
    minimum_delivery_fee: float | None = None
    minimum_delivery_time: int | None = None
    budget: int | None = None
    customer_phone: str | None = None
    chain: Chain | None = None
    cuisines: list[Cuisine] | None = None
    tags: list[Tag] | None = None
    metadata: Metadata | None = None
    is_active: bool | None = None
    vendor_legal_information: LegalInformation | None = None
    food_license_number: str | None = None


class Post(msgspec.Struct, rename="camel"):
    """One review as sent, its words and reviewer sealed; `vendorCode` is ours, because the answer does not say it."""

    uuid: str
    vendor_code: str | None = None
    created_at: str | None = None
    updated_at: str | None = None
    text: str | None = None
    is_anonymous: bool | None = None
    reviewer_id: str | None = None
    overall: int | None = None
    restaurant_food: int | None = msgspec.field(name="restaurant_food", default=None)
    rider: int | None = None
    like_count: int | None = None


class Restaurant(Row):
    """One vendor on foodpanda; a place that delivers farther under a second listing is two."""

    name_en: Annotated[
        str | None, column("Name as shown in English, without the mark of a second listing", matters=True)
    ] = None
    is_extended_listing: Annotated[
        bool | None, column("Whether this is a place's second listing, marked `[Extended Delivery]` in its name")
    ] = None
    chain_name: Annotated[str | None, column("Chain the vendor belongs to")] = None
    legal_name: Annotated[str | None, column("Company that runs it")] = None
    food_license_number: Annotated[str | None, column("Food licence, where the vendor gives it")] = None
    address_en: Annotated[str | None, column("English address", matters=True)] = None
    address_line2_en: Annotated[str | None, column("Second line of the address, mostly a neighbourhood")] = None
    latitude: Annotated[float | None, column("Latitude", unit="degrees, WGS84", matters=True, rules=LATITUDE)] = None
    longitude: Annotated[float | None, column("Longitude", unit="degrees, WGS84", matters=True, rules=LONGITUDE)] = None
    phone: Annotated[
        str | None, column("Telephone as given; call centres share one between vendors", matters=True, rules=PHONE)
    ] = None
    cuisines: Annotated[list[str], column("Cuisines, in the platform's words", matters=True)] = []
    tags: Annotated[list[str], column("Tags shown with the vendor, mostly offers")] = []
    price_level: Annotated[
        int | None, column("Price level", unit="1 cheap to 3 dear", matters=True, rules=(Within(1, 3, hard=False),))
    ] = None
    rating: Annotated[
        float | None, column("Mean rating; empty where nobody has rated", unit="0 to 5", rules=(Within(0, 5),))
    ] = None
    review_count: Annotated[int | None, column("Reviews ever made", rules=COUNT)] = None
    minimum_order_hkd: Annotated[
        Decimal | None, column("Smallest order that is delivered", unit="HKD", rules=COUNT)
    ] = None
    minimum_delivery_fee_hkd: Annotated[Decimal | None, column("Lowest fee for delivery", unit="HKD", rules=COUNT)] = (
        None
    )
    minimum_delivery_time_min: Annotated[
        int | None, column("Shortest time to delivery", unit="minutes", rules=COUNT)
    ] = None
    status: Annotated[str | None, column("open, temporarily_closed or closed", matters=True, rules=TRADING)] = None
    is_delivery_available: Annotated[bool | None, column("Whether it delivers, when asked")] = None
    is_pickup_available: Annotated[bool | None, column("Whether orders can be picked up, when asked")] = None


class Review(Row):
    """One review of a vendor and of its delivery."""

    restaurant_id: Annotated[
        str | None, column("The vendor: `source_id` in foodpanda.restaurants", matters=True, refers_to="restaurants")
    ] = None
    reviewer_id: Annotated[str | None, column("Reviewer's id", sealed=True, matters=True)] = None
    is_anonymous: Annotated[bool | None, column("Whether the reviewer wished to stay unnamed")] = None
    text: Annotated[str | None, column("Text", sealed=True)] = None
    rating: Annotated[int | None, column("Rating given", unit="1 to 5", matters=True, rules=(Within(1, 5),))] = None
    food_rating: Annotated[int | None, column("Rating of the food", unit="1 to 5", rules=(Within(1, 5),))] = None
    rider_rating: Annotated[int | None, column("Rating of the rider", unit="1 to 5", rules=(Within(1, 5),))] = None
    like_count: Annotated[int | None, column("Users who liked the review", rules=COUNT)] = None
    created_at: Annotated[datetime | None, column("When the review was made", unit="UTC", matters=True)] = None
    updated_at: Annotated[datetime | None, column("When the review was last changed", unit="UTC")] = None


def _restaurant(vendor: Vendor) -> Restaurant:
    name, metadata = filled(vendor.name), vendor.metadata or Metadata()
    return Restaurant(
        source_id=vendor.code,
        name_en=filled(_EXTENDED.sub("", name)) if name else None,
        is_extended_listing=bool(_EXTENDED.search(name)) if name else None,
        chain_name=filled(vendor.chain.name) if vendor.chain else None,
        legal_name=filled(vendor.vendor_legal_information.legal_name) if vendor.vendor_legal_information else None,
        food_license_number=filled(vendor.food_license_number),
        address_en=filled(vendor.address),
        address_line2_en=filled(vendor.address_line2),
        latitude=coordinate(vendor.latitude),
        longitude=coordinate(vendor.longitude),
        phone=filled(vendor.customer_phone),
        cuisines=[name for cuisine in vendor.cuisines or [] if (name := filled(cuisine.name))],
        tags=[text for tag in vendor.tags or [] if (text := filled(tag.text))],
        price_level=vendor.budget or None,
        rating=vendor.rating or None,
        review_count=vendor.review_number,
        minimum_order_hkd=money(vendor.minimum_order_amount),
        minimum_delivery_fee_hkd=money(vendor.minimum_delivery_fee),
        minimum_delivery_time_min=vendor.minimum_delivery_time,
        status=_status(vendor.is_active, metadata.is_temporary_closed),
        is_delivery_available=metadata.is_delivery_available,
        is_pickup_available=metadata.is_pickup_available,
    )


def _review(post: Post) -> Review:
    return Review(
        source_id=post.uuid,
        restaurant_id=filled(post.vendor_code),
        reviewer_id=filled(post.reviewer_id),
        is_anonymous=post.is_anonymous,
        text=filled(post.text),
        rating=post.overall or None,
        food_rating=post.restaurant_food or None,
        rider_rating=post.rider or None,
        like_count=post.like_count,
        created_at=moment(post.created_at),
        updated_at=moment(post.updated_at),
    )


def _status(is_active: bool | None, is_temporary_closed: bool | None) -> str | None:
    if is_active is False:
        return "closed"
    if is_temporary_closed:
        return "temporarily_closed"
    return "open" if is_active else None


class _Vendors(msgspec.Struct):
    items: list[Any]
    available_count: int


class _Found(msgspec.Struct):
    data: _Vendors


class _Reviews(msgspec.Struct):
    data: list[Any]


def _read_vendors(reply: Reply) -> Slice:
    found = reply.json_as(_Found).data
    return Slice(records_of(found.items), reply, total=found.available_count)


def _middle_of(cell: int) -> tuple[float, float]:
    """Latitude and longitude of the point that a cell is asked about from; cells count from the south-west, by rows."""
    row, column_ = divmod(cell, COLUMNS)
    return round(SOUTH + (row + 0.5) * STEP, 4), round(WEST + (column_ + 0.5) * STEP, 4)


def _cell_of(record: Record) -> int | None:
    """The cell that a vendor stands in; None without coordinates, or for some outside Hong Kong."""
    latitude, longitude = record.get("latitude"), record.get("longitude")
    if not isinstance(latitude, int | float) or not isinstance(longitude, int | float):
        return None
    if not (SOUTH <= latitude < NORTH and WEST <= longitude < EAST):
        return None
    row, column_ = int((latitude - SOUTH) / STEP), int((longitude - WEST) / STEP)
    return min(row, ROWS - 1) * COLUMNS + min(column_, COLUMNS - 1)


def _code(record: Record) -> str | None:
    code = record.get("code")
    return code if isinstance(code, str) and code else None


class _Sweep:
    """Every vendor once, although a dozen points list it.

    Of its answers the one from its own cell counts, the nearest: so the order in which points answer never decides,
    and fees and times are those of its neighbours. A vendor that its own cell does not list (the point failed, or the
    coordinates are missing or wrong) comes at the end, as the first other cell by number has it.
    Memory: the vendors whose cell has not answered yet, with the replies that listed them.
    """

    def __init__(self, extraction: Extraction) -> None:
        self.extraction = extraction
        self.landed: set[str] = set()
        self.waiting: dict[str, tuple[int, list[Record], Reply]] = {}
        self.review_counts: dict[str, int | None] = {}  # None: not said
        self.nameless = 0

    async def pages(self) -> AsyncIterator[Page]:
        async for cell, part in self.extraction.each_stream("restaurants", range(ROWS * COLUMNS), self._read):
            yield Page("restaurants", self._own(cell, part), (part.reply,))
        self.extraction.report_total("restaurants", len(self.landed) + len(self.waiting))
        if self.waiting:
            left = [self.waiting[code] for code in sorted(self.waiting)]
            records = [record for _, listed, _ in left for record in listed]
            for record in records:
                self._land(record)
            yield Page("restaurants", records, tuple({reply.url: reply for _, _, reply in left}.values()))
        if self.nameless:
            self.extraction.report_finding("restaurants", f"vendors without a code were listed {self.nameless} times")

    async def _read(self, cell: int) -> AsyncIterator[tuple[int, Slice]]:
        """The pages around one cell's point. It lists fewer than it counts, or the same again: a finding.

        Codes tell pages apart, for `available_in` moves on while the sweep goes.
        """
        latitude, longitude = _middle_of(cell)
        where = f"the point {latitude:.2f},{longitude:.2f}"
        codes: set[str | None] = set()
        offset = 0
        while True:
            self.extraction.expect_pages("restaurants", 1)
            params = {"latitude": latitude, "longitude": longitude, "language_id": 1, "country": "hk"}
            params |= {"vertical": "restaurants", "limit": PAGE_SIZE, "offset": offset}
            try:
                part = await self.extraction.client.get("/listing/api/v1/pandora/vendors", params, read=_read_vendors)
            except SyncError as error:
                self.extraction.report_failure("restaurants", error)
                return
            listed = set(map(_code, part.records))
            if offset and part.records and listed <= codes:
                self.extraction.report_finding(
                    "restaurants", f"{where} repeats at offset {offset} what it listed before"
                )
                return
            codes |= listed
            yield cell, part
            if len(part.records) < PAGE_SIZE:
                if len(codes) < (part.total or 0):
                    self.extraction.report_finding("restaurants", f"{where} lists {len(codes)} of {part.total} vendors")
                return
            offset += PAGE_SIZE

    def _own(self, cell: int, part: Slice) -> list[Record]:
        """The records of a page that are this cell's to bring; the others wait for their own cell."""
        own = []
        for record in part.records:
            code = _code(record)
            if code is None or _cell_of(record) == cell:
                own.append(record)
                self._land(record)
            elif code not in self.landed:
                first, records, _ = self.waiting.get(code, (cell + 1, [], part.reply))
                if cell < first:
                    self.waiting[code] = (cell, [record], part.reply)
                elif cell == first:
                    records.append(record)  # listed twice: if the two contradict each other, that must show
        return own

    def _land(self, record: Record) -> None:
        code = _code(record)
        if code is None:
            self.nameless += 1
            return
        self.landed.add(code)
        self.waiting.pop(code, None)
        count = record.get("review_number")
        if count != 0:
            self.review_counts[code] = count if isinstance(count, int) else None


class Foodpanda(Platform):
    """A sweep of the vendors over a grid of points, then the reviews of each; no delta."""

    name = "foodpanda"
    title = "foodpanda"
    description = "Restaurants that deliver through foodpanda, and their reviews."
    live_base_url = "https://disco.deliveryhero.io"
    cadence = "monthly"
    priority = "low"
    terms = Terms(
        "foodpanda partner agreement",
        "https://www.foodpanda.hk/contents/terms-and-conditions.htm",
        agreement_needed=True,
    )
    pace = Pace(requests_per_second=1, concurrency=2, wall_wait_s=180)
    html_is_a_wall = True
    datasets = (
        Dataset(
            "restaurants",
            "Vendors on foodpanda, second listings for extended delivery included.",
            Restaurant,
            key=("code",),
            decoding=Decoding(Vendor, _restaurant),
            volatile=frozenset({"is_delivery_available", "is_pickup_available"}),
            rules=(Together(("latitude", "longitude")),),
            listing={
                "address_en": "CASE WHEN contains(address_en, address_line2_en) THEN address_en "
                "ELSE concat_ws(', ', address_en, address_line2_en) END",
                "licence_number": "food_license_number",
                "is_second_listing": "is_extended_listing",
            },
        ),
        Dataset(
            "reviews",
            "Reviews of those vendors, words and reviewers sealed.",
            Review,
            key=("uuid",),
            decoding=Decoding(Post, _review),
            personal=Personal(fields=("reviewerId", "text"), subject=("reviewerId",)),
            volatile=frozenset({"like_count"}),
            cursor="updated_at",
            rules=(InOrder("created_at", "updated_at"),),
            attached=Attached(
                "reviews",
                {"rating": "rating", "text": "text", "author": "reviewer_id", "published_at": "created_at"},
            ),
        ),
    )

    def headers(self, credentials: Mapping[str, str]) -> dict[str, str]:
        return {"x-disco-client-id": "web", "Accept": "application/json"}

    async def pages(self, extraction: Extraction) -> AsyncIterator[Page]:
        sweep = _Sweep(extraction)
        async for page in sweep.pages():
            yield page
        if extraction.wants("reviews"):
            extraction.inherit_gaps("reviews", "restaurants")
            extraction.report_total("reviews", sum(filter(None, sweep.review_counts.values())))
            codes = sorted(sweep.review_counts)
            async for page in extraction.each_part("reviews", codes, _reviews):
                yield page


async def _reviews(extraction: Extraction, code: str) -> AsyncIterator[Page]:
    def read(reply: Reply) -> Slice:
        posts = records_of(reply.json_as(_Reviews).data)
        return Slice([{**post, "vendorCode": code} for post in posts], reply)

    async def fetch(offset: int) -> Slice:
        params = {"limit": REVIEW_ROWS, "offset": offset}
        return await extraction.client.get(f"/reviews/vendor/{code}", params, read=read)

    async for page in by_offset(extraction, "reviews", fetch, REVIEW_ROWS):
        yield page
