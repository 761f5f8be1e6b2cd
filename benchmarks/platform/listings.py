"""The benchmark's platform: one dataset of numbered pages, with a contact whose details are sealed."""

from __future__ import annotations

from typing import Annotated

from sync_platform.sources.columns import Row, column, sent_as
from sync_platform.sources.declaration import Dataset, Pace, Platform, Terms
from sync_platform.sources.endpoints import Endpoint, NumberedPaging
from sync_platform.sources.place import Place, UpdatedAt
from sync_platform.sources.rules import COUNT
from sync_platform.vault.personal_fields import Personal


class Listing(Row):
    """One listing of the benchmark's city."""

    name_en: Place.NameEn = None
    name_zh: Place.NameZh = None
    address_en: Place.AddressEn = None
    district: Place.District = None
    latitude: Place.Latitude = None
    longitude: Place.Longitude = None
    phone: Place.Phone = None
    cuisines: Place.Cuisines = []
    rating: Place.Rating = None
    review_count: Annotated[int | None, column("Reviews", rules=COUNT)] = None
    price_level: Place.PriceLevel = None
    is_open: Annotated[bool | None, column("Whether it is open")] = None
    contact_id: Annotated[str | None, column("Contact's id", sealed=True), sent_as("contact.id")] = None
    contact_name: Annotated[str | None, column("Contact's name", sealed=True), sent_as("contact.name")] = None
    contact_email: Annotated[str | None, column("Contact's address", sealed=True), sent_as("contact.email")] = None
    description_en: Annotated[str | None, column("Description")] = None
    description_zh: Annotated[str | None, column("Description in Chinese")] = None
    updated_at: UpdatedAt = None


class Listings(Platform):
    """Listings in numbered pages."""

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
            key=("id",),
            personal=Personal(fields=("contact.id", "contact.name", "contact.email"), subject=("contact.id",)),
            cursor="updated_at",
            bilingual=(("name_en", "name_zh"),),
        ),
    )
    endpoints = (
        Endpoint(
            "listings",
            "/listings",
            records="data",
            paging=NumberedPaging(size=500, limit="per_page", total="meta.total", pages="meta.total_pages"),
        ),
    )
