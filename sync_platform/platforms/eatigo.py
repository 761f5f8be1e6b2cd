"""Eatigo: branches with off-peak discounts, in numbered pages. We define the shapes of the partner feed.

Special: the discounted slots are listed from the day of the extraction on, so earlier slots are past.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated

from sync_platform.sources.authentication import BearerToken
from sync_platform.sources.columns import Row, column, reference, sent_as
from sync_platform.sources.declaration import Attachment, Dataset, Pace, Platform, Terms, Window
from sync_platform.sources.endpoints import Day, Endpoint, NumberedPaging
from sync_platform.sources.place import Place, UpdatedAt
from sync_platform.sources.rules import COUNT, Shaped, StepsOf, Together, Within

PROMOTION_DAYS = 30
PAGES = NumberedPaging(size=100, limit="per_page", total="meta.total", pages="meta.total_pages")


class Restaurant(Row):
    """One branch on Eatigo."""

    brand_name: Annotated[str | None, column("Brand the branch belongs to")] = None
    branch_name: Annotated[str | None, column("Branch within the brand, mostly a place name")] = None
    name_en: Annotated[str | None, column("English name, as `Name @ Branch`", matters=True)] = None
    name_zh: Annotated[Place.NameZh, sent_as("name_tc")] = None
    address_en: Place.AddressEn = None
    district: Annotated[str | None, column("District as the platform names it", matters=True)] = None
    latitude: Place.Latitude = None
    longitude: Place.Longitude = None
    cuisines: Place.Cuisines = []
    rating: Place.Rating = None
    reservation_count: Annotated[int | None, column("Reservations ever made", rules=COUNT)] = None
    price_level: Place.PriceLevel = None
    phone: Place.Phone = None
    is_active: Annotated[bool | None, column("Whether the branch takes reservations", matters=True)] = None
    updated_at: UpdatedAt = None


class Promotion(Row):
    """One discounted time slot of a branch."""

    branch_id: Annotated[str, reference("The branch", "eatigo.restaurants")]
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
    terms_zh: Annotated[str | None, column("Conditions in Traditional Chinese"), sent_as("terms_tc")] = None
    updated_at: UpdatedAt = None


class Eatigo(Platform):
    """Branches and their discounted slots, in numbered pages; the branches have a delta by `updated_since`."""

    name = "eatigo"
    title = "Eatigo"
    description = "Restaurants offering off-peak discounts, and the discounted slots of the coming days."
    live_base_url = "https://api.eatigo.com"
    cadence = "monthly"
    priority = "medium"
    terms = Terms("Eatigo partner agreement", "https://eatigo.com/hk/en/terms", agreement_needed=True)
    pace = Pace(requests_per_second=5, concurrency=4)
    authentication = BearerToken()
    has_delta = True
    datasets = (
        Dataset(
            "restaurants",
            "Branches that take reservations through Eatigo.",
            Restaurant,
            key=("branch_id",),
            cursor="updated_at",
            bilingual=(("name_en", "name_zh"),),
            rules=(Together(("latitude", "longitude")),),
            listing={"status": "CASE WHEN is_active THEN 'open' END", "chain": "brand_name"},
        ),
        Dataset(
            "promotions",
            "Discounted time slots of the coming 30 days.",
            Promotion,
            key=("branch_id", "slot_date", "slot_time"),
            window=Window("slot_date"),
            attached=Attachment(
                "offers",
                {
                    "kind": "'promotion'",
                    "title_en": "terms_en",
                    "title_zh": "terms_zh",
                    "starts_at": "timezone('Asia/Hong_Kong', slot_date + slot_time::TIME)",
                    "is_available": "seats_left > 0",
                },
            ),
        ),
    )
    endpoints = (
        Endpoint(
            "restaurants",
            "/v1/branches",
            records="data",
            paging=PAGES,
            params={"region": "hong-kong"},
            since="updated_since",
        ),
        Endpoint(
            "promotions",
            "/v1/promotions",
            records="data",
            paging=PAGES,
            params={"from": Day(), "to": Day(PROMOTION_DAYS)},
        ),
    )
