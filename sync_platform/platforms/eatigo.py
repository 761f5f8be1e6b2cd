"""Eatigo: branches with off-peak discounts. The partner feed's shapes are ours to define (docs/platforms.md)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import date, datetime, timedelta
from typing import Annotated, Any

import msgspec

from sync_platform.sources.client import Reply
from sync_platform.sources.declaration import (
    Attached,
    Dataset,
    Identity,
    Pace,
    Platform,
    Row,
    Terms,
    column,
    records_of,
)
from sync_platform.sources.extraction import Extraction, Page
from sync_platform.sources.paging import Slice, numbered
from sync_platform.sources.period import HONG_KONG
from sync_platform.sources.rules import COUNT, LATITUDE, LONGITUDE, PHONE, Shaped, StepsOf, Together, Within
from sync_platform.sources.values import coordinate, filled, moment

PAGE_SIZE = 100
PROMOTION_DAYS = 30


class Branch(msgspec.Struct):
    """One branch as sent."""

    branch_id: Identity
    brand_name: str | None = None
    branch_name: str | None = None
    name_en: str | None = None
    name_tc: str | None = None
    address_en: str | None = None
    district: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    cuisines: list[str] = []
    rating: float | None = None
    reservation_count: int | None = None
    price_level: int | None = None
    phone: str | None = None
    is_active: bool | None = None
    updated_at: str | None = None


class Slot(msgspec.Struct):
    """One discounted time slot as sent."""

    branch_id: Identity
    slot_date: str
    slot_time: str
    discount_pct: int
    seats_left: int | None = None
    terms_en: str | None = None
    terms_tc: str | None = None
    updated_at: str | None = None


class Restaurant(Row):
    """One branch on Eatigo."""

    brand_name: Annotated[str | None, column("Brand the branch belongs to")] = None
    branch_name: Annotated[str | None, column("Branch within the brand, mostly a place name")] = None
    name_en: Annotated[str | None, column("English name, as `Name @ Branch`", matters=True)] = None
    name_zh: Annotated[str | None, column("Traditional Chinese name")] = None
    address_en: Annotated[str | None, column("English address", matters=True)] = None
    district: Annotated[str | None, column("District as the platform names it", matters=True)] = None
    latitude: Annotated[float | None, column("Latitude", unit="degrees, WGS84", matters=True, rules=LATITUDE)] = None
    longitude: Annotated[float | None, column("Longitude", unit="degrees, WGS84", matters=True, rules=LONGITUDE)] = None
    cuisines: Annotated[list[str], column("Cuisines, in the platform's words", matters=True)] = []
    rating: Annotated[float | None, column("Mean rating", unit="0 to 5", rules=(Within(0, 5),))] = None
    reservation_count: Annotated[int | None, column("Reservations ever made", rules=COUNT)] = None
    price_level: Annotated[
        int | None, column("Price level", unit="1 cheap to 4 dear", matters=True, rules=(Within(1, 4, hard=False),))
    ] = None
    phone: Annotated[str | None, column("Telephone as given", matters=True, rules=PHONE)] = None
    is_active: Annotated[bool | None, column("Whether the branch takes reservations", matters=True)] = None
    updated_at: Annotated[datetime | None, column("When the platform last changed the record", unit="UTC")] = None


class Promotion(Row):
    """One discounted time slot of a branch."""

    branch_id: Annotated[
        str, column("The branch: `source_id` in eatigo.restaurants", matters=True, refers_to="restaurants")
    ]
    slot_date: Annotated[date, column("Day of the slot, in Hong Kong", matters=True)]
    slot_time: Annotated[
        str,
        column(
            "Time of the slot",
            unit="HH:MM, Hong Kong",
            matters=True,
            rules=(Shaped(r"([01]\d|2[0-3]):[0-5]\d", "a time as HH:MM"),),
        ),
    ]
    discount_pct: Annotated[
        int, column("Discount on the bill", unit="per cent, 0 to 50", matters=True, rules=(Within(0, 50), StepsOf(5)))
    ]
    seats_left: Annotated[int | None, column("Seats still to be had", matters=True, rules=COUNT)] = None
    terms_en: Annotated[str | None, column("Conditions in English", matters=True)] = None
    terms_zh: Annotated[str | None, column("Conditions in Traditional Chinese")] = None
    updated_at: Annotated[datetime | None, column("When the platform last changed the record", unit="UTC")] = None


def _restaurant(branch: Branch) -> Restaurant:
    return Restaurant(
        source_id=str(branch.branch_id),
        brand_name=filled(branch.brand_name),
        branch_name=filled(branch.branch_name),
        name_en=filled(branch.name_en),
        name_zh=filled(branch.name_tc),
        address_en=filled(branch.address_en),
        district=filled(branch.district),
        latitude=coordinate(branch.latitude),
        longitude=coordinate(branch.longitude),
        cuisines=branch.cuisines,
        rating=branch.rating,
        reservation_count=branch.reservation_count,
        price_level=branch.price_level,
        phone=filled(branch.phone),
        is_active=branch.is_active,
        updated_at=moment(branch.updated_at),
    )


def _promotion(slot: Slot) -> Promotion:
    return Promotion(
        source_id=f"{slot.branch_id}/{slot.slot_date}/{slot.slot_time}",
        branch_id=str(slot.branch_id),
        slot_date=date.fromisoformat(slot.slot_date),
        slot_time=slot.slot_time,
        discount_pct=slot.discount_pct,
        seats_left=slot.seats_left,
        terms_en=filled(slot.terms_en),
        terms_zh=filled(slot.terms_tc),
        updated_at=moment(slot.updated_at),
    )


class _Meta(msgspec.Struct):
    page: int
    total: int
    total_pages: int


class _Envelope(msgspec.Struct):
    data: list[Any]
    meta: _Meta


def _read(reply: Reply) -> Slice:
    envelope = reply.json_as(_Envelope)
    return Slice(records_of(envelope.data), reply, total=envelope.meta.total, pages=envelope.meta.total_pages)


class Eatigo(Platform):
    """Branches and their discounted slots, in numbered pages, with a delta by `updated_since`."""

    name = "eatigo"
    title = "Eatigo"
    description = "Restaurants offering off-peak discounts, and the discounted slots of the coming days."
    live_base_url = "https://api.eatigo.com"
    cadence = "monthly"
    priority = "medium"
    terms = Terms("Eatigo partner agreement", "https://eatigo.com/hk/en/terms", agreement_needed=True)
    pace = Pace(requests_per_second=5, concurrency=4)
    has_delta = True
    datasets = (
        Dataset(
            "restaurants",
            "Branches that take reservations through Eatigo.",
            Branch,
            Restaurant,
            _restaurant,
            key=("branch_id",),
            cursor="updated_at",
            bilingual=(("name_en", "name_zh"),),
            rules=(Together(("latitude", "longitude")),),
            listing={"status": "CASE WHEN is_active THEN 'open' END"},
        ),
        Dataset(
            "promotions",
            "Discounted time slots of the coming 30 days.",
            Slot,
            Promotion,
            _promotion,
            key=("branch_id", "slot_date", "slot_time"),
            listed_from="slot_date",
            attached=Attached(
                "offers",
                {
                    "kind": "'promotion'",
                    "title_en": "terms_en",
                    "title_zh": "terms_zh",
                    "discount_pct": "discount_pct",
                    "starts_at": "timezone('Asia/Hong_Kong', slot_date + slot_time::TIME)",
                    "is_available": "seats_left > 0",
                },
            ),
        ),
    )

    def headers(self, credentials: Mapping[str, str]) -> dict[str, str]:
        return {"Authorization": f"Bearer {credentials['api_key']}"}

    async def pages(self, extraction: Extraction) -> AsyncIterator[Page]:
        async def branches(page: int) -> Slice:
            params: dict[str, Any] = {"region": "hong-kong", "page": page, "per_page": PAGE_SIZE}
            if since := extraction.scope.since.get("restaurants"):
                params["updated_since"] = since
            return await extraction.client.get("/v1/branches", params, read=_read)

        today = datetime.now(HONG_KONG).date()

        async def promotions(page: int) -> Slice:
            params = {
                "from": today.isoformat(),
                "to": (today + timedelta(days=PROMOTION_DAYS)).isoformat(),
                "page": page,
                "per_page": PAGE_SIZE,
            }
            return await extraction.client.get("/v1/promotions", params, read=_read)

        async for found in numbered(extraction, "restaurants", branches):
            yield found
        async for found in numbered(extraction, "promotions", promotions):
            yield found
