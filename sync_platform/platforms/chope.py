"""Chope: restaurants and their reservations, in lists with cursors. We define the shapes of the partner feed.

Special: errors come inside HTTP 200, as a `code` that is not A100; a delta reports removed restaurants as `deleted`;
reservations are listed until some weeks after the meal.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from sync_platform.sources.authentication import BearerToken
from sync_platform.sources.columns import Row, column, reference, sent_as
from sync_platform.sources.declaration import Attachment, Dataset, Pace, Platform, Terms, Window
from sync_platform.sources.endpoints import CursorPaging, Endpoint, ErrorCode
from sync_platform.sources.personal_processing import BOOKED_TABLES
from sync_platform.sources.place import Place, UpdatedAt
from sync_platform.sources.response_errors import code_errors
from sync_platform.sources.rules import PARTY, WEB_ADDRESS, InOrder, OneOf, Together
from sync_platform.vault.personal_fields import Personal, PersonalKind

STATUSES = ("booked", "seated", "cancelled", "no_show")
DAYS_LISTED = 45
"""How many days after the meal a reservation is listed."""
PAGES = CursorPaging(size=100, next_cursor="result.next_cursor", total="result.total?")


class Restaurant(Row):
    """One restaurant on Chope."""

    slug: Annotated[str | None, column("Name as it stands in the restaurant's web address")] = None
    name_en: Annotated[Place.NameEn, sent_as("name")] = None
    name_zh: Place.NameZh = None
    address_en: Annotated[Place.AddressEn, sent_as("address")] = None
    district: Place.District = None
    latitude: Annotated[Place.Latitude, sent_as("lat")] = None
    longitude: Annotated[Place.Longitude, sent_as("lng")] = None
    cuisines: Place.Cuisines = []
    price_level: Annotated[Place.PriceLevel, sent_as("price_band")] = None
    phone: Place.Phone = None
    min_party_size: Annotated[
        int | None, column("Smallest party that can book", unit="guests", rules=PARTY), sent_as("min_party")
    ] = None
    max_party_size: Annotated[
        int | None, column("Largest party that can book", unit="guests", rules=PARTY), sent_as("max_party")
    ] = None
    url: Annotated[str | None, column("Booking page", rules=WEB_ADDRESS)] = None
    updated_at: UpdatedAt = None


class Reservation(Row):
    """One reservation at a restaurant, the guest's columns sealed."""

    restaurant_id: Annotated[str | None, reference("The restaurant", "chope.restaurants"), sent_as("rid")] = None
    starts_at: Annotated[datetime | None, column("When the party is expected", unit="UTC", matters=True)] = None
    party_size: Annotated[int | None, column("Size of the party", unit="guests", matters=True, rules=PARTY)] = None
    status: Annotated[
        str | None,
        column("What became of it: booked, seated, cancelled or no_show", matters=True, rules=(OneOf(STATUSES),)),
    ] = None
    forename: Annotated[str | None, column("Guest's forename", sealed=True)] = None
    surname: Annotated[str | None, column("Guest's surname", sealed=True, matters=True)] = None
    email: Annotated[str | None, column("Guest's email address", sealed=True)] = None
    mobile: Annotated[str | None, column("Guest's mobile number", sealed=True, matters=True)] = None
    special_request: Annotated[str | None, column("What the guest asked for", sealed=True)] = None
    updated_at: UpdatedAt = None


def _list(dataset: str, **params: str) -> Endpoint:
    return Endpoint(
        dataset,
        f"/v1/{dataset}",
        records="result.items",
        paging=PAGES,
        params=params,
        since="updated_since",
        error_code=ErrorCode(ok="A100", error_of=code_errors("CHOPE_API_KEY")),
    )


class Chope(Platform):
    """Restaurants and reservations in lists with cursors, both with a delta by `updated_since`."""

    name = "chope"
    title = "Chope"
    description = "Restaurants that take bookings through Chope, and the reservations made there."
    live_base_url = "https://api.chope.co"
    cadence = "monthly"
    priority = "medium"
    terms = Terms("Chope partner agreement", "https://www.chope.co/hong-kong-restaurants/terms", agreement_needed=True)
    pace = Pace(requests_per_second=5, concurrency=4)
    authentication = BearerToken()
    has_delta = True
    datasets = (
        Dataset(
            "restaurants",
            "Restaurants that take bookings through Chope.",
            Restaurant,
            key=("rid",),
            cursor="updated_at",
            deleted="deleted",
            bilingual=(("name_en", "name_zh"),),
            rules=(Together(("latitude", "longitude")), InOrder("min_party_size", "max_party_size")),
        ),
        Dataset(
            "reservations",
            "Reservations, with the guest's particulars sealed.",
            Reservation,
            key=("reservation_id",),
            personal=Personal(
                {
                    "forename": PersonalKind.name,
                    "surname": PersonalKind.name,
                    "email": PersonalKind.email,
                    "mobile": PersonalKind.phone,
                    "special_request": PersonalKind.text,
                },
                subject=("email", "mobile"),
                processing=BOOKED_TABLES,
            ),
            cursor="updated_at",
            window=Window("starts_at", DAYS_LISTED),
            attached=Attachment("reservations", {"guest": "surname"}),
        ),
    )
    endpoints = (_list("restaurants", country_code="HK"), _list("reservations"))
