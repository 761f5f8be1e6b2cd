"""The benchmark's platform: one dataset of numbered pages, with a contact whose details are sealed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Annotated, Any

import msgspec

from sync_platform.sources.client import Reply
from sync_platform.sources.columns import Row, column
from sync_platform.sources.declaration import Dataset, Pace, Platform, Terms
from sync_platform.sources.extraction import Extraction
from sync_platform.sources.paging import Slice, numbered
from sync_platform.sources.received import Page, records_of
from sync_platform.sources.rules import COUNT, LATITUDE, LONGITUDE, PHONE, Within
from sync_platform.sources.values import coordinate, filled, moment
from sync_platform.vault.personal_fields import Personal


class Contact(msgspec.Struct):
    id: str | None = None
    name: str | None = None
    email: str | None = None


class Listing(msgspec.Struct):
    id: int
    name_en: str | None = None
    name_zh: str | None = None
    address_en: str | None = None
    district: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    phone: str | None = None
    cuisines: list[str] = []
    rating: float | None = None
    review_count: int | None = None
    price_level: int | None = None
    is_open: bool | None = None
    contact: Contact | None = None
    description_en: str | None = None
    description_zh: str | None = None
    updated_at: str | None = None


class ListingRow(Row):
    name_en: Annotated[str | None, column("English name", matters=True)] = None
    name_zh: Annotated[str | None, column("Chinese name", matters=True)] = None
    address_en: Annotated[str | None, column("English address", matters=True)] = None
    district: Annotated[str | None, column("District", matters=True)] = None
    latitude: Annotated[float | None, column("Latitude", unit="degrees", rules=LATITUDE)] = None
    longitude: Annotated[float | None, column("Longitude", unit="degrees", rules=LONGITUDE)] = None
    phone: Annotated[str | None, column("Telephone", matters=True, rules=PHONE)] = None
    cuisines: Annotated[list[str], column("Cuisines", matters=True)] = []
    rating: Annotated[float | None, column("Rating", rules=(Within(0, 5),))] = None
    review_count: Annotated[int | None, column("Reviews", rules=COUNT)] = None
    price_level: Annotated[int | None, column("Price level", rules=(Within(1, 4),))] = None
    is_open: Annotated[bool | None, column("Whether it is open")] = None
    contact_name: Annotated[str | None, column("Contact's name", sealed=True)] = None
    contact_email: Annotated[str | None, column("Contact's address", sealed=True)] = None
    description_en: Annotated[str | None, column("Description")] = None
    description_zh: Annotated[str | None, column("Description in Chinese")] = None
    updated_at: Annotated[datetime | None, column("Last change", unit="UTC")] = None


def _row(listing: Listing) -> ListingRow:
    contact = listing.contact or Contact()
    return ListingRow(
        source_id=str(listing.id),
        name_en=filled(listing.name_en),
        name_zh=filled(listing.name_zh),
        address_en=filled(listing.address_en),
        district=filled(listing.district),
        latitude=coordinate(listing.latitude),
        longitude=coordinate(listing.longitude),
        phone=filled(listing.phone),
        cuisines=listing.cuisines,
        rating=listing.rating,
        review_count=listing.review_count,
        price_level=listing.price_level,
        is_open=listing.is_open,
        contact_name=contact.name,
        contact_email=contact.email,
        description_en=filled(listing.description_en),
        description_zh=filled(listing.description_zh),
        updated_at=moment(listing.updated_at),
    )


class _Meta(msgspec.Struct):
    total: int
    total_pages: int


class _Envelope(msgspec.Struct):
    data: list[Any]
    meta: _Meta


def _read(reply: Reply) -> Slice:
    envelope = reply.json_as(_Envelope)
    return Slice(records_of(envelope.data), reply, total=envelope.meta.total, pages=envelope.meta.total_pages)


class Listings(Platform):
    name = "listings"
    title = "Listings"
    description = "The benchmark's listings."
    live_base_url = "https://listings.example"
    cadence = "monthly"
    priority = "low"
    terms = Terms("invented", "https://listings.example/terms", agreement_needed=False)
    pace = Pace(requests_per_second=100, concurrency=8)
    datasets = (
        Dataset(
            "listings",
            "Listings.",
            Listing,
            ListingRow,
            _row,
            key=("id",),
            personal=Personal(fields=("contact.id", "contact.name", "contact.email"), subject=("contact.id",)),
            cursor="updated_at",
            bilingual=(("name_en", "name_zh"),),
        ),
    )

    def headers(self, credentials: Mapping[str, str]) -> dict[str, str]:
        return {}

    async def pages(self, extraction: Extraction) -> AsyncIterator[Page]:
        async def page(number: int) -> Slice:
            return await extraction.client.get("/listings", {"page": number, "per_page": 500}, read=_read)

        async for found in numbered(extraction, "listings", page):
            yield found
